/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORS_H
#define CORS_H

/*
 * cors: cross-origin answers of the headers middleware (reference/traefik.md c.3; Fetch standard,
 * CORS protocol). Immutable once prepared; pure.
 */

#include "base/regex.h"
#include "http/message.h"
#include "model/mw_conf.h"
#include "mw/mw.h"

struct cors {
	bool active; /* any accessControl* field, or addVaryHeader */
	bool credentials, vary;
	bool any_header, any_method; /* lists that hold "*" */
	struct str allow_headers, allow_methods,
		expose;	    /* joined; expose is empty when it must not be sent */
	struct str max_age; /* NULL: not sent */
	struct strs origins;
	struct regex **patterns;
	size_t n_patterns;
};

int cors_prepare(struct mw_prepare *prepare, const struct mwc_headers *from, struct cors *ret_cors);
bool cors_is_preflight(const struct request *request);
/* What Access-Control-Allow-Origin says for this origin; at is NULL when it is not allowed. */
struct str cors_origin(const struct cors *cors, struct str origin);
/* The headers of a preflight's answer. */
void cors_answer(const struct cors *cors, const struct request *request, struct headers *reply);
/* Changes the headers of any other response. */
void cors_respond(const struct cors *cors, const struct request *request, struct headers *response);

#endif
