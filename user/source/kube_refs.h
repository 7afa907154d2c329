/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_REFS_H
#define KUBE_REFS_H

/* kube_refs: which Secrets and ConfigMaps are named, by how many objects. One thread. */

#include "model/object.h"

struct kube_wanted {
	char *key; /* "Secret/shop/cert": an object's id */
	enum kind kind;
	struct str namespace_, name; /* in key */
	unsigned n_owners;
	void *user; /* of whoever fetches it */
};

struct kube_refs {
	struct table wanted; /* key -> struct kube_wanted */
	struct table owners; /* id -> what it names */
	uint64_t revision;   /* grows when something is wanted, or not any more */
};

void kube_refs_init(struct kube_refs *refs);
void kube_refs_done(struct kube_refs *refs);
/* What the object names now, instead of what it named before; document NULL: nothing. */
void kube_refs_set(struct kube_refs *refs, const struct object *owner, const json_t *document);
/* Forgets what nobody names; user must be NULL by then. */
void kube_refs_sweep(struct kube_refs *refs);

#endif
