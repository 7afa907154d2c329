// SPDX-License-Identifier: Apache-2.0
/* asked_url: see the header. */

#include "mw/asked_url.h"

#include <errno.h>

#include "http/uri.h"
#include "mw/secret_pem.h"

int asked_url_prepare(struct mw_prepare *prepare, const char *field, struct str url,
		      const struct forward_auth_tls *tls, struct asked_url *ret_asked)
{
	const struct diag_path *path = DIAG_FIELD(prepare->path, field);
	struct mw_url_tls url_tls = {0};
	struct uri uri;

	*ret_asked = (struct asked_url){.url = url};
	if (uri_parse(url, METHOD_GET, &uri) != FAIL_NONE || uri.form != URI_ABSOLUTE ||
	    uri.authority.len == 0) {
		struct diag *diag = diag_error(prepare->sink, path, "wrong value");

		diag_expected(prepare->sink, diag, "a URL such as http://host/path");
		diag_found(prepare->sink, diag, url);
		return -EINVAL;
	}
	ret_asked->host = uri.authority;
	ret_asked->path = uri.has_query ? arena_printf(prepare->arena, STR_FMT "?" STR_FMT,
						       STR_ARG(uri.path), STR_ARG(uri.query))
					: uri.path;
	if (tls && secret_pem_read(prepare, tls, &url_tls) < 0)
		return -EINVAL;
	ret_asked->service = prepare->url(prepare, url, tls ? &url_tls : NULL, path);
	return ret_asked->service ? 0 : -EINVAL;
}

struct mw_fetch *asked_url_question(const struct asked_url *asked, struct str method,
				    struct arena *arena)
{
	struct mw_fetch *fetch = ARENA_NEW(arena, struct mw_fetch);

	if (!fetch)
		return NULL;
	fetch->service = asked->service;
	fetch->method = method;
	fetch->path = asked->path;
	fetch->host = asked->host;
	fetch->headers.arena = arena;
	return fetch;
}
