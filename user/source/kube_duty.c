// SPDX-License-Identifier: Apache-2.0
/*
 * kube_duty: what is known of objects on the server and of their faults, who we are, and the Lease.
 * What is written then is in kube_duty_pass.c.
 */
#include "source/kube_duty.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "source/kube_object.h"
#include "source/kube_source_state.h"

#define SEC ((uint64_t)NS_PER_SEC)

enum {
	PASS_MS = 200,
	RELEASE_MS = 500,
	REVIEW_S = 60, /* also without a change: Events are forgotten by the server */
};

/* --------------------------------------------------------------------------- rows -- */

void kube_duty_init(struct kube_duty *duty)
{
	*duty = (struct kube_duty){0};
	table_init(&duty->rows, NULL);
	kube_write_init(&duty->writes);
}

struct kube_row *kube_duty_row(struct kube_duty *duty, struct str id, bool make)
{
	struct kube_row *row = table_find(&duty->rows, id);

	if (row)
		row->is_gone = row->is_gone && !make;
	if (row || !make)
		return row;
	row = calloc(1, sizeof(*row) + id.len + 1);
	if (!row)
		return NULL;
	memcpy(row + 1, id.at, id.len);
	row->id = str_n((char *)(row + 1), id.len);
	if (table_put(&duty->rows, row->id, row, NULL) == 0)
		return row;
	free(row);
	return NULL;
}

static void row_free(struct kube_row *row)
{
	json_decref(row->status);
	free(row->fault);
	free(row->node_fault);
	free(row);
}

void kube_duty_forget(struct kube_duty *duty, struct str id)
{
	struct kube_row *row = table_find(&duty->rows, id);

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
	struct kube_row *row;

	if (object->kind == KIND_SERVICE && published.len &&
	    str_eq(str_from(object->id, strlen("Service/")), published)) {
		json_decref(duty->published);
		duty->published = json_incref((json_t *)(uintptr_t)document);
		duty->is_dirty = true;
	}
	if (!document)
		kube_duty_forget(duty, object->id);
	if (!document || !kube_object_has_status(object->kind))
		return;
	row = kube_duty_row(duty, object->id, true);
	if (!row)
		return;
	json_decref(row->status);
	row->status = json_incref(json_object_get(document, "status"));
	row->generation = json_integer_value(
		json_object_get(json_object_get(document, "metadata"), "generation"));
	snprintf(row->version, sizeof(row->version), STR_FMT,
		 STR_ARG(kube_object_meta(document, "resourceVersion")));
	row->written_hash = row->node_hash = 0;
	row->is_settled = row->is_node_settled = false;
	duty->is_dirty = true;
}

void kube_duty_changed(struct kube_source *source, struct str id)
{
	struct kube_row *row = kube_duty_row(&source->duty, id, false);

	if (row)
		row->changed_revision = source->store->revision;
}

static void unsettle(struct kube_duty *duty)
{
	TABLE_EACH (&duty->rows, slot) {
		struct kube_row *row = slot->value;

		row->is_settled = row->is_node_settled = false;
	}
}

/* ----------------------------------------------------------------------- who we are -- */

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

static void begin(struct kube_source *source)
{
	struct kube_duty *duty = &source->duty;
	const char *namespace_ = getenv("POD_NAMESPACE"), *node = getenv("NODE_NAME");
	struct str in = namespace_ ? str_of(namespace_) : source->kube.namespace_;
	char host[96], who[128];

	instance(host, sizeof(host));
	snprintf(who, sizeof(who), "%s_%08x", host, source->seed);
	snprintf(duty->instance, sizeof(duty->instance), "%s", host);
	kube_lease_init(&duty->lease, in.len ? in : STR("default"), STR(LEASE_NAME), str_of(who));
	if (node && *node)
		snprintf(duty->node, sizeof(duty->node), "%s", node);
	else if (gethostname(duty->node, sizeof(duty->node)) < 0)
		duty->node[0] = '\0';
	duty->node[sizeof(duty->node) - 1] = '\0';
	duty->is_on = true;
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

void kube_duty_tick(struct kube_source *source)
{
	struct kube_duty *duty = &source->duty;
	bool is_ours, is_done;

	if (!duty->is_on || !source->is_committed || source->n_down || !source->has_identity)
		return;
	kube_lease_expect(&duty->lease, source->store->objects[KIND_NODE].n);
	follow_lease(source);
	duty->is_dirty |= kube_write_forgive(source);
	is_ours = kube_lease_is_ours(&duty->lease, source->now_ns);
	duty->is_dirty |= is_ours != duty->was_ours || duty->revision != source->store->revision ||
			  source->now_ns >= duty->review_ns;
	duty->was_ours = is_ours;
	if (!duty->is_dirty || source->now_ns < duty->pass_due_ns)
		return;
	duty->pass_due_ns = source->now_ns + PASS_MS * (uint64_t)NS_PER_MS;
	if (source->now_ns >= duty->review_ns) {
		duty->review_ns = source->now_ns + REVIEW_S * SEC;
		unsettle(duty);
	}
	duty->revision = source->store->revision;
	is_done = kube_duty_pass_node(source);
	if (is_ours)
		is_done = kube_duty_pass(source) && is_done;
	duty->is_dirty = !is_done;
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
	kube_write_end(source);
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
	bool counts = diag->level == DIAG_ERROR || diag->is_conflict || diag->node_reason;
	struct kube_row *row = counts ? kube_duty_row(duty, diag->object, true) : NULL;
	char **fault = !row ? NULL : diag->node_reason ? &row->node_fault : &row->fault;
	char *text = NULL;

	/* The first fault of an object stands for all. */
	if (!row || *fault)
		return;
	if (asprintf(&text, STR_FMT "%s" STR_FMT, STR_ARG(diag->field), diag->field.len ? ": " : "",
		     STR_ARG(diag->message)) < 0)
		return;
	*fault = text;
	if (diag->node_reason)
		row->node_reason = diag->node_reason;
	row->is_conflict |= diag->is_conflict;
}

static void take_broken(struct kube_duty *duty, const struct object *object)
{
	for (size_t i = 0; i < object->diags.n; i++)
		take_fault(duty, &object->diags.at[i]);
}

/* Who has other faults than before is looked at. */
static void note_faults(struct kube_duty *duty)
{
	TABLE_EACH (&duty->rows, slot) {
		struct kube_row *row = slot->value;
		uint64_t hash = row->is_conflict;

		hash = hash_mix64(hash ^ (row->fault ? hash_keyed(str_of(row->fault)) : 1));
		hash = hash_mix64(hash ^
				  (row->node_fault ? hash_keyed(str_of(row->node_fault)) : 2));
		if (hash == row->fault_hash)
			continue;
		row->fault_hash = hash;
		row->is_settled = row->is_node_settled = false;
	}
}

void kube_source_tell(struct kube_source *source, const struct store *store,
		      const struct diag_sink *diags)
{
	struct kube_duty *duty = &source->duty;

	pthread_mutex_lock(&source->lock);
	if (!duty->is_on)
		begin(source);
	TABLE_EACH (&duty->rows, slot) {
		struct kube_row *row = slot->value;

		free(row->fault);
		free(row->node_fault);
		row->fault = row->node_fault = NULL;
		row->node_reason = NULL;
		row->is_conflict = false;
	}
	for (int kind = 0; kind < KIND__COUNT; kind++)
		TABLE_EACH (&store->objects[kind], slot)
			take_broken(duty, slot->value);
	for (size_t i = 0; i < diags->n; i++)
		take_fault(duty, &diags->at[i]);
	note_faults(duty);
	duty->is_dirty = true;
	pthread_mutex_unlock(&source->lock);
}

void kube_source_in_force(struct kube_source *source, const struct store *store,
			  const struct kube_kernel_fault *fault)
{
	struct kube_duty *duty = &source->duty;

	pthread_mutex_lock(&source->lock);
	if (fault != duty->kernel_fault) {
		unsettle(duty);
		duty->is_dirty = true;
	}
	duty->kernel_fault = fault;
	if (!fault)
		duty->kernel_revision = store->revision;
	pthread_mutex_unlock(&source->lock);
}

void kube_source_interfaces(struct kube_source *source, const char *message, bool is_lost)
{
	struct kube_duty *duty = &source->duty;

	message = message ? message : "";
	pthread_mutex_lock(&source->lock);
	if (strcmp(duty->interfaces, message) != 0 || duty->has_lost_interface != is_lost) {
		snprintf(duty->interfaces, sizeof(duty->interfaces), "%s", message);
		duty->has_lost_interface = is_lost;
		unsettle(duty);
		duty->is_dirty = true;
	}
	pthread_mutex_unlock(&source->lock);
}
