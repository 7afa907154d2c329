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

static bool is_identity_id(enum header_id id)
{
	return is_managed_id(id) || id == HEADER_FORWARDED;
}

/* Beyond the managed set: what servers and frameworks take for an identity (reference/security.md
 * A2.4). */
bool forwarded_is_identity(struct str name)
{
	static const struct str prefixes[] = {
		{"X-Forwarded-", 12}, {"X-Original-", 11},   {"X-Rewrite-Url", 13},
		{"Client-Cert", 11},  {"X-Client-Cert", 13},
	};
	char room[MAX_IDENTITY_BYTES];

	/* Nearly all names end here: none of the list begins with another letter. */
	if (name.len < 8 || !memchr("xXcCfF", name.at[0], 6))
		return false;
	name = with_dashes(name, room);
	if (is_identity_id(header_id_of(name)))
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

/*
 * The walk: underscores by strategy, identities of untrusted peers. What is there afterwards is
 * noted by id, so that adding ours needs no search. Managed names are protected, so no nomination
 * changes what was noted of them.
 */
static enum fail filter(struct request *request, uint8_t underscores, uint64_t *ret_seen)
{
	struct headers *headers = &request->headers;
	uint64_t seen = 0;

	for (size_t i = 0; i < headers->n; i++) {
		struct header *header = &headers->at[i];

		if (header->gone)
			continue;
		if (header->id == HEADER_OTHER && underscores != FORWARDED_UNDERSCORES_KEEP &&
		    memchr(header->name.at, '_', header->name.len)) {
			if (underscores == FORWARDED_UNDERSCORES_REJECT)
				return FAIL_HEADER_UNDERSCORE;
			header->gone = true;
		} else if (!request->peer_trusted &&
			   (header->id == HEADER_OTHER ? forwarded_is_identity(header->name)
						       : is_identity_id(header->id))) {
			header->gone = true;
		} else {
			seen |= 1ULL << header->id;
		}
	}
	*ret_seen = seen;
	return FAIL_NONE;
}

_Static_assert(HEADER__COUNT <= 64, "a set of header ids is one word");

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

/* Sets a header that is absent or empty. */
static void add_absent(struct headers *headers, uint64_t seen, enum header_id id, struct str value)
{
	if (!(seen >> id & 1))
		header_add_id(headers, id, value);
	else if (header_value(headers, id).len == 0)
		header_set_id(headers, id, value);
}

static void add_ours(struct request *request, const struct forwarded_options *options,
		     uint64_t seen)
{
	struct headers *headers = &request->headers;
	struct str scheme = request->is_tls ? STR("https") : STR("http");
	struct str proto = scheme;

	if (!(seen >> HEADER_X_REAL_IP & 1) || header_value(headers, HEADER_X_REAL_IP).len == 0) {
		char text[ADDR_TEXT_MAX];
		struct str ip = str_n(text, addr_print(&request->peer, text));

		add_absent(headers, seen, HEADER_X_REAL_IP, arena_str(request->arena, ip));
	}
	if (request->upgrade)
		proto = request->is_tls ? STR("wss") : STR("ws");
	add_absent(headers, seen, HEADER_X_FORWARDED_PROTO, proto);
	if (seen >> HEADER_X_FORWARDED_PROTO & 1)
		proto = header_value(headers, HEADER_X_FORWARDED_PROTO);
	add_absent(headers, seen, HEADER_X_FORWARDED_PORT, port_of(request, proto));
	if (request->authority.len)
		add_absent(headers, seen, HEADER_X_FORWARDED_HOST, request->authority);
	if (options->add_scheme_headers) {
		add_absent(headers, seen, HEADER_X_FORWARDED_SCHEME, scheme);
		add_absent(headers, seen, HEADER_X_SCHEME, scheme);
	}
	if (options->server.len && (seen >> HEADER_X_FORWARDED_SERVER & 1))
		header_set_id(headers, HEADER_X_FORWARDED_SERVER, options->server);
	else if (options->server.len)
		header_add_id(headers, HEADER_X_FORWARDED_SERVER, options->server);
}

enum fail forwarded_receive(struct request *request, const struct forwarded_options *options)
{
	struct headers *headers = &request->headers;
	uint64_t seen = 0;

	request->peer_trusted = forwarded_trusts(options, &request->peer);

	enum fail fail = filter(request, options->underscores, &seen);

	if (fail != FAIL_NONE)
		return fail;
	if (seen >> HEADER_CONNECTION & 1)
		drop_nominated(headers, options);
	if (seen >> HEADER_X_FORWARDED_FOR & 1) {
		struct header *first = header_find(headers, HEADER_X_FORWARDED_FOR);

		if (header_next_same(headers, first))
			header_set_id(headers, HEADER_X_FORWARDED_FOR,
				      header_joined(headers, HEADER_X_FORWARDED_FOR));
	}
	add_ours(request, options, seen);
	return request->arena->failed ? FAIL_INTERNAL : FAIL_NONE;
}

enum fail forwarded_send(struct request *request, const struct forwarded_options *options)
{
	struct headers *headers = &request->headers;
	char text[ADDR_TEXT_MAX];

	if (options->not_append_for || request->hide_peer)
		return FAIL_NONE;

	struct str peer = str_n(text, addr_print(&request->peer, text));

	if (!header_find(headers, HEADER_X_FORWARDED_FOR)) {
		header_add_id(headers, HEADER_X_FORWARDED_FOR, arena_str(request->arena, peer));
	} else {
		struct str value = header_joined(headers, HEADER_X_FORWARDED_FOR);

		if (value.len)
			value = arena_join(request->arena, value, STR(", "));
		header_set_id(headers, HEADER_X_FORWARDED_FOR,
			      arena_join(request->arena, value, peer));
	}
	return request->arena->failed ? FAIL_INTERNAL : FAIL_NONE;
}
