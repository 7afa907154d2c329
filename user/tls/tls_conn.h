/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_CONN_H
#define TLS_CONN_H

/*
 * tls_conn: one TLS connection on a non-blocking stream socket: the server's side of it, or the
 * client's (tls_client.h).
 *
 * OpenSSL makes the handshake. Afterwards records are handled by the kernel where it took the keys,
 * else by OpenSSL's record layer or by tls_record, whichever the connection can use; callers see no
 * difference. Nothing is ever read from the socket beyond what read() was asked for by readiness,
 * and an idle connection keeps no buffer. Used by one thread at a time; the descriptor stays the
 * caller's.
 */

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/addr.h"
#include "base/str.h"
#include "tls/tls_table.h"

struct tls_conn;
struct ssl_session_st; /* SSL_SESSION */
struct tls_client;

enum tls_step {
	TLS_DONE,
	TLS_WANT_READ,	/* call again when the socket is readable */
	TLS_WANT_WRITE, /* ... writable */
	TLS_FAILED, /* tls_conn_failure() says why; an alert was sent where the protocol asks for
		       one */
};

/* Why a handshake failed: one word each, for logs and metrics. Table in tls_conn.c. */
enum tls_failure {
	TLS_FAILURE_NONE,
	TLS_FAILURE_CLOSED,	   /* the peer closed or reset */
	TLS_FAILURE_NOT_TLS,	   /* what came is no TLS (plain HTTP, port scans) */
	TLS_FAILURE_NAME_BAD,	   /* malformed server name */
	TLS_FAILURE_NAME_UNKNOWN,  /* sniStrict, and no certificate for the name */
	TLS_FAILURE_POLICY_BROKEN, /* the host's TLSOption is missing or invalid */
	TLS_FAILURE_VERSION,	   /* no common version */
	TLS_FAILURE_CIPHER,	   /* no common cipher or group */
	TLS_FAILURE_ALPN,	   /* no common application protocol */
	TLS_FAILURE_CLIENT_CERT,   /* a client certificate is missing or not accepted */
	TLS_FAILURE_PEER_ALERT, /* the client refused (often: it does not trust the certificate) */
	TLS_FAILURE_PROTOCOL,	/* malformed or unexpected message */
	TLS_FAILURE_INTERNAL,
	/* Of the client's side: what is wrong with the server's certificate. */
	TLS_FAILURE_SERVER_UNTRUSTED, /* no CA that is trusted has issued it */
	TLS_FAILURE_SERVER_NAME,      /* it is for another name */
	TLS_FAILURE_SERVER_EXPIRED,   /* its time is over, or has not come */
	TLS_FAILURE_SERVER_CERT,      /* anything else */
	TLS_FAILURE__COUNT,
};

/* Where the records of one direction are made. */
enum tls_ktls {
	TLS_KTLS_ON,
	TLS_KTLS_NO_MODULE, /* the kernel has no tls module */
	TLS_KTLS_CIPHER,    /* not an AEAD cipher */
	TLS_KTLS_OPENSSL,   /* OpenSSL 3.0 does not hand over this direction of this version */
	TLS_KTLS_REFUSED,   /* the kernel refused the keys */
	TLS_KTLS_OFF,	    /* switched off by tls_conn_set_ktls() */
	TLS_KTLS_UNKNOWN,   /* the handshake is not done yet */
	TLS_KTLS__COUNT,
};

struct tls_facts {
	struct str
		sni; /* canonical; empty: none. Borrowed from the connection, as all texts here */
	struct str alpn;   /* "http/1.1", "h2"; empty: none was negotiated */
	struct str cipher; /* "TLS_AES_128_GCM_SHA256" */
	uint16_t version;  /* 0x0303, 0x0304 */
	uint16_t policy;   /* made under; 421 unless equal to the route's */
	bool resumed;
	bool has_peer_cert;
	uint8_t ktls_tx, ktls_rx; /* enum tls_ktls */
};

/* Takes a reference to the table. local: the socket's own address (stands in for a missing SNI);
 * may be NULL. */
struct tls_conn *tls_conn_new(struct tls_table *table, int fd, const struct addr *local);
/*
 * Before the handshake: what it carries is a raw stream, by the policy of its route (one of the
 * table's), and any protocol that the policy names may be agreed on.
 */
void tls_conn_is_raw(struct tls_conn *conn, uint16_t policy);
/* For tls_client.c: takes over ssl, which connects, and a reference to client. */
struct tls_conn *tls_conn_new_client(struct tls_client *client, SSL *ssl, int fd);
void tls_conn_keep_session(struct tls_conn *conn, struct ssl_session_st *session);
/* Sends nothing; NULL is allowed. */
void tls_conn_free(struct tls_conn *conn);

enum tls_step tls_conn_handshake(struct tls_conn *conn);
enum tls_failure tls_conn_failure(const struct tls_conn *conn);
/* "name-unknown": log field and metric label. */
struct str tls_conn_failure_word(enum tls_failure failure);
/*
 * The alert by which the peer ended the connection ("certificate required"), or empty. With TLS 1.3
 * a server refuses a client's certificate when the client believes the handshake to be over: it
 * comes with the first read then.
 */
struct str tls_conn_peer_alert(const struct tls_conn *conn);
/*
 * Client's side: the newest session that the server gave, for a later connection, owned by the
 * caller; NULL: none since the last call.
 */
struct ssl_session_st *tls_conn_take_session(struct tls_conn *conn);
/* After the handshake. */
struct tls_facts tls_conn_facts(const struct tls_conn *conn);
/* The certificates that the client has shown, borrowed; NULL: none. */
const struct client_certs *tls_conn_client_certs(const struct tls_conn *conn);

/*
 * Bytes read (> 0), 0 after close_notify, -EAGAIN, -ECONNRESET when the peer went without
 * close_notify, -EPROTO, or another errno. Reads at most one record; short reads do not mean that
 * the socket is empty.
 */
ssize_t tls_conn_read(struct tls_conn *conn, void *buf, size_t cap);
/* Whether read() may have something to give without another readiness event: go on until it is
 * false. */
bool tls_conn_more(const struct tls_conn *conn);
/*
 * All parts go into as few records as possible. Bytes taken (> 0, perhaps fewer than given), or
 * -EAGAIN: wait for writability, then call again with the same bytes at the front (more may
 * follow): they may be half sent.
 * SIGPIPE must be ignored by the program.
 */
ssize_t tls_conn_write(struct tls_conn *conn, const struct iovec *parts, int n);
/* close_notify; 0, -EAGAIN, or an errno after which the caller just closes. Not before all writes
 * went out. */
int tls_conn_shutdown(struct tls_conn *conn);
/*
 * The connection has become idle: gives back whatever can be made again. Harmless at any time;
 * worth calling when a connection waits for its next request.
 */
void tls_conn_rest(struct tls_conn *conn);

/*
 * Kernel TLS. When tx is on (and no write waits with -EAGAIN) the caller may splice() or sendfile()
 * plaintext into the descriptor; when rx is on and tls_conn_more() is false it may splice() out of
 * it (EIO or EINVAL from splice: a record that is no data; call tls_conn_read()).
 */
bool tls_conn_can_splice_to(const struct tls_conn *conn);
bool tls_conn_can_splice_from(const struct tls_conn *conn);
/* "no-module": log field and metric label; and a sentence for status. */
struct str tls_conn_ktls_word(enum tls_ktls state);
struct str tls_conn_ktls_sentence(enum tls_ktls state);
/* Process-wide switch, before the first connection; on by default. */
void tls_conn_set_ktls(bool enabled);

#endif
