/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_TICKET_H
#define TLS_TICKET_H

/*
 * tls_ticket: the keys that session tickets are sealed with (RFC 5077, RFC 8446 4.6.1).
 *
 * A ring of two: the current key and the one before, so that a ticket lives at least one and at
 * most two rotation periods. Keys lie in pages that core dumps leave out and are overwritten when
 * they go. Thread-safe.
 */

#include <openssl/types.h>
#include <stdint.h>

enum {
	TLS_TICKET_ROTATE_HOURS = 4,
	TLS_TICKET_LIFETIME_S = 7200, /* of a session; shorter than a key's */
};

/* A ring's content, for the process that takes over: as secret as the keys. */
enum { TLS_TICKET_SAVED_BYTES = 256 };
struct tls_ticket_saved {
	unsigned char byte[TLS_TICKET_SAVED_BYTES];
};

struct tls_ticket_ring;

struct tls_ticket_ring *tls_ticket_ring_new(uint64_t now_ns);
void tls_ticket_ring_free(struct tls_ticket_ring *ring);
/* The current key becomes the previous one. */
void tls_ticket_ring_rotate(struct tls_ticket_ring *ring, uint64_t now_ns);
void tls_ticket_ring_save(struct tls_ticket_ring *ring, struct tls_ticket_saved *ret_saved);
/* On the same machine since its last start: times are monotonic ones. */
void tls_ticket_ring_restore(struct tls_ticket_ring *ring, const struct tls_ticket_saved *saved);
/*
 * What OpenSSL's ticket callback has to do: seal (1, -1 on failure), or open: 0 unknown key, 1
 * opened, 2 opened with the previous key (a new ticket is due). Rotates when the time has come.
 */
int tls_ticket_apply(struct tls_ticket_ring *ring, uint64_t now_ns, unsigned char key_name[16],
		     unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int seal);

#endif
