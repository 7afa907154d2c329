// SPDX-License-Identifier: Apache-2.0
/*
 * router_key: leaves become keys, joined as the rule joins them: all pairs for &&, one list for ||.
 * Rules with too many alternatives get a key that says nothing.
 */

#include "plan/router_key.h"

#include "plan/regex_factor.h"
#include "plan/regex_tail.h"

enum {
	KEYS_MAX = 1024, /* alternatives of one rule */
	TAIL_MIN = 2,
};

struct str router_key_host(struct str host)
{
	while (host.len && host.at[host.len - 1] == '.')
		host.len--;
	return host;
}

size_t router_key_backwards(struct str text, char ret_text[ROUTER_KEY_TAIL_MAX])
{
	size_t n = text.len < ROUTER_KEY_TAIL_MAX ? text.len : ROUTER_KEY_TAIL_MAX;

	for (size_t i = 0; i < n; i++)
		ret_text[i] = text.at[text.len - 1 - i];
	return n;
}

static void key_by_tail(const struct rule *leaf, struct arena *arena, struct router_key *key)
{
	struct str tail = regex_tail(leaf->args[0], arena);
	char text[ROUTER_KEY_TAIL_MAX];

	/* Final dots are not part of what is looked up. */
	if (tail.len < TAIL_MIN || str_ends(tail, STR(".")))
		return;
	key->host_kind = HOST_TAIL;
	key->host = arena_str(arena, str_n(text, router_key_backwards(tail, text)));
}

/* What an expression needs. */
static void key_by_regex(const struct rule *leaf, struct arena *arena, struct router_key *key)
{
	struct regex_factor factor = regex_factor(leaf->args[0], arena);

	if (leaf->kind == MATCH_PATH_REGEXP) {
		key->path = factor.head;
		key->path_holds = factor.longest;
	} else {
		key_by_tail(leaf, arena, key);
		key->host_holds = factor.longest;
	}
}

static struct router_key key_of_leaf(const struct rule *leaf, struct arena *arena)
{
	struct router_key key = {0};

	if (leaf->negated)
		return key;
	if (leaf->kind == MATCH_HOST) {
		struct str host = router_key_host(leaf->args[0]);

		if (str_starts(host, STR("*."))) {
			key.host_kind = HOST_WILDCARD;
			key.host = str_from(host, 1);
		} else if (!str_starts(host, STR("*"))) {
			key.host_kind = HOST_EXACT;
			key.host = host;
		}
		/* With a final dot the rule matches no host that is looked up without. */
		key.whole = key.host_kind != HOST_ANY && host.len == leaf->args[0].len;
	} else if (leaf->kind == MATCH_HOST_REGEXP || leaf->kind == MATCH_PATH_REGEXP) {
		key_by_regex(leaf, arena, &key);
	} else if (leaf->kind == MATCH_PATH || leaf->kind == MATCH_PATH_PREFIX) {
		key.exact = leaf->kind == MATCH_PATH;
		key.path = leaf->args[0];
		key.whole = true;
	}
	return key;
}

static bool key_is_any(const struct router_key *key)
{
	return key->host_kind == HOST_ANY && !key->exact && !key->path.len &&
	       !key->path_holds.len && !key->host_holds.len;
}

/* What must hold when both must hold: of two claims about the same thing, the narrower one. */
static struct router_key key_and(struct router_key a, struct router_key b)
{
	bool hosts = a.host_kind != HOST_ANY && b.host_kind != HOST_ANY;
	bool paths = (a.exact || a.path.len) && (b.exact || b.path.len);

	a.whole = a.whole && b.whole && !hosts && !paths;
	if (b.host_kind > a.host_kind) {
		a.host_kind = b.host_kind;
		a.host = b.host;
	}
	if (!a.exact && (b.exact || b.path.len > a.path.len)) {
		a.exact = b.exact;
		a.path = b.path;
	}
	if (b.path_holds.len > a.path_holds.len)
		a.path_holds = b.path_holds;
	if (b.host_holds.len > a.host_holds.len)
		a.host_holds = b.host_holds;
	return a;
}

static struct router_keys keys_any(struct arena *scratch)
{
	struct router_key *any = ARENA_NEW(scratch, struct router_key);

	return (struct router_keys){any, any != NULL};
}

static bool keys_are_any(const struct router_keys *keys)
{
	return keys->n == 1 && key_is_any(&keys->at[0]);
}

static struct router_keys keys_and(struct router_keys a, struct router_keys b,
				   struct arena *scratch)
{
	if (keys_are_any(&a) || a.n * b.n > KEYS_MAX) {
		struct router_keys one = keys_are_any(&a) ? b : a;

		for (size_t i = 0; i < one.n; i++)
			one.at[i].whole = false;
		return one;
	}
	struct router_keys both = {ARENA_ARRAY(scratch, struct router_key, a.n * b.n), 0};

	for (size_t i = 0; both.at && i < a.n; i++)
		for (size_t j = 0; j < b.n; j++)
			both.at[both.n++] = key_and(a.at[i], b.at[j]);
	return both;
}

static struct router_keys keys_or(struct router_keys a, struct router_keys b, struct arena *scratch)
{
	if (keys_are_any(&a) || keys_are_any(&b) || a.n + b.n > KEYS_MAX)
		return keys_any(scratch);
	struct router_keys either = {ARENA_ARRAY(scratch, struct router_key, a.n + b.n), a.n + b.n};

	if (!either.at)
		return (struct router_keys){0};
	memcpy(either.at, a.at, a.n * sizeof(*a.at));
	memcpy(&either.at[a.n], b.at, b.n * sizeof(*b.at));
	return either;
}

struct router_keys router_key_of(const struct rule *rule, struct arena *arena,
				 struct arena *scratch)
{
	if (rule->op == RULE_LEAF) {
		struct router_keys keys = keys_any(scratch);

		if (keys.n)
			keys.at[0] = key_of_leaf(rule, arena);
		return keys;
	}
	struct router_keys keys = router_key_of(rule->children[0], arena, scratch);

	for (size_t i = 1; i < rule->n_children; i++) {
		struct router_keys more = router_key_of(rule->children[i], arena, scratch);

		keys = rule->op == RULE_AND ? keys_and(keys, more, scratch)
					    : keys_or(keys, more, scratch);
	}
	return keys;
}
