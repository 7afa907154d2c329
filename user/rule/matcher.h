/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MATCHER_H
#define MATCHER_H

/*
 * matcher: the matchers of reference/traefik.md b.2 and b.3, each declared once: name, number of
 * arguments, check of the arguments, evaluation. Internal to the rule module.
 */

#include "rule/rule.h"
#include "rule/rule_tcp.h"

struct matcher {
	struct str name;
	uint8_t min_args, max_args;
	/*
	 * Fills what a leaf keeps besides its arguments, and may rewrite those. Returns the index
	 * of the bad argument with *ret_why, or -1.
	 */
	int (*check)(struct rule *leaf, struct arena *arena, char ret_why[128]);
	/* NULL: not of this language. */
	bool (*match)(const struct rule *leaf, const struct request *request);
	bool (*match_tcp)(const struct rule *leaf, const struct tcp_facts *facts);
};

extern const struct matcher matcher_table[MATCH__COUNT];

/* b.1: as declared, all lower, all upper, or the first letter upper and the rest lower. */
bool matcher_is_spelling(struct str name, struct str declared);
/* The kind of a name in one of its four spellings, or -1. */
int matcher_find(struct str name, bool is_tcp);
/* The matcher that a wrong name may have meant, or {0}. */
struct str matcher_suggest(struct str name, bool is_tcp);

/* matcher_tcp: checks and evaluation of those of TCP. */
int matcher_tcp_check_sni(struct rule *leaf, struct arena *arena, char ret_why[128]);
int matcher_tcp_check_alpn(struct rule *leaf, struct arena *arena, char ret_why[128]);
bool matcher_tcp_sni(const struct rule *leaf, const struct tcp_facts *facts);
bool matcher_tcp_sni_regexp(const struct rule *leaf, const struct tcp_facts *facts);
bool matcher_tcp_client_ip(const struct rule *leaf, const struct tcp_facts *facts);
bool matcher_tcp_alpn(const struct rule *leaf, const struct tcp_facts *facts);

#endif
