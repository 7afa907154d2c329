/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_STREAM_H
#define TLS_STREAM_H

/*
 * tls_stream: a connection after its handshake: records over a non-blocking socket (RFC 8446 5,
 * 4.6.3, 6; RFC 5246 6, 7.2), without an OpenSSL connection object. Where the kernel seals what is
 * sent, only reading is done here.
 *
 * Keeps no buffer but for what the peer has cut in pieces: the rest of a record that was read, and
 * of records that could not be sent. Used by one thread at a time.
 */

#include <stdbool.h>
#include <stdint.h>

#include "tls/tls_record.h"

struct tls_stream;

/* What a handshake leaves behind. The keys are taken over: nobody else may use them afterwards. */
struct tls_stream_start {
	int fd;
	struct tls_record_keys rx, tx;
	bool kernel_tx; /* the kernel has the keys of tx */
};

struct tls_stream *tls_stream_new(struct tls_stream_start *start);
/* Wipes the keys. NULL is allowed. */
void tls_stream_free(struct tls_stream *stream);

/* As tls_conn_read(), tls_conn_more(), tls_conn_shutdown(). */
ssize_t tls_stream_read(struct tls_stream *stream, void *buf, size_t cap);
bool tls_stream_more(const struct tls_stream *stream);
int tls_stream_shutdown(struct tls_stream *stream);
/* As tls_conn_write(), but at most TLS_STREAM_BATCH records, and with at least one byte in parts.
 */
ssize_t tls_stream_write(struct tls_stream *stream, const struct iovec *parts, int n);
/* Whether sealed bytes wait for the socket. */
bool tls_stream_is_blocked(const struct tls_stream *stream);

enum {
	TLS_STREAM_BATCH = 2,  /* records sealed before one send */
	TLS_STREAM_QUIET = 32, /* records without data in a row that a peer may send */
};

#endif
