// SPDX-License-Identifier: Apache-2.0
/* rule_tcp: evaluation over connections, short-circuit and in written order as rule_eval.c does it
 * over requests. */

#include "rule/rule_tcp.h"

#include "rule/matcher.h"

bool rule_tcp_match(const struct rule *rule, const struct tcp_facts *facts)
{
	if (rule->op == RULE_LEAF)
		return matcher_table[rule->kind].match_tcp(rule, facts) != rule->negated;
	for (size_t i = 0; i < rule->n_children; i++) {
		bool is_match = rule_tcp_match(rule->children[i], facts);

		if (is_match == (rule->op == RULE_OR))
			return is_match;
	}
	return rule->op == RULE_AND;
}

const struct rule *rule_tcp_failed_leaf(const struct rule *rule, const struct tcp_facts *facts)
{
	if (rule_tcp_match(rule, facts))
		return NULL;
	while (rule->op != RULE_LEAF) {
		const struct rule *guilty = rule->children[0];

		for (size_t i = 0; rule->op == RULE_AND && i < rule->n_children; i++) {
			guilty = rule->children[i];
			if (!rule_tcp_match(guilty, facts))
				break;
		}
		rule = guilty;
	}
	return rule;
}

bool rule_tcp_is_catch_all(const struct rule *rule)
{
	return rule->op == RULE_LEAF && rule->kind == MATCH_HOST_SNI && !rule->negated &&
	       str_eq(rule->args[0], STR("*"));
}

static void collect(const struct rule *rule, struct str *at, size_t *n)
{
	if (rule->op == RULE_LEAF && rule->kind == MATCH_HOST_SNI) {
		if (at)
			at[*n] = rule->args[0];
		++*n;
	}
	for (size_t i = 0; i < rule->n_children; i++)
		collect(rule->children[i], at, n);
}

void rule_tcp_names(const struct rule *rule, struct arena *arena, struct strs *ret_names)
{
	size_t n = 0;

	collect(rule, NULL, &n);
	*ret_names = (struct strs){.at = ARENA_ARRAY(arena, struct str, n + 1), .n = n};
	n = 0;
	if (ret_names->at)
		collect(rule, ret_names->at, &n);
	else
		ret_names->n = 0;
}
