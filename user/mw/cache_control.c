// SPDX-License-Identifier: Apache-2.0
/*
 * cache_control: a table of directives over a scanner that knows quoted strings, in which commas
 * separate nothing.
 */

#include "mw/cache_control.h"

enum { TIME, FLAG };

static const struct directive {
	struct str name;
	size_t offset;
	int kind;
} directives[] = {
#define DIRECTIVE(text, member, kind)                                                      \
	{                                                                                  \
		{(text), sizeof(text) - 1}, offsetof(struct cache_control, member), (kind) \
	}
	DIRECTIVE("no-store", no_store, FLAG),
	DIRECTIVE("no-cache", no_cache, FLAG),
	DIRECTIVE("no-transform", no_transform, FLAG),
	DIRECTIVE("private", is_private, FLAG),
	DIRECTIVE("public", is_public, FLAG),
	DIRECTIVE("must-revalidate", must_revalidate, FLAG),
	DIRECTIVE("proxy-revalidate", proxy_revalidate, FLAG),
	DIRECTIVE("only-if-cached", only_if_cached, FLAG),
	DIRECTIVE("max-age", max_age, TIME),
	DIRECTIVE("s-maxage", s_maxage, TIME),
	DIRECTIVE("max-stale", max_stale, TIME),
	DIRECTIVE("min-fresh", min_fresh, TIME),
	DIRECTIVE("stale-while-revalidate", stale_while_revalidate, TIME),
	DIRECTIVE("stale-if-error", stale_if_error, TIME),
#undef DIRECTIVE
};

/* The next element up to a comma that is not quoted; an open quote ends with the line. */
static bool next_element(struct str *rest, struct str *ret_element)
{
	bool is_quoted = false;
	size_t i;

	if (!rest->at)
		return false;
	for (i = 0; i < rest->len && (is_quoted || rest->at[i] != ','); i++) {
		if (rest->at[i] == '"')
			is_quoted = !is_quoted;
		else if (is_quoted && rest->at[i] == '\\')
			i++;
	}
	if (i >= rest->len) {
		*ret_element = *rest;
		*rest = (struct str){0};
		return true;
	}
	*ret_element = str_take(*rest, i);
	*rest = (struct str){rest->at + i + 1, rest->len - i - 1};
	return true;
}

static int64_t seconds_of(struct str value)
{
	int64_t seconds = 0;

	value = str_trim(value);
	/* RFC 9111 5.2: both forms are to be accepted. */
	if (value.len >= 2 && value.at[0] == '"' && value.at[value.len - 1] == '"')
		value = str_n(value.at + 1, value.len - 2);
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] < '0' || value.at[i] > '9')
			return 0;
		seconds = seconds * 10 + (value.at[i] - '0');
		if (seconds > CACHE_CONTROL_SECONDS_MAX)
			seconds = CACHE_CONTROL_SECONDS_MAX;
	}
	return seconds;
}

static void apply(struct cache_control *control, struct str name, const struct str *value)
{
	for (size_t i = 0; i < sizeof(directives) / sizeof(*directives); i++) {
		char *member = (char *)control + directives[i].offset;
		struct opt_int *time = (struct opt_int *)member;

		if (!str_eq_nocase(name, directives[i].name))
			continue;
		if (directives[i].kind == FLAG) {
			*(bool *)member = true;
			return;
		}
		/* "max-stale" alone means any time. */
		int64_t seconds = value				? seconds_of(*value)
				  : time == &control->max_stale ? (int64_t)CACHE_CONTROL_SECONDS_MAX
								: 0;

		if (!time->set || seconds < time->value)
			*time = (struct opt_int){seconds, true};
		return;
	}
}

static void parse_line(struct cache_control *control, struct str line)
{
	struct str element;

	while (next_element(&line, &element)) {
		ptrdiff_t equals = str_find(element, '=');
		struct str value =
			equals < 0 ? (struct str){0} : str_from(element, (size_t)equals + 1);
		struct str name = equals < 0 ? element : str_take(element, (size_t)equals);

		apply(control, str_trim(name), equals < 0 ? NULL : &value);
	}
}

static void parse(const struct headers *headers, struct cache_control *ret_control)
{
	const struct header *header =
		header_find_name((struct headers *)(uintptr_t)headers, STR("Cache-Control"));

	*ret_control = (struct cache_control){.is_said = header != NULL};
	for (; header; header = header_next_same((struct headers *)(uintptr_t)headers, header))
		parse_line(ret_control, header->value);
}

void cache_control_of_response(const struct headers *headers, struct cache_control *ret_control)
{
	parse(headers, ret_control);
}

void cache_control_of_request(const struct headers *headers, struct cache_control *ret_control)
{
	const struct header *pragma;

	parse(headers, ret_control);
	if (ret_control->is_said)
		return;
	/* RFC 9111 5.4. */
	pragma = header_find_name((struct headers *)(uintptr_t)headers, STR("Pragma"));
	if (pragma && header_list_has(pragma->value, STR("no-cache")))
		ret_control->no_cache = true;
}
