// SPDX-License-Identifier: Apache-2.0
/*
 * forwarded: one walk over the headers decides what goes; what is added comes after. The lists
 * stand here once; the writer's protected list builds on them.
 */

#include "http/forwarded.h"

#include "http/h1_write.h"
#include "http/header.h"
#include "http/uri.h"

enum { MAX_IDENTITY_BYTES = 40, PORT_TEXT_MAX = 6 };

static bool is_managed_id(enum header_id id)
{
	return id >= HEADER_X_FORWARDED_FOR && id <= HEADER_X_REAL_IP;
}

/* The name with '_' as '-', in room, when it has any and is short enough to be one of ours. */
static struct str with_dashes(struct str name, char room[MAX_IDENTITY_BYTES])
{
	if (name.len > MAX_IDENTITY_BYTES || !memchr(name.at, '_', name.len))
		return name;
	for (size_t i = 0; i < name.len; i++)
		room[i] = name.at[i];
	for (size_t i = 0; i < name.len; i++) {
		if (room[i] == '_')
			room[i] = '-';
	}
	return str_n(room, name.len);
}

bool forwarded_is_managed(struct str name)
{
	char room[MAX_IDENTITY_BYTES];

	return is_managed_id(header_id_of(with_dashes(name, room)));
}

/* Beyond the managed set: what servers and frameworks take for an identity (reference/security.md
 * A2.4). */
static bool is_identity(struct str name)
{
	static const struct str prefixes[] = {
		{"X-Forwarded-", 12}, {"X-Original-", 11},   {"X-Rewrite-Url", 13},
		{"Client-Cert", 11},  {"X-Client-Cert", 13},
	};
	char room[MAX_IDENTITY_BYTES];
	enum header_id id;

	/* Nearly all names end here: none of the list begins with another letter. */
	if (name.len < 8 || !memchr("xXcCfF", name.at[0], 6))
		return false;
	name = with_dashes(name, room);
	id = header_id_of(name);
	if (is_managed_id(id) || id == HEADER_FORWARDED)
		return true;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		if (str_starts_nocase(name, prefixes[i]))
			return true;
	}
	return false;
}

bool forwarded_trusts(const struct forwarded_options *options, const struct addr *peer)
{
	if (options->insecure)
		return true;
	for (size_t i = 0; i < options->n_trusted; i++) {
		if (cidr_contains(&options->trusted[i], peer))
			return true;
	}
	return false;
}

static bool may_pass(const struct forwarded_options *options, struct str name)
{
	for (size_t i = 0; i < options->n_connection; i++) {
		if (str_eq_nocase(options->connection[i], name))
			return true;
	}
	return false;
}

/*
 * Headers that Connection nominates belong to this hop (RFC 9110 7.6.1), so no later stage may see
 * them; but a client must not be able to take away what others rely on.
 */
static void drop_nominated(struct headers *headers, const struct forwarded_options *options)
{
	for (size_t i = 0; i < headers->n; i++) {
		struct str rest = headers->at[i].value, piece;

		if (headers->at[i].id != HEADER_CONNECTION || headers->at[i].gone)
			continue;
		while (str_next(&rest, ',', &piece)) {
			piece = str_trim(piece);
			if (piece.len == 0 || h1_write_is_protected(piece) ||
			    may_pass(options, piece))
				continue;
			switch (header_id_of(piece)) {
			case HEADER_CONNECTION: /* the walk itself needs it; the writer never sends
						   it */
			case HEADER_UPGRADE:	/* decided by request->upgrade */
			case HEADER_TE:		/* only "trailers" passes the writer */
				continue;
			default:
				header_remove(headers, piece);
			}
		}
	}
	/* What is left for this hop is in the request's facts. */
	header_remove_id(headers, HEADER_CONNECTION);
}

static enum fail apply_underscores(struct headers *headers, uint8_t strategy)
{
	for (size_t i = 0; strategy != FORWARDED_UNDERSCORES_KEEP && i < headers->n; i++) {
		struct header *header = &headers->at[i];

		if (header->gone || header->id || !memchr(header->name.at, '_', header->name.len))
			continue;
		if (strategy == FORWARDED_UNDERSCORES_REJECT)
			return FAIL_HEADER_UNDERSCORE;
		header->gone = true;
	}
	return FAIL_NONE;
}

/* The port in Host when it has one, else the scheme's: what the reference sends as
 * X-Forwarded-Port. */
static struct str port_of(const struct request *request, struct str proto)
{
	struct str host, port;

	if (uri_split_authority(request->authority, &host, &port) && port.len)
		return port;
	if (request->is_tls || str_eq(proto, STR("https")) || str_eq(proto, STR("wss")))
		return STR("443");
	return STR("80");
}

static void add_absent(struct request *request, const struct forwarded_options *options)
{
	struct headers *headers = &request->headers;
	struct str scheme = request->is_tls ? STR("https") : STR("http");
	struct str proto = header_value(headers, HEADER_X_FORWARDED_PROTO);

	if (header_value(headers, HEADER_X_REAL_IP).len == 0) {
		char text[ADDR_TEXT_MAX];

		addr_print(&request->peer, text);
		header_set_id(headers, HEADER_X_REAL_IP, arena_str(request->arena, str_of(text)));
	}
	if (proto.len == 0) {
		proto = scheme;
		if (request->upgrade)
			proto = request->is_tls ? STR("wss") : STR("ws");
		header_set_id(headers, HEADER_X_FORWARDED_PROTO, proto);
	}
	if (header_value(headers, HEADER_X_FORWARDED_PORT).len == 0)
		header_set_id(headers, HEADER_X_FORWARDED_PORT, port_of(request, proto));
	if (header_value(headers, HEADER_X_FORWARDED_HOST).len == 0 && request->authority.len)
		header_set_id(headers, HEADER_X_FORWARDED_HOST, request->authority);
	if (options->add_scheme_headers) {
		if (header_value(headers, HEADER_X_FORWARDED_SCHEME).len == 0)
			header_set_id(headers, HEADER_X_FORWARDED_SCHEME, scheme);
		if (header_value(headers, HEADER_X_SCHEME).len == 0)
			header_set_id(headers, HEADER_X_SCHEME, scheme);
	}
	if (options->server.len)
		header_set_id(headers, HEADER_X_FORWARDED_SERVER, options->server);
}

enum fail forwarded_receive(struct request *request, const struct forwarded_options *options)
{
	struct headers *headers = &request->headers;
	enum fail fail = apply_underscores(headers, options->underscores);

	if (fail != FAIL_NONE)
		return fail;
	drop_nominated(headers, options);
	request->peer_trusted = forwarded_trusts(options, &request->peer);
	if (!request->peer_trusted) {
		for (size_t i = 0; i < headers->n; i++)
			headers->at[i].gone |= is_identity(headers->at[i].name);
	} else {
		struct header *first = header_find(headers, HEADER_X_FORWARDED_FOR);

		if (first && header_next_same(headers, first))
			header_set_id(headers, HEADER_X_FORWARDED_FOR,
				      header_joined(headers, HEADER_X_FORWARDED_FOR));
	}
	add_absent(request, options);
	return request->arena->failed ? FAIL_INTERNAL : FAIL_NONE;
}

enum fail forwarded_send(struct request *request, const struct forwarded_options *options)
{
	struct str before = header_joined(&request->headers, HEADER_X_FORWARDED_FOR);
	char text[ADDR_TEXT_MAX];

	if (options->not_append_for || request->hide_peer)
		return FAIL_NONE;
	addr_print(&request->peer, text);

	struct str value =
		before.len ? arena_join(request->arena, before, STR(", ")) : (struct str){0};

	value = value.len ? arena_join(request->arena, value, str_of(text))
			  : arena_str(request->arena, str_of(text));
	header_set_id(&request->headers, HEADER_X_FORWARDED_FOR, value);
	return request->arena->failed ? FAIL_INTERNAL : FAIL_NONE;
}
