/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILE_FORMAT_H
#define FILE_FORMAT_H

/*
 * file_format: Traefik's own file format (`http: routers: services: middlewares:`, `tls:`) -> the
 * objects that everything else works with.
 *
 * A router becomes an IngressRoute, a service a TraefikService or a FileService (which has its
 * servers' URLs), a middleware a Middleware, and so on, each in the namespace "@file", which no
 * manifest can be in. Their internal names are then name@file, as in Traefik. What stands in the
 * file itself or in files that it names (users, certificates) becomes Secrets of that namespace.
 * A wrong entry harms only itself.
 */

#include <jansson.h>

#include "model/object.h"
#include "model/service_ref.h"

#define FILE_NAMESPACE "@file"
/* Secrets whose names begin so are certificates for whoever asks for their hosts. */
#define FILE_CERTIFICATE "certificate-"

/* A server by its URL. */
struct file_server {
	struct str url;
	int64_t weight; /* 1 by default; 0 or less gets no traffic */
	bool fenced;
	bool preserve_path;
};

struct file_service {
	struct list_of servers; /* struct file_server */
	struct service_ref ref; /* what else can be said of a load balancer; its name means nothing
				 */
};

extern const struct schema schema_file_service;

struct file_format {
	/* Reads a file that an entry names into text, or returns a negative errno. May be NULL:
	 * then no file can be named. */
	int (*read)(void *context, struct str path, struct buf *text);
	void (*each)(void *context, struct object *object); /* takes the reference */
	void *context;
	struct str file;
	size_t line;
	struct diag_sink *sink; /* for what belongs to no entry */
};

/* document: one file's content, changed on the way. */
void file_format_decode(const struct file_format *format, json_t *document);

#endif
