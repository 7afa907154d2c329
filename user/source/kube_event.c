// SPDX-License-Identifier: Apache-2.0
/* kube_event: see the header. */
#include "source/kube_event.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/hash.h"
#include "source/kube_object.h"
#include "source/kube_status_text.h"

#define WHOLE(text) kube_status_text_json((text), SIZE_MAX)

enum { NAME_MAX_BYTES = 236 };

static void print_time(uint64_t wall_ns, char *ret_text, size_t size)
{
	time_t seconds = (time_t)(wall_ns / (uint64_t)NS_PER_SEC);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(ret_text, size, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

void kube_event_name(const struct kube_event *event, char *ret_name)
{
	uint64_t hash = hash_fnv1a64(event->message) ^
			hash_mix64(hash_fnv1a64(event->uid) + (uint64_t)event->kind);
	struct str name = str_take(event->name, NAME_MAX_BYTES);

	/* 253 is what a name may have, and each of its parts ends with a letter or digit. */
	while (name.len && (name.at[name.len - 1] == '.' || name.at[name.len - 1] == '-'))
		name.len--;
	snprintf(ret_name, KUBE_EVENT_NAME_BYTES, STR_FMT ".%016llx", STR_ARG(name),
		 (unsigned long long)hash);
}

json_t *kube_event_make(const struct kube_event *event, const char *instance, uint64_t wall_ns)
{
	const struct kind_info *info = &kind_infos[event->kind];
	char name[KUBE_EVENT_NAME_BYTES], now[40];
	json_t *about = json_pack("{s:s, s:s, s:o}", "apiVersion", info->api_version, "kind",
				  info->kind, "name", WHOLE(event->name));

	kube_event_name(event, name);
	print_time(wall_ns, now, sizeof(now));
	/* Events of what is in no namespace are in "default". */
	if (!kube_object_is_cluster_scope(event->kind))
		json_object_set_new(about, "namespace", WHOLE(event->namespace_));
	if (event->uid.len)
		json_object_set_new(about, "uid", WHOLE(event->uid));
	if (event->version.len)
		json_object_set_new(about, "resourceVersion", WHOLE(event->version));
	return json_pack("{s:s, s:s, s:{s:s, s:o}, s:o, s:s, s:o, s:s, s:{s:s}, s:s, s:s, s:s, "
			 "s:s, s:i}",
			 "apiVersion", "v1", "kind", "Event", "metadata", "name", name, "namespace",
			 WHOLE(event->namespace_), "involvedObject", about, "reason", event->reason,
			 "message",
			 kube_status_text_json(event->message, KUBE_EVENT_MESSAGE_MAX_BYTES),
			 "type", "Warning", "source", "component", "tidegate", "reportingComponent",
			 "tidegate.io/tidegate", "reportingInstance", instance, "firstTimestamp",
			 now, "lastTimestamp", now, "count", 1);
}

json_t *kube_event_again(uint64_t wall_ns)
{
	char now[40];

	print_time(wall_ns, now, sizeof(now));
	return json_pack("{s:s}", "lastTimestamp", now);
}
