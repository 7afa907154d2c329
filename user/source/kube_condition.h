/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_CONDITION_H
#define KUBE_CONDITION_H

/* kube_condition: what the status of an Ingress and of a VirtualAddress should say. Pure. */

#include <jansson.h>

#include "model/object.h"
#include "model/static_config.h"

/* Whether the Ingress is one of ours (reference f.1). */
bool kube_condition_is_ours(const struct kubernetes_ingress_provider *provider,
			    const struct object *ingress, const struct store *store);
/* The addresses in the status of Ingresses: [{ip: …}, {hostname: …}], a new reference; NULL: none
 * are to be written. service: the document of the publishedService, or NULL. */
json_t *kube_condition_addresses(const struct kubernetes_ingress_provider *provider,
				 const json_t *service, const struct store *store);
/* {status: {loadBalancer: {ingress: …}}}: a merge patch. addresses is borrowed. */
json_t *kube_condition_of_ingress(const json_t *addresses);

/* What the status of one of our kinds is made from. */
struct kube_condition {
	const struct object *object;
	const char *fault;    /* why it is broken; "" when it is not */
	const char *reason;   /* of which kind the fault is */
	const json_t *before; /* its status of now, or NULL: what holds as before keeps its time */
	int64_t generation;   /* 0: not known */
	uint64_t wall_ns;
};
/* The merge patch of a VirtualAddress: its addresses, and the conditions Accepted and Programmed.
 */
json_t *kube_condition_of_address(const struct kube_condition *condition);
/* The merge patch of a SourcePolicy: the same conditions. */
json_t *kube_condition_of_policy(const struct kube_condition *condition);
/* Whether the status says all that the patch says; both borrowed. */
bool kube_condition_is_same(const json_t *status, const json_t *patch);

enum {
	KUBE_NODES_WELL_MAX = 16, /* that say that all is well */
};

/* What a node knows of an object. */
struct kube_node_fact {
	const char *node;
	const char *reason;  /* in one word; NULL: it says nothing, the object is broken */
	const char *message; /* NULL: all is well */
	bool is_programmed;  /* with a message: it could be better */
	int64_t generation;  /* of the object; 0: not known */
	uint64_t wall_ns;
};
/*
 * What this node should say of itself in the status of an object: the document to apply, a new
 * reference; NULL: what is there will do. Only the first nodes say that all is well.
 */
json_t *kube_condition_of_node(const struct object *object, const json_t *before,
			       const struct kube_node_fact *fact);
/* The merge patch that removes what nodes say that are gone; NULL: none are, or nodes are not
 * known. */
json_t *kube_condition_without_lost_nodes(const struct store *store, const json_t *before,
					  const char *version);

#endif
