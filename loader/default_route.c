// SPDX-License-Identifier: Apache-2.0
/* default_route: reads the route tables of /proc, which need no privilege and no socket. */
#include "default_route.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

size_t default_route_add_name(char (*names)[IF_NAMESIZE], size_t n, size_t max, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return n;
	if (n == max || !strcmp(name, "lo"))
		return n;
	snprintf(names[n], IF_NAMESIZE, "%s", name);
	return n + 1;
}

/* Word number n of a line of /proc/net, or {0}. */
static struct str word_of(const char *line, int n)
{
	struct str rest = str_of(line), word = {0};

	for (int i = 0; i <= n; i++) {
		rest = str_trim_space(rest);
		size_t length = 0;

		while (length < rest.len && !strchr(" \t\n", rest.at[length]))
			length++;
		word = str_take(rest, length);
		rest = str_from(rest, length);
	}
	return word;
}

/* A number in hexadecimal that is zero, as default routes have for address and mask. */
static bool is_zero(struct str hex)
{
	for (size_t i = 0; i < hex.len; i++)
		if (hex.at[i] != '0')
			return false;
	return hex.len > 0;
}

struct table {
	const char *path;
	int zero[2]; /* words that are zero in a default route */
	int name;    /* word that is the interface */
};

static size_t add_of(const struct table *table, char (*names)[IF_NAMESIZE], size_t n, size_t max)
{
	AUTO_FCLOSE FILE *file = fopen(table->path, "re");
	char line[512], text[IF_NAMESIZE];

	while (file && fgets(line, sizeof(line), file)) {
		if (!is_zero(word_of(line, table->zero[0])) ||
		    !is_zero(word_of(line, table->zero[1])))
			continue;
		snprintf(text, sizeof(text), STR_FMT, STR_ARG(word_of(line, table->name)));
		n = default_route_add_name(names, n, max, text);
	}
	return n;
}

size_t default_route_add(char (*names)[IF_NAMESIZE], size_t n, size_t max)
{
	static const struct table tables[] = {
		{"/proc/net/route", {1, 7}, 0},	     /* destination and mask */
		{"/proc/net/ipv6_route", {0, 1}, 9}, /* destination and prefix length */
	};

	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		n = add_of(&tables[i], names, n, max);
	return n;
}
