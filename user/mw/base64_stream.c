// SPDX-License-Identifier: Apache-2.0
/*
 * base64_stream: three bytes are four letters; what is less waits in bits.
 */

#include "mw/base64_stream.h"

#include <errno.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *put_group(char *out, uint32_t bits, int n_bytes)
{
	for (int i = 0; i < 4; i++)
		*out++ = i <= n_bytes ? letters[bits >> (18 - 6 * i) & 63] : '=';
	return out;
}

size_t base64_stream_encode(struct base64_stream *stream, struct str bytes, bool is_end, char *out)
{
	char *at = out;

	for (size_t i = 0; i < bytes.len; i++) {
		stream->bits |= (uint32_t)(unsigned char)bytes.at[i] << (16 - 8 * stream->n);
		if (++stream->n < 3)
			continue;
		at = put_group(at, stream->bits, 3);
		*stream = (struct base64_stream){0};
	}
	if (is_end && stream->n) {
		at = put_group(at, stream->bits, stream->n);
		*stream = (struct base64_stream){0};
	}
	return (size_t)(at - out);
}

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* One letter or '='. */
static int take(struct base64_stream *stream, char c)
{
	int value = value_of(c);

	if (c == '=') {
		if (stream->n < 2)
			return -EINVAL;
		stream->n_pad++;
		value = 0;
	} else if (value < 0 || stream->n_pad) {
		return -EINVAL;
	}
	stream->bits = stream->bits << 6 | (uint32_t)value;
	stream->n++;
	return 0;
}

int base64_stream_decode(struct base64_stream *stream, struct str text, char *out, size_t *ret_n)
{
	char *at = out;

	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '\r' || text.at[i] == '\n')
			continue;
		if (take(stream, text.at[i]) < 0)
			return -EINVAL;
		if (stream->n < 4)
			continue;
		for (int j = 0; j < 3 - stream->n_pad; j++)
			*at++ = (char)(stream->bits >> (16 - 8 * j));
		*stream = (struct base64_stream){0};
	}
	*ret_n = (size_t)(at - out);
	return 0;
}
