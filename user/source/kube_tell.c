// SPDX-License-Identifier: Apache-2.0
/* kube_tell: what people are told of an API server: faults, status, metrics. */
#include <stdio.h>

#include "base/clock.h"
#include "base/hash.h"
#include "source/kube_source_state.h"

enum { TELL_AFTER_FAILURES = 3 };

/* What passes by itself within a moment is not told. */
static bool is_worth_telling(const struct kube_source *source, const struct kube_watch *watch)
{
	if (!watch->problem[0] || source->n_down)
		return false;
	return watch->state == KUBE_FORBIDDEN || watch->state == KUBE_ABSENT ||
	       watch->n_failures >= TELL_AFTER_FAILURES || watch->is_broken;
}

static const char *verb_list = "[\"list\", \"watch\"]";

static void tell_rule(struct diag_sink *sink, struct diag *diag, const struct kube_watch *watch)
{
	const struct kind_info *info = &kind_infos[watch->kind];
	const char *slash = strchr(info->api_version, '/');
	int group_len = slash ? (int)(slash - info->api_version) : 0;

	diag_suggest(sink, diag,
		     "add to the %s: {apiGroups: [\"%.*s\"], resources: [\"%s\"], verbs: %s}",
		     watch->namespace_ ? "Role" : "ClusterRole", group_len, info->api_version,
		     info->plural, verb_list);
}

static uint64_t add_hash(uint64_t hash, const char *text)
{
	return hash_mix64(hash ^ hash_keyed(str_of(text)));
}

void kube_tell_faults(struct kube_source *source, struct diag_sink *sink)
{
	bool is_down = source->n_down >= TELL_AFTER_FAILURES || !source->has_identity;
	uint64_t hash = 1;

	if (is_down && source->down_message[0]) {
		diag_about(sink, STR("APIServer"), source->kube.origin, 0);
		diag_warning(sink, NULL,
			     "the API server " STR_FMT
			     " cannot be used, what it said last stays in "
			     "force: %s",
			     STR_ARG(source->kube.server), source->down_message);
		hash = add_hash(hash, source->down_message);
	}
	for (struct kube_slot *slot = source->slots; slot; slot = slot->next) {
		const struct kube_watch *watch = slot->watch;
		char title[320];

		if (!is_worth_telling(source, watch))
			continue;
		kube_watch_title(watch, title, sizeof(title));
		diag_about(sink, str_of(title), source->kube.origin, 0);
		struct diag *diag = diag_warning(sink, NULL, "%s", watch->problem);

		if (watch->state == KUBE_FORBIDDEN)
			tell_rule(sink, diag, watch);
		hash = add_hash(add_hash(hash, title), watch->problem);
	}
	source->faults_hash = add_hash(hash, kube_duty_tell(source, sink));
}

/* --------------------------------------------------------------------------- status -- */

static json_t *seconds_since(const struct kube_source *source, uint64_t then_ns)
{
	(void)source;
	return then_ns ? json_real((double)(clock_mono_ns() - then_ns) / NS_PER_SEC) : json_null();
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *watch_status(const struct kube_source *source, const struct kube_watch *watch)
{
	char title[320];
	json_t *row;

	kube_watch_title(watch, title, sizeof(title));
	row = json_pack("{s:s, s:s, s:s, s:i, s:s}", "watch", title, "kind",
			kind_infos[watch->kind].kind, "state", kube_watch_state_names[watch->state],
			"objects", (int)watch->objects.n, "resourceVersion", watch->rv);
	json_object_set_new(row, "events", number(watch->counts.events));
	json_object_set_new(row, "lists", number(watch->counts.lists));
	json_object_set_new(row, "errors", number(watch->counts.errors));
	json_object_set_new(row, "secondsSinceData", seconds_since(source, watch->last_event_ns));
	if (watch->problem[0])
		json_object_set_new(row, "problem", json_string(watch->problem));
	return row;
}

json_t *kube_source_status(struct kube_source *source)
{
	json_t *status = json_object(), *watches = json_array();
	struct rest_stats stats;

	pthread_mutex_lock(&source->lock);
	stats = rest_client_stats(source->client);
	json_object_set_new(status, "server",
			    json_stringn(source->kube.server.at, source->kube.server.len));
	json_object_set_new(status, "credentials",
			    json_stringn(source->kube.origin.at, source->kube.origin.len));
	json_object_set_new(status, "connected",
			    json_boolean(!source->n_down && source->answered_ns));
	if (source->n_down || !source->has_identity)
		json_object_set_new(status, "problem", json_string(source->down_message));
	json_object_set_new(status, "listed", json_boolean(source->is_committed));
	json_object_set_new(status, "writes", kube_duty_status(source));
	json_object_set_new(status, "http",
			    json_string(stats.http_version == 20   ? "2"
					: stats.http_version == 11 ? "1.1"
								   : "unknown"));
	json_object_set_new(status, "requests", number(stats.requests));
	json_object_set_new(status, "connections", number(stats.connects));
	json_object_set_new(status, "reconnects", number(source->n_reconnects));
	for (struct kube_slot *slot = source->slots; slot; slot = slot->next)
		json_array_append_new(watches, watch_status(source, slot->watch));
	pthread_mutex_unlock(&source->lock);
	json_object_set_new(status, "watches", watches);
	return status;
}

static uint64_t count_of(const struct kube_watch *watch, enum metric_id id)
{
	return id == METRIC_KUBE_ERRORS	  ? watch->counts.errors
	       : id == METRIC_KUBE_EVENTS ? watch->counts.events
	       : id == METRIC_KUBE_LISTS  ? watch->counts.lists
					  : watch->objects.n;
}

static void collect_kinds(const struct kube_source *source, enum metric_id id,
			  struct metric_scrape *scrape)
{
	uint64_t sums[KIND__COUNT] = {0};
	bool is_there[KIND__COUNT] = {false};

	for (struct kube_slot *slot = source->slots; slot; slot = slot->next) {
		sums[slot->watch->kind] += count_of(slot->watch, id);
		is_there[slot->watch->kind] = true;
	}
	for (int kind = 0; kind < KIND__COUNT; kind++) {
		struct str label = str_of(kind_infos[kind].kind);

		if (is_there[kind])
			metric_sample(scrape, &label, (double)sums[kind]);
	}
}

void kube_source_collect(void *context, enum metric_id id, struct metric_scrape *scrape)
{
	struct kube_source *source = context;

	if (id < METRIC_KUBE_CONNECTED || id > METRIC_KUBE_SILENCE)
		return;
	pthread_mutex_lock(&source->lock);
	if (id == METRIC_KUBE_CONNECTED)
		metric_sample(scrape, NULL, !source->n_down && source->answered_ns);
	else if (id == METRIC_KUBE_SILENCE)
		metric_sample(scrape, NULL,
			      source->answered_ns
				      ? (double)(clock_mono_ns() - source->answered_ns) / NS_PER_SEC
				      : 0);
	else
		collect_kinds(source, id, scrape);
	pthread_mutex_unlock(&source->lock);
}
