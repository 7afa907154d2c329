/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERT_INFO_H
#define CERT_INFO_H

/* cert_info: what certificates say, as the headers of passTLSClientCert have it (reference c.14).
 */

#include "http/message.h"
#include "model/mw_conf_auth.h"

/* Base64 of each, joined by ','. {0} when memory is short. */
struct str cert_info_pem(const struct client_certs *certs, struct arena *arena);
/*
 * Per certificate Subject="...";Issuer="...";SerialNumber="...";NB="...";NA="...";SAN="...", of
 * these what is wanted and there, joined by ','. Not escaped. {0} when memory is short.
 */
struct str cert_info_text(const struct client_certs *certs, const struct tls_cert_info *wanted,
			  struct arena *arena);

#endif
