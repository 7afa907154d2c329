/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMPILE_SERVICES_H
#define COMPILE_SERVICES_H

/*
 * compile_services: what the files of compile that make services have for each other and for the
 * rest (see compile_parts.h): servers, transports, turns, checks, services made of services.
 */

#include "model/servers_transport.h"
#include "plan/compile_parts.h"

/* compile_endpoints: the servers of a Service (reference a.0). */
/* False with a diag. is_child: the Service is a child of a TraefikService. */
bool compile_endpoints(struct compile *c, const struct object *service,
		       const struct service_ref *ref, bool is_child, const struct diag_path *path,
		       struct service *ret_service);
/* A server for the service; host is an address or a DNS name. NULL with a diag. Pointers to earlier
 * ones are void afterwards. */
struct server *compile_endpoints_add(struct compile *c, struct service *service, struct str host,
				     uint16_t port, enum transport_scheme scheme,
				     const struct transport *transport,
				     const struct diag_path *path);

/* compile_slices: the EndpointSlices of a Service, oldest first. */
struct compile_slices {
	struct object **at; /* references */
	size_t n, room;
};
void compile_slices_index(struct compile *c);
const struct compile_slices *compile_slices(struct compile *c, const struct object *service);
/* A slice is another one now; either may be NULL. False without memory. */
bool compile_slices_change(struct compile *c, struct object *before, struct object *after);
void compile_slices_done(struct compile *c);
/* The Service that a slice belongs to, {0}: none. */
struct str compile_slices_service(const struct object *slice);

/* compile_service */
/* A service with where it stands in snapshot->services: the compiling thread's alone. */
struct compile_filed {
	struct service service; /* first */
	uint32_t place;		/* UINT32_MAX: another one of its name is there */
	uint32_t room;		/* for servers, while it is made */
};
/* The service of a route, made under the router's name; NULL with a diag. */
const struct service *compile_service_of_route(struct compile *c, const struct object *object,
					       const struct ingress_route_rule *rule,
					       struct str router, const struct diag_path *path);
/* The only Service of a route, whose middlewares are in the route's chain; NULL: it has several, or
 * a TraefikService. */
const struct service_ref *compile_service_alone(const struct ingress_route_rule *rule);
const struct service *compile_service_noop(struct compile *c);
/* The service that a Middleware names, under a name without provider. */
const struct service *compile_service_of_middleware(struct compile *c, const struct object *object,
						    const struct service_ref *ref, struct str name,
						    const struct diag_path *path);
/* An empty one, in no list yet. has_series: requests to it are counted under its name. */
struct service *compile_service_new(struct compile *c, enum service_kind kind, struct str name,
				    bool has_series);
/* Under its name; a later one of the same name takes the place of the former. */
const struct service *compile_service_file(struct compile *c, struct service *service);

/* One reference to be made into a service. */
struct wanted {
	const struct object *owner; /* IngressRoute, TraefikService, Middleware */
	const struct service_ref *ref;
	struct str name; /* of a Service's load balancer, unqualified; empty: as a child */
	bool is_shared;	 /* one service of that name is enough for all who want it */
	bool in_traefik_service;
	bool chain_is_above; /* its middlewares run where the choice begins */
};
/* ret_name: what a parent's sticky cookie calls it (reference a.1). NULL with a diag. */
const struct service *compile_service_wanted(struct compile *c, const struct wanted *wanted,
					     const struct diag_path *path, struct str *ret_name);

/* compile_composite: services made of services (reference a.6, d.2). */
/* Children of service from a list of struct service_ref, and their turns. */
bool compile_composite_children(struct compile *c, struct service *service,
				const struct wanted *model, struct list_of refs,
				const struct diag_path *path);
/* Made once for each object. NULL with a diag. */
const struct service *compile_composite(struct compile *c, const struct object *object,
					const struct diag_path *path);
/* What a TraefikService unit is made by. */
const struct service *compile_composite_object(struct compile *c, const struct object *object);

/* compile_health: how servers are chosen, probed and rested; before the servers are made. False
 * with a diag. */
bool compile_health(struct compile *c, const struct service_ref *ref, bool is_external,
		    const struct diag_path *path, struct service *service);
/* Whether members of the service need a struct live_member. */
bool compile_health_needs_members(const struct service *service);
/* What is probed, once the servers are known. */
bool compile_health_targets(struct compile *c, const struct service_ref *ref,
			    struct str service_namespace, const struct diag_path *path,
			    struct service *service);

/* Where a URL leads. False with a diag. */
struct url_parts {
	enum transport_scheme scheme;
	struct str host;
	uint16_t port;
	struct str path; /* escaped; "/" when there is none */
};
bool compile_url_parse(struct compile *c, struct str url, const struct diag_path *path,
		       struct url_parts *ret_parts);
/* compile_url: a service of one server that a URL names: "https://auth.example:8443". NULL with a
 * diag. */
const struct service *compile_url(struct compile *c, struct str url, const struct mw_url_tls *tls,
				  const struct diag_path *path);
/* The same of parts, under a name of its own; transport is not NULL. */
struct service *compile_url_service(struct compile *c, struct str host, uint16_t port,
				    enum transport_scheme scheme, const struct transport *transport,
				    const struct diag_path *path);

/*
 * compile_transport: how servers are spoken to (reference a.7). reference: the serversTransport of
 * a service, empty for the default one; service_namespace: that of the Service, where a plain name
 * is looked for. NULL with a diag when there is no such transport: then the service cannot be made.
 */
const struct transport *compile_transport(struct compile *c, struct str reference,
					  struct str service_namespace,
					  enum transport_scheme scheme,
					  const struct diag_path *path);
/* For a url that a middleware names: the default transport, with TLS settings of its own (NULL:
 * none). */
const struct transport *compile_transport_url(struct compile *c, const struct mw_url_tls *tls,
					      enum transport_scheme scheme,
					      const struct diag_path *path);
/* What a ServersTransport unit is made by. */
void compile_transport_object(struct compile *c, const struct object *object);
/* TLS settings of raw TCP, in the form that HTTP's have; object NULL: those of the preset. */
const struct transport *compile_transport_tcp(struct compile *c, const struct object *object,
					      struct str name,
					      const struct servers_transport *spec);
/* What of a Secret is the CA (reference a.4); at is NULL when nothing is. */
struct str compile_transport_ca(const struct secret *secret);
/* What registry_server() is asked with: the same address is another server over another
 * transport. */
struct str compile_transport_server_key(struct str url, const struct transport *transport,
					struct arena *arena);

/* compile_balance: orders of turns, sticky cookies. */
/* The order of TCP and UDP: stepping by the greatest common divisor (reference d.1). */
bool compile_balance_steps(const int64_t *weights, size_t n, struct arena *arena,
			   struct turn_order *ret_turns);
/* weights of n; 0 gets no turn. */
bool compile_balance_turns(const int64_t *weights, size_t n, struct arena *arena,
			   struct turn_order *ret_turns);
const struct sticky *compile_balance_sticky(const struct sticky_conf *conf, struct str service,
					    struct arena *arena);

#endif
