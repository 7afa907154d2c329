// SPDX-License-Identifier: Apache-2.0
/*
 * load_conn: one client connection of the load generator, from connect to close.
 *
 * A connection carries one request at a time. When it can take the next it calls load_ready() of
 * the loop that owns it, which sends at once (closed loop), later (open loop) or never (idle).
 */
#ifndef BENCH_LOAD_CONN_H
#define BENCH_LOAD_CONN_H

#include <stdbool.h>
#include <stdint.h>
#include <netinet/in.h>
#include <openssl/ssl.h>

#include "latency.h"

enum { LOAD_HEAD_MAX = 8192 };

enum load_error {
	LOAD_CONNECT,	  /* the connection was refused or broke before its first request */
	LOAD_TLS,	  /* the handshake failed */
	LOAD_CLOSED_IDLE, /* the server closed a connection that had no request: no request failed
			   */
	LOAD_NO_RESPONSE, /* the server closed it under a request, before any byte of the response
			   */
	LOAD_TRUNCATED,	  /* the response ended in its middle */
	LOAD_MALFORMED,	  /* no Content-Length, or bytes nobody asked for */
	LOAD_STATUS,	  /* a whole response whose status is not 2xx */
	LOAD_ERRORS,
};

enum load_state {
	LOAD_CLOSED,
	LOAD_CONNECTING,
	LOAD_HANDSHAKE,
	LOAD_IDLE,
	LOAD_HEAD,
	LOAD_BODY,
};

struct load_conn {
	int fd;
	enum load_state state;
	bool served;	   /* at least one response came on it */
	bool queued;	   /* stands in the open loop's queue */
	bool last;	   /* the server said Connection: close */
	uint32_t head_len; /* bytes of an unfinished response head in `head` */
	char *head;
	uint64_t body_left;
	uint64_t since_ns; /* when the request was due */
	SSL *ssl;
	struct load_conn *next;
};

struct load_options {
	struct sockaddr_in server;
	const char *host, *path;
	uint32_t connections, sources, routes;
	double duration_s, warmup_s, rate;
	bool churn, idle, tls;
};

struct load {
	struct load_options options;
	SSL_CTX *tls;
	int epoll;
	bool counting; /* the warm-up is over */
	uint32_t next_source;
	uint64_t random;
	char request[2048];
	uint32_t request_len;
	uint64_t responses, bytes, opened, handshakes, errors[LOAD_ERRORS];
	struct latency latency;
};

/* The loop's answer to a connection that can take a request; see loadgen.c. */
void load_ready(struct load *load, struct load_conn *conn);

uint64_t load_now_ns(void);

/* Starts to connect. A failure is counted and leaves it LOAD_CLOSED. */
void load_conn_open(struct load *load, struct load_conn *conn);
void load_conn_send(struct load *load, struct load_conn *conn, uint64_t due_ns);
void load_conn_event(struct load *load, struct load_conn *conn, uint32_t events);
void load_conn_close(struct load_conn *conn);

#endif
