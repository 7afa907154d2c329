// SPDX-License-Identifier: Apache-2.0
/*
 * kube_duty: a pass over what there is compares what should be written with what was seen, and
 * begins as many writes as the budget allows; the rest waits for the next pass.
 */
#include "source/kube_duty.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "source/kube_condition.h"
#include "source/kube_event.h"
#include "source/kube_path.h"
#include "source/kube_source_state.h"

#define SEC	    ((uint64_t)NS_PER_SEC)
#define MERGE_PATCH "application/merge-patch+json"

enum {
	RUNNING_MAX = 8,
	WRITES_PER_S = 20,
	BURST = 40,
	PASS_MS = 200,
	REFUSED_S = 300,
	RELEASE_MS = 500,
	WRITE_HEAD_S = 30,
};

/* What is known of one object. */
struct row {
	struct str id;
	json_t *status;	       /* as the server has it; NULL: nothing */
	char *fault;	       /* NULL: none */
	bool is_conflict;      /* the fault: another object has what this one asks for */
	uint64_t said_hash;    /* of the fault that was made an Event */
	uint64_t written_hash; /* of the status that was written and not seen yet */
	unsigned n_writes;     /* that run: they need it */
	bool is_gone;	       /* the object */
};

struct kube_write {
	struct kube_source *source;
	struct kube_write *next, **at;
	struct rest_request *request;
	enum kube_write_kind kind;
	struct row *row;
	char again_path[KUBE_PATH_MAX_BYTES];
};

void kube_duty_init(struct kube_duty *duty)
{
	*duty = (struct kube_duty){0};
	table_init(&duty->rows, NULL);
}

static struct row *row_of(struct kube_duty *duty, struct str id, bool make)
{
	struct row *row = table_find(&duty->rows, id);

	if (row)
		row->is_gone = row->is_gone && !make;
	if (row || !make)
		return row;
	row = calloc(1, sizeof(*row) + id.len);
	if (!row)
		return NULL;
	memcpy(row + 1, id.at, id.len);
	row->id = str_n((char *)(row + 1), id.len);
	if (table_put(&duty->rows, row->id, row, NULL) == 0)
		return row;
	free(row);
	return NULL;
}

static void row_free(struct row *row)
{
	json_decref(row->status);
	free(row->fault);
	free(row);
}

/* What is not there needs no row, unless a write for it still runs. */
static void forget(struct kube_duty *duty, struct str id)
{
	struct row *row = table_find(&duty->rows, id);

	if (!row)
		return;
	row->is_gone = true;
	if (row->n_writes)
		return;
	table_del(&duty->rows, id);
	row_free(row);
}

void kube_duty_seen(struct kube_source *source, const struct object *object, const json_t *document)
{
	struct kube_duty *duty = &source->duty;
	struct str published =
		source->config->providers.kubernetes_ingress.ingress_endpoint.published_service;

	if (object->kind == KIND_SERVICE && published.len &&
	    str_eq(str_from(object->id, strlen("Service/")), published)) {
		json_decref(duty->published);
		duty->published = json_incref((json_t *)(uintptr_t)document);
		duty->is_dirty = true;
	}
	if (!document)
		forget(duty, object->id);
	if (!document || (object->kind != KIND_INGRESS && object->kind != KIND_VIRTUAL_ADDRESS))
		return;
	struct row *row = row_of(duty, object->id, true);

	if (!row)
		return;
	json_decref(row->status);
	row->status = json_incref(json_object_get(document, "status"));
	row->written_hash = 0;
	duty->is_dirty = true;
}

/* ------------------------------------------------------------------------- writing -- */

static bool take_token(struct kube_duty *duty, uint64_t now_ns)
{
	uint64_t cost = SEC / WRITES_PER_S, full = now_ns - BURST * cost;

	if (duty->tokens_ns < full)
		duty->tokens_ns = full;
	if (duty->n_running >= RUNNING_MAX || duty->tokens_ns + cost > now_ns)
		return false;
	duty->tokens_ns += cost;
	return true;
}

static void write_free(struct kube_write *write)
{
	*write->at = write->next;
	if (write->next)
		write->next->at = write->at;
	write->source->duty.n_running--;
	if (!--write->row->n_writes && write->row->is_gone)
		forget(&write->source->duty, write->row->id);
	free(write);
}

static void on_written(void *context, const struct rest_result *result);

static bool start_request(struct kube_write *write, const char *method, const char *path,
			  const char *content_type, json_t *body)
{
	char *text = json_dumps(body, JSON_COMPACT);
	const char *message;
	struct rest_conf conf = {
		.method = method,
		.path = path,
		.content_type = content_type,
		.body = str_of(text),
		.head_s = WRITE_HEAD_S,
		.whole_s = WRITE_HEAD_S * 2,
		.on_done = on_written,
		.context = write,
	};

	write->request = text ? rest_client_start(write->source->client, &conf, &message) : NULL;
	free(text);
	return write->request != NULL;
}

static void undo(struct kube_write *write)
{
	if (write->kind == KUBE_WRITE_EVENT)
		write->row->said_hash = 0;
	else
		write->row->written_hash = 0;
}

static void on_written(void *context, const struct rest_result *result)
{
	struct kube_write *write = context;
	struct kube_source *source = write->source;
	struct kube_duty *duty = &source->duty;

	write->request = NULL;
	duty->is_dirty = true;
	if (result->status / 100 == 2) {
		duty->n_written[write->kind]++;
	} else if (result->status == 409 && write->again_path[0]) {
		/* Another replica, or an earlier life, said so: it is so still. */
		json_t *again = kube_event_again(clock_wall_ns());
		char path[sizeof(write->again_path)];

		memcpy(path, write->again_path, sizeof(path));
		write->again_path[0] = '\0';
		bool started = start_request(write, "PATCH", path, MERGE_PATCH, again);

		json_decref(again);
		if (started)
			return;
	} else if (result->status == 403) {
		duty->refused_until_ns[write->kind] = source->now_ns + REFUSED_S * SEC;
		undo(write);
	} else if (result->status == 0 || result->status == 429 || result->status >= 500) {
		/* A write that was answered 504 may have been done: doing it again harms nothing.
		 */
		duty->n_failed++;
		duty->pass_due_ns = source->now_ns + 5 * SEC;
		undo(write);
	} else {
		duty->n_failed++; /* it would be refused again */
	}
	write_free(write);
}

static struct kube_write *write_new(struct kube_source *source, enum kube_write_kind kind,
				    struct row *row)
{
	struct kube_duty *duty = &source->duty;
	struct kube_write *write = calloc(1, sizeof(*write));

	if (!write)
		return NULL;
	*write = (struct kube_write){
		.source = source, .kind = kind, .row = row, .next = duty->running};
	write->at = &duty->running;
	if (write->next)
		write->next->at = &write->next;
	duty->running = write;
	duty->n_running++;
	row->n_writes++;
	return write;
}

static bool begin(struct kube_source *source, enum kube_write_kind kind, struct row *row,
		  const char *method, const char *path, json_t *body, const char *again_path)
{
	struct kube_write *write = write_new(source, kind, row);
	bool is_patch = strcmp(method, "PATCH") == 0;

	if (!write)
		return false;
	if (again_path)
		snprintf(write->again_path, sizeof(write->again_path), "%s", again_path);
	if (start_request(write, method, path, is_patch ? MERGE_PATCH : "application/json", body))
		return true;
	write_free(write);
	return false;
}

/* --------------------------------------------------------------------------- passes -- */

static void object_path(struct buf *path, const struct object *object, const char *tail)
{
	buf_init(path, KUBE_PATH_MAX_BYTES);
	kube_path_of(path, object->kind, object->meta.namespace_);
	buf_add_char(path, '/');
	kube_path_escape(path, object->meta.name);
	buf_add(path, str_of(tail));
}

static uint64_t hash_json(const json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	uint64_t hash = text ? hash_keyed(str_of(text)) | 1 : 0;

	free(text);
	return hash;
}

static bool may_write(const struct kube_source *source, enum kube_write_kind kind)
{
	return source->now_ns >= source->duty.refused_until_ns[kind];
}

/* What the patch says, where it differs from what is there; takes over the patch. False: the budget
 * is used up. */
static bool patch_status(struct kube_source *source, enum kube_write_kind kind, struct row *row,
			 const struct object *object, json_t *patch, bool is_same)
{
	uint64_t hash = hash_json(patch);
	bool go_on = true;
	struct buf path;

	if (!is_same && row && row->written_hash != hash && may_write(source, kind)) {
		go_on = take_token(&source->duty, source->now_ns);
		object_path(&path, object, "/status");
		if (go_on && begin(source, kind, row, "PATCH", path.at, patch, NULL))
			row->written_hash = hash;
		buf_done(&path);
	}
	json_decref(patch);
	return go_on;
}

static bool pass_ingresses(struct kube_source *source)
{
	const struct kubernetes_ingress_provider *provider =
		&source->config->providers.kubernetes_ingress;
	json_t *addresses =
		kube_condition_addresses(provider, source->duty.published, source->store);
	bool go_on = true;

	TABLE_EACH (&source->store->objects[KIND_INGRESS], slot) {
		const struct object *object = slot->value;
		struct row *row = row_of(&source->duty, object->id, true);
		const json_t *known = json_object_get(
			json_object_get(row ? row->status : NULL, "loadBalancer"), "ingress");

		if (!addresses || !go_on ||
		    !kube_condition_is_ours(provider, object, source->store))
			continue;
		go_on = patch_status(source, KUBE_WRITE_INGRESS, row, object,
				     kube_condition_of_ingress(addresses),
				     known && json_equal(known, addresses));
	}
	json_decref(addresses);
	return go_on;
}

static const char *reason_of(const struct row *row)
{
	return row->is_conflict ? "Conflict" : "Invalid";
}

static bool pass_addresses(struct kube_source *source)
{
	bool go_on = true;

	TABLE_EACH (&source->store->objects[KIND_VIRTUAL_ADDRESS], slot) {
		const struct object *object = slot->value;
		struct row *row = row_of(&source->duty, object->id, true);
		const char *fault = row && row->fault ? row->fault : "";
		json_t *patch;

		if (!go_on || !row)
			continue;
		patch = kube_condition_of_address(object, fault, reason_of(row), row->status,
						  clock_wall_ns());
		go_on = patch_status(
			source, KUBE_WRITE_ADDRESS, row, object, patch,
			row->status && json_equal(row->status, json_object_get(patch, "status")));
	}
	return go_on;
}

/* The pod, or the machine. */
static void instance(char *ret_name, size_t size)
{
	const char *pod = getenv("POD_NAME");

	if (pod && *pod)
		snprintf(ret_name, size, "%s", pod);
	else if (gethostname(ret_name, size) < 0)
		snprintf(ret_name, size, "tidegate");
	ret_name[size - 1] = '\0';
}

static bool say(struct kube_source *source, struct row *row, const struct object *object)
{
	const struct kube_event event = {
		.kind = object->kind,
		.namespace_ = object->meta.namespace_,
		.name = object->meta.name,
		.uid = object->meta.uid,
		.version = object->meta.resource_version,
		.message = str_of(row->fault),
		.reason = reason_of(row),
	};
	char path[512], again[1024], name[KUBE_EVENT_NAME_BYTES], who[128];
	bool go_on = take_token(&source->duty, source->now_ns);
	json_t *body;

	if (!go_on)
		return false;
	kube_event_name(&event, name);
	snprintf(path, sizeof(path), "/api/v1/namespaces/" STR_FMT "/events",
		 STR_ARG(event.namespace_));
	snprintf(again, sizeof(again), "%s/%s", path, name);
	instance(who, sizeof(who));
	body = kube_event_make(&event, who, clock_wall_ns());
	if (begin(source, KUBE_WRITE_EVENT, row, "POST", path, body, again))
		row->said_hash = hash_keyed(str_of(row->fault)) | 1;
	json_decref(body);
	return true;
}

static bool pass_events(struct kube_source *source)
{
	TABLE_EACH (&source->duty.rows, slot) {
		struct row *row = slot->value;
		struct str id = row->id, kind_name;
		struct object *object;
		enum kind kind;

		if (!row->fault || row->said_hash == (hash_keyed(str_of(row->fault)) | 1) ||
		    !may_write(source, KUBE_WRITE_EVENT))
			continue;
		str_next(&id, '/', &kind_name);
		kind = kind_find(kind_name);
		object = kind == KIND__COUNT ? NULL
					     : table_find(&source->store->objects[kind], row->id);
		/* Only what the server has can be written about. */
		if (object && object->meta.uid.len && !say(source, row, object))
			return false;
	}
	return true;
}

/* ---------------------------------------------------------------------------- lease -- */

static void on_lease(void *context, const struct rest_result *result)
{
	struct kube_source *source = context;

	source->duty.lease_request = NULL;
	kube_lease_done(&source->duty.lease, result->status, result->body, source->now_ns);
}

/* The body of a 2xx answer counts as the body, because there is no on_data. */
static struct rest_request *ask_lease(struct kube_source *source, struct kube_lease_ask *ask,
				      void (*on_done)(void *, const struct rest_result *))
{
	const char *message;
	struct rest_conf conf = {
		.method = ask->method,
		.path = ask->path.at,
		.content_type = ask->body.len ? "application/json" : NULL,
		.body = buf_str(&ask->body),
		.head_s = KUBE_LEASE_RENEW_S,
		.whole_s = KUBE_LEASE_RENEW_S,
		.on_done = on_done,
		.context = source,
	};
	struct rest_request *request = rest_client_start(source->client, &conf, &message);

	kube_lease_ask_done(ask);
	return request;
}

static void follow_lease(struct kube_source *source)
{
	struct kube_duty *duty = &source->duty;
	struct kube_lease_ask ask;

	if (!kube_lease_next(&duty->lease, source->now_ns, clock_wall_ns(), &ask))
		return;
	duty->lease_request = ask_lease(source, &ask, on_lease);
	if (!duty->lease_request)
		kube_lease_done(&duty->lease, 0, (struct str){0}, source->now_ns);
}

/* What was refused is tried again after a while. */
static void forgive(struct kube_source *source)
{
	struct kube_duty *duty = &source->duty;

	for (size_t i = 0; i < KUBE_WRITE__COUNT; i++) {
		if (!duty->refused_until_ns[i] || source->now_ns < duty->refused_until_ns[i])
			continue;
		duty->refused_until_ns[i] = 0;
		duty->is_dirty = true;
	}
}

void kube_duty_tick(struct kube_source *source)
{
	struct kube_duty *duty = &source->duty;
	bool is_ours;

	if (!duty->is_on || !source->is_committed || source->n_down || !source->has_identity)
		return;
	follow_lease(source);
	forgive(source);
	is_ours = kube_lease_is_ours(&duty->lease, source->now_ns);
	duty->is_dirty |= is_ours != duty->was_ours || duty->revision != source->store->revision;
	duty->was_ours = is_ours;
	if (!is_ours || !duty->is_dirty || source->now_ns < duty->pass_due_ns)
		return;
	duty->pass_due_ns = source->now_ns + PASS_MS * (uint64_t)NS_PER_MS;
	duty->revision = source->store->revision;
	duty->is_dirty = !(pass_ingresses(source) && pass_addresses(source) && pass_events(source));
}

static void nothing(void *context, const struct rest_result *result)
{
	(void)result;
	((struct kube_source *)context)->duty.lease_request = NULL;
}

/* The next replica need not wait until the Lease expires. */
static void release(struct kube_source *source)
{
	struct kube_duty *duty = &source->duty;
	uint64_t now = clock_mono_ns(), end = now + RELEASE_MS * (uint64_t)NS_PER_MS;
	struct kube_lease_ask ask;

	if (duty->lease_request || source->n_down ||
	    !kube_lease_release(&duty->lease, now, clock_wall_ns(), &ask))
		return;
	duty->lease_request = ask_lease(source, &ask, nothing);
	while (duty->lease_request && clock_mono_ns() < end) {
		struct pollfd wait = {.fd = rest_client_fd(source->client), .events = POLLIN};

		poll(&wait, 1, 20);
		rest_client_run(source->client);
	}
}

void kube_duty_end(struct kube_source *source)
{
	struct kube_duty *duty = &source->duty;

	if (source->client && duty->is_on)
		release(source);
	while (duty->running) {
		rest_client_cancel(source->client, duty->running->request);
		write_free(duty->running);
	}
	if (source->client)
		rest_client_cancel(source->client, duty->lease_request);
	duty->lease_request = NULL;
	TABLE_EACH (&duty->rows, slot)
		row_free(slot->value);
	table_done(&duty->rows);
	table_init(&duty->rows, NULL);
	json_decref(duty->published);
	duty->published = NULL;
}

/* -------------------------------------------------------------------------- telling -- */

static void take_fault(struct kube_duty *duty, const struct diag *diag)
{
	bool counts = diag->level == DIAG_ERROR || diag->is_conflict;
	struct row *row = counts ? row_of(duty, diag->object, true) : NULL;
	char *text = NULL;

	/* The first fault of an object stands for all. */
	if (!row || row->fault)
		return;
	if (asprintf(&text, STR_FMT "%s" STR_FMT, STR_ARG(diag->field), diag->field.len ? ": " : "",
		     STR_ARG(diag->message)) < 0)
		return;
	row->fault = text;
	row->is_conflict = diag->is_conflict;
}

static void take_broken(struct kube_duty *duty, const struct object *object)
{
	for (size_t i = 0; i < object->diags.n; i++)
		take_fault(duty, &object->diags.at[i]);
}

void kube_source_tell(struct kube_source *source, const struct store *store,
		      const struct diag_sink *diags)
{
	struct kube_duty *duty = &source->duty;

	pthread_mutex_lock(&source->lock);
	if (!duty->is_on) {
		const char *namespace_ = getenv("POD_NAMESPACE");
		struct str in = namespace_ ? str_of(namespace_) : source->kube.namespace_;
		char host[96], who[128];

		instance(host, sizeof(host));
		snprintf(who, sizeof(who), "%s_%08x", host, source->seed);
		kube_lease_init(&duty->lease, in.len ? in : STR("default"), STR(LEASE_NAME),
				str_of(who));
		duty->is_on = true;
	}
	TABLE_EACH (&duty->rows, slot) {
		struct row *row = slot->value;

		free(row->fault);
		row->fault = NULL;
	}
	for (int kind = 0; kind < KIND__COUNT; kind++)
		TABLE_EACH (&store->objects[kind], slot)
			take_broken(duty, slot->value);
	for (size_t i = 0; i < diags->n; i++)
		take_fault(duty, &diags->at[i]);
	duty->is_dirty = true;
	pthread_mutex_unlock(&source->lock);
}
