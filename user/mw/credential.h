/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CREDENTIAL_H
#define CREDENTIAL_H

/* credential: a token or key somewhere in a request: found, and taken out of what goes on. */

#include "http/message.h"
#include "model/mw_conf_token.h"

enum credential_place {
	CREDENTIAL_NONE,
	CREDENTIAL_HEADER,
	CREDENTIAL_QUERY,
	CREDENTIAL_COOKIE,
	CREDENTIAL_TWICE, /* the header, parameter or cookie stands there more than once */
};

/* The first place of the source that has something. Query values are decoded. */
enum credential_place credential_find(const struct token_source *source, struct request *request,
				      struct str *ret_value);
/* Out of all places of the source, so that it is not passed on in another one either. */
void credential_remove(const struct token_source *source, struct request *request);

#endif
