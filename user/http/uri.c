// SPDX-License-Identifier: Apache-2.0
/* uri: splitting is by the first delimiter that can end a piece, as RFC 3986 appendix B does. */

#include "http/uri.h"

#include <errno.h>

#include "http/h1_scan.h"

enum { MAX_PORT_DIGITS = 5, MAX_PORT = 65535 };

int uri_hex(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool uri_is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

/* path[?query] from text on; an empty path becomes "/". */
static void split_path(struct str text, struct uri *uri)
{
	ptrdiff_t question = str_find(text, '?');

	uri->has_query = question >= 0;
	uri->path = uri->has_query ? str_take(text, (size_t)question) : text;
	uri->query = uri->has_query ? str_n(text.at + question + 1, text.len - (size_t)question - 1)
				    : (struct str){0};
	if (uri->path.len == 0)
		uri->path = STR("/");
}

/*
 * What follows "http://". RFC 9110 4.2.4: user information in a target is an error. An empty one
 * before an empty host ("http://@/") is what the reference (b.2) takes for "no host".
 */
static enum fail parse_authority(struct str rest, struct uri *uri)
{
	size_t n = 0;
	struct str host, port;

	while (n < rest.len && rest.at[n] != '/' && rest.at[n] != '?')
		n++;
	uri->authority = str_take(rest, n);
	if (str_eq(uri->authority, STR("@")))
		uri->authority = STR("");
	if (!uri_split_authority(uri->authority, &host, &port))
		return FAIL_HOST_BAD;
	if (host.len == 0 && port.len > 0)
		return FAIL_HOST_BAD;
	split_path(str_n(rest.at + n, rest.len - n), uri);
	return FAIL_NONE;
}

enum fail uri_parse(struct str target, enum http_method method, struct uri *ret_uri)
{
	static const struct str schemes[] = {{"http://", 7}, {"https://", 8}};
	const char *end;

	*ret_uri = (struct uri){0};
	if (target.len == 0)
		return FAIL_TARGET_BAD;
	end = target.at + target.len;
	if (h1_scan_while(target.at, end, H1_SCAN_TARGET) != end)
		return FAIL_TARGET_BAD;
	if (str_find(target, '#') >= 0)
		return FAIL_FRAGMENT;
	if (target.at[0] == '/') {
		ret_uri->form = URI_ORIGIN;
		split_path(target, ret_uri);
		return FAIL_NONE;
	}
	/* RFC 9112 3.2.4: asterisk-form is for OPTIONS only. */
	if (str_eq(target, STR("*"))) {
		ret_uri->form = URI_ASTERISK;
		ret_uri->path = target;
		return method == METHOD_OPTIONS ? FAIL_NONE : FAIL_TARGET_BAD;
	}
	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		if (!str_starts_nocase(target, schemes[i]))
			continue;
		ret_uri->form = URI_ABSOLUTE;
		ret_uri->scheme = str_take(target, schemes[i].len - 3);
		return parse_authority(
			str_n(target.at + schemes[i].len, target.len - schemes[i].len), ret_uri);
	}
	return FAIL_TARGET_BAD;
}

static bool is_port(struct str port)
{
	unsigned int n = 0;

	if (port.len > MAX_PORT_DIGITS)
		return false;
	for (size_t i = 0; i < port.len; i++) {
		if (port.at[i] < '0' || port.at[i] > '9')
			return false;
		n = n * 10 + (unsigned int)(port.at[i] - '0');
	}
	return n <= MAX_PORT;
}

bool uri_split_authority(struct str authority, struct str *ret_host, struct str *ret_port)
{
	const char *at = authority.at, *end, *stop;
	struct str host;

	if (authority.len == 0) {
		*ret_host = *ret_port = STR("");
		return true;
	}
	end = at + authority.len;
	if (*at == '[') {
		struct addr addr;

		stop = memchr(at, ']', authority.len);
		if (!stop)
			return false;
		host = str_n(at + 1, (size_t)(stop - at - 1));
		if (!memchr(host.at, ':', host.len) || addr_parse(host, &addr) < 0)
			return false;
		stop++;
	} else {
		stop = h1_scan_while(at, end, H1_SCAN_HOST);
		host = str_n(at, (size_t)(stop - at));
	}
	if (stop == end) {
		*ret_host = host;
		*ret_port = STR("");
		return true;
	}
	if (*stop != ':' || !is_port(str_n(stop + 1, (size_t)(end - stop - 1))))
		return false;
	*ret_host = host;
	*ret_port = str_n(stop + 1, (size_t)(end - stop - 1));
	return true;
}

int uri_decode(struct str text, bool plus_is_space, struct arena *arena, struct str *ret_text)
{
	size_t i = 0, n = 0;

	while (i < text.len && text.at[i] != '%' && !(plus_is_space && text.at[i] == '+'))
		i++;
	if (i == text.len) {
		*ret_text = text;
		return 0;
	}

	char *out = arena_alloc(arena, text.len, 1);

	if (!out)
		return -ENOMEM;
	for (i = 0; i < text.len; i++) {
		char c = text.at[i];

		if (c == '%') {
			int high = i + 2 < text.len ? uri_hex((unsigned char)text.at[i + 1]) : -1;
			int low = i + 2 < text.len ? uri_hex((unsigned char)text.at[i + 2]) : -1;

			if (high < 0 || low < 0)
				return -EINVAL;
			c = (char)(high << 4 | low);
			i += 2;
		} else if (c == '+' && plus_is_space) {
			c = ' ';
		}
		out[n++] = c;
	}
	*ret_text = str_n(out, n);
	return 0;
}

static struct str encode(struct str text, const char *also, bool plus_for_space,
			 struct arena *arena)
{
	static const char digits[] = "0123456789ABCDEF";
	char *out = arena_alloc(arena, text.len * 3 + 1, 1);
	size_t n = 0;

	if (!out)
		return (struct str){0};
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if (uri_is_unreserved(c) || (c && strchr(also, c))) {
			out[n++] = (char)c;
		} else if (c == ' ' && plus_for_space) {
			out[n++] = '+';
		} else {
			out[n++] = '%';
			out[n++] = digits[c >> 4];
			out[n++] = digits[c & 15];
		}
	}
	return str_n(out, n);
}

struct str uri_encode_query(struct str text, struct arena *arena)
{
	return encode(text, "", true, arena);
}

struct str uri_encode_path(struct str path, struct arena *arena)
{
	return encode(path, "$&+,/:;=@", false, arena);
}
