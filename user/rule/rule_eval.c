// SPDX-License-Identifier: Apache-2.0
/* rule_eval: short-circuit evaluation in written order (reference/traefik.md b.1); depth is bounded
 * by the parser. */

#include "rule/matcher.h"

bool rule_match(const struct rule *rule, const struct request *request)
{
	if (rule->op == RULE_LEAF)
		return matcher_table[rule->kind].match(rule, request) != rule->negated;
	for (size_t i = 0; i < rule->n_children; i++) {
		bool is_match = rule_match(rule->children[i], request);

		if (is_match == (rule->op == RULE_OR))
			return is_match;
	}
	return rule->op == RULE_AND;
}

const struct rule *rule_failed_leaf(const struct rule *rule, const struct request *request)
{
	if (rule_match(rule, request))
		return NULL;
	while (rule->op != RULE_LEAF) {
		const struct rule *guilty = rule->children[0];

		/* Of an OR all failed, and the first is as good as any; of an AND the first that
		 * did. */
		for (size_t i = 0; rule->op == RULE_AND && i < rule->n_children; i++) {
			guilty = rule->children[i];
			if (!rule_match(guilty, request))
				break;
		}
		rule = guilty;
	}
	return rule;
}

static void collect_hosts(const struct rule *rule, struct str *at, size_t *n)
{
	if (rule->op == RULE_LEAF && rule->kind == MATCH_HOST && !rule->negated) {
		if (at)
			at[*n] = rule->args[0];
		++*n;
	}
	for (size_t i = 0; i < rule->n_children; i++)
		collect_hosts(rule->children[i], at, n);
}

void rule_hosts(const struct rule *rule, struct arena *arena, struct strs *ret_hosts)
{
	size_t n = 0;

	collect_hosts(rule, NULL, &n);
	*ret_hosts = (struct strs){.at = ARENA_ARRAY(arena, struct str, n), .n = n};
	if (!ret_hosts->at)
		ret_hosts->n = 0;
	n = 0;
	if (ret_hosts->at)
		collect_hosts(rule, ret_hosts->at, &n);
}
