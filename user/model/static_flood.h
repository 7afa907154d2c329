/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STATIC_FLOOD_H
#define STATIC_FLOOD_H

/* static_flood: options against floods; a part of static_config. */

#include "model/schema.h"

/* What the kernel plane does against floods from addresses that nobody can limit one by one. */
struct static_flood_protection {
	struct str syn_cookies;	      /* auto, on, off: where no SourcePolicy says */
	int64_t syns_per_second;      /* of an entry point; above: cookies */
	int64_t strays_per_second;    /* of an entry point; above: dropped; 0: never */
	int64_t fragments_per_second; /* of a source; 0: no limit */
	int64_t fragments_total;      /* of all sources and a CPU; 0: no limit */
	bool set_sysctls;
};

#endif
