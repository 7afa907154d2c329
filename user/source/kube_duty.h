/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_DUTY_H
#define KUBE_DUTY_H

/*
 * kube_duty: what one of the replicas writes to the API server: status and Events. Who it is a
 * Lease says. Writes are few at a time and few a second; what RBAC refuses is said once and left
 * alone for a while. Part of kube_source.
 */

#include "source/kube_lease.h"
#include "source/kube_source.h"
#include "source/rest_client.h"

#define LEASE_NAME "tidegate-status"

enum kube_write_kind {
	KUBE_WRITE_EVENT,
	KUBE_WRITE_INGRESS,
	KUBE_WRITE_ADDRESS,
	KUBE_WRITE__COUNT
};

struct kube_duty {
	bool is_on;    /* faults were told: somebody serves */
	bool is_dirty; /* something may be to be written */
	struct kube_lease lease;
	struct rest_request *lease_request;
	/* By the id of an object; rows are of kube_duty.c. */
	struct table rows;
	json_t *published; /* the service whose addresses are written */
	struct kube_write *running;
	size_t n_running;
	uint64_t tokens_ns, pass_due_ns, revision;
	uint64_t refused_until_ns[KUBE_WRITE__COUNT];
	uint64_t n_written[KUBE_WRITE__COUNT], n_failed;
	bool was_ours;
};

void kube_duty_init(struct kube_duty *duty);
/* Gives the Lease back, and ends. */
void kube_duty_end(struct kube_source *source);
void kube_duty_tick(struct kube_source *source);
/* An object as it is on the server; document NULL: it is gone. */
void kube_duty_seen(struct kube_source *source, const struct object *object,
		    const json_t *document);
/* Faults of writing; returns a text that changes with them. */
const char *kube_duty_tell(struct kube_source *source, struct diag_sink *sink);
json_t *kube_duty_status(struct kube_source *source);

#endif
