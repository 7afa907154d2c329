/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMPILE_STATE_H
#define COMPILE_STATE_H

/* compile_state: the working state that the files of compile share; see compile_parts.h. */

#include "base/table.h"
#include "model/endpoint_slice.h"
#include "model/ingress_route.h"
#include "model/middleware_object.h"
#include "model/secret_object.h"
#include "plan/compile.h"
#include "plan/names.h"
#include "plan/registry.h"
#include "tls/tls_builder.h"
#include "plan/transport.h"

/* A route with what only compiling needs to know. */
struct draft {
	struct route route; /* first: the snapshot points at it */
	uint32_t place;	    /* in snapshot->routes; the compiling thread's alone */
	const struct object *object;
	struct str tls_option;	 /* id of the TLSOption; empty: the default */
	bool tls_option_broken;	 /* named, but missing or not allowed */
	bool is_redirection;	 /* made for an entry point */
	struct strs middlewares; /* keys */
};

struct drafts {
	struct draft **at;
	size_t n, room;
};

/* In the order in which they were made, which is nearly that of their names. */
struct services {
	struct service **at;
	size_t n, room;
};

struct compiled_mw {
	struct str name;	     /* qualified */
	const struct object *object; /* NULL: of an entry point */
	const char *type;
	const struct mw *mw; /* NULL for a chain, and when it is broken */
	const void *decoded, *conf;
	uint64_t conf_hash;
	const struct mwc_chain *chain;
	const struct compiled_mw **members; /* of a chain, chains in it inlined */
	size_t n_members;
	bool is_broken;
	struct str problem;
};

/* What the provider that an object comes from allows it (reference a.0, f.1). */
struct provider_rules {
	const char *suffix; /* of its names: "@kubernetescrd" */
	const char *option; /* below providers: "kubernetesCRD" */
	bool allow_cross_namespace, allow_external_name_services, allow_empty_services;
	bool native_lb_by_default;
	struct strs cross_provider_namespaces; /* at NULL: unrestricted; empty list: nobody */
};

/* The number of an option in all TLS tables. */
struct tls_policy_number {
	uint16_t number;
};

/* Units in an order of their own. */
struct compile_units {
	struct compile_unit **at;
	size_t n, room;
};

enum { COMPILE_SECTIONS_MAX = 5, COMPILE_DEPTH_MAX = 64 };

struct compile {
	const struct provider_rules *rules; /* of the object that is being compiled */
	const struct store *store;
	const struct static_config *config;
	struct registry *registry;
	struct snapshot *snapshot;
	/* Of what is being made now (plan/compile_unit.h). */
	struct compile_unit *unit; /* NULL in tests of single parts */
	struct compile_made *made;
	struct part *part;
	struct arena *arena;
	struct diag_sink *sink;
	struct table routes;   /* qualified name -> struct draft */
	struct table services; /* qualified name -> struct service */
	/* Of one pass. */
	struct arena scratch;
	struct drafts drafts; /* of all units, once they are made */
	bool is_quick;	      /* only what changed is made */
	bool is_off;	      /* a quick pass is not enough */
	bool is_finishing;
	/* From one full pass to the next. */
	struct part *base; /* memory of everything that is made in the full pass */
	struct part *index;
	struct arena lasting;
	struct compile_unit *common;
	struct compile_unit *sections[COMPILE_SECTIONS_MAX];
	struct table units; /* id of an object -> struct compile_unit */
	struct compile_units all, dirty;
	struct table deps;		   /* key -> who stands on it */
	struct table slices;		   /* "ns/service" -> its EndpointSlices */
	struct table internal_middlewares; /* name -> struct compiled_mw of an entry point */
	const struct transport *default_transports[2]; /* plain, TLS */
	bool has_default_transport[2];
	struct table layers;	       /* id of an IngressRoute -> what compile_layers knows */
	struct streams *streams;       /* of raw TCP and UDP: compile_stream.h */
	struct table router_names;     /* name without provider -> the unit that has it */
	struct table middleware_names; /* qualified name -> likewise */
	/* Those that are being made, each because of the one before. */
	struct compile_unit *open[COMPILE_DEPTH_MAX + 1];
	size_t depth;
	struct provider_rules crd_rules, ingress_rules;
	struct diag_sink conflicts; /* compile_conflict.h; in index */
	struct route_conflict *conflict_rows;
	bool router_series, service_series, entry_point_series;
	bool tls_is_plain;	   /* no route has another than the default options */
	uint16_t tls_policy;	   /* those */
	struct table tls_hosts;	   /* hosts of routes with another option */
	struct table tls_policies; /* id of an option -> struct tls_policy_number */
};

/* What a full pass begins with. NULL without memory. */
struct compile *compile_state_new(const struct static_config *config, struct registry *registry,
				  const struct store *store);
/* Everything that one full pass leaves for the next passes. grave NULL: no snapshot has any of it.
 */
void compile_state_free(struct compile *c, struct part_grave *grave);
/* A unit for an object that has none yet. NULL without memory. */
struct compile_unit *compile_state_unit(struct compile *c, struct object *object);

#endif
