/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UDP_SESSION_H
#define UDP_SESSION_H

/*
 * udp_session: the sessions of a UDP entry point in one worker (reference d.7): found by the
 * client's address and port, and by the address that it asked.
 *
 * A session is a socket connected to the server that its first datagram chose, and keeps no bytes.
 * It ends after udp.timeout of silence. Sessions are bounded, per source and in all; when there are
 * too many, the oldest whose client has said nothing since it was answered (as spoofed sources
 * cannot) makes room.
 */

#include "net/loop.h"
#include "net/timer.h"
#include "proxy/publish.h"
#include "proxy/stream_pick.h"
#include "proxy/udp_entry.h"

struct udp_session {
	struct loop_io io;	  /* the server's socket */
	struct list node;	  /* in entry->young or entry->old */
	struct udp_session *next; /* in its chain */
	struct udp_source *source;
	struct udp_entry *entry;
	struct worker *worker; /* outlives the entry, which may be gone when this is freed */
	struct loop_task freeing;
	struct snapshot_use *use;
	struct stream_pick pick;
	struct addr client, local; /* local: the address that the client asked */
	uint16_t client_port;
	uint32_t interface; /* of a link-local one; else 0 */
	uint64_t begin_ns, begin_wall_ns, last_ns;
	uint64_t up_bytes, down_bytes;
	bool answered; /* the server has sent something */
	bool is_old;   /* and the client something after that */
};

/* Where a datagram came from and went to. */
struct udp_way {
	struct addr client, local;
	uint16_t client_port;
	uint32_t interface;
};

/* Tables and limits of an entry point; -ENOMEM. */
int udp_session_table_init(struct udp_entry *entry, uint32_t max_sessions);
void udp_session_table_done(struct udp_entry *entry);

/* The session, made if it is new and may be; NULL: the datagram is dropped. */
struct udp_session *udp_session_find(struct udp_entry *entry, const struct udp_way *way);
void udp_session_end(struct udp_session *session);
/* Something came from the client (is_up), or from the server. */
void udp_session_touch(struct udp_session *session, bool is_up, size_t bytes);
/* Ends those that were silent for too long; the time when the next one will be; 0: there is none.
 */
uint64_t udp_session_sweep(struct udp_entry *entry, uint64_t now_ns);

#endif
