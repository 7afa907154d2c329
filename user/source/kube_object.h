/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_OBJECT_H
#define KUBE_OBJECT_H

/*
 * kube_object: what an API server says of one object -> an object as manifests have it, without
 * what only other programs want (managedFields, what kubectl applied last, ...), so that neither
 * memory nor compilation is spent on it. Also: which Secrets and ConfigMaps it names. Pure.
 */

#include "model/object.h"

/* A Secret or ConfigMap that an object names, in its own namespace. */
struct kube_ref {
	enum kind kind;
	struct str namespace_, name; /* borrowed from the document */
};
typedef void kube_ref_fn(void *context, const struct kube_ref *ref);

/* Drops from the document what nobody here reads. */
void kube_object_prune(enum kind kind, json_t *document);
/*
 * Decodes a document (borrowed; pruned, and completed where the items of a list leave out
 * apiVersion and kind). NULL with a word in ret_fault when it is not an object of that kind with a
 * name, which an API server never says.
 */
struct object *kube_object_decode(enum kind kind, json_t *document, const char **ret_fault);
/* The text at metadata.<key>, or {0}; borrowed. */
struct str kube_object_meta(const json_t *document, const char *key);
/* Tells of every Secret and ConfigMap that the document of that kind names. */
void kube_object_refs(enum kind kind, const json_t *document, kube_ref_fn *each, void *context);
/* Whether objects of the kind have no namespace. */
bool kube_object_is_cluster_scope(enum kind kind);
/* Whether we write the status of such objects. */
bool kube_object_has_status(enum kind kind);

#endif
