// SPDX-License-Identifier: Apache-2.0
/*
 * url_text: a URL is cut into scheme, user, host, path, query and fragment in the order of Go's
 * url.Parse; each piece is judged and printed by its own set of characters. A piece that holds only
 * what may stand there is printed as it was written; else it is decoded and escaped anew.
 */

#include "mw/url_text.h"

#include <errno.h>

#include "http/uri.h"

/* What may stand beside letters, digits and -._~ in a piece, and what stays as it is when the piece
 * is escaped anew. */
struct piece {
	const char *valid, *kept;
};

static const struct piece path_piece = {"!$&'()*+,;=:@[]/%", "$&+,/:;=@"};
static const struct piece fragment_piece = {"!$&'()*+,;=:@[]/?%", "$&+,/:;=?@!()*'"};
static const struct piece user_piece = {"!$&'()*+,;=:%@", "$&+,;=:"};
static const struct piece host_piece = {"!$&'()*+,;=:[]<>\"", "!$&'()*+,;=:[]<>\""};

struct printing {
	struct arena *arena;
	struct str out;
	const char *why;
};

static void put(struct printing *p, struct str text)
{
	p->out = arena_join(p->arena, p->out, text);
}

static bool holds(const char *set, char c)
{
	return c && strchr(set, c);
}

static bool is_valid(struct str text, const struct piece *piece)
{
	for (size_t i = 0; i < text.len; i++)
		if (!uri_is_unreserved((unsigned char)text.at[i]) &&
		    !holds(piece->valid, text.at[i]))
			return false;
	return true;
}

static struct str escape(struct str text, const struct piece *piece, struct arena *arena)
{
	static const char digits[] = "0123456789ABCDEF";
	char *out = arena_alloc(arena, text.len * 3 + 1, 1);
	size_t n = 0;

	if (!out)
		return (struct str){0};
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if (uri_is_unreserved(c) || holds(piece->kept, (char)c)) {
			out[n++] = (char)c;
			continue;
		}
		out[n++] = '%';
		out[n++] = digits[c >> 4];
		out[n++] = digits[c & 15];
	}
	return str_n(out, n);
}

/* A path, user or fragment. */
static bool put_piece(struct printing *p, struct str text, const struct piece *piece)
{
	struct str decoded;

	if (uri_decode(text, false, p->arena, &decoded) < 0) {
		p->why = "a bad escape";
		return false;
	}
	put(p, is_valid(text, piece) ? text : escape(decoded, piece, p->arena));
	return true;
}

/* Letters first, then letters, digits, + - . up to the colon; *rest is what follows it. */
static bool take_scheme(struct printing *p, struct str *rest, struct str *ret_scheme)
{
	*ret_scheme = (struct str){0};
	for (size_t i = 0; i < rest->len; i++) {
		char c = rest->at[i], lower = ascii_lower(c);

		if (lower >= 'a' && lower <= 'z')
			continue;
		if (c == ':' && i == 0) {
			p->why = "the scheme is missing";
			return false;
		}
		if (c == ':') {
			*ret_scheme = arena_lower(p->arena, str_take(*rest, i));
			*rest = str_n(rest->at + i + 1, rest->len - i - 1);
			return true;
		}
		if (i == 0 || (!(c >= '0' && c <= '9') && !holds("+-.", c)))
			return true; /* there is none */
	}
	return true;
}

static bool is_port(struct str text)
{
	if (text.len == 0)
		return true;
	if (text.at[0] != ':')
		return false;
	for (size_t i = 1; i < text.len; i++)
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
	return true;
}

/* In a host only bytes beyond ASCII may be escaped. */
static bool decode_host(struct printing *p, struct str host, struct str *ret_host)
{
	for (size_t i = 0; i < host.len; i++) {
		unsigned char c = (unsigned char)host.at[i];

		if (c == '%') {
			if (i + 2 >= host.len || uri_hex((unsigned char)host.at[i + 1]) < 8 ||
			    uri_hex((unsigned char)host.at[i + 2]) < 0) {
				p->why = "a bad escape in the host";
				return false;
			}
			i += 2;
		} else if (c < 0x80 && !uri_is_unreserved(c) && !holds(host_piece.valid, (char)c)) {
			p->why = "a character that no host may hold";
			return false;
		}
	}
	return uri_decode(host, false, p->arena, ret_host) == 0;
}

static bool put_authority(struct printing *p, struct str authority)
{
	ptrdiff_t at = str_rfind(authority, '@');
	struct str host = at < 0 ? authority : str_from(authority, (size_t)at + 1);
	struct str user = at < 0 ? (struct str){0} : str_take(authority, (size_t)at), decoded;
	ptrdiff_t end = str_starts(host, STR("[")) ? str_rfind(host, ']') : str_rfind(host, ':');

	if (str_starts(host, STR("[")) && end < 0) {
		p->why = "a bracket is missing";
		return false;
	}
	if (!is_port(str_starts(host, STR("[")) ? str_from(host, (size_t)end + 1)
		     : end < 0			? (struct str){0}
						: str_from(host, (size_t)end))) {
		p->why = "a bad port";
		return false;
	}
	if (!is_valid(user, &user_piece)) {
		p->why = "bad user information";
		return false;
	}
	put(p, STR("//"));
	if (at >= 0) {
		if (!put_piece(p, user, &user_piece))
			return false;
		put(p, STR("@"));
	}
	if (!decode_host(p, host, &decoded))
		return false;
	put(p, escape(decoded, &host_piece, p->arena));
	return true;
}

/* Everything behind the scheme and before the query. */
static bool put_hierarchy(struct printing *p, struct str rest, bool has_scheme)
{
	ptrdiff_t slash = str_find(rest, '/');

	if (!str_starts(rest, STR("/"))) {
		if (has_scheme) {
			put(p, rest); /* opaque */
			return true;
		}
		if (str_find(slash < 0 ? rest : str_take(rest, (size_t)slash), ':') >= 0) {
			p->why = "the first segment of a path holds a colon";
			return false;
		}
	}
	if (str_starts(rest, STR("//")) && (has_scheme || !str_starts(rest, STR("///")))) {
		struct str authority = str_from(rest, 2);

		slash = str_find(authority, '/');
		rest = slash < 0 ? (struct str){0} : str_from(authority, (size_t)slash);
		if (!put_authority(p, slash < 0 ? authority : str_take(authority, (size_t)slash)))
			return false;
	}
	return put_piece(p, rest, &path_piece);
}

static bool print(struct printing *p, struct str text)
{
	ptrdiff_t hash = str_find(text, '#'), question;
	struct str fragment = hash < 0 ? (struct str){0} : str_from(text, (size_t)hash + 1);
	struct str rest = hash < 0 ? text : str_take(text, (size_t)hash), scheme, query;

	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f) {
			p->why = "a control character";
			return false;
		}
	if (!take_scheme(p, &rest, &scheme))
		return false;
	question = str_find(rest, '?');
	query = question < 0 ? (struct str){0} : str_from(rest, (size_t)question);
	rest = question < 0 ? rest : str_take(rest, (size_t)question);
	if (scheme.len) {
		put(p, scheme);
		put(p, STR(":"));
	}
	if (!put_hierarchy(p, rest, scheme.len > 0))
		return false;
	put(p, query); /* as it is */
	if (!fragment.len)
		return true;
	put(p, STR("#"));
	return put_piece(p, fragment, &fragment_piece);
}

int url_text_print(struct str text, struct arena *arena, struct str *ret_url, const char **ret_why)
{
	struct printing p = {.arena = arena, .out = arena_str(arena, STR(""))};

	if (!print(&p, text)) {
		*ret_why = p.why ? p.why : "no memory";
		return p.why ? -EINVAL : -ENOMEM;
	}
	if (!p.out.at)
		return -ENOMEM;
	*ret_url = p.out;
	return 0;
}
