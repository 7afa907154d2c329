/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_OPTION_H
#define TLS_OPTION_H

/* tls_option: traefik.io/v1alpha1 TLSOption (reference a.9 and g.2): its spec. */

#include "model/schema.h"

struct tls_client_auth {
	struct strs secret_names;
	struct str client_auth_type; /* empty: by Traefik's rule, see reference g.2 */
};

struct tls_option {
	struct str min_version, max_version; /* "VersionTLS12", empty: the default */
	struct strs cipher_suites;	     /* IANA names */
	struct strs curve_preferences;
	struct tls_client_auth *client_auth;
	bool sni_strict;
	struct strs alpn_protocols;
	bool disable_session_tickets;
	bool prefer_server_cipher_suites; /* without effect, as in Traefik */
};

extern const struct schema schema_tls_option;

#endif
