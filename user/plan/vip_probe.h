/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIP_PROBE_H
#define VIP_PROBE_H

/*
 * vip_probe: the active checks of a VirtualAddress's backends, as the compiler has made them and
 * the prober reads them. What is found stands in plan/live.h, from where the next compile takes the
 * backends' states.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/str.h"
#include "plan/live.h"

struct vip_target {
	struct addr addr;
	uint16_t port;
	struct live_member *member;
};

struct vip_probe {
	const struct vip_probe *next; /* in snapshot->vip_probes */
	struct str name;	      /* "VirtualAddress/shop/dns" */
	bool is_http;
	struct str path, host; /* host empty: the target's address */
	uint16_t status;       /* 0: 200 to 399 */
	uint64_t interval_ns, timeout_ns;
	uint32_t healthy_threshold, unhealthy_threshold;
	struct vip_target *targets;
	uint32_t n_targets;
};

#endif
