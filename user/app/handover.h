/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HANDOVER_H
#define HANDOVER_H

/*
 * handover: how one `tidegate run` takes over from another without a connection being refused.
 *
 * The one that serves listens on a unix socket beside its admin socket. The next one connects, is
 * given every listening socket (SCM_RIGHTS) and the ticket keys, starts to serve on them, and says
 * so; only then does the first one leave. The sockets are never closed in between, so nothing that
 * waits in them is lost; and a next one that fails before it says so changes nothing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"
#include "tls/tls_ticket.h"

enum { HANDOVER_NAME_MAX = 63 };

/* What a socket is; the number is part of what both sides speak. */
enum handover_kind {
	HANDOVER_ENTRY_POINT = 1, /* name: the entry point's */
	HANDOVER_ADMIN_TCP = 2,
	HANDOVER_ADMIN_UNIX = 3,
	HANDOVER_SELF = 4, /* the socket of handovers itself */
};

struct handover_socket {
	uint32_t kind;
	char name[HANDOVER_NAME_MAX + 1];
	int fd;
};

/* --------------------------------------------------------- the one that comes -- */

struct handover_gift {
	int peer; /* the connection to the one that serves; -1: there is none */
	pid_t pid;
	struct handover_socket *sockets; /* fd -1: somebody has taken it */
	size_t n_sockets;
	struct tls_ticket_saved tickets;
	bool has_tickets;
};

/* Asks whoever serves with this admin socket. -ENOENT: nobody does; other errnos: it did not work
 * out, and the one that serves goes on. */
int handover_ask(struct str admin_socket, struct handover_gift *ret_gift);
/* The socket of a kind, now the caller's; -1 when there is none. */
int handover_take(struct handover_gift *gift, enum handover_kind kind);
/* "I serve": the other one leaves. Then as handover_refuse(). */
int handover_accept(struct handover_gift *gift);
/* Closes what nobody took; the other one goes on if it was not told anything else. */
void handover_refuse(struct handover_gift *gift);

/* -------------------------------------------------------- the one that serves -- */

struct handover;

/* Listens; inherited is the socket from the one before, or -1. */
int handover_open(struct str admin_socket, int inherited, struct handover **ret_handover);
void handover_close(struct handover *handover);
/* What is to be given; names and descriptors are copied, not duplicated. */
int handover_offer(struct handover *handover, enum handover_kind kind, struct str name, int fd);
void handover_offer_tickets(struct handover *handover, struct tls_ticket_ring *ring);
/* Readable when handover_serve() has something to do. */
int handover_fd(const struct handover *handover);
/* True when another process serves now: leave. */
bool handover_serve(struct handover *handover);

#endif
