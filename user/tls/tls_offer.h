/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_OFFER_H
#define TLS_OFFER_H

/*
 * tls_offer: what a ClientHello says before anybody answers it: server name and application
 * protocols (RFC 8446 4.1.2, 6066 3, 7301 3.1). For connections whose TLS may not end here. Pure.
 *
 * Strict: a hello that is not exactly well-formed is refused, so that no two readers of it can
 * disagree about the name. Nothing is decided on a part of it.
 */

#include "tls/tls_hello.h"
#include "tls/tls_name.h"

enum {
	TLS_OFFER_ALPN_MAX = 32, /* protocols that are told; a hello with more is refused */
	TLS_OFFER_ROOM = TLS_HELLO_MAX + 4,
};

/* Texts are borrowed from the wire, from room, or from name. */
struct tls_offer {
	struct str sni; /* canonical; empty: none */
	struct str alpn[TLS_OFFER_ALPN_MAX];
	uint32_t n_alpn;
	char name[TLS_NAME_MAX];
};

/*
 * wire: the first bytes of a connection. room: where a hello that comes in several records is put
 * together. The offer is complete when TLS_HELLO_READY is returned.
 */
enum tls_hello_state tls_offer_read(struct str wire, char room[TLS_OFFER_ROOM],
				    struct tls_offer *ret_offer);

#endif
