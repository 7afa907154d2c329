/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROUTER_KEY_H
#define ROUTER_KEY_H

/*
 * router_key: what must be true of a request's host and path for a rule to match, as far as an
 * index can tell. A request that matches the rule agrees with at least one of its keys; a key that
 * is too general costs time, never correctness.
 */

#include "base/arena.h"
#include "rule/rule.h"

enum { ROUTER_KEY_TAIL_MAX = 255 /* bytes of a host's end that are looked at */ };

/* From the widest to the narrowest. */
enum host_key { HOST_ANY, HOST_TAIL, HOST_WILDCARD, HOST_EXACT };

struct router_key {
	enum host_key host_kind;
	bool exact;	 /* path is the whole path, not a prefix */
	bool whole;	 /* a request that agrees matches the rule */
	struct str host; /* for a wildcard: from its first dot on; for a tail: backwards */
	struct str path; /* empty prefix: any path */
	struct str path_holds, host_holds; /* literals that must be in it; empty: nothing known */
};

struct router_keys {
	struct router_key *at;
	size_t n;
};

/* Empty only when out of memory. Texts that are made live in the arena, lists in scratch. */
struct router_keys router_key_of(const struct rule *rule, struct arena *arena,
				 struct arena *scratch);
/* The host as it is looked up: without final dots. */
struct str router_key_host(struct str host);
/* The last bytes of a text, last one first; how many. */
size_t router_key_backwards(struct str text, char ret_text[ROUTER_KEY_TAIL_MAX]);

#endif
