/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_PEER_H
#define TLS_PEER_H

/*
 * tls_peer: the certificates that a client has shown, kept as bytes for the connection's life: far
 * smaller than OpenSSL's objects, and all that middlewares need. Bounded by what OpenSSL takes of a
 * Certificate message (100 KiB).
 */

#include <openssl/types.h>

#include "http/message.h"

/* After the handshake of a server's connection. 0 with NULL when there are none; -ENOMEM. */
int tls_peer_take(SSL *ssl, struct client_certs **ret_certs);
/*
 * Verification callback of all policies that ask for certificates: a chain of more than one is in
 * no ticket (OpenSSL keeps only the client's own), so its connection gets none and shows the chain
 * again the next time.
 */
void tls_peer_on_verify(X509_STORE_CTX *store);

#endif
