// SPDX-License-Identifier: Apache-2.0
/*
 * rule_v2: templates become regular expressions, several arguments become several leaves.
 *
 * A template is literal text with `{name}` or `{name:expression}` in it; a name alone stands for a
 * run of anything but the separator of its place. Hosts are lower case when they are matched, so an
 * expression needs the flag for any case only where it was written with capitals: without it the
 * router can still file the route under the end of its host.
 */

#include "rule/rule_v2.h"

#include <stdio.h>

#include "base/buf.h"
#include "rule/matcher.h"

enum { PATTERN_MAX_BYTES = 64 << 10 };

struct making {
	const struct rule_arg *args;
	size_t n;
	struct arena *arena;
	struct rule_v2_terms *terms;
	size_t bad;
	char *why;
};

static bool blame(struct making *making, size_t index, const char *why)
{
	making->bad = index;
	snprintf(making->why, RULE_WHY_BYTES, "%s", why);
	return false;
}

static struct rule_v2_term *add(struct making *making, enum matcher_kind kind, size_t index)
{
	struct rule_v2_term *term = &making->terms->at[making->terms->n++];

	*term = (struct rule_v2_term){.kind = kind,
				      .n_args = 1,
				      .args = {making->args[index].value},
				      .column = making->args[index].column};
	return term;
}

/* -------------------------------------------------------------- templates -- */

static void add_quoted(struct buf *buf, struct str text, bool lower)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = lower ? ascii_lower(text.at[i]) : text.at[i];

		if (str_find(STR("\\.+*?()|[]{}^$"), c) >= 0)
			buf_add_char(buf, '\\');
		buf_add_char(buf, c);
	}
}

static bool has_capitals(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] >= 'A' && text.at[i] <= 'Z')
			return true;
	return false;
}

/* Where the brace that opens at `from` closes, or -1. */
static ptrdiff_t closing(struct str text, size_t from)
{
	int level = 0;

	for (size_t i = from; i < text.len; i++) {
		if (text.at[i] == '{')
			level++;
		else if (text.at[i] == '}' && --level == 0)
			return (ptrdiff_t)i;
	}
	return -1;
}

/* The inside of a pair of braces; an expression must be one by itself. */
static bool add_variable(struct making *making, size_t index, struct str inside, const char *usual,
			 bool is_host, struct buf *buf)
{
	ptrdiff_t colon = str_find(inside, ':');
	struct str name = colon < 0 ? inside : str_take(inside, (size_t)colon);
	struct str pattern = colon < 0 ? str_of(usual) : str_from(inside, (size_t)colon + 1);
	char message[RULE_WHY_BYTES - 32] = "";
	struct regex *alone;

	if (!name.len || !pattern.len)
		return blame(making, index, "missing name or expression between { and }");
	alone = regex_new(pattern, message, sizeof(message));
	if (!alone) {
		blame(making, index, "");
		snprintf(making->why, RULE_WHY_BYTES, "bad regular expression: %s", message);
		return false;
	}
	regex_free(alone);
	buf_add(buf, is_host && has_capitals(pattern) ? STR("(?i:") : STR("("));
	buf_add(buf, pattern);
	buf_add_char(buf, ')');
	return true;
}

static bool add_template(struct making *making, size_t index, struct str template,
			 const char *usual, bool is_host, struct buf *buf)
{
	for (size_t i = 0; i < template.len;) {
		struct str rest = str_from(template, i);
		ptrdiff_t open = str_find(rest, '{'), close;
		struct str literal = open < 0 ? rest : str_take(rest, (size_t)open);

		if (str_find(literal, '}') >= 0)
			return blame(making, index, "unbalanced braces");
		add_quoted(buf, literal, is_host);
		if (open < 0)
			return true;
		close = closing(rest, (size_t)open);
		if (close < 0)
			return blame(making, index, "unbalanced braces");
		if (!add_variable(
			    making, index,
			    str_take(str_from(rest, (size_t)open + 1), (size_t)(close - open - 1)),
			    usual, is_host, buf))
			return false;
		i += (size_t)close + 1;
	}
	return true;
}

/* The template as an expression that begins where the text does. */
static bool compile_template(struct making *making, size_t index, struct str template,
			     const char *usual, bool is_host, bool to_end, struct str *ret_pattern)
{
	struct buf buf;
	bool ok;

	buf_init(&buf, PATTERN_MAX_BYTES);
	buf_add_char(&buf, '^');
	ok = add_template(making, index, template, usual, is_host, &buf);
	if (to_end)
		buf_add_char(&buf, '$');
	if (ok && buf.failed)
		ok = blame(making, index, "the template is too long");
	*ret_pattern = arena_str(making->arena, buf_str(&buf));
	buf_done(&buf);
	return ok;
}

static bool has_braces(struct str text)
{
	return str_find(text, '{') >= 0 || str_find(text, '}') >= 0;
}

/* --------------------------------------------------------------- matchers -- */

/* No wildcards: a star is a star, which no host has. */
static bool host(struct making *making)
{
	for (size_t i = 0; i < making->n; i++) {
		struct rule_v2_term *term = add(making, MATCH_HOST, i);
		struct buf buf;

		if (!str_starts(making->args[i].value, STR("*")))
			continue;
		buf_init(&buf, PATTERN_MAX_BYTES);
		buf_add_char(&buf, '^');
		add_quoted(&buf, making->args[i].value, true);
		buf_add_char(&buf, '$');
		term->kind = MATCH_HOST_REGEXP;
		term->args[0] = arena_str(making->arena, buf_str(&buf));
		buf_done(&buf);
	}
	return true;
}

static bool host_regexp(struct making *making)
{
	for (size_t i = 0; i < making->n; i++) {
		struct rule_v2_term *term = add(making, MATCH_HOST_REGEXP, i);

		if (!compile_template(making, i, making->args[i].value, "[^.]+", true, true,
				      &term->args[0]))
			return false;
	}
	return true;
}

static bool paths(struct making *making, enum matcher_kind literal, bool to_end)
{
	for (size_t i = 0; i < making->n; i++) {
		struct rule_v2_term *term = add(making, literal, i);

		if (making->args[i].value.at[0] != '/')
			return blame(making, i, "a path must begin with /");
		if (!has_braces(making->args[i].value))
			continue;
		term->kind = MATCH_PATH_REGEXP;
		if (!compile_template(making, i, making->args[i].value, "[^/]+", false, to_end,
				      &term->args[0]))
			return false;
	}
	return true;
}

static bool path(struct making *making)
{
	return paths(making, MATCH_PATH, true);
}

static bool path_prefix(struct making *making)
{
	return paths(making, MATCH_PATH_PREFIX, false);
}

static bool method(struct making *making)
{
	for (size_t i = 0; i < making->n; i++)
		add(making, MATCH_METHOD, i);
	return true;
}

static bool client_ip(struct making *making)
{
	for (size_t i = 0; i < making->n; i++)
		add(making, MATCH_CLIENT_IP, i);
	return true;
}

/* Name, value, name, value. */
static bool header_pairs(struct making *making, enum matcher_kind kind)
{
	making->terms->all = true;
	if (making->n % 2)
		return blame(making, making->n, "takes names and values in pairs");
	for (size_t i = 0; i < making->n; i += 2) {
		struct rule_v2_term *term = add(making, kind, i);

		term->n_args = 2;
		term->args[1] = making->args[i + 1].value;
	}
	return true;
}

static bool headers(struct making *making)
{
	return header_pairs(making, MATCH_HEADER);
}

static bool headers_regexp(struct making *making)
{
	return header_pairs(making, MATCH_HEADER_REGEXP);
}

/* An empty value asks for nothing but the key. */
static bool add_query(struct making *making, size_t index, struct str key, struct str value)
{
	struct rule_v2_term *term = add(making, MATCH_QUERY, index);

	term->args[0] = key;
	term->args[1] = value;
	term->n_args = 2;
	term->first_value = true;
	if (value.len && !has_braces(value))
		return true;
	term->kind = MATCH_QUERY_REGEXP;
	if (!value.len) {
		term->args[1] = STR("^.*$");
		return true;
	}
	return compile_template(making, index, value, ".*", false, true, &term->args[1]);
}

/* "key=value", or the two as arguments of their own: cut at the first "=", then paired. */
static bool query(struct making *making)
{
	making->terms->all = true;
	for (size_t i = 0; i < making->n; i++) {
		struct str text = making->args[i].value;
		ptrdiff_t equals = str_find(text, '=');

		if (equals < 0 && i + 1 < making->n &&
		    str_find(making->args[i + 1].value, '=') < 0) {
			if (!add_query(making, i, text, making->args[i + 1].value))
				return false;
			i++;
			continue;
		}
		if (equals < 0)
			return blame(making, i, "takes key=value");
		if (!add_query(making, i, str_take(text, (size_t)equals),
			       str_from(text, (size_t)equals + 1)))
			return false;
	}
	return true;
}

/* b.3: a star alone is everything; one behind other names wants a name, and any will do. */
static bool host_sni(struct making *making)
{
	for (size_t i = 0; i < making->n; i++) {
		struct rule_v2_term *term = add(making, MATCH_HOST_SNI, i);

		if (i == 0 || !str_eq(making->args[i].value, STR("*")))
			continue;
		term->kind = MATCH_HOST_SNI_REGEXP;
		term->args[0] = STR("^.+$");
	}
	return true;
}

static bool host_sni_regexp(struct making *making)
{
	for (size_t i = 0; i < making->n; i++) {
		struct rule_v2_term *term = add(making, MATCH_HOST_SNI_REGEXP, i);

		if (!compile_template(making, i, making->args[i].value, "[^.]+", true, true,
				      &term->args[0]))
			return false;
	}
	return true;
}

static bool alpn(struct making *making)
{
	for (size_t i = 0; i < making->n; i++)
		add(making, MATCH_ALPN, i);
	return true;
}

/* clang-format off */
static const struct {
	struct str name;
	bool (*translate)(struct making *making);
	bool is_http, is_tcp;
} table[] = {
	{{"Host", 4}, host, true, false},
	{{"HostHeader", 10}, host, true, false},
	{{"HostRegexp", 10}, host_regexp, true, false},
	{{"Path", 4}, path, true, false},
	{{"PathPrefix", 10}, path_prefix, true, false},
	{{"Method", 6}, method, true, false},
	{{"Headers", 7}, headers, true, false},
	{{"HeadersRegexp", 13}, headers_regexp, true, false},
	{{"Query", 5}, query, true, false},
	{{"ClientIP", 8}, client_ip, true, true},
	{{"HostSNI", 7}, host_sni, false, true},
	{{"HostSNIRegexp", 13}, host_sni_regexp, false, true},
	{{"ALPN", 4}, alpn, false, true},
};
/* clang-format on */

enum { N_TABLE = sizeof(table) / sizeof(*table) };

static bool is_of(int index, bool is_tcp)
{
	return is_tcp ? table[index].is_tcp : table[index].is_http;
}

int rule_v2_find(struct str name, bool is_tcp)
{
	for (int i = 0; i < N_TABLE; i++)
		if (is_of(i, is_tcp) && matcher_is_spelling(name, table[i].name))
			return i;
	return -1;
}

struct str rule_v2_suggest(struct str name, bool is_tcp)
{
	struct str names[N_TABLE];
	size_t n = 0;

	for (int i = 0; i < N_TABLE; i++)
		if (is_of(i, is_tcp))
			names[n++] = table[i].name;
	return str_nearest(name, names, n);
}

struct str rule_v2_name(int index)
{
	return table[index].name;
}

bool rule_v2_translate(int index, const struct rule_arg *args, size_t n, struct arena *arena,
		       struct rule_v2_terms *ret_terms, size_t *ret_bad,
		       char ret_why[RULE_WHY_BYTES])
{
	struct making making = {
		.args = args, .n = n, .arena = arena, .terms = ret_terms, .why = ret_why};
	bool ok;

	*ret_terms = (struct rule_v2_terms){.at = ARENA_ARRAY(arena, struct rule_v2_term, n + 1)};
	if (!ret_terms->at)
		return true;
	if (!n) {
		*ret_bad = 0;
		snprintf(ret_why, RULE_WHY_BYTES, "takes at least one argument, found 0");
		return false;
	}
	ok = table[index].translate(&making);
	*ret_bad = making.bad;
	return ok;
}
