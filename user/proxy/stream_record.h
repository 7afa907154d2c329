/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STREAM_RECORD_H
#define STREAM_RECORD_H

/*
 * stream_record: what is told of raw sessions: metrics of their service, while they last, and one
 * line of the access log at the end of each. Traefik has neither.
 */

#include "proxy/stream_session.h"

/* A server is connected. */
void stream_record_begin(struct stream_session *session);
/* Bytes have been moved. */
void stream_record_bytes(struct stream_session *session);
/* Another server is asked. */
void stream_record_retry(struct stream_session *session);
void stream_record_end(struct stream_session *session);

/* A datagram session (udp_session.h) has ended. */
struct udp_session;
void stream_record_udp(const struct udp_session *session);

#endif
