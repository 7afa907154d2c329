/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STREAM_DIAL_H
#define STREAM_DIAL_H

/*
 * stream_dial: connects a raw session to the server that was picked: its name's addresses,
 * connect(), the PROXY protocol, TLS, PostgreSQL's SSLRequest (reference a.8, b.5 2, d.6).
 *
 *	begin -> (RESOLVE) -> CONNECT -> (TLS | POSTGRES) -> done or failed
 *
 * Each address of a name is tried in turn within dialTimeout.
 */

#include "proxy/stream_session.h"

enum stream_dial_result {
	STREAM_DIAL_WAIT,
	STREAM_DIAL_DONE,
	STREAM_DIAL_FAILED, /* session->server is closed */
};

/* session->pick says where; session->server is set up here. */
enum stream_dial_result stream_dial_begin(struct stream_session *session);
/* The server's socket has become ready, or session->server.timer has fired. */
enum stream_dial_result stream_dial_on_ready(struct stream_session *session);
enum stream_dial_result stream_dial_on_timeout(struct stream_session *session);
/* Asks for the addresses of a server's name if they are no longer fresh; waits for nothing. */
void stream_dial_refresh(struct worker *worker, const struct stream_server *server,
			 struct snapshot_use *use);

#endif
