/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRTUAL_ADDRESS_H
#define VIRTUAL_ADDRESS_H

/*
 * virtual_address: tidegate.io/v1alpha1 VirtualAddress: addresses and ports whose packets the
 * kernel plane forwards to backends by itself, or hands to an entry point of the local proxy.
 */

#include "model/schema.h"

struct virtual_port {
	struct str name;
	int64_t port;	  /* first */
	int64_t end_port; /* last; 0: only that */
};

/* A Service and its port, or an address. */
struct virtual_backend {
	struct str name, namespace_;
	struct int_or_str port;
	struct str address;
	int64_t weight; /* 1 by default; 0: keeps its connections, gets no new ones */
};

struct virtual_health {
	struct str type; /* tcp, http */
	int64_t port;	 /* 0: the backend's */
	struct str path, host;
	int64_t status; /* 0: any of 200 to 399 */
	struct duration interval, timeout;
	int64_t healthy_threshold, unhealthy_threshold;
};

struct virtual_policy_ref {
	struct str name;
};

struct virtual_address {
	struct strs addresses;
	struct list_of ports; /* struct virtual_port */
	struct str protocol;  /* TCP, UDP */
	struct str mode;      /* local, or a word of KERNEL_MODES */
	struct str entry_point;
	struct list_of backend_refs; /* struct virtual_backend */
	struct virtual_health *health_check;
	struct str session_affinity;		  /* a word of KERNEL_AFFINITIES */
	struct virtual_policy_ref *source_policy; /* in its own namespace */
	struct str syn_cookies;			  /* auto, off, on */
	struct duration drain_timeout;		  /* 0: that of the protocol */
	bool spread;
};

extern const struct schema schema_virtual_address;

#endif
