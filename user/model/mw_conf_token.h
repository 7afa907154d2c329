/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MW_CONF_TOKEN_H
#define MW_CONF_TOKEN_H

/* mw_conf_token: the settings of the middlewares that check tokens by themselves: jwt and apiKey,
 * which Traefik itself does not have. */

#include "model/mw_conf_auth.h"

/* Where a token or key is looked for, in this order; empty: not there. */
struct token_source {
	struct str header;
	struct str header_auth_scheme; /* "Bearer": what stands before the token; empty: nothing */
	struct str query, cookie;
};

/* One condition; exactly one of the three is set. */
struct required_claim {
	struct str claim;
	struct str equals, contains;
	struct strs one_of;
};

struct mwc_jwt {
	struct strs issuers, audiences; /* n 0: any */
	struct str jwks_url, jwks_secret, public_key_secret, signing_secret;
	struct forward_auth_tls *tls; /* of jwks_url */
	struct duration jwks_refresh;
	struct strs algorithms; /* n 0: those that fit the keys */
	struct duration leeway;
	bool allow_without_expiry;
	struct token_source *source; /* NULL: Authorization: Bearer */
	bool remove_token;
	struct str_map forward_headers; /* header -> claim */
	struct list_of required_claims; /* struct required_claim */
	struct str user_claim, header_field, realm;
};

struct mwc_api_key {
	struct str secret; /* user -> key, or "sha256:" and its hash in hexadecimal */
	struct token_source *source;
	bool remove_key;
	struct str header_field, realm;
};

extern const struct schema schema_mw_jwt, schema_mw_api_key;

#endif
