/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMPILE_PARTS_H
#define COMPILE_PARTS_H

/*
 * compile_parts: what the files of compile share: one compile's working state, and the functions
 * that each part has for the others. Nobody outside of plan includes this.
 *
 * A part that finds a fault adds a diag about the object it works on and goes on with the next
 * thing; `problem` texts are the message of that diag. Out of memory shows in arena->failed,
 * checked at the end.
 */

#include "plan/compile_state.h"

/*
 * Objects are looked up through these alone, found or not: what a part of the snapshot stands on is
 * known by it, and only a change there makes it anew. Results and order are those of store_find and
 * store_sorted; the array is scratch memory.
 */
const struct object *compile_find(struct compile *c, enum kind kind, struct str namespace_,
				  struct str name);
struct object **compile_sorted(struct compile *c, enum kind kind, size_t *ret_n);
/* Only those of a namespace. */
struct object **compile_sorted_in(struct compile *c, enum kind kind, struct str namespace_,
				  size_t *ret_n);

/* Sets the object of the next diags; the previous one comes back with compile_about_end. */
struct compile_about {
	struct str object, file;
	size_t line;
};
struct compile_about compile_about(struct compile *c, const struct object *object);
void compile_about_end(struct compile *c, struct compile_about before);
/* The message of the newest diag. */
struct str compile_problem(const struct compile *c);
uint32_t compile_series(struct compile *c, unsigned int kind, struct str a, struct str b);
uint32_t compile_series_of(struct compile *c, unsigned int kind, const struct str *labels);

/* What Traefik's own kinds are allowed. */
struct provider_rules compile_reference_rules(const struct static_config *config);
/* compile_reference: which object a reference means (reference a.0); false with a diag. */
bool compile_reference_namespace(struct compile *c, struct str from, struct str name,
				 struct str namespace_, const struct diag_path *path,
				 struct str *ret_namespace);
/*
 * What a middleware is found by: the object's id, or a name with a provider. Never the internal
 * name, which objects of two namespaces may share: nobody gets another tenant's middleware by a
 * clever name.
 */
bool compile_reference_middleware(struct compile *c, struct str from, const struct object_ref *ref,
				  const struct diag_path *path, struct str *ret_key);

/* compile_middleware */
/* What a Middleware unit is made by. NULL without memory. */
struct compiled_mw *compile_middleware_object(struct compile *c, const struct object *object);
/* Its unit gets its name, before any is made: they are looked up by name, too. */
void compile_middleware_claim(struct compile *c, struct compile_unit *unit);
/* Marks what looked it up by name. */
void compile_middleware_touch(struct compile *c, const struct object *object);
/* All of them, for the API. A section of its own. */
void compile_middlewares_list(struct compile *c);
/* Instances for a router. False when one is missing or broken: *ret_problem says which. */
bool compile_middleware_chain(struct compile *c, struct str router, const struct strs *keys,
			      struct mw_chain *ret_chain, struct str *ret_problem);
/* The qualified name of what a key means, whether it exists or not. */
struct str compile_middleware_name(struct compile *c, struct str key);
/* A middleware that no object stands for: redirections of entry points. */
bool compile_middleware_internal(struct compile *c, struct str name, const char *type,
				 const void *decoded);

/* compile_route: the routes of an IngressRoute. */
void compile_route_object(struct compile *c, const struct object *object);
/* reference a.0, class selection */
bool compile_route_is_ours(const struct compile *c, const struct object *object);
/* The first problem stays; being disabled is worse than a warning. */
void compile_route_disable(struct draft *draft, struct str problem);
void compile_route_warn(struct draft *draft, struct str problem);
/* The parts of a route that are the same wherever it comes from. */
void compile_route_parse(struct compile *c, struct draft *draft, enum rule_syntax syntax,
			 const struct diag_path *path);
void compile_route_priority(struct compile *c, struct draft *draft, const struct diag_path *path);
/* The known ones of the names given, or the defaults. */
void compile_route_entry_points(struct compile *c, struct draft *draft, const struct strs *wanted,
				const struct diag_path *path);
/* Files a route; one that has a problem is disabled. The last of a name wins. */
void compile_route_add(struct compile *c, const struct draft *draft,
		       const struct strs *middlewares);

/* compile_ingress: the routes of an Ingress (reference f.1). */
void compile_ingress_object(struct compile *c, const struct object *object);
struct provider_rules compile_ingress_rules(const struct static_config *config);

/* compile_layers: routes below routes (parentRefs). */
enum compile_layer {
	LAYER_ALONE,   /* has neither parents nor children */
	LAYER_SKIPPED, /* a parent does not exist: none of its routes is made */
	LAYER_ROOT,    /* its routes have routes below them, and no service */
	LAYER_MIDDLE,  /* likewise, and stand below others */
	LAYER_LEAF,
};
/* Before the routes are made: who is above whom. */
void compile_layers_index(struct compile *c);
enum compile_layer compile_layers_of(const struct compile *c, const struct object *object);
/* When all routes are there: fills route.below, disables what no root leads to. */
void compile_layers_link(struct compile *c);
/* Whether an object has to do with layers: it cannot be made anew alone. */
bool compile_layers_has(const struct compile *c, const struct object *object);

/* compile_entry_point */
bool compile_entry_points(struct compile *c);
/* Names for a route that gives none (reference a.1). */
struct strs compile_entry_point_defaults(struct compile *c);
void compile_entry_point_redirections(struct compile *c);
/* Whether an entry point changes its routers (reference b.6). */
bool compile_entry_point_is_model(const struct static_entry_point *conf);
/* Routers, once all routes are known; who has which TLS options. */
void compile_entry_point_routers(struct compile *c);
/* The same while TLS options stay what they are. */
void compile_entry_point_route_anew(struct compile *c);
/* The enabled routes of an entry point; drafts has room for all. */
size_t compile_entry_point_drafts(const struct compile *c, struct str entry_point, bool is_tls,
				  struct draft **drafts);

/* compile_tls */
/* Which TLSOption an IngressRoute means; part of the draft. */
void compile_tls_option_of(struct compile *c, const struct object *object,
			   const struct diag_path *path, struct draft *draft);
void compile_tls_option_ref(struct compile *c, const struct object *object,
			    const struct object_ref *ref, const struct diag_path *path,
			    struct draft *draft);
void compile_tls_option_named(struct compile *c, struct str name, struct draft *draft);
/* Two routes of an entry point that give one host different options lose both. */
void compile_tls_conflicts(struct compile *c, struct str entry_point, struct draft **drafts,
			   size_t n);
/* The tables of all entry points; in a full pass routes get their policies. A section of its own:
 * a certificate changes tables alone, and options stay what they are in a quick pass. */
void compile_tls_tables(struct compile *c);

/* Whether a route's hosts get the default options whatever other routes come and go, as long as no
 * other is made anew that asks for another option. */
bool compile_tls_is_apart(struct compile *c, const struct draft *draft);
/* TCP routes get the numbers of their policies. */
void compile_tls_bind_streams(struct compile *c);

/* compile_tls_secret: "ns/secret" -> name of one object that asks for it, sorted, each once. */
struct str_map compile_tls_secrets(struct compile *c, const struct object *store);
/* Its certificate, for a table. is_first: of the tables of a pass, so that metrics tell it. */
void compile_tls_certificate(struct compile *c, struct tls_builder *builder,
			     const struct str_pair *wanted, struct diag_sink *sink, bool is_first);
/* Whether what an object asks of certificates is the same. Either may be NULL. */
bool compile_tls_same_secrets(const struct object *a, const struct object *b);

/* compile_tls_store: the TLSStore that counts, or NULL; faults go to sink. */
const struct object *compile_tls_store(struct compile *c, struct diag_sink *sink);
/* Names of its further certificates' Secrets, up to max; how many there are. store may be NULL. */
size_t compile_tls_store_names(const struct object *store, struct str *names, size_t max);
/* Its default certificate. store may be NULL. */
void compile_tls_store_default(struct compile *c, const struct object *store,
			       struct tls_builder *builder, struct diag_sink *sink);

/* compile_source_policy */
void compile_source_policies(struct compile *c);
/*
 * A policy for an entry that names one SourcePolicy: entry is its name in the kernel plane, and
 * in messages. NULL when there is no such object or it is broken, which the caller tells.
 */
struct kernel_policy *compile_source_policy_named(struct compile *c, struct kernel_config *config,
						  struct str namespace_, struct str name,
						  struct str entry,
						  enum kernel_cookies *ret_cookies);
/*
 * compile_source_list: the lists that a SourcePolicy names and others keep. Their faults are told
 * when policy is NULL; else their prefixes are added to it.
 */
void compile_source_lists(struct compile *c, const struct object *object,
			  struct kernel_policy *policy);

#endif
