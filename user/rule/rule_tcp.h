/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RULE_TCP_H
#define RULE_TCP_H

/*
 * rule_tcp: rules over connections (reference/traefik.md b.3): RULE_TCP_V3 and RULE_TCP_V2. Parsed
 * by rule_parse_as; trees of these syntaxes must not be given to rule_match.
 */

#include "rule/rule.h"

/* What is known of a connection when it is routed. */
struct tcp_facts {
	struct addr source; /* after the PROXY protocol */
	bool is_tls;
	struct str sni;		/* lower case, trimmed; empty: none */
	const struct str *alpn; /* offered */
	uint32_t n_alpn;
};

/* Whether the connection matches. */
bool rule_tcp_match(const struct rule *rule, const struct tcp_facts *facts);
/* As rule_failed_leaf. */
const struct rule *rule_tcp_failed_leaf(const struct rule *rule, const struct tcp_facts *facts);
/* The rule is HostSNI(`*`) and nothing else (reference b.4). */
bool rule_tcp_is_catch_all(const struct rule *rule);
/* The names of all HostSNI leaves, in written order, "*" and negated ones included. */
void rule_tcp_names(const struct rule *rule, struct arena *arena, struct strs *ret_names);

#endif
