// SPDX-License-Identifier: Apache-2.0
/* h1_peek: reads two lines, and of the second one no more than a name. */

#include "http/h1_peek.h"

#include <string.h>

enum { NAME_MAX_BYTES = 255 };

struct str h1_peek_host(struct str text)
{
	static const struct str field = {"host: ", 6};
	const char *line_end = text.len ? memchr(text.at, '\n', text.len) : NULL;
	struct str rest, host;

	if (!line_end)
		return (struct str){0};
	rest = str_from(text, (size_t)(line_end + 1 - text.at));
	if (rest.len < field.len || !str_eq_nocase(str_take(rest, field.len), field))
		return (struct str){0};
	rest = str_from(rest, field.len);
	host = str_n(rest.at, 0);
	while (host.len < rest.len && host.len < NAME_MAX_BYTES && rest.at[host.len] > ' ' &&
	       rest.at[host.len] != ':')
		host.len++;
	return host;
}
