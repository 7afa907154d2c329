/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONN_H
#define CONN_H

/*
 * conn: a client's connection, from accept to close.
 *
 *	PROXY_HEADER -> SNIFF -> HANDSHAKE -> IDLE <-> BUSY -> LINGER -> closed
 *	                  \-> STREAM
 *
 * SNIFF is for entry points with raw TCP routes alone: a connection that one of those takes is a
 * stream_session's from then on. Others are HTTP's.
 *
 * While idle it is this struct and nothing else. A request head is read straight into a new
 *exchange; one that comes in pieces waits in link.in, so that a slow client costs what it has sent.
 *Requests are served one after the other; the next one is looked at when the response before is
 *finished.
 */

#include "proxy/entry.h"
#include "proxy/link.h"
#include "proxy/publish.h"

struct exchange;
struct stream_session;

enum conn_state {
	CONN_PROXY_HEADER,
	CONN_SNIFF,
	CONN_HANDSHAKE,
	CONN_IDLE,
	CONN_BUSY,
	CONN_STREAM,
	CONN_LINGER,
	CONN_CLOSED,
};

struct conn {
	struct link link;
	struct list node; /* in worker->open */
	struct loop_task freeing;
	union {
		struct exchange *exchange;	/* BUSY */
		struct stream_session *session; /* STREAM */
	};
	struct snapshot_use *use; /* until HTTP begins: whose certificates, whose TCP routes */
	const struct entry *entry;
	struct addr peer, local;
	struct addr sender; /* the TCP peer, which a PROXY header may replace in peer */
	uint16_t peer_port, local_port;
	uint16_t tls_policy, tls_class;
	uint8_t state;
	bool counted_idle;
	bool by_proxy_header;
	bool is_postgres; /* SNIFF, STREAM: it has asked for TLS in PostgreSQL's way */
	bool head_begun;  /* part of a head was received */
	uint32_t resume;  /* how far link.in was looked at for the end of a head */
	uint32_t n_requests;
	uint32_t n_drained;  /* LINGER: bytes read and dropped */
	uint64_t private_to; /* see struct upstream_owner */
	uint64_t accepted_ns;
	uint64_t head_ns; /* the first byte of the current head */
	struct str sni;	  /* owned by link.tls */
};

/* Takes over fd. */
void conn_accept(struct worker *worker, const struct entry *entry, int fd, const struct addr *peer,
		 uint16_t peer_port);
void conn_close(struct conn *conn, bool reset);
/* NULL: the snapshot does not know its entry point. */
const struct entry_point *conn_entry_point(const struct conn *conn,
					   const struct snapshot *snapshot);
/* Closes one that is nobody's, or not wanted, without a reset: what it has sent is read first. */
void conn_refuse(struct conn *conn);
/* The exchange has ended; the answer was sent. */
void conn_next(struct conn *conn);
/* Says goodbye, then reads and drops what still comes for a moment, so that no reset destroys the
 * answer. */
void conn_linger(struct conn *conn);
void conn_set_deadline(struct conn *conn, uint64_t at_ns);
/* Whether another request may follow this one, as far as limits and draining go. */
bool conn_may_keep(const struct conn *conn);
/* Draining has begun: idle ones go. */
void conn_drain(struct conn *conn);

#endif
