// SPDX-License-Identifier: Apache-2.0
/*
 * kube_crd: no list comes before: a watch without a resourceVersion begins with what there is. Only
 * metadata is asked for: the definitions themselves are megabytes.
 */
#include "source/kube_crd.h"

#include "base/clock.h"
#include "source/kube_json.h"
#include "source/kube_object.h"
#include "source/kube_source_state.h"

#define SEC ((uint64_t)NS_PER_SEC)
#define PATH                                                      \
	"/apis/apiextensions.k8s.io/v1/customresourcedefinitions" \
	"?watch=true&allowWatchBookmarks=true&timeoutSeconds=600"
#define META_ONLY "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"

enum {
	HEAD_S = 70,
	WHOLE_S = 630,
	AGAIN_MS = 1000,
	AGAIN_MAX_MS = 60000,
	LINE_MAX_BYTES = 4 << 20, /* one that does not know META_ONLY sends them whole */
};

static struct str group_of(enum kind kind)
{
	struct str version = str_of(kind_infos[kind].api_version), group;

	str_next(&version, '/', &group);
	return group;
}

static bool is_missing(const struct kube_source *source)
{
	for (struct kube_slot *slot = source->slots; slot; slot = slot->next)
		if (slot->watch->state == KUBE_ABSENT && kind_infos[slot->watch->kind].ours)
			return true;
	return false;
}

bool kube_crd_take(struct kube_source *source, struct str line)
{
	json_t *event = kube_json_load(line);
	const json_t *type = json_object_get(event, "type");
	struct str name = kube_object_meta(json_object_get(event, "object"), "name"), plural;
	const char *word = json_is_string(type) ? json_string_value(type) : "ERROR";
	bool is_there = strcmp(word, "ADDED") == 0 || strcmp(word, "MODIFIED") == 0;
	bool go_on = strcmp(word, "ERROR") != 0;

	/* "ingressroutes.traefik.io" */
	str_next(&name, '.', &plural);
	for (struct kube_slot *slot = source->slots; slot && is_there; slot = slot->next)
		if (str_eq(plural, str_of(kind_infos[slot->watch->kind].plural)) &&
		    str_eq(name, group_of(slot->watch->kind)))
			kube_watch_expect(slot->watch, source->now_ns);
	json_decref(event);
	return go_on;
}

static bool on_line(void *context, struct str line)
{
	return kube_crd_take(context, line);
}

static bool on_data(void *context, struct str bytes)
{
	struct kube_source *source = context;

	source->crd.n_failures = 0;
	return kube_lines_push(&source->crd.lines, bytes, on_line, source);
}

static void on_head(void *context, int status)
{
	struct kube_source *source = context;

	source->crd.is_live = status / 100 == 2;
}

static void on_done(void *context, const struct rest_result *result)
{
	struct kube_source *source = context;
	struct kube_crd *crd = &source->crd;
	uint32_t wait_ms = AGAIN_MS;

	(void)result;
	crd->request = NULL;
	crd->is_live = false;
	for (unsigned i = 0; i < crd->n_failures && wait_ms < AGAIN_MAX_MS; i++)
		wait_ms *= 2;
	crd->n_failures++;
	crd->due_ns = source->now_ns +
		      (uint64_t)(wait_ms / 2 + kube_health_random(source, wait_ms)) * NS_PER_MS;
}

static void start(struct kube_source *source)
{
	const char *message;
	struct rest_conf conf = {
		.path = PATH,
		.accept = META_ONLY,
		.head_s = HEAD_S,
		.whole_s = WHOLE_S,
		.on_head = on_head,
		.on_data = on_data,
		.on_done = on_done,
		.context = source,
	};

	kube_lines_done(&source->crd.lines);
	kube_lines_init(&source->crd.lines, LINE_MAX_BYTES);
	source->crd.due_ns = source->now_ns + SEC;
	source->crd.request = rest_client_start(source->client, &conf, &message);
}

void kube_crd_tick(struct kube_source *source)
{
	struct kube_crd *crd = &source->crd;

	/* Who may see only some namespaces need not ask. */
	if (source->config->providers.kubernetes_crd.disable_cluster_scope_resources)
		return;
	if (crd->request && !is_missing(source))
		kube_crd_end(source);
	else if (!crd->request && crd->due_ns <= source->now_ns && is_missing(source))
		start(source);
}

void kube_crd_end(struct kube_source *source)
{
	struct kube_crd *crd = &source->crd;

	if (source->client)
		rest_client_cancel(source->client, crd->request);
	crd->request = NULL;
	crd->is_live = false;
	kube_lines_done(&crd->lines);
	kube_lines_init(&crd->lines, LINE_MAX_BYTES);
}
