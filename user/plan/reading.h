/* SPDX-License-Identifier: Apache-2.0 */
#ifndef READING_H
#define READING_H

/*
 * reading: how an entry point reads requests, by its static options: limits of heads, canonical
 * form, denied escapes, forwarded headers and trust (reference e). One place, for the proxy and for
 * `explain`.
 */

#include "base/arena.h"
#include "http/canon.h"
#include "http/forwarded.h"
#include "http/h1_parse.h"
#include "model/static_config.h"

struct reading {
	struct h1_limits limits;
	struct canon_options canon;
	unsigned int denied_escapes; /* bits of enum canon_encoded */
	struct forwarded_options forwarded;
};

/* CIDRs of an option, sorted for lookups; the schema has checked them. -ENOMEM. */
int reading_cidrs(const struct strs *texts, struct arena *arena, struct cidr_set *ret_set);
/* 0, or -ENOMEM. server_name: for X-Forwarded-Server. Texts are borrowed, what is made lives in the
 * arena. */
int reading_init(struct reading *reading, const struct static_entry_point *conf,
		 const struct static_config *config, struct str server_name, struct arena *arena);

#endif
