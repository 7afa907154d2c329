// SPDX-License-Identifier: Apache-2.0
/* auth_question: see the header. */

#include "mw/auth_question.h"

#include "http/forwarded.h"
#include "http/header.h"
#include "http/uri.h"
#include "mw/owned_header.h"

static bool is_listed(const struct strs *names, struct str name)
{
	for (size_t i = 0; i < names->n; i++)
		if (str_eq_nocase(names->at[i], name))
			return true;
	return false;
}

static bool passes(const struct header *header, enum auth_trust trust, const struct strs *names)
{
	bool is_managed = forwarded_is_managed(header->name);

	if (header->gone || owned_header_is_framing(header))
		return false;
	if (trust == AUTH_TRUST_NO && is_managed)
		return false;
	return names->n == 0 || is_listed(names, header->name) ||
	       (trust == AUTH_TRUST_YES && is_managed);
}

static struct str uri_of(const struct request *request)
{
	struct str path = request->raw_path.len ? request->raw_path : STR("/");

	if (!request->has_query)
		return path;
	return arena_printf(request->arena, STR_FMT "?" STR_FMT, STR_ARG(path),
			    STR_ARG(request->query));
}

static struct str port_of(const struct request *request, struct headers *headers)
{
	struct str proto = header_value(headers, HEADER_X_FORWARDED_PROTO), host, port;

	if (uri_split_authority(request->authority, &host, &port) && port.len)
		return port;
	if (request->is_tls || str_eq(proto, STR("https")) || str_eq(proto, STR("wss")))
		return STR("443");
	return STR("80");
}

static void add_absent(struct headers *headers, enum header_id id, struct str value)
{
	if (!header_find(headers, id))
		header_add_id(headers, id, value);
}

void auth_question_headers(const struct request *request, enum auth_trust trust,
			   const struct strs *names, struct headers *headers)
{
	struct str proto = request->is_tls ? STR("https") : STR("http"), prior, peer;
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < request->headers.n; i++) {
		const struct header *header = &request->headers.at[i];

		if (passes(header, trust, names))
			header_add(headers, header->name, header->value);
	}
	peer = arena_str(request->arena, str_n(text, addr_print(&request->peer, text)));
	if (trust == AUTH_TRUST_UNSET) {
		header_set_id(headers, HEADER_X_FORWARDED_FOR, peer);
		header_set_id(headers, HEADER_X_FORWARDED_PROTO, proto);
		header_set_id(headers, HEADER_X_FORWARDED_METHOD, request->method);
		header_set_id(headers, HEADER_X_FORWARDED_HOST, request->authority);
		header_set_id(headers, HEADER_X_FORWARDED_URI, uri_of(request));
		return;
	}
	prior = header_joined(headers, HEADER_X_FORWARDED_FOR);
	if (prior.len)
		peer = arena_printf(request->arena, STR_FMT ", " STR_FMT, STR_ARG(prior),
				    STR_ARG(peer));
	header_set_id(headers, HEADER_X_FORWARDED_FOR, peer);
	add_absent(headers, HEADER_X_FORWARDED_METHOD, request->method);
	add_absent(headers, HEADER_X_FORWARDED_PROTO, proto);
	add_absent(headers, HEADER_X_FORWARDED_PORT, port_of(request, headers));
	add_absent(headers, HEADER_X_FORWARDED_HOST, request->authority);
	add_absent(headers, HEADER_X_FORWARDED_URI, uri_of(request));
}
