// SPDX-License-Identifier: Apache-2.0
/* matcher: one table; what is written once per matcher stands in its row. */

#include "rule/matcher.h"

#include <stdio.h>

#include "http/header.h"
#include "http/query.h"

enum { WHY_BYTES = 128 };

static bool is_ascii(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.at[i] >= 0x80)
			return false;
	}
	return true;
}

static int check_nothing(struct rule *leaf, struct arena *arena, char why[WHY_BYTES])
{
	(void)leaf;
	(void)arena;
	(void)why;
	return -1;
}

static int compile(struct rule *leaf, int index, char why[WHY_BYTES])
{
	char message[WHY_BYTES - 32] = "";

	leaf->regex = regex_new(leaf->args[index], message, sizeof(message));
	if (leaf->regex)
		return -1;
	snprintf(why, WHY_BYTES, "bad regular expression: %s", message);
	return index;
}

/* b.2: canonical hosts have no final dot, so the argument loses its own. */
static int check_host(struct rule *leaf, struct arena *arena, char why[WHY_BYTES])
{
	struct str host = leaf->args[0];

	if (!is_ascii(host)) {
		snprintf(why, WHY_BYTES, "a host must be ASCII (use its punycode form)");
		return 0;
	}
	/* But "*." must not become "*", which matches everything. */
	if (host.len > 1 && host.at[host.len - 1] == '.' && !str_eq(host, STR("*.")))
		host.len--;
	leaf->args[0] = arena_lower(arena, host);
	return -1;
}

static int check_host_regexp(struct rule *leaf, struct arena *arena, char why[WHY_BYTES])
{
	(void)arena;
	if (!is_ascii(leaf->args[0])) {
		snprintf(why, WHY_BYTES, "a host expression must be ASCII");
		return 0;
	}
	return compile(leaf, 0, why);
}

static int check_path(struct rule *leaf, struct arena *arena, char why[WHY_BYTES])
{
	(void)arena;
	if (leaf->args[0].at[0] == '/')
		return -1;
	snprintf(why, WHY_BYTES, "a path must begin with /");
	return 0;
}

static int check_regexp(struct rule *leaf, struct arena *arena, char why[WHY_BYTES])
{
	(void)arena;
	return compile(leaf, 0, why);
}

static int check_method(struct rule *leaf, struct arena *arena, char why[WHY_BYTES])
{
	struct str method = arena_str(arena, leaf->args[0]);
	char *at = (char *)(uintptr_t)method.at;

	(void)why;
	for (size_t i = 0; i < method.len; i++)
		at[i] = at[i] >= 'a' && at[i] <= 'z' ? (char)(at[i] & ~0x20) : at[i];
	leaf->args[0] = method;
	return -1;
}

static int check_header(struct rule *leaf, struct arena *arena, char why[WHY_BYTES])
{
	(void)arena;
	(void)why;
	leaf->header_id = (uint16_t)header_id_of(leaf->args[0]);
	return -1;
}

static int check_header_regexp(struct rule *leaf, struct arena *arena, char why[WHY_BYTES])
{
	(void)check_header(leaf, arena, why);
	return compile(leaf, 1, why);
}

static int check_query_regexp(struct rule *leaf, struct arena *arena, char why[WHY_BYTES])
{
	(void)arena;
	return leaf->n_args == 2 ? compile(leaf, 1, why) : -1;
}

static int check_client_ip(struct rule *leaf, struct arena *arena, char why[WHY_BYTES])
{
	(void)arena;
	if (cidr_parse(leaf->args[0], &leaf->cidr) == 0)
		return -1;
	snprintf(why, WHY_BYTES, "expected an IP address or a CIDR");
	return 0;
}

/* b.2: "*" is anything, even no host; "*.x" stands for exactly one label before ".x". */
static bool match_host(const struct rule *leaf, const struct request *request)
{
	struct str wanted = leaf->args[0], host = request->host;
	ptrdiff_t dot;

	if (wanted.at[0] != '*')
		return str_eq(host, wanted);
	if (wanted.len == 1)
		return true;
	dot = str_find(host, '.');
	return dot > 0 && str_eq(str_from(host, (size_t)dot), str_from(wanted, 1));
}

static bool match_host_regexp(const struct rule *leaf, const struct request *request)
{
	return regex_match(leaf->regex, request->host);
}

static bool match_path(const struct rule *leaf, const struct request *request)
{
	return str_eq(request->routing_path, leaf->args[0]);
}

/* b.2: a prefix of the string, not of its segments. */
static bool match_path_prefix(const struct rule *leaf, const struct request *request)
{
	return str_starts(request->routing_path, leaf->args[0]);
}

static bool match_path_regexp(const struct rule *leaf, const struct request *request)
{
	return regex_match(leaf->regex, request->routing_path);
}

static bool match_method(const struct rule *leaf, const struct request *request)
{
	return str_eq(request->method, leaf->args[0]);
}

/* b.2: any whole line of that name; Host is not a header. */
static bool match_header(const struct rule *leaf, const struct request *request)
{
	for (size_t i = 0; leaf->header_id != HEADER_HOST && i < request->headers.n; i++) {
		const struct header *header = &request->headers.at[i];

		if (header->gone || header->id != leaf->header_id ||
		    (header->id == HEADER_OTHER && !str_eq_nocase(header->name, leaf->args[0])))
			continue;
		if (leaf->regex ? regex_match(leaf->regex, header->value)
				: str_eq(header->value, leaf->args[1]))
			return true;
	}
	return false;
}

/* b.2: one argument asks for an empty value of that key; two for a value. */
static bool match_query(const struct rule *leaf, const struct request *request)
{
	struct query query = query_of(request->query, request->arena);
	struct str key, value;

	while (query_next(&query, &key, &value)) {
		if (!str_eq(key, leaf->args[0]))
			continue;
		if (leaf->regex ? regex_match(leaf->regex, value) : str_eq(value, leaf->args[1]))
			return true;
		if (leaf->first_value)
			return false;
	}
	return false;
}

static bool match_client_ip(const struct rule *leaf, const struct request *request)
{
	return cidr_contains(&leaf->cidr, &request->peer);
}

/* clang-format off */
const struct matcher matcher_table[MATCH__COUNT] = {
	[MATCH_HOST]          = {{"Host", 4}, 1, 1, check_host, match_host, NULL},
	[MATCH_HOST_REGEXP]   = {{"HostRegexp", 10}, 1, 1, check_host_regexp, match_host_regexp, NULL},
	[MATCH_PATH]          = {{"Path", 4}, 1, 1, check_path, match_path, NULL},
	[MATCH_PATH_PREFIX]   = {{"PathPrefix", 10}, 1, 1, check_path, match_path_prefix, NULL},
	[MATCH_PATH_REGEXP]   = {{"PathRegexp", 10}, 1, 1, check_regexp, match_path_regexp, NULL},
	[MATCH_METHOD]        = {{"Method", 6}, 1, 1, check_method, match_method, NULL},
	[MATCH_HEADER]        = {{"Header", 6}, 2, 2, check_header, match_header, NULL},
	[MATCH_HEADER_REGEXP] = {{"HeaderRegexp", 12}, 2, 2, check_header_regexp, match_header, NULL},
	[MATCH_QUERY]         = {{"Query", 5}, 1, 2, check_nothing, match_query, NULL},
	[MATCH_QUERY_REGEXP]  = {{"QueryRegexp", 11}, 1, 2, check_query_regexp, match_query, NULL},
	[MATCH_CLIENT_IP]     = {{"ClientIP", 8}, 1, 1, check_client_ip, match_client_ip,
				 matcher_tcp_client_ip},
	[MATCH_HOST_SNI]      = {{"HostSNI", 7}, 1, 1, matcher_tcp_check_sni, NULL, matcher_tcp_sni},
	[MATCH_HOST_SNI_REGEXP] = {{"HostSNIRegexp", 13}, 1, 1, check_host_regexp, NULL,
				   matcher_tcp_sni_regexp},
	[MATCH_ALPN]          = {{"ALPN", 4}, 1, 1, matcher_tcp_check_alpn, NULL, matcher_tcp_alpn},
};
/* clang-format on */

bool matcher_is_spelling(struct str name, struct str declared)
{
	bool lower = true, upper = true;

	if (!str_eq_nocase(name, declared))
		return false;
	for (size_t i = 1; i < name.len; i++) {
		bool is_upper = name.at[i] >= 'A' && name.at[i] <= 'Z';

		lower &= !is_upper;
		upper &= is_upper;
	}
	/* Lower from the second letter on: both "path" and "Path" forms. */
	return lower || (upper && name.at[0] <= 'Z') || str_eq(name, declared);
}

static bool is_of(enum matcher_kind kind, bool is_tcp)
{
	return is_tcp ? matcher_table[kind].match_tcp != NULL : matcher_table[kind].match != NULL;
}

int matcher_find(struct str name, bool is_tcp)
{
	for (int i = 0; i < MATCH__COUNT; i++) {
		if (is_of((enum matcher_kind)i, is_tcp) &&
		    matcher_is_spelling(name, matcher_table[i].name))
			return i;
	}
	return -1;
}

struct str matcher_suggest(struct str name, bool is_tcp)
{
	struct str names[MATCH__COUNT];
	size_t n = 0;

	for (int i = 0; i < MATCH__COUNT; i++) {
		if (!is_of((enum matcher_kind)i, is_tcp))
			continue;
		names[n] = matcher_table[i].name;
		if (str_eq_nocase(name, names[n]))
			return names[n];
		n++;
	}
	return str_nearest(name, names, n);
}

struct str matcher_name(enum matcher_kind kind)
{
	return (unsigned int)kind < MATCH__COUNT ? matcher_table[kind].name : (struct str){0};
}
