/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINK_H
#define LINK_H

/*
 * link: one TCP connection, to a client or to a server, plain or TLS, with what must be kept of it.
 *
 * Reading and writing keep the readiness bits of the loop honest: after a call that has emptied (or
 * filled) the socket the bit is gone, and an edge will set it again. A short read means empty, so
 * that no second call is spent on hearing -EAGAIN. What the peer does not take is held; whoever
 * produces bytes looks at link_backlog() and stops producing until it is empty: that is the whole
 * of back-pressure.
 */

#include "net/loop.h"
#include "net/timer.h"
#include "proxy/held.h"
#include "tls/tls_conn.h"

struct worker;
struct link;

/* A link without a socket of its own: a stream of a connection that others share. */
struct link_via {
	/* As tls_conn_read() and tls_conn_write(); read clears LOOP_READ when nothing is left. */
	ssize_t (*read)(struct link *link, char *buf, size_t cap);
	ssize_t (*write)(struct link *link, const struct iovec *parts, int n);
	void (*close)(struct link *link);
};

struct link {
	struct loop_io io;
	struct timer timer;
	struct worker *worker;
	bool ended;		    /* the peer's end was read */
	struct tls_conn *tls;	    /* NULL: plain */
	const struct link_via *via; /* NULL: it has a socket (io.fd) */
	void *via_state;
	struct held in;	 /* read and not used yet */
	struct held out; /* not sent yet */
};

void link_init(struct link *link, struct worker *worker, int fd);
/* Takes it out of loop and wheel and gives everything back; the descriptor is closed (with a reset
 * if asked). */
void link_close(struct link *link, bool reset);

/* Bytes, 0 at the end (then ended is set and readiness gone), -EAGAIN, or an error. Does not look
 * into link->in. */
ssize_t link_read(struct link *link, char *buf, size_t cap);
/*
 * Sends, and holds what the peer does not take. 0, or a negative errno (-ENOMEM, -EPIPE,
 * -ECONNRESET, ...). More than link_backlog() may stand still: never blocks, never drops.
 */
int link_write(struct link *link, const char *bytes, size_t n);
int link_write2(struct link *link, struct str a, struct str b);
/* Sends what is held: 0 when nothing is left, -EAGAIN, or an error. */
int link_flush(struct link *link);

static inline size_t link_backlog(const struct link *link)
{
	return held_len(&link->out);
}

static inline bool link_can_read(const struct link *link)
{
	return link->io.ready & LOOP_READ;
}

#endif
