// SPDX-License-Identifier: Apache-2.0
/*
 * kube_health: the connection as a whole.
 *
 * While the server cannot be reached one request at a time tries, later and later; when it answers,
 * everything goes on, spread over a moment. Then it is asked for its newest resourceVersion: one
 * that went back (its store was restored from a backup) would answer our watches with silence.
 *
 * A request for /version now and then says whether it lives at all: watches are silent by nature.
 * On HTTP/2 it travels on the watches' own connection.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/num.h"
#include "source/kube_object.h"
#include "source/kube_path.h"
#include "source/kube_source_state.h"

#define SEC ((uint64_t)NS_PER_SEC)
#define META_ONLY \
	"application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"

enum {
	PROBE_ANSWER_S = 10,
	DISCOVERY_MS = 2000,
	DISCOVERY_SELDOM_MS = 20000, /* while definitions are watched, and after a while */
	DISCOVERY_OFTEN = 100,	     /* questions, before they become seldom */
	DOWN_FIRST_MS = 200,
	DOWN_MAX_MS = 8000,
	SPREAD_MS = 100,     /* in which everything goes on after an outage */
	RENEW_BEFORE_S = 60, /* a plug-in's credential is renewed before it ends */
	RENEW_AGAIN_S = 15,  /* after a failure */
};

uint32_t kube_health_random(struct kube_source *source, uint32_t below)
{
	source->seed = source->seed ? source->seed : 1;
	source->seed ^= source->seed << 13;
	source->seed ^= source->seed >> 17;
	source->seed ^= source->seed << 5;
	return source->seed % below;
}

static uint64_t soon(struct kube_source *source, uint32_t ms)
{
	return source->now_ns +
	       (uint64_t)(ms - ms / 4 + kube_health_random(source, ms / 2 + 1)) * NS_PER_MS;
}

/* ----------------------------------------------------------------- lost and found -- */

void kube_health_lost(struct kube_source *source, const char *message)
{
	uint32_t wait_ms = DOWN_FIRST_MS;

	/* Others may have been answered after this one was sent. */
	if (source->n_down && source->now_ns < source->down_until_ns)
		return;
	for (unsigned i = 0; i < source->n_down && wait_ms < DOWN_MAX_MS; i++)
		wait_ms *= 2;
	wait_ms = wait_ms > DOWN_MAX_MS ? DOWN_MAX_MS : wait_ms;
	if (source->n_down++ == 0) {
		source->down_since_ns = source->now_ns;
		snprintf(source->down_message, sizeof(source->down_message), "%s", message);
	}
	source->down_until_ns =
		source->now_ns +
		(uint64_t)(wait_ms / 2 + kube_health_random(source, wait_ms / 2 + 1)) * NS_PER_MS;
}

void kube_health_answered(struct kube_source *source)
{
	source->answered_ns = source->now_ns;
	if (!source->n_down)
		return;
	source->n_down = 0;
	source->scout = NULL;
	source->n_reconnects++;
	source->revision.due_ns = source->now_ns;
	for (struct kube_slot *slot = source->slots; slot; slot = slot->next)
		if (!slot->watch->request && slot->watch->state == KUBE_WAITING)
			kube_watch_kick(slot->watch, false,
					source->now_ns +
						kube_health_random(source, SPREAD_MS) * NS_PER_MS);
}

bool kube_health_may_ask(const struct kube_source *source)
{
	if (!source->has_identity)
		return false;
	return !source->n_down || (source->now_ns >= source->down_until_ns && !source->scout);
}

/* Everything begins anew on a new connection. */
static void start_over(struct kube_source *source, const char *why)
{
	struct rest_result result = {.message = why, .is_network = true};

	kube_health_lost(source, why);
	source->scout = NULL;
	rest_client_reconnect(source->client);
	for (struct kube_slot *slot = source->slots; slot; slot = slot->next) {
		if (!slot->watch->request)
			continue;
		rest_client_cancel(source->client, slot->watch->request);
		kube_watch_done(slot->watch, &result, source->now_ns);
	}
}

/* ------------------------------------------------------------------------ questions -- */

static uint32_t probe_ms(const struct kube_source *source)
{
	return (uint32_t)(source->config->kubernetes.probe_interval.ns / NS_PER_MS);
}

static void ask(struct kube_question *question, const char *path, const char *accept,
		void (*on_done)(void *, const struct rest_result *))
{
	struct kube_source *source = question->source;
	uint32_t head_s = probe_ms(source) / 1000 + 1;
	const char *message;

	head_s = head_s > PROBE_ANSWER_S ? PROBE_ANSWER_S : head_s;
	question->asked_ns = source->now_ns;
	struct rest_conf conf = {
		.path = path,
		.accept = accept,
		.head_s = head_s,
		.whole_s = PROBE_ANSWER_S * 2,
		.on_done = on_done,
		.context = question,
	};

	question->request = rest_client_start(source->client, &conf, &message);
}

static void on_probe(void *context, const struct rest_result *result)
{
	struct kube_question *question = context;

	question->request = NULL;
	question->due_ns = soon(question->source, probe_ms(question->source));
	if (result->status) {
		kube_health_answered(question->source);
	} else if (question->source->answered_ns < question->asked_ns) {
		start_over(question->source, "the API server does not answer");
	} else {
		question->due_ns = soon(question->source, 1000);
	}
}

/* Resource versions grow; a server whose newest is older than ours was put back. */
static void on_revision(void *context, const struct rest_result *result)
{
	struct kube_question *question = context;
	struct kube_source *source = question->source;
	uint64_t newest = 0, ours;
	json_t *list;

	question->request = NULL;
	question->due_ns = UINT64_MAX;
	if (result->status == 0 || result->status == 429 || result->status >= 500)
		question->due_ns = soon(source, 5000);
	if (result->status != 200)
		return;
	list = json_loadb(result->body.at, result->body.len, 0, NULL);
	if (num_uint64(kube_object_meta(list, "resourceVersion"), &newest))
		newest = UINT64_MAX;
	json_decref(list);
	for (struct kube_slot *slot = source->slots; slot; slot = slot->next) {
		struct kube_watch *watch = slot->watch;

		if (watch->wants_list || num_uint64(str_of(watch->rv), &ours) || ours <= newest)
			continue;
		source->n_backwards++;
		rest_client_cancel(source->client, watch->request);
		watch->request = NULL;
		kube_watch_kick(watch, true, source->now_ns);
	}
}

static void ask_revision(struct kube_source *source)
{
	for (struct kube_slot *slot = source->slots; slot; slot = slot->next) {
		struct buf path;
		bool is_first = true;

		if (slot->watch->wants_list || slot->is_named)
			continue;
		buf_init(&path, KUBE_PATH_MAX_BYTES);
		kube_path_of(&path, slot->watch->kind, str_of(slot->watch->namespace_));
		kube_path_query(&path, "limit", STR("1"), &is_first);
		ask(&source->revision, path.at, META_ONLY, on_revision);
		buf_done(&path);
		return;
	}
	source->revision.due_ns = UINT64_MAX;
}

/* ------------------------------------------------------------- kinds that are not there -- */

static bool lists(const json_t *group, const char *plural)
{
	const json_t *resources = json_object_get(group, "resources"), *resource;
	size_t i;

	json_array_foreach(resources, i, resource)
	{
		const char *name = json_string_value(json_object_get(resource, "name"));

		if (name && strcmp(name, plural) == 0)
			return true;
	}
	return false;
}

static void on_group(void *context, const struct rest_result *result)
{
	struct kube_question *question = context;
	struct kube_source *source = question->source;
	json_t *group;

	question->request = NULL;
	question->n_asked++;
	question->due_ns = soon(source, source->crd.is_live || question->n_asked > DISCOVERY_OFTEN
						? DISCOVERY_SELDOM_MS
						: DISCOVERY_MS);
	if (result->status != 200)
		return;
	group = json_loadb(result->body.at, result->body.len, 0, NULL);
	for (struct kube_slot *slot = source->slots; slot; slot = slot->next) {
		struct kube_watch *watch = slot->watch;

		if (watch->state == KUBE_ABSENT && !watch->request &&
		    strcmp(kind_infos[watch->kind].api_version, question->api_version) == 0 &&
		    lists(group, kind_infos[watch->kind].plural))
			kube_watch_expect(watch, source->now_ns);
	}
	json_decref(group);
}

static struct kube_question *group_of(struct kube_source *source, const char *api_version)
{
	for (size_t i = 0; i < source->n_groups; i++)
		if (strcmp(source->groups[i].api_version, api_version) == 0)
			return &source->groups[i];
	if (source->n_groups == KUBE_GROUPS_MAX)
		return NULL;
	source->groups[source->n_groups] = (struct kube_question){
		.source = source,
		.api_version = api_version,
		.due_ns = soon(source, DISCOVERY_MS),
	};
	return &source->groups[source->n_groups++];
}

/* One question for a group, however many of its kinds are missing. */
static void look_for_absent(struct kube_source *source)
{
	for (struct kube_slot *slot = source->slots; slot; slot = slot->next) {
		const char *version = kind_infos[slot->watch->kind].api_version;
		struct kube_question *question;
		struct buf path;

		if (slot->watch->state != KUBE_ABSENT)
			continue;
		question = group_of(source, version);
		if (!question || question->request || question->due_ns > source->now_ns)
			continue;
		buf_init(&path, KUBE_PATH_MAX_BYTES);
		kube_path_group(&path, version);
		ask(question, path.at, NULL, on_group);
		buf_done(&path);
	}
}

/* ------------------------------------------------------------------- who we are -- */

static void take_identity(struct kube_source *source)
{
	struct kube_credential credential;
	char fault[KUBE_CONFIG_FAULT_BYTES];
	struct arena arena;

	arena_init(&arena, KUBE_EXEC_ANSWER_MAX_BYTES * 2, 0);
	int rc = kube_exec_take(source->exec, &arena, &credential, fault);

	if (rc > 0) {
		int64_t left = credential.expires_ns - (int64_t)clock_wall_ns();

		rest_client_set_token(source->client, credential.token);
		rest_client_set_certificate(source->client, credential.cert_pem,
					    credential.key_pem);
		if (credential.cert_pem.len)
			rest_client_reconnect(source->client);
		source->has_identity = true;
		source->identity_due_ns =
			!credential.expires_ns ? UINT64_MAX
			: left > (int64_t)(RENEW_BEFORE_S * SEC)
				? source->now_ns + (uint64_t)left - RENEW_BEFORE_S * SEC
				: source->now_ns + RENEW_AGAIN_S * SEC;
	} else if (rc < 0) {
		snprintf(source->down_message, sizeof(source->down_message), "%.300s", fault);
		source->identity_due_ns = source->now_ns + RENEW_AGAIN_S * SEC;
	}
	arena_done(&arena);
}

void kube_health_tick(struct kube_source *source)
{
	source->probe.source = source->revision.source = source;
	if (source->exec) {
		take_identity(source);
		if (source->identity_due_ns <= source->now_ns) {
			kube_exec_ask(source->exec);
			source->identity_due_ns = source->now_ns + RENEW_AGAIN_S * SEC;
		}
	}
	if (!source->has_identity || source->n_down || !source->answered_ns)
		return;
	if (!source->probe.due_ns)
		source->probe.due_ns = soon(source, probe_ms(source));
	if (!source->probe.request && source->probe.due_ns <= source->now_ns)
		ask(&source->probe, "/version", NULL, on_probe);
	if (!source->revision.request && source->revision.due_ns &&
	    source->revision.due_ns <= source->now_ns)
		ask_revision(source);
	look_for_absent(source);
	kube_crd_tick(source);
}

void kube_health_free(struct kube_source *source)
{
	if (!source->client)
		return;
	kube_crd_end(source);
	kube_lines_done(&source->crd.lines);
	rest_client_cancel(source->client, source->probe.request);
	rest_client_cancel(source->client, source->revision.request);
	for (size_t i = 0; i < source->n_groups; i++)
		rest_client_cancel(source->client, source->groups[i].request);
}
