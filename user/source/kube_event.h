/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_EVENT_H
#define KUBE_EVENT_H

/* kube_event: a core/v1 Event about an object that is broken. Its name follows from what it says of
 * whom, so that the same is never said twice, by whichever replica. Pure. */

#include <jansson.h>

#include "model/object.h"

struct kube_event {
	enum kind kind;
	struct str namespace_, name, uid, version; /* of the object; uid may be empty */
	struct str message;
	const char *reason; /* of a kind: "Invalid", "Conflict" */
};

enum { KUBE_EVENT_NAME_BYTES = 280, KUBE_EVENT_MESSAGE_MAX_BYTES = 1000 };

/* "web.1f3a…" */
void kube_event_name(const struct kube_event *event, char *ret_name);
/* A new reference. */
json_t *kube_event_make(const struct kube_event *event, const char *instance, uint64_t wall_ns);
/* What says of one that is there that it is so still; a merge patch, a new reference. */
json_t *kube_event_again(uint64_t wall_ns);

#endif
