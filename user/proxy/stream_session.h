/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STREAM_SESSION_H
#define STREAM_SESSION_H

/*
 * stream_session: a raw TCP connection (reference d.6): from the route that took it to the end of
 * both sides.
 *
 *	guards -> (client's HANDSHAKE) -> DIAL -> RELAY -> closed
 *
 * Nothing that the client sent is read before a server is connected, so a server that refuses can
 * be passed over for the next one. The end of one side is passed on, and the other has
 * terminationDelay from then on; a reset is passed on as one unless that would destroy what is
 * still on its way. The connection keeps the snapshot with which it began.
 */

#include "proxy/conn.h"
#include "proxy/stream_pick.h"
#include "proxy/stream_relay.h"

struct stream_dial;
struct tcp_route;

enum stream_session_state {
	STREAM_SESSION_HANDSHAKE,
	STREAM_SESSION_DIAL,
	STREAM_SESSION_RELAY,
};

enum { STREAM_SESSION_GUARDS_MAX = 8 /* inFlightConn of one route that count */ };

struct stream_session {
	struct link server;
	struct conn *conn;
	struct loop_task freeing;
	const struct tcp_route *route;
	struct stream_pick pick;
	struct stream_dial *dial; /* while it is being made */
	struct stream_lane up, down;
	uint64_t told_up, told_down; /* bytes that metrics know of */
	uint64_t begin_wall_ns;
	uint64_t begin_ns, connected_ns;
	char *sni; /* asked for; NULL: none, or nobody logs */
	uint32_t slots[STREAM_SESSION_GUARDS_MAX];
	uint8_t n_slots;
	uint8_t state; /* enum stream_session_state */
	bool half_closed;
};

/* The connection is the route's: it may be closed at once. */
void stream_session_begin(struct conn *conn, const struct tcp_route *route, struct str sni);
/* The client's socket has become ready, or its deadline has passed. */
void stream_session_on_client(struct stream_session *session);
void stream_session_on_client_timeout(struct stream_session *session);
/* Lets go of everything but the client's connection, which is about to be closed. */
void stream_session_drop(struct stream_session *session, bool reset);

#endif
