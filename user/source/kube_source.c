// SPDX-License-Identifier: Apache-2.0
/*
 * kube_source: which watches there are, and how what they say comes to the store. The connection as
 * a whole (lost, found, asked whether it lives) is in kube_health.c.
 */
#include "source/kube_source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "source/kube_object.h"
#include "source/kube_source_state.h"

enum { TICK_MS = 500, NAMESPACES_MAX = 2048, SILENT_AFTER_FAILURES = 5 };

/* ------------------------------------------------------------------ which watches -- */

bool kube_source_is_named(const struct static_config *config)
{
	const struct static_providers *providers = &config->providers;

	if (config->kubeconfig.len || providers->kubernetes_crd.endpoint.len ||
	    providers->kubernetes_ingress.endpoint.len)
		return true;
	/* With a folder they are the rules for what is in it. */
	return !config->manifests.len && (providers->is_crd_on || providers->is_ingress_on);
}

static bool both_or_neither(const struct static_config *config)
{
	return config->providers.is_crd_on == config->providers.is_ingress_on;
}

/* Whether objects of the kind count: with --kubeconfig alone all do. */
static bool is_kind_on(const struct static_config *config, enum kind kind)
{
	struct str version = str_of(kind_infos[kind].api_version);
	bool is_scoped = kube_object_is_cluster_scope(kind);
	const struct static_providers *providers = &config->providers;
	bool no_cluster = providers->kubernetes_crd.disable_cluster_scope_resources ||
			  providers->kubernetes_ingress.disable_cluster_scope_resources;

	if (!version.len || kind == KIND_SECRET || kind == KIND_CONFIG_MAP)
		return false;
	if (is_scoped && no_cluster)
		return false;
	if (kind == KIND_INGRESS_CLASS &&
	    providers->kubernetes_ingress.disable_ingress_class_lookup)
		return false;
	if (str_starts(version, STR("traefik.io/")))
		return providers->is_crd_on || both_or_neither(config);
	if (str_starts(version, STR("networking.k8s.io/")))
		return providers->is_ingress_on || both_or_neither(config);
	return true;
}

/* Of the two providers' lists: each kind has its provider's, what both need has all of both. */
static struct strs namespaces_of(const struct static_config *config, enum kind kind,
				 struct str *storage, size_t max)
{
	const struct strs *crd = &config->providers.kubernetes_crd.namespaces;
	const struct strs *ingress = &config->providers.kubernetes_ingress.namespaces;
	struct str version = str_of(kind_infos[kind].api_version);
	bool is_crd = config->providers.is_crd_on || both_or_neither(config);
	bool is_ingress = config->providers.is_ingress_on || both_or_neither(config);
	struct strs all = {.at = storage};

	if (kube_object_is_cluster_scope(kind))
		return (struct strs){0};
	if (str_starts(version, STR("traefik.io/")) || !is_ingress)
		return *crd;
	if (str_starts(version, STR("networking.k8s.io/")) || !is_crd)
		return *ingress;
	if (!crd->n || !ingress->n)
		return (struct strs){0};
	for (size_t i = 0; i < crd->n + ingress->n && all.n < max; i++) {
		struct str name = i < crd->n ? crd->at[i] : ingress->at[i - crd->n];
		bool known = false;

		for (size_t k = 0; k < all.n; k++)
			known |= str_eq(storage[k], name);
		if (!known)
			storage[all.n++] = name;
	}
	return all;
}

static bool is_listed_in(const struct strs *list, struct str name)
{
	for (size_t i = 0; i < list->n; i++)
		if (str_eq(list->at[i], name))
			return true;
	return list->n == 0;
}

bool kube_source_reaches(const struct kube_source *source, struct str namespace_)
{
	const struct static_providers *providers = &source->config->providers;
	bool is_both = both_or_neither(source->config);

	return ((is_both || providers->is_crd_on) &&
		is_listed_in(&providers->kubernetes_crd.namespaces, namespace_)) ||
	       ((is_both || providers->is_ingress_on) &&
		is_listed_in(&providers->kubernetes_ingress.namespaces, namespace_));
}

static struct str labels_of(const struct static_config *config, enum kind kind)
{
	struct str version = str_of(kind_infos[kind].api_version);

	if (str_starts(version, STR("traefik.io/")))
		return config->providers.kubernetes_crd.label_selector;
	return kind == KIND_INGRESS ? config->providers.kubernetes_ingress.label_selector
				    : (struct str){0};
}

struct kube_slot *kube_source_add_watch(struct kube_source *source,
					const struct kube_watch_options *options)
{
	struct kube_slot *slot = calloc(1, sizeof(*slot));

	if (!slot)
		return NULL;
	slot->watch = kube_watch_new(options, &source->hub, kube_health_random(source, UINT32_MAX));
	if (!slot->watch) {
		free(slot);
		return NULL;
	}
	slot->source = source;
	slot->is_named = options->name.len != 0;
	slot->next = source->slots;
	source->slots = slot;
	source->n_slots++;
	source->n_named += slot->is_named;
	return slot;
}

int kube_source_add_kind(struct kube_source *source, enum kind kind, struct str field_selector)
{
	struct str storage[NAMESPACES_MAX];
	struct strs namespaces = namespaces_of(source->config, kind, storage, NAMESPACES_MAX);
	struct kube_watch_options options = {
		.kind = kind,
		.label_selector = labels_of(source->config, kind),
		.field_selector = field_selector,
	};
	size_t n = namespaces.n ? namespaces.n : 1;

	/* reference a.0: what Helm keeps in Secrets is not read. */
	if (kind == KIND_SECRET && !field_selector.len)
		options.label_selector = STR("owner!=helm");
	for (size_t i = 0; i < n; i++) {
		options.namespace_ = namespaces.n ? namespaces.at[i] : (struct str){0};
		if (!kube_source_add_watch(source, &options))
			return -ENOMEM;
	}
	return 0;
}

static int add_kinds(struct kube_source *source)
{
	for (int kind = 0; kind < KIND__COUNT; kind++)
		if (is_kind_on(source->config, (enum kind)kind) &&
		    kube_source_add_kind(source, (enum kind)kind, (struct str){0}) < 0)
			return -ENOMEM;
	if (str_eq(source->config->kubernetes.secrets, STR("all")))
		return kube_source_add_kind(source, KIND_SECRET, (struct str){0});
	if (str_eq(source->config->kubernetes.secrets, STR("type")))
		return kube_source_add_kind(source, KIND_SECRET, STR("type=kubernetes.io/tls"));
	return 0;
}

/* ------------------------------------------------------------------------- requests -- */

static bool on_data(void *context, struct str bytes)
{
	struct kube_slot *slot = context;

	return kube_watch_data(slot->watch, bytes, slot->source->now_ns);
}

static void on_head(void *context, int status)
{
	struct kube_slot *slot = context;

	kube_health_answered(slot->source);
	kube_watch_answered(slot->watch, status);
}

static void on_done(void *context, const struct rest_result *result)
{
	struct kube_slot *slot = context;

	if (slot->source->scout == slot)
		slot->source->scout = NULL;
	if (result->status == 0)
		kube_health_lost(slot->source, result->message);
	/* Whoever answers next may be another one. */
	if (result->is_network)
		slot->source->revision.due_ns = slot->source->now_ns;
	if (result->status == 401 && slot->source->exec)
		slot->source->identity_due_ns = slot->source->now_ns;
	/* A certificate that has ended, or a CA that was replaced. */
	if ((result->status == 401 || result->status == 0) &&
	    kube_config_refresh(&slot->source->kube))
		rest_client_reconnect(slot->source->client);
	kube_watch_done(slot->watch, result, slot->source->now_ns);
}

static void start(struct kube_slot *slot)
{
	struct kube_source *source = slot->source;
	struct kube_ask ask;

	if (!kube_health_may_ask(source) || !kube_watch_next(slot->watch, source->now_ns, &ask))
		return;
	struct rest_conf conf = {
		.path = ask.path,
		.gzip = ask.gzip,
		.head_s = ask.head_s,
		.stall_s = ask.stall_s,
		.whole_s = ask.whole_s,
		.on_head = on_head,
		.on_data = on_data,
		.on_done = on_done,
		.context = slot,
	};
	struct rest_result failed = {.is_network = true};

	slot->watch->request = rest_client_start(source->client, &conf, &failed.message);
	if (!slot->watch->request)
		kube_watch_done(slot->watch, &failed, source->now_ns);
	else if (source->n_down)
		source->scout = slot;
}

static void end_request(struct kube_slot *slot, const char *why)
{
	struct rest_result result = {.message = why, .is_network = true};

	rest_client_cancel(slot->source->client, slot->watch->request);
	kube_watch_done(slot->watch, &result, slot->source->now_ns);
}

static void start_due(struct kube_source *source)
{
	for (struct kube_slot *slot = source->slots; slot; slot = slot->next) {
		if (kube_watch_is_stuck(slot->watch, source->now_ns))
			end_request(slot, "silent for too long");
		start(slot);
	}
}

/* ----------------------------------------------------------- from watches to the store -- */

static void on_seen(void *context, struct kube_watch *watch, const struct object *object,
		    const json_t *document)
{
	struct kube_source *source = context;

	(void)watch;
	kube_refs_set(&source->refs, object, document);
	kube_duty_seen(source, object, document);
}

static void on_put(void *context, struct kube_watch *watch, struct object *object)
{
	struct kube_source *source = context;

	uint64_t before = source->store->revision;

	(void)watch;
	if (!source->is_committed)
		return;
	store_put(source->store, object);
	if (source->store->revision != before)
		kube_duty_changed(source, object->id);
}

/* Of two watches of a kind both may know an object. */
static bool another_knows(const struct kube_source *source, const struct kube_watch *watch,
			  struct str id)
{
	for (struct kube_slot *slot = source->slots; slot; slot = slot->next)
		if (slot->watch != watch && slot->watch->kind == watch->kind &&
		    table_find(&slot->watch->objects, id))
			return true;
	return false;
}

static void on_remove(void *context, struct kube_watch *watch, struct object *object)
{
	struct kube_source *source = context;

	if (another_knows(source, watch, object->id))
		return;
	kube_refs_set(&source->refs, object, NULL);
	kube_duty_seen(source, object, NULL);
	if (source->is_committed)
		store_remove(source->store, object->id, object->kind);
}

/* A kind that is forbidden counts as answered, but not when all are: a server that starts says so
 * for a moment to everybody. */
static bool all_listed(const struct kube_source *source)
{
	bool is_any_allowed = false;

	for (struct kube_slot *slot = source->slots; slot; slot = slot->next) {
		if (!slot->watch->is_listed)
			return false;
		is_any_allowed |= slot->watch->state != KUBE_FORBIDDEN;
	}
	return is_any_allowed;
}

/* Everything has been said once. */
static void commit(struct kube_source *source)
{
	source->is_committed = true;
	for (struct kube_slot *slot = source->slots; slot; slot = slot->next)
		TABLE_EACH (&slot->watch->objects, entry)
			store_put(source->store, entry->value);
	for (int kind = 0; kind < KIND__COUNT; kind++)
		source->keeps_restored[kind] = true;
}

/* What an earlier life knew counts until the server has said what there is; Secrets and ConfigMaps
 * as long as an object that names them may come from there. */
static void drop_restored(struct kube_source *source)
{
	bool is_settled[KIND__COUNT], is_all = true;

	for (int kind = 0; kind < KIND__COUNT; kind++)
		is_settled[kind] = true;
	for (struct kube_slot *slot = source->slots; slot; slot = slot->next) {
		bool is_one = kube_watch_is_settled(slot->watch, source->now_ns);

		is_settled[slot->watch->kind] &= is_one;
		is_all &= is_one;
	}
	is_settled[KIND_SECRET] &= is_all;
	is_settled[KIND_CONFIG_MAP] &= is_all;
	for (int kind = 0; kind < KIND__COUNT; kind++) {
		if (!source->keeps_restored[kind] || !is_settled[kind])
			continue;
		source->keeps_restored[kind] = false;
		store_drop_restored(source->store, (enum kind)kind);
	}
}

void kube_source_remove_slot(struct kube_source *source, struct kube_slot *slot)
{
	struct kube_slot **at = &source->slots;

	while (*at != slot)
		at = &(*at)->next;
	*at = slot->next;
	rest_client_cancel(source->client, slot->watch->request);
	slot->watch->request = NULL;
	if (source->scout == slot)
		source->scout = NULL;
	if (source->by_type == slot)
		source->by_type = NULL;
	if (source->is_committed)
		TABLE_EACH (&slot->watch->objects, entry)
			on_remove(source, slot->watch, entry->value);
	source->n_named -= slot->is_named;
	source->n_slots--;
	kube_watch_free(slot->watch);
	free(slot);
}

/* ------------------------------------------------------------------------------ read -- */

static void arm_timer(struct kube_source *source)
{
	uint64_t now = clock_mono_ns(), due = now + (uint64_t)TICK_MS * NS_PER_MS;
	struct itimerspec when = {0};

	for (struct kube_slot *slot = source->slots; slot; slot = slot->next)
		if (!slot->watch->request && slot->watch->due_ns < due)
			due = slot->watch->due_ns;
	if (source->n_down && due < source->down_until_ns)
		due = source->down_until_ns;
	if (due < now + NS_PER_MS)
		due = now + NS_PER_MS;
	when.it_value = (struct timespec){(time_t)((due - now) / NS_PER_SEC),
					  (long)((due - now) % NS_PER_SEC)};
	timerfd_settime(source->timer_fd, 0, &when, NULL);
}

int kube_source_read(struct kube_source *source, struct store *store, struct diag_sink *sink)
{
	uint64_t before = store->revision, faults = source->faults_hash, expirations;
	bool was_committed = source->is_committed;

	pthread_mutex_lock(&source->lock);
	source->store = store;
	source->now_ns = clock_mono_ns();
	(void)!read(source->timer_fd, &expirations, sizeof(expirations));
	store_event(store, source->now_ns);
	rest_client_run(source->client);
	source->now_ns = clock_mono_ns();
	kube_health_tick(source);
	kube_follow_refs(source);
	if (!source->is_committed && all_listed(source))
		commit(source);
	if (source->is_committed)
		drop_restored(source);
	start_due(source);
	kube_duty_tick(source);
	store_event(store, 0);
	kube_tell_faults(source, sink);
	arm_timer(source);
	pthread_mutex_unlock(&source->lock);
	return store->revision != before || faults != source->faults_hash ||
	       was_committed != source->is_committed;
}

bool kube_source_listed(const struct kube_source *source)
{
	return source->is_committed;
}

bool kube_source_is_silent(const struct kube_source *source)
{
	return source->n_down >= SILENT_AFTER_FAILURES && !source->answered_ns;
}

int kube_source_fd(const struct kube_source *source)
{
	return source->epoll_fd;
}

/* ------------------------------------------------------------------------------ life -- */

static int load(struct kube_source *source, char *fault)
{
	const struct static_config *config = source->config;
	const struct kubernetes_crd_provider *crd = &config->providers.kubernetes_crd;
	const struct kubernetes_ingress_provider *ingress = &config->providers.kubernetes_ingress;
	bool is_crd = crd->endpoint.len || !ingress->endpoint.len;
	struct str file = config->kubeconfig;
	struct kube_config_options options = {
		.is_kubeconfig = file.len != 0,
		.kubeconfig = str_eq(file, STR("auto")) ? (struct str){0} : file,
		.endpoint = is_crd ? crd->endpoint : ingress->endpoint,
		.token = is_crd ? crd->token : ingress->token,
		.ca_file = is_crd ? crd->cert_auth_file_path : ingress->cert_auth_file_path,
	};

	return kube_config_load(&options, &source->kube, fault);
}

static int watch_fds(struct kube_source *source)
{
	struct epoll_event event = {.events = EPOLLIN};

	source->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	source->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (source->epoll_fd < 0 || source->timer_fd < 0 ||
	    epoll_ctl(source->epoll_fd, EPOLL_CTL_ADD, source->timer_fd, &event) < 0 ||
	    epoll_ctl(source->epoll_fd, EPOLL_CTL_ADD, rest_client_fd(source->client), &event) < 0)
		return -errno;
	if (source->exec &&
	    epoll_ctl(source->epoll_fd, EPOLL_CTL_ADD, kube_exec_fd(source->exec), &event) < 0)
		return -errno;
	return 0;
}

static int open_parts(struct kube_source *source, char *fault)
{
	int error = load(source, fault);

	if (error)
		return error;
	snprintf(fault, KUBE_FAULT_BYTES, "%s", "out of memory or descriptors");
	source->client = rest_client_new(&source->kube, TIDEGATE_VERSION);
	if (!source->client)
		return -ENOMEM;
	source->has_identity = !source->kube.exec.argv;
	if (source->kube.exec.argv) {
		source->exec = kube_exec_start(&source->kube, &error);
		if (!source->exec)
			return error;
	}
	error = watch_fds(source);
	if (!error)
		error = add_kinds(source);
	if (!error)
		arm_timer(source);
	return error;
}

struct kube_source *kube_source_open(const struct static_config *config, char *ret_fault,
				     int *ret_error)
{
	struct kube_source *source = calloc(1, sizeof(*source));

	*ret_error = -ENOMEM;
	if (!source)
		return NULL;
	source->config = config;
	source->epoll_fd = source->timer_fd = -1;
	pthread_mutex_init(&source->lock, NULL);
	kube_refs_init(&source->refs);
	kube_duty_init(&source->duty);
	codec_random(&source->seed, sizeof(source->seed));
	source->hub = (struct kube_hub){
		.on_seen = on_seen, .on_put = on_put, .on_remove = on_remove, .context = source};
	*ret_error = open_parts(source, ret_fault);
	if (!*ret_error)
		return source;
	kube_source_close(source);
	return NULL;
}

void kube_source_close(struct kube_source *source)
{
	if (!source)
		return;
	kube_duty_end(source);
	source->is_committed = false;
	kube_health_free(source);
	while (source->slots)
		kube_source_remove_slot(source, source->slots);
	kube_refs_done(&source->refs);
	rest_client_free(source->client);
	kube_exec_stop(source->exec);
	if (source->timer_fd >= 0)
		close(source->timer_fd);
	if (source->epoll_fd >= 0)
		close(source->epoll_fd);
	kube_config_done(&source->kube);
	pthread_mutex_destroy(&source->lock);
	free(source);
}
