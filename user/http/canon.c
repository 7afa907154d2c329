// SPDX-License-Identifier: Apache-2.0
/*
 * canon: one scan decides whether a path is canonical already; only what is not is rebuilt, in one
 * arena buffer, first escape by escape, then segment by segment in place.
 */

#include "http/canon.h"

#include "http/uri.h"

/* Bytes of a path. Zero: nothing to look at. */
enum path_class {
	PLAIN,
	SLASH,	 /* what follows decides */
	SPECIAL, /* '%', '#', ';', or a byte that must be escaped: the slow way */
};

/* clang-format off */
static const uint8_t path_class[256] = {
	[0 ... 0x20] = SPECIAL, ['"'] = SPECIAL, ['#'] = SPECIAL, ['%'] = SPECIAL, ['/'] = SLASH,
	[';'] = SPECIAL, ['<'] = SPECIAL, ['>'] = SPECIAL, ['?'] = SPECIAL, ['\\'] = SPECIAL,
	['^'] = SPECIAL, ['`'] = SPECIAL, ['{'] = SPECIAL, ['|'] = SPECIAL, ['}'] = SPECIAL,
	[0x7f ... 0xff] = SPECIAL,
};
/* clang-format on */

/* Begins with '/', holds nothing special, no empty segment and no segment that begins with a dot.
 */
static bool is_canonical(struct str path)
{
	if (path.len == 0 || path.at[0] != '/')
		return false;
	for (size_t i = 0; i < path.len; i++) {
		uint8_t class = path_class[(unsigned char)path.at[i]];

		if (class == PLAIN)
			continue;
		if (class == SPECIAL)
			return false;
		if (i + 1 < path.len && (path.at[i + 1] == '/' || path.at[i + 1] == '.'))
			return false;
	}
	return true;
}

static char *put_escape(char *out, unsigned char c)
{
	static const char digits[] = "0123456789ABCDEF";

	out[0] = '%';
	out[1] = digits[c >> 4];
	out[2] = digits[c & 15];
	return out + 3;
}

/*
 * Escapes: upper case, unreserved ones decoded (RFC 3986 6.2.2.1, 6.2.2.2); bytes outside of RFC
 * 3986's path characters are escaped. out has room for three times the path.
 */
static enum fail normalise(struct str path, char *out, size_t *ret_len)
{
	char *at = out;

	for (size_t i = 0; i < path.len; i++) {
		unsigned char c = (unsigned char)path.at[i];

		if (c == '#')
			return FAIL_FRAGMENT;
		if (c == '%') {
			int high = i + 2 < path.len ? uri_hex((unsigned char)path.at[i + 1]) : -1;
			int low = i + 2 < path.len ? uri_hex((unsigned char)path.at[i + 2]) : -1;

			if (high < 0 || low < 0)
				return FAIL_ESCAPE_BAD;
			c = (unsigned char)(high << 4 | low);
			i += 2;
			if (uri_is_unreserved(c))
				*at++ = (char)c;
			else
				at = put_escape(at, c);
		} else if (path_class[c] == SPECIAL && c != ';') {
			at = put_escape(at, c);
		} else {
			*at++ = (char)c;
		}
	}
	*ret_len = (size_t)(at - out);
	return FAIL_NONE;
}

static bool is_escape_of(const char *at, const char *end, const char *hex)
{
	return end - at >= 3 && at[0] == '%' && at[1] == hex[0] && at[2] == hex[1];
}

/* '/', or what a server further on may take for one. */
static size_t separator_bytes(const char *at, const char *end)
{
	if (at < end && *at == '/')
		return 1;
	return is_escape_of(at, end, "2F") || is_escape_of(at, end, "5C") ? 3 : 0;
}

/*
 * Whether some server could climb where we do not (reference/security.md A2.3): "..;x" and ".;x"
 * lose their parameters in some, "..%2F" is a step up in others. Path is normalised; plain dot
 * segments are sanitise()'s.
 */
static bool is_ambiguous(const char *at, const char *end)
{
	bool after_escape = false; /* the segment began after an escaped separator */

	while (at < end) {
		size_t skip = separator_bytes(at, end);
		size_t dots = 0;

		if (skip == 0) {
			at++;
			continue;
		}
		after_escape = skip == 3;
		at += skip;
		while (at + dots < end && at[dots] == '.')
			dots++;
		if (dots == 0 || dots > 2)
			continue;

		const char *next = at + dots;

		if (next < end && (*next == ';' || is_escape_of(next, end, "3B")))
			return true;
		if (dots == 2 && after_escape && (next == end || separator_bytes(next, end)))
			return true;
		if (dots == 2 && separator_bytes(next, end) == 3)
			return true;
	}
	return false;
}

/*
 * RFC 3986 5.2.4 and merged slashes, in place. ".." above the root stays at the root. As in the
 * reference (e), the path ends in a slash if it did before: "/a/b/.." becomes "/a".
 */
static size_t sanitise(char *path, size_t len)
{
	bool ends_in_slash = path[len - 1] == '/';
	size_t in = 0, out = 0;

	while (in < len) {
		size_t start, n;

		while (in < len && path[in] == '/')
			in++;
		start = in;
		while (in < len && path[in] != '/')
			in++;
		n = in - start;
		if (n == 0 || (n == 1 && path[start] == '.'))
			continue;
		if (n == 2 && path[start] == '.' && path[start + 1] == '.') {
			while (out > 0 && path[--out] != '/')
				;
			continue;
		}
		path[out++] = '/';
		memmove(path + out, path + start, n);
		out += n;
	}
	if (out == 0 || ends_in_slash)
		path[out++] = '/';
	return out;
}

/* reference/traefik.md b.2: everything is decoded but this set. */
static bool is_reserved(unsigned char c)
{
	return c && strchr(":/?#[]@!$&'()*+,;=%", c);
}

/* Decodes a normalised path; keep_reserved leaves the reserved set escaped. */
static struct str decode_path(struct str raw, bool keep_reserved, struct arena *arena)
{
	char *out = arena_alloc(arena, raw.len, 1);
	size_t n = 0;

	if (!out)
		return (struct str){0};
	for (size_t i = 0; i < raw.len; i++) {
		char c = raw.at[i];

		if (c == '%' && i + 2 < raw.len) {
			unsigned char decoded =
				(unsigned char)(uri_hex((unsigned char)raw.at[i + 1]) << 4 |
						uri_hex((unsigned char)raw.at[i + 2]));

			if (!keep_reserved || !is_reserved(decoded)) {
				c = (char)decoded;
				i += 2;
			}
		}
		out[n++] = c;
	}
	return str_n(out, n);
}

struct str canon_routing_path(struct str raw_path, struct arena *arena)
{
	return str_find(raw_path, '%') < 0 ? raw_path : decode_path(raw_path, true, arena);
}

/* The slow way: a path that is not canonical, or holds escapes. */
static enum fail rebuild(struct request *request, struct str path, bool sanitize)
{
	char *out = arena_alloc(request->arena, path.len * 3 + 1, 1);
	struct str raw, decoded, routing;
	size_t n;

	if (!out)
		return FAIL_INTERNAL;

	enum fail fail = normalise(path, out, &n);

	if (fail != FAIL_NONE)
		return fail;
	if (n == 0 || out[0] != '/')
		return FAIL_TARGET_BAD;
	if (is_ambiguous(out, out + n))
		return FAIL_PATH_AMBIGUOUS;
	if (sanitize)
		n = sanitise(out, n);
	raw = decoded = routing = str_n(out, n);
	if (str_find(raw, '%') >= 0) {
		decoded = decode_path(raw, false, request->arena);
		routing = decode_path(raw, true, request->arena);
		if (!decoded.at || !routing.at)
			return FAIL_INTERNAL;
	}
	request->raw_path = raw;
	request->path = decoded;
	request->routing_path = routing;
	return FAIL_NONE;
}

static enum fail set_path(struct request *request, struct str path, bool sanitize)
{
	if (!is_canonical(path))
		return rebuild(request, path, sanitize);
	request->raw_path = request->path = request->routing_path = path;
	return FAIL_NONE;
}

/* reference/traefik.md e, encodeQuerySemicolons. Nothing else in a query is touched. */
static enum fail replace_semicolons(struct request *request, bool escape)
{
	struct str query = request->query;
	char *out, *at;

	if (query.len == 0 || !memchr(query.at, ';', query.len))
		return FAIL_NONE;
	at = out = arena_alloc(request->arena, query.len * 3, 1);
	if (!out)
		return FAIL_INTERNAL;
	for (size_t i = 0; i < query.len; i++) {
		if (query.at[i] != ';')
			*at++ = query.at[i];
		else if (escape)
			at = put_escape(at, ';');
		else
			*at++ = '&';
	}
	request->query = str_n(out, (size_t)(at - out));
	return FAIL_NONE;
}

bool canon_host(struct str authority, struct arena *arena, struct str *ret_host)
{
	struct str host, port;
	size_t i = 0;

	if (!uri_split_authority(authority, &host, &port))
		return false;
	if (host.len > 1 && host.at[host.len - 1] == '.')
		host.len--;
	while (i < host.len && !(host.at[i] >= 'A' && host.at[i] <= 'Z'))
		i++;
	if (i < host.len) {
		host = arena_lower(arena, host);
		if (!host.at)
			return false;
	}
	*ret_host = host;
	return true;
}

enum fail canon_request_host(struct request *request)
{
	/* The asterisk is no path; nothing that routes or rewrites paths may see it. */
	if (request->raw_path.len == 1 && request->raw_path.at[0] == '*')
		return FAIL_SERVER_OPTIONS;
	if (!canon_host(request->authority, request->arena, &request->host))
		return FAIL_HOST_BAD;
	return FAIL_NONE;
}

enum fail canon_request_path(struct request *request, const struct canon_options *options)
{
	enum fail fail = set_path(request, request->raw_path, !options->keep_path);

	if (fail != FAIL_NONE)
		return fail;
	return replace_semicolons(request, options->encode_query_semicolons);
}

enum fail canon_request(struct request *request, const struct canon_options *options)
{
	enum fail fail = canon_request_host(request);

	return fail ? fail : canon_request_path(request, options);
}

enum fail canon_set_path(struct request *request, struct str raw_path)
{
	return set_path(request, raw_path, true);
}

enum fail canon_set_path_kept(struct request *request, struct str raw_path)
{
	return set_path(request, raw_path, false);
}

enum fail canon_check_encoded(struct str raw_path, unsigned int denied)
{
	static const struct {
		unsigned char byte;
		unsigned int bit;
	} rows[] = {
		{'/', CANON_ENCODED_SLASH},   {'\\', CANON_ENCODED_BACKSLASH},
		{0, CANON_ENCODED_NUL},	      {';', CANON_ENCODED_SEMICOLON},
		{'%', CANON_ENCODED_PERCENT}, {'?', CANON_ENCODED_QUESTION_MARK},
		{'#', CANON_ENCODED_HASH},
	};
	struct str rest = raw_path;
	ptrdiff_t percent;

	while (denied && (percent = str_find(rest, '%')) >= 0 && (size_t)percent + 2 < rest.len) {
		const char *at = rest.at + percent;
		unsigned int byte = (unsigned int)(uri_hex((unsigned char)at[1]) << 4 |
						   uri_hex((unsigned char)at[2]));

		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
			if (rows[i].byte == byte && (denied & rows[i].bit))
				return FAIL_ENCODED_CHARACTER;
		}
		rest = str_from(rest, (size_t)percent + 3);
	}
	return FAIL_NONE;
}
