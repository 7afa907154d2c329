/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UDP_ENTRY_H
#define UDP_ENTRY_H

/*
 * udp_entry: one UDP entry point in one worker: its socket, and datagrams both ways.
 *
 * The kernel gives each client's datagrams to one worker (SO_REUSEPORT), so sessions are nobody
 * else's. Datagrams are read and written many at a time; runs of equal ones travel as one where the
 * kernel can cut them (UDP_GRO, UDP_SEGMENT). Answers leave from the address that was asked. What a
 * socket does not take at once is dropped, as UDP's users expect.
 */

#include "net/loop.h"
#include "net/timer.h"
#include "proxy/entry.h"

struct udp_batch;
struct udp_session;
struct udp_source;
struct worker;

struct udp_entry {
	struct loop_io io;  /* forgotten when another process reads */
	int fd;		    /* for answers */
	struct timer timer; /* of the session that has been silent the longest */
	struct worker *worker;
	const struct entry *conf;
	uint64_t timeout_ns;
	struct list young, old; /* struct udp_session, the longest silent in front */
	struct udp_session **chains;
	struct udp_source **sources;
	uint32_t n_chains; /* a power of two */
	uint32_t n_sessions, max_sessions, max_per_source;
	bool draining;
	bool is_v4; /* the socket's family */
};

/* A bound socket for a worker's share of the datagrams. */
int udp_entry_listen(const struct addr *addr, uint16_t port, int *ret_fd);
/* Takes over fd. NULL: no memory. */
struct udp_entry *udp_entry_open(struct worker *worker, const struct entry *conf, int fd);
/* No new sessions from now on; those that there are may end. */
void udp_entry_drain(struct udp_entry *entry);
/* The same, and what comes from clients is another process's, which has the socket, too. */
void udp_entry_leave(struct udp_entry *entry);
/* Ends everything. NULL is allowed. */
void udp_entry_close(struct udp_entry *entry);
/* A datagram went nowhere. */
void udp_entry_dropped(struct udp_entry *entry, unsigned int n);
/* The server's socket has become ready. */
void udp_entry_on_server(struct loop_io *io);
/* The current snapshot is another: names of servers are asked for before anybody needs them. */
void udp_entry_adopt(struct worker *worker);
/* Frees what udp_entry_open() gave the worker to share. NULL is allowed. */
void udp_batch_free(struct udp_batch *batch);

#endif
