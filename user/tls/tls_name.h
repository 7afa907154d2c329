/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_NAME_H
#define TLS_NAME_H

/* tls_name: server names as the ClientHello and certificates hold them, in one canonical form.
 * Pure. */

#include <stdbool.h>

#include "base/str.h"

enum { TLS_NAME_MAX = 255 }; /* RFC 1035 3.1, and what OpenSSL takes */

/*
 * Lower case, without one final dot, in out. False when it is empty, too long, or holds anything
 * but printable ASCII (NUL above all: reference/security.md A2.5).
 */
bool tls_name_canonical(struct str name, char out[TLS_NAME_MAX], struct str *ret_name);
/* "*.b.c" for "a.b.c", in out; false when there is no label to replace. */
bool tls_name_wildcard(struct str name, char out[TLS_NAME_MAX + 1], struct str *ret_name);
/* The host_name of a server_name extension's body (RFC 6066 3); false when it is malformed. */
bool tls_name_of_extension(struct str body, struct str *ret_name);

#endif
