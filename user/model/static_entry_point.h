/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STATIC_ENTRY_POINT_H
#define STATIC_ENTRY_POINT_H

/* static_entry_point: the options of one entry point, entryPoints.<name>.* (reference e). */

#include "model/schema.h"

struct listen_address {
	struct addr addr; /* unspecified (::) when the host is left out: both families */
	uint16_t port;
	bool udp;
};

struct ep_responding_timeouts {
	struct duration read, write, idle; /* 0: none */
	struct duration read_header;	   /* ours: a whole request head, from its first byte */
};

struct ep_life_cycle {
	struct duration request_accept_grace, grace;
};

struct ep_transport {
	struct ep_responding_timeouts responding_timeouts;
	struct ep_life_cycle life_cycle;
	int64_t keep_alive_max_requests; /* 0: unlimited */
	struct duration keep_alive_max_time;
};

struct ep_trust_list {
	bool insecure;
	struct strs trusted_ips;
};

struct ep_forwarded_headers {
	bool insecure;
	struct strs trusted_ips;
	struct strs connection;
	bool not_append_x_forwarded_for, add_x_forwarded_scheme_headers;
};

struct ep_encoded_characters {
	bool slash, back_slash, null_character, semicolon, percent, question_mark, hash;
};

struct ep_redirection {
	struct str to; /* name of an entry point, or ":port"; empty: none */
	struct str scheme;
	bool permanent;
	int64_t priority;
};

struct ep_redirections {
	struct ep_redirection *entry_point;
};

struct ep_tls_domain {
	struct str main;
	struct strs sans;
};

struct ep_tls {
	struct str options, cert_resolver;
	struct list_of domains; /* struct ep_tls_domain */
};

struct ep_http {
	struct strs middlewares;
	struct ep_tls *tls;
	struct ep_redirections *redirections;
	struct ep_encoded_characters *encoded_characters; /* NULL: all are allowed */
	bool encode_query_semicolons, sanitize_path;
	int64_t max_header_bytes;
	struct str underscore_headers_strategy; /* keep, delete, reject */
};

struct ep_http2 {
	int64_t max_concurrent_streams, max_decoder_header_table_size,
		max_encoder_header_table_size;
};

struct ep_http3 {
	int64_t advertised_port;
};

struct ep_udp {
	struct duration timeout;
};

struct ep_observability {
	bool access_logs, metrics, tracing;
	struct str trace_verbosity;
};

struct static_entry_point {
	struct str address;
	bool as_default, reuse_port, allow_acme_bypass;
	struct ep_transport transport;
	struct ep_trust_list *proxy_protocol; /* NULL: a PROXY header is no part of the protocol */
	struct ep_forwarded_headers forwarded_headers;
	struct ep_http http;
	struct ep_http2 http2;
	struct ep_http3 *http3;
	struct ep_udp udp;
	struct ep_observability observability;
	/* Derived after decoding. */
	struct str name;
	struct listen_address listen;
};

/* "[host]:port[/tcp|/udp]" */
int listen_address_parse(struct str text, struct listen_address *ret_address);

extern const struct schema schema_static_entry_point;

#endif
