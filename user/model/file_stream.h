/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILE_STREAM_H
#define FILE_STREAM_H

/*
 * file_stream: the sections `tcp:` and `udp:` of Traefik's own file format (see file_format.h).
 *
 * A router becomes an IngressRouteTCP or IngressRouteUDP whose only service is called by its name
 * in the file; a service becomes a FileStreamService, named "tcp/NAME" or "udp/NAME", since the two
 * may share names.
 */

#include "model/file_entry.h"
#include "model/stream_service_ref.h"

#define FILE_TCP "tcp/"
#define FILE_UDP "udp/"

struct file_stream_server {
	struct str address; /* "host:port" */
	bool tls;
};

struct file_stream_health {
	int64_t port; /* 0: the server's */
	struct str send, expect;
	struct duration interval, unhealthy_interval, timeout;
};

struct file_stream_balancer {
	struct list_of servers; /* struct file_stream_server */
	struct str servers_transport;
	struct opt_int termination_delay; /* deprecated; nanoseconds */
	struct stream_proxy_protocol *proxy_protocol;
	struct file_stream_health *health_check;
};

struct file_stream_child {
	struct str name;
	int64_t weight;
};

/* There is nothing to say about it: being there is all. */
struct file_stream_member_health {
	bool unused;
};

struct file_stream_weighted {
	struct list_of services; /* struct file_stream_child */
	struct file_stream_member_health *health_check;
};

/* Exactly one is not NULL in a valid object. */
struct file_stream_service {
	struct file_stream_balancer *load_balancer;
	struct file_stream_weighted *weighted;
};

extern const struct schema schema_file_stream_service;

void file_stream_tcp_router(struct file_entry *entry, json_t *conf);
void file_stream_udp_router(struct file_entry *entry, json_t *conf);
void file_stream_tcp_service(struct file_entry *entry, json_t *conf);
void file_stream_udp_service(struct file_entry *entry, json_t *conf);
void file_stream_middleware(struct file_entry *entry, json_t *conf);
void file_stream_transport(struct file_entry *entry, json_t *conf);

#endif
