/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_KTLS_H
#define TLS_KTLS_H

/* tls_ktls: whether the kernel took a connection's keys, and if not, why. */

#include <openssl/ssl.h>
#include <stdbool.h>

#include "tls/tls_conn.h"

/* Whether this kernel has the tls module; asked once per process (it may load the module). */
bool tls_ktls_available(void);
/* After the handshake; enabled: SSL_OP_ENABLE_KTLS was set on ssl. */
enum tls_ktls tls_ktls_tx(SSL *ssl, bool enabled);
enum tls_ktls tls_ktls_rx(SSL *ssl, bool enabled);

#endif
