/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMPILE_STREAM_H
#define COMPILE_STREAM_H

/*
 * compile_stream: what the files of compile that make raw TCP and UDP have for each other (see
 * compile_parts.h): routes, services, transports, guards, and what of them the kernel plane does by
 * itself.
 */

#include "model/file_stream.h"
#include "model/ingress_route_tcp.h"
#include "model/ingress_route_udp.h"
#include "plan/compile_services.h"
#include "plan/stream_plan.h"

/* A route with what only compiling needs to know. */
struct tcp_draft {
	struct tcp_route route; /* first: the snapshot points at it */
	const struct object *object;
	struct str tls_option;	/* id of the TLSOption; empty: the default */
	bool tls_option_broken; /* named, but missing or not allowed: connections are closed */
};

struct pointers {
	void **at;
	size_t n, room;
};

struct streams {
	struct pointers tcp, udp;		    /* struct tcp_draft, struct udp_route */
	struct pointers tcp_services, udp_services; /* struct stream_service */
	struct table names;	 /* of a router, without provider -> its object */
	struct table tcp_routes; /* qualified name -> struct tcp_draft */
	struct table services;	 /* "tcp NAME@file" -> struct stream_service; of files */
};

/* Everything of raw TCP and UDP: a section of its own, made once all HTTP routes are known. */
void compile_streams(struct compile *c);
void compile_stream_udp(struct compile *c);

bool compile_stream_push(struct compile *c, struct pointers *list, void *thing);
/* The first problem stays. */
void compile_stream_disable(uint8_t *status, struct str *problem, struct str text);
/* A name for a router that no other object has (reference a.0, but nobody is displaced). */
struct str compile_stream_name(struct compile *c, const struct object *object, struct str wanted);

/* What a TCP route needs of TLS: for compile_tls. */
size_t compile_stream_n_tls(const struct compile *c);
struct tcp_draft *compile_stream_tls(const struct compile *c, size_t i);

/* compile_stream_service: NULL with a diag. is_tcp: else UDP. */
const struct stream_service *compile_stream_service(struct compile *c, const struct object *route,
						    struct list_of refs, struct str router,
						    bool is_tcp, const struct diag_path *path);
/* Services of files that no router names are made too: for the API and `check`. */
void compile_stream_file_services(struct compile *c);

/* compile_stream_servers: those of one Service. */
bool compile_stream_servers(struct compile *c, const struct object *service,
			    const struct stream_service_ref *ref, const struct diag_path *path,
			    struct stream_service *ret_service);
bool compile_stream_server_add(struct compile *c, struct stream_service *service, struct str host,
			       uint16_t port, const struct diag_path *path);
/* Turns of servers or children, in the order of reference d.1: shuffled, then by steps. */
bool compile_stream_turns(struct compile *c, struct stream_service *service, const int64_t *weights,
			  size_t n);

/* compile_stream_transport: how TCP servers are spoken to. NULL with a diag. */
struct stream_transport_ask {
	struct str reference, from; /* serversTransport, and the namespace of who says it */
	bool tls;
	struct opt_int termination_delay;
	const struct stream_proxy_protocol *proxy_protocol;
};
const struct stream_transport *compile_stream_transport(struct compile *c,
							const struct stream_transport_ask *ask,
							const struct diag_path *path);
/* Those that no service names are made too: for `check`. */
void compile_stream_transports(struct compile *c);

/* compile_stream_guard: the MiddlewareTCPs of a route; false with a diag. */
bool compile_stream_guards(struct compile *c, struct tcp_draft *draft, struct list_of refs,
			   const struct diag_path *path);
/* All of them, for the API. */
void compile_stream_middlewares(struct compile *c);

#endif
