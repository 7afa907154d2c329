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
/*
 * The merge patch of a VirtualAddress: its addresses and the condition Accepted. fault: why it is
 * broken, "" when it is not; reason: of which kind the fault is; before: its status of now, or
 * NULL: a condition that holds as before keeps its time.
 */
json_t *kube_condition_of_address(const struct object *object, const char *fault,
				  const char *reason, const json_t *before, uint64_t wall_ns);

#endif
