// SPDX-License-Identifier: Apache-2.0
/* sniff: see the header. */

#include "proxy/sniff.h"

#include <errno.h>
#include <sys/socket.h>

#include "net/sock.h"
#include "proxy/worker.h"

enum { HANDSHAKE_RECORD = 0x16, SSL2_HELLO = 0x80 };

/* Both lie in the worker's scratch buffer. */
_Static_assert((int)TLS_HELLO_WIRE_MAX + (int)TLS_OFFER_ROOM <= (int)WORKER_READ_BYTES,
	       "a hello and room to put it together");

const char sniff_postgres[SNIFF_POSTGRES_BYTES] = {0, 0, 0, 8, 0x04, (char)0xd2, 0x16, 0x2f};

enum sniff_kind sniff_kind(struct str first, bool may_be_postgres)
{
	size_t n = first.len < SNIFF_POSTGRES_BYTES ? first.len : SNIFF_POSTGRES_BYTES;

	if (!n)
		return SNIFF_KIND_SHORT;
	if (may_be_postgres && memcmp(first.at, sniff_postgres, n) == 0)
		return n == SNIFF_POSTGRES_BYTES ? SNIFF_KIND_POSTGRES : SNIFF_KIND_SHORT;
	if ((unsigned char)first.at[0] == HANDSHAKE_RECORD)
		return SNIFF_KIND_HELLO;
	return (unsigned char)first.at[0] == SSL2_HELLO ? SNIFF_KIND_SSL2 : SNIFF_KIND_PLAIN;
}

/* Bytes that wait in the socket; 0: its end. */
static ssize_t peek(struct conn *conn, char *wire, size_t cap)
{
	ssize_t n;

	do {
		n = recv(conn->link.io.fd, wire, cap, MSG_PEEK);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static enum sniff_verdict verdict_of(const struct tcp_route *route, enum sniff_verdict otherwise,
				     struct sniff_found *ret_found)
{
	ret_found->route = route;
	return route ? SNIFF_STREAM : otherwise;
}

/* The socket will say when more has come; after the end nothing more will. */
static enum sniff_verdict wait_for_more(struct conn *conn)
{
	if (conn->link.io.ready & (LOOP_EOF | LOOP_ERROR))
		return SNIFF_CLOSE;
	conn->link.io.ready &= (uint8_t)~LOOP_READ;
	return SNIFF_MORE;
}

static enum sniff_verdict look_at_hello(struct conn *conn, struct str wire,
					const struct tcp_router *router,
					struct sniff_found *ret_found)
{
	char *room = worker_read_at(conn->link.worker) + TLS_HELLO_WIRE_MAX;
	struct tls_offer *offer = &ret_found->offer;
	struct tcp_facts facts = {.source = conn->peer, .is_tls = true};

	switch (tls_offer_read(wire, room, offer)) {
	case TLS_HELLO_MORE:
		return wire.len >= TLS_HELLO_WIRE_MAX ? SNIFF_CLOSE : wait_for_more(conn);
	case TLS_HELLO_BAD:
		return SNIFF_CLOSE;
	case TLS_HELLO_READY:
		break;
	}
	facts.sni = ret_found->sni = offer->sni;
	facts.alpn = offer->alpn;
	facts.n_alpn = offer->n_alpn;
	/* PostgreSQL is never HTTP. */
	if (conn->is_postgres)
		return verdict_of(tcp_router_match_raw(router, &facts), SNIFF_CLOSE, ret_found);
	return verdict_of(tcp_router_match(router, &facts), SNIFF_HTTP, ret_found);
}

/* Yes to TLS: a single byte, which an empty socket takes. */
static bool answer_postgres(struct conn *conn)
{
	char request[SNIFF_POSTGRES_BYTES];

	if (sock_read(conn->link.io.fd, request, sizeof(request)) != sizeof(request) ||
	    sock_write(conn->link.io.fd, "S", 1) != 1)
		return false;
	conn->is_postgres = true;
	return true;
}

static enum sniff_verdict look(struct conn *conn, struct str wire, const struct tcp_router *router,
			       struct sniff_found *ret_found)
{
	struct tcp_facts facts = {.source = conn->peer};

	switch (sniff_kind(wire, !conn->is_postgres && tcp_router_has_tls(router))) {
	case SNIFF_KIND_SHORT:
		return wait_for_more(conn);
	case SNIFF_KIND_POSTGRES:
		if (!answer_postgres(conn))
			return SNIFF_CLOSE;
		return sniff_look(conn, router, ret_found);
	case SNIFF_KIND_HELLO:
		return look_at_hello(conn, wire, router, ret_found);
	case SNIFF_KIND_SSL2:
		facts.is_tls = true;
		break;
	case SNIFF_KIND_PLAIN:
		break;
	}
	if (conn->is_postgres)
		return SNIFF_CLOSE;
	return verdict_of(tcp_router_match(router, &facts), SNIFF_HTTP, ret_found);
}

enum sniff_verdict sniff_look(struct conn *conn, const struct tcp_router *router,
			      struct sniff_found *ret_found)
{
	char *wire = worker_read_at(conn->link.worker);
	struct tcp_facts facts = {.source = conn->peer};
	ssize_t n;

	ret_found->route = NULL;
	ret_found->sni = (struct str){0};
	/* reference b.5 1: the server may speak first. */
	if (tcp_router_is_blind(router) && (ret_found->route = tcp_router_match(router, &facts)))
		return SNIFF_STREAM;
	if (!link_can_read(&conn->link))
		return SNIFF_MORE;
	n = peek(conn, wire, TLS_HELLO_WIRE_MAX);
	if (n == -EAGAIN) {
		conn->link.io.ready &= (uint8_t)~LOOP_READ;
		return SNIFF_MORE;
	}
	if (n <= 0)
		return SNIFF_CLOSE;
	return look(conn, str_n(wire, (size_t)n), router, ret_found);
}
