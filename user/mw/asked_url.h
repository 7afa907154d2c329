/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASKED_URL_H
#define ASKED_URL_H

/* asked_url: a URL in a middleware's settings that is asked with wait.fetch. */

#include "model/mw_conf_auth.h"
#include "mw/mw.h"

struct asked_url {
	struct str url;	       /* as written */
	struct str host, path; /* for struct mw_fetch */
	const struct service *service;
};

/* tls: NULL: none given. 0, or -EINVAL with an error added about the field. */
int asked_url_prepare(struct mw_prepare *prepare, const char *field, struct str url,
		      const struct forward_auth_tls *tls, struct asked_url *ret_asked);
/* A question of this method, with everything else empty; NULL without memory. */
struct mw_fetch *asked_url_question(const struct asked_url *asked, struct str method,
				    struct arena *arena);

#endif
