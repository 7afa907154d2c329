// SPDX-License-Identifier: Apache-2.0
/* kube_write: see the header. */
#include "source/kube_write.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "source/kube_event.h"
#include "source/kube_source_state.h"
#include "source/kube_status_text.h"

#define SEC ((uint64_t)NS_PER_SEC)

enum {
	RUNNING_MAX = 8,
	WRITES_PER_S = 20,
	BURST = 40,
	REFUSED_S = 300,
	/* A server that starts refuses everything until it has read RBAC's objects. */
	REFUSED_SOON_S = 3,
	REFUSED_DOUBT_S = 15,
	REFUSED_MAX = 1024, /* namespaces; beyond, a kind is refused everywhere */
	PAUSE_FIRST_S = 2,
	PAUSE_MAX_S = 300,
	WRITE_HEAD_S = 30,
	KEY_BYTES = 300,
};

struct kube_write {
	struct kube_source *source;
	struct kube_write *next, **at;
	struct rest_request *request;
	enum kube_write_kind kind;
	struct kube_row *row;
	char *namespace_;
	char again_path[KUBE_PATH_MAX_BYTES];
};

struct refusal {
	uint64_t until_ns;
	char key[];
};

void kube_write_init(struct kube_writes *writes)
{
	*writes = (struct kube_writes){0};
	table_init(&writes->refused, NULL);
}

/* -------------------------------------------------------------------------- budget -- */

static struct str key_of(enum kube_write_kind kind, struct str namespace_, char *text)
{
	int n = snprintf(text, KEY_BYTES, "%d/" STR_FMT, kind, STR_ARG(namespace_));

	return str_n(text, n < KEY_BYTES ? (size_t)n : KEY_BYTES - 1);
}

static bool is_refused(const struct kube_source *source, enum kube_write_kind kind,
		       struct str namespace_)
{
	char text[KEY_BYTES];
	const struct refusal *refusal =
		table_find(&source->duty.writes.refused, key_of(kind, namespace_, text));

	return refusal && source->now_ns < refusal->until_ns;
}

bool kube_write_may(const struct kube_source *source, enum kube_write_kind kind,
		    struct str namespace_)
{
	return source->now_ns >= source->duty.writes.of[kind].pause_until_ns &&
	       !is_refused(source, kind, namespace_) && !is_refused(source, kind, (struct str){0});
}

static uint64_t refused_until(struct kube_source *source, enum kube_write_kind kind)
{
	uint64_t *since_ns = &source->duty.writes.of[kind].refused_since_ns;

	if (!*since_ns)
		*since_ns = source->now_ns;
	return source->now_ns +
	       (source->now_ns < *since_ns + REFUSED_DOUBT_S * SEC ? REFUSED_SOON_S : REFUSED_S) *
		       SEC;
}

static void refuse(struct kube_source *source, enum kube_write_kind kind, struct str namespace_)
{
	struct kube_writes *writes = &source->duty.writes;
	uint64_t until_ns = refused_until(source, kind);
	bool is_full = writes->refused.n >= REFUSED_MAX;
	char text[KEY_BYTES];
	struct str key = key_of(kind, is_full ? (struct str){0} : namespace_, text);
	struct refusal *refusal = table_find(&writes->refused, key);

	writes->of[kind].refused_until_ns = until_ns;
	if (refusal) {
		refusal->until_ns = until_ns;
		return;
	}
	refusal = calloc(1, sizeof(*refusal) + key.len + 1);
	if (!refusal)
		return;
	refusal->until_ns = until_ns;
	memcpy(refusal->key, key.at, key.len);
	if (table_put(&writes->refused, str_n(refusal->key, key.len), refusal, NULL) < 0)
		free(refusal);
}

bool kube_write_take(struct kube_source *source)
{
	struct kube_writes *writes = &source->duty.writes;
	uint64_t cost = SEC / WRITES_PER_S, full = source->now_ns - BURST * cost;

	if (writes->tokens_ns < full)
		writes->tokens_ns = full;
	if (writes->n_running >= RUNNING_MAX || writes->tokens_ns + cost > source->now_ns)
		return false;
	writes->tokens_ns += cost;
	return true;
}

bool kube_write_forgive(struct kube_source *source)
{
	struct kube_writes *writes = &source->duty.writes;
	bool is_any = false;

	for (size_t i = 0; i < KUBE_WRITE__COUNT; i++) {
		uint64_t *until_ns = &writes->of[i].pause_until_ns;

		is_any |= *until_ns && source->now_ns >= *until_ns;
		if (source->now_ns >= *until_ns)
			*until_ns = 0;
		until_ns = &writes->of[i].refused_until_ns;
		if (!*until_ns || source->now_ns < *until_ns)
			continue;
		*until_ns = 0;
		is_any = true;
	}
	return is_any;
}

/* -------------------------------------------------------------------------- answers -- */

enum kube_write_fate kube_write_fate_of(const struct rest_result *result)
{
	struct kube_status status;

	switch (result->status) {
	case 409:
		return KUBE_WRITE_THERE;
	case 401: /* a token that was rotated */
	case 408:
	case 429:
		return KUBE_WRITE_LATER;
	case 403:
		/* The namespace is being deleted: its objects go with it, RBAC is not to blame. */
		kube_status_text_parse(result->body, &status);
		return status.is_namespace_ending ? KUBE_WRITE_NEVER : KUBE_WRITE_REFUSED;
	default:
		/* A write that was answered 504 may have been done: again harms nothing. */
		return result->status / 100 == 2		      ? KUBE_WRITE_DONE
		       : result->status == 0 || result->status >= 500 ? KUBE_WRITE_LATER
								      : KUBE_WRITE_NEVER;
	}
}

static void write_free(struct kube_write *write)
{
	struct kube_duty *duty = &write->source->duty;

	*write->at = write->next;
	if (write->next)
		write->next->at = write->at;
	duty->writes.n_running--;
	if (!--write->row->n_writes && write->row->is_gone)
		kube_duty_forget(duty, write->row->id);
	free(write->namespace_);
	free(write);
}

static void undo(struct kube_write *write)
{
	struct kube_row *row = write->row;

	bool is_of_node = write->kind == KUBE_WRITE_NODE || write->kind == KUBE_WRITE_NODE_POLICY;

	*(write->kind == KUBE_WRITE_EVENT ? &row->said_hash
	  : is_of_node			  ? &row->node_hash
					  : &row->written_hash) = 0;
}

/* Not again for a while, longer each time. */
static void pause_kind(struct kube_write *write, uint32_t retry_after_s)
{
	struct kube_writes *writes = &write->source->duty.writes;
	unsigned n = writes->of[write->kind].n_pauses++;
	uint32_t wait_s = n < 8 ? PAUSE_FIRST_S << n : PAUSE_MAX_S;

	if (wait_s < retry_after_s)
		wait_s = retry_after_s;
	if (wait_s > PAUSE_MAX_S)
		wait_s = PAUSE_MAX_S;
	writes->of[write->kind].pause_until_ns = write->source->now_ns + wait_s * SEC;
}

static void note_problem(struct kube_write *write, const struct rest_result *result)
{
	struct kube_writes *writes = &write->source->duty.writes;
	struct kube_status status;

	kube_status_text_parse(result->body, &status);
	writes->n_failed++;
	snprintf(writes->problem, sizeof(writes->problem), "%.60s: %d %.230s", write->row->id.at,
		 result->status, status.message[0] ? status.message : result->message);
}

static bool start_request(struct kube_write *write, const char *method, const char *path,
			  const char *content_type, const json_t *body);

static void on_written(void *context, const struct rest_result *result)
{
	struct kube_write *write = context;
	struct kube_source *source = write->source;
	struct kube_writes *writes = &source->duty.writes;
	enum kube_write_fate fate = kube_write_fate_of(result);

	write->request = NULL;
	source->duty.is_dirty = true;
	if (fate == KUBE_WRITE_THERE && write->again_path[0]) {
		/* Another replica, or an earlier life, said so: it is so still. */
		json_t *again = kube_event_again(clock_wall_ns());
		char path[sizeof(write->again_path)];

		memcpy(path, write->again_path, sizeof(path));
		write->again_path[0] = '\0';
		bool started = start_request(write, "PATCH", path, KUBE_MERGE_PATCH, again);

		json_decref(again);
		if (started)
			return;
	}
	if (fate == KUBE_WRITE_DONE) {
		writes->of[write->kind].n_written++;
		writes->of[write->kind].n_pauses = 0;
		writes->of[write->kind].refused_since_ns = 0;
	} else {
		note_problem(write, result);
	}
	if (fate == KUBE_WRITE_REFUSED)
		refuse(source, write->kind, str_of(write->namespace_));
	if (fate == KUBE_WRITE_LATER)
		pause_kind(write, result->retry_after_s);
	if (fate == KUBE_WRITE_REFUSED || fate == KUBE_WRITE_LATER)
		undo(write);
	write_free(write);
}

/* ------------------------------------------------------------------------- questions -- */

static bool start_request(struct kube_write *write, const char *method, const char *path,
			  const char *content_type, const json_t *body)
{
	char *text = json_dumps(body, JSON_COMPACT);
	const char *message;
	struct rest_conf conf = {
		.method = method,
		.path = path,
		.content_type = content_type ? content_type : "application/json",
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

bool kube_write_begin(struct kube_source *source, const struct kube_write_ask *ask)
{
	struct kube_writes *writes = &source->duty.writes;
	struct kube_write *write = calloc(1, sizeof(*write));

	if (!write)
		return false;
	*write = (struct kube_write){
		.source = source,
		.kind = ask->kind,
		.row = ask->row,
		.namespace_ =
			strndup(ask->namespace_.len ? ask->namespace_.at : "", ask->namespace_.len),
		.next = writes->running,
	};
	write->at = &writes->running;
	if (write->next)
		write->next->at = &write->next;
	writes->running = write;
	writes->n_running++;
	ask->row->n_writes++;
	if (ask->again_path)
		snprintf(write->again_path, sizeof(write->again_path), "%s", ask->again_path);
	if (write->namespace_ &&
	    start_request(write, ask->method, ask->path, ask->content_type, ask->body))
		return true;
	write_free(write);
	return false;
}

void kube_write_end(struct kube_source *source)
{
	struct kube_writes *writes = &source->duty.writes;

	while (writes->running) {
		rest_client_cancel(source->client, writes->running->request);
		write_free(writes->running);
	}
	TABLE_EACH (&writes->refused, slot)
		free(slot->value);
	table_done(&writes->refused);
	table_init(&writes->refused, NULL);
}
