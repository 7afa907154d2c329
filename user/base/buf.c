// SPDX-License-Identifier: Apache-2.0
/* buf: doubles up to its maximum. One byte more than cap_bytes is allocated, for the NUL. */

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

enum { FIRST_BYTES = 256 };

void buf_init(struct buf *buf, size_t max_bytes)
{
	*buf = (struct buf){.max_bytes = max_bytes};
}

void buf_done(struct buf *buf)
{
	if (!buf)
		return;
	free(buf->at);
	*buf = (struct buf){.max_bytes = buf->max_bytes};
}

void buf_clear(struct buf *buf)
{
	buf->len = 0;
	buf->failed = false;
	if (buf->at)
		buf->at[0] = 0;
}

/* Makes room for n more bytes and the NUL; false, and sticky, when there is none. */
static bool reserve(struct buf *buf, size_t n)
{
	if (buf->failed)
		return false;
	if (buf->at && buf->cap_bytes - buf->len >= n)
		return true;
	if (n > buf->max_bytes - buf->len || buf->max_bytes == SIZE_MAX)
		return !(buf->failed = true);
	size_t want = buf->cap_bytes ? buf->cap_bytes : FIRST_BYTES;

	while (want < buf->len + n)
		want = want > buf->max_bytes / 2 ? buf->max_bytes : want * 2;
	if (want > buf->max_bytes)
		want = buf->max_bytes;
	char *grown = realloc(buf->at, want + 1);

	if (!grown)
		return !(buf->failed = true);
	buf->at = grown;
	buf->cap_bytes = want;
	return true;
}

void buf_add(struct buf *buf, struct str text)
{
	if (!reserve(buf, text.len))
		return;
	if (text.len)
		memcpy(buf->at + buf->len, text.at, text.len);
	buf->len += text.len;
	buf->at[buf->len] = 0;
}

void buf_add_char(struct buf *buf, char c)
{
	buf_add(buf, str_n(&c, 1));
}

void buf_addf(struct buf *buf, const char *format, ...)
{
	va_list args, again;

	va_start(args, format);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, again);

	va_end(again);
	if (n >= 0 && reserve(buf, (size_t)n)) {
		vsnprintf(buf->at + buf->len, (size_t)n + 1, format, args);
		buf->len += (size_t)n;
	} else {
		buf->failed = true;
	}
	va_end(args);
}

void buf_add_json(struct buf *buf, struct str text)
{
	static const struct {
		char c, name;
	} shorts[] = {{'"', '"'}, {'\\', '\\'}, {'\n', 'n'}, {'\r', 'r'}, {'\t', 't'}};

	for (size_t i = 0, n; i < text.len; i += n) {
		unsigned char c = (unsigned char)text.at[i];
		size_t k = 0;

		n = str_utf8_len(str_from(text, i));
		while (k < sizeof(shorts) / sizeof(*shorts) && shorts[k].c != (char)c)
			k++;
		if (n == 0) {
			/* A JSON text has no way to hold a byte that is not UTF-8. */
			buf_add(buf, STR("\\ufffd"));
			n = 1;
		} else if (k < sizeof(shorts) / sizeof(*shorts)) {
			buf_add(buf, str_n((char[]){'\\', shorts[k].name}, 2));
		} else if (c < 0x20 || c == 0x7f) {
			buf_addf(buf, "\\u%04x", c);
		} else {
			buf_add(buf, str_n(text.at + i, n));
		}
	}
}

struct str buf_str(const struct buf *buf)
{
	return buf->at ? str_n(buf->at, buf->len) : STR("");
}
