/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SECRET_PEM_H
#define SECRET_PEM_H

/* secret_pem: certificates and keys of Secrets, for asking https URLs (reference/traefik.md a.4),
 * and the one value of Secrets that have only one. */

#include "model/mw_conf_auth.h"
#include "mw/mw.h"

/* The field `tls`: caSecret's tls.ca, else ca.crt, else its only key; certSecret's tls.crt and
 * tls.key. 0, or -EINVAL with an error added. */
int secret_pem_read(struct mw_prepare *prepare, const struct forward_auth_tls *from,
		    struct mw_url_tls *ret_tls);
/* The value of the Secret's only key; field is for the error. */
int secret_pem_only(struct mw_prepare *prepare, const char *field, struct str name,
		    struct str *ret_value);

#endif
