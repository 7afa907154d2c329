// SPDX-License-Identifier: Apache-2.0
/*
 * compile_url: services that no manifest makes: one server outside, named by a URL (of an
 * authentication server, of keys), or one server to be probed.
 *
 * They are in no list, are not counted, and nothing balances over them.
 */

#include "base/num.h"
#include "http/uri.h"
#include "plan/compile_services.h"

struct service *compile_url_service(struct compile *c, struct str host, uint16_t port,
				    enum transport_scheme scheme, const struct transport *transport,
				    const struct diag_path *path)
{
	static const int64_t one = 1;
	struct service *service =
		compile_service_new(c, SERVICE_SERVERS, STR("url" NAMES_INTERNAL), false);

	if (!service || !compile_endpoints_add(c, service, host, port, scheme, transport, path) ||
	    !compile_balance_turns(&one, 1, c->arena, &service->turns))
		return NULL;
	return service;
}

bool compile_url_parse(struct compile *c, struct str url, const struct diag_path *path,
		       struct url_parts *ret_parts)
{
	struct str authority, port_text;
	struct uri uri;

	/* A query right behind the authority is nothing that a request target can have. */
	if (uri_parse(url, METHOD_GET, &uri) || uri.form != URI_ABSOLUTE ||
	    !transport_scheme_parse(uri.scheme, &ret_parts->scheme)) {
		diag_found(c->sink,
			   diag_error(c->sink, path, "not a URL such as http://host:80/path"), url);
		return false;
	}
	authority = uri.authority;
	ret_parts->path = uri.path;
	if (!uri_split_authority(authority, &ret_parts->host, &port_text) || !ret_parts->host.len) {
		diag_found(c->sink, diag_error(c->sink, path, "a URL without a proper host"), url);
		return false;
	}
	ret_parts->port = ret_parts->scheme == TRANSPORT_HTTPS ? 443 : 80;
	if (port_text.len && (num_uint16(port_text, &ret_parts->port) < 0 || !ret_parts->port)) {
		diag_found(c->sink, diag_error(c->sink, path, "a URL with a port that is none"),
			   url);
		return false;
	}
	return true;
}

const struct service *compile_url(struct compile *c, struct str url, const struct mw_url_tls *tls,
				  const struct diag_path *path)
{
	const struct transport *transport;
	struct url_parts parts;

	if (!compile_url_parse(c, url, path, &parts))
		return NULL;
	transport = compile_transport_url(c, tls, parts.scheme, path);
	return transport ? compile_url_service(c, parts.host, parts.port, parts.scheme, transport,
					       path)
			 : NULL;
}
