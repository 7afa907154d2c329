/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_LEASE_H
#define KUBE_LEASE_H

/*
 * kube_lease: which of several replicas writes what only one may write: a coordination.k8s.io/v1
 * Lease, taken and renewed as client-go does it. It sends nothing: kube_lease_next() says what to
 * ask, kube_lease_done() is told what came. Whether another holder is alive is judged by our own
 * clock: a Lease that did not change for its duration is free. Pure; one thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum {
	KUBE_LEASE_SECONDS = 15,
	KUBE_LEASE_RENEW_S = 5,
	KUBE_LEASE_GIVE_UP_S = 10, /* without a renewal it is not ours any more */
	KUBE_LEASE_FORBIDDEN_S = 60,
	/* Refusals before they are believed: a server that starts refuses until it has read RBAC's
	 * objects. */
	KUBE_LEASE_FORBIDDEN_TRIES = 3,
	KUBE_LEASE_LOOK_MAX_S = 30,
};

enum kube_lease_step { KUBE_LEASE_GET, KUBE_LEASE_CREATE, KUBE_LEASE_UPDATE };

struct kube_lease {
	char namespace_[64], name[64], identity[128];
	enum kube_lease_step step;
	uint64_t due_ns, renewed_ns, changed_ns;
	char version[64], holder[128]; /* as it was last seen */
	int64_t transitions;
	char acquired[32];
	uint32_t seconds; /* its duration */
	uint32_t look_s;  /* between two looks at another's; of thousands of replicas each looks
			     seldom */
	uint32_t n_refused;
	bool is_asked, is_forbidden;
};

void kube_lease_init(struct kube_lease *lease, struct str namespace_, struct str name,
		     struct str identity);

struct kube_lease_ask {
	const char *method;
	struct buf path, body; /* owned */
};
/* Whether something is to be asked now; wall_ns is written into the Lease. */
bool kube_lease_next(struct kube_lease *lease, uint64_t now_ns, uint64_t wall_ns,
		     struct kube_lease_ask *ret_ask);
void kube_lease_ask_done(struct kube_lease_ask *ask);
void kube_lease_done(struct kube_lease *lease, int status, struct str body, uint64_t now_ns);
/* How many replicas there may be: the more, the less often each looks whether the Lease is free. */
void kube_lease_expect(struct kube_lease *lease, size_t n_replicas);
bool kube_lease_is_ours(const struct kube_lease *lease, uint64_t now_ns);
/* What gives it back, so that another need not wait. False when it is not ours. */
bool kube_lease_release(struct kube_lease *lease, uint64_t now_ns, uint64_t wall_ns,
			struct kube_lease_ask *ret_ask);

/* "2026-11-22T19:06:29.129081Z": exactly six digits, or the API server refuses it. */
void kube_lease_time(uint64_t wall_ns, char *ret_text, size_t size);

#endif
