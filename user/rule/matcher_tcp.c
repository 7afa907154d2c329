// SPDX-License-Identifier: Apache-2.0
/* matcher_tcp: the matchers of reference/traefik.md b.3; their rows stand in matcher.c. */

#include <stdio.h>

#include "rule/matcher.h"

enum { WHY_BYTES = 128 };

/* b.3: ^(\*\.)?[A-Za-z0-9_.\-:]+$ */
static bool is_name(struct str text)
{
	if (str_starts(text, STR("*.")))
		text = str_from(text, 2);
	for (size_t i = 0; i < text.len; i++) {
		char c = ascii_lower(text.at[i]);

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && str_find(STR("_.-:"), c) < 0)
			return false;
	}
	return text.len > 0;
}

int matcher_tcp_check_sni(struct rule *leaf, struct arena *arena, char why[WHY_BYTES])
{
	struct str name = leaf->args[0];

	if (str_eq(name, STR("*")))
		return -1;
	if (!is_name(name)) {
		snprintf(why, WHY_BYTES,
			 "expected *, a host name, an IP address, or *. before a host name");
		return 0;
	}
	/* But "*.." must not become "*.", which has no name. */
	if (name.len > 1 && str_ends(name, STR(".")) && !str_eq(name, STR("*..")))
		name.len--;
	leaf->args[0] = arena_lower(arena, name);
	return -1;
}

int matcher_tcp_check_alpn(struct rule *leaf, struct arena *arena, char why[WHY_BYTES])
{
	(void)arena;
	if (!str_eq(leaf->args[0], STR("acme-tls/1")))
		return -1;
	snprintf(why, WHY_BYTES, "acme-tls/1 is kept for certificate challenges");
	return 0;
}

/* b.3: "*" is every connection, TLS or not; "*.x" stands for one label; no SNI is no name. */
bool matcher_tcp_sni(const struct rule *leaf, const struct tcp_facts *facts)
{
	struct str wanted = leaf->args[0];
	ptrdiff_t dot;

	if (wanted.len == 1 && wanted.at[0] == '*')
		return true;
	if (!facts->sni.len)
		return false;
	if (wanted.at[0] != '*')
		return str_eq(facts->sni, wanted);
	dot = str_find(facts->sni, '.');
	return dot > 0 && str_eq(str_from(facts->sni, (size_t)dot), str_from(wanted, 1));
}

bool matcher_tcp_sni_regexp(const struct rule *leaf, const struct tcp_facts *facts)
{
	return regex_match(leaf->regex, facts->sni);
}

bool matcher_tcp_client_ip(const struct rule *leaf, const struct tcp_facts *facts)
{
	return cidr_contains(&leaf->cidr, &facts->source);
}

bool matcher_tcp_alpn(const struct rule *leaf, const struct tcp_facts *facts)
{
	for (uint32_t i = 0; i < facts->n_alpn; i++)
		if (str_eq(facts->alpn[i], leaf->args[0]))
			return true;
	return false;
}
