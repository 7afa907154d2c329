/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMPILE_UNIT_H
#define COMPILE_UNIT_H

/*
 * compile_unit: what is compiled anew by itself when something that it stands on changed: an
 * IngressRoute with its services, an Ingress, a TraefikService, a Middleware, a ServersTransport, a
 * VirtualAddress, a section such as the kernel plane's. All the rest is one unit, the common one: a
 * change there compiles everything anew.
 *
 * While a unit is made, every lookup of an object is written down as an edge, found or not. What
 * was made is never changed once a snapshot has it: a unit that is made again gets a part of its
 * own, and the old one is buried.
 */

#include "plan/compile_parts.h"

enum compile_unit_kind {
	UNIT_COMMON,
	UNIT_SECTION,
	UNIT_MIDDLEWARE,
	UNIT_SERVICE,
	UNIT_ROUTE,
	UNIT_INGRESS,
	UNIT_TRANSPORT,
	UNIT_VIP,
};

struct compile_edge;
struct metric_series;

/* What a unit has become. */
struct compile_made {
	struct part *part;
	struct registry_uses *uses;
	struct diag_sink *sink; /* the common unit's, or while it is made */
	struct diag *diags;
	size_t n_diags, n_errors, n_warnings;
	struct drafts drafts;
	struct services services;
	struct object *object;		/* that it was made of; a reference */
	const struct service *service;	/* of UNIT_SERVICE; NULL: it could not be made */
	struct compiled_mw *mw;		/* of UNIT_MIDDLEWARE */
	const struct compiled_vip *vip; /* of UNIT_VIP */
	/* Of UNIT_TRANSPORT: for plain connections, for TLS; NULL: it cannot be used. */
	const struct transport *transports[2];
	struct metric_series **series;
	uint32_t n_series, series_room;
	struct compile_edge *edges;
	/* It leads back to itself: by whichever of those in the circle it was found, the same is
	 * said of all. */
	bool in_circle;
};

struct compile_unit {
	enum compile_unit_kind kind;
	struct str id;			  /* its own */
	struct object *object;		  /* what it is to be made of; a reference */
	struct compile_made *made, *next; /* in force; in this pass */
	struct compile_claim *claims;	  /* of names */
	bool is_dirty, is_gone;
	bool is_open;	/* being made: it may lead to itself */
	bool has_rival; /* for a name, or another thing that only one can have */
	bool is_cut;	/* in a row of objects that was too long */
};

/* What was being made before something else had to be made. */
struct compile_scope {
	struct compile_unit *unit;
	struct compile_made *made;
	struct table routes, services;
	const struct provider_rules *rules;
};

/* object may be NULL, then id names it. */
struct compile_unit *compile_unit_new(enum compile_unit_kind kind, struct object *object,
				      struct str id);
/* Another object of the same id. */
void compile_unit_set(struct compile_unit *unit, struct object *object);
/* Its parts are buried in grave; NULL: they never were in a snapshot. */
void compile_unit_free(struct compile *c, struct compile_unit *unit, struct part_grave *grave);
/* Begins to make unit->next. False without memory. */
bool compile_unit_begin(struct compile *c, struct compile_unit *unit,
			struct compile_scope *ret_before);
/* Makes unit->next: what its object says. */
void compile_unit_make(struct compile *c, struct compile_unit *unit);
/* Goes on with what is there: for things that all units share. */
struct compile_scope compile_unit_share(struct compile *c);
void compile_unit_end(struct compile *c, struct compile_scope before);
/* unit->next is in force; what was is buried. */
void compile_unit_commit(struct compile *c, struct compile_unit *unit, struct part_grave *grave);
/* What counts in this pass. */
static inline struct compile_made *compile_unit_now(const struct compile_unit *unit)
{
	return unit->next ? unit->next : unit->is_gone ? NULL : unit->made;
}

/* What the unit of another object has become, which what is being made stands on. NULL: there is no
 * such object. When it leads back to itself it may not be whole. */
const struct compile_made *compile_unit_of(struct compile *c, struct str id);
/* What is being made stands on this key. */
void compile_unit_depend(struct compile *c, struct str key);
/* It stays as long as what is being made: texts of objects are borrowed, not copied. */
void compile_unit_hold(struct compile *c, struct object *object);
/* The key of all of a kind, and of those of a Service's EndpointSlices; in room. */
struct str compile_unit_key(char room[static 600], const char *prefix, struct str namespace_,
			    struct str name);
/* Whether others stand on what it becomes. */
static inline bool compile_unit_has_users(const struct compile_unit *unit)
{
	return unit->kind == UNIT_SERVICE || unit->kind == UNIT_MIDDLEWARE ||
	       unit->kind == UNIT_TRANSPORT;
}
/* Marks what stands on the key; c->is_off when that is the common unit. */
void compile_unit_touch(struct compile *c, struct str key);

/* A name among others of its sort for a unit. NULL: it has it from now on; else who had it before,
 * which may be itself. */
const struct compile_unit *compile_unit_claim(struct compile *c, struct compile_unit *unit,
					      struct table *names, struct str name);
/* Who has it, or NULL. */
struct compile_unit *compile_unit_named(const struct table *names, struct str name);
void compile_unit_unclaim(struct compile_unit *unit);

/* The order in which they are made: by kind, then the older before the younger, since the first
 * that asks for a name gets it. */
void compile_units_by_age(struct compile_unit **units, size_t n);
/* Those of a kind, which stand together. */
struct compile_unit **compile_units_of(const struct compile_units *units,
				       enum compile_unit_kind kind, size_t *ret_n);
bool compile_units_insert(struct compile_units *units, struct compile_unit *unit);
void compile_units_remove(struct compile_units *units, struct compile_unit *unit);

#endif
