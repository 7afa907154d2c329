// SPDX-License-Identifier: Apache-2.0
/* kube_refs: see the header. */
#include "source/kube_refs.h"

#include <stdio.h>
#include <stdlib.h>

#include "source/kube_object.h"

enum { OWNED_MAX = 4096 }; /* names of one object */

struct owner {
	char *id;
	struct kube_wanted **at;
	size_t n;
};

void kube_refs_init(struct kube_refs *refs)
{
	*refs = (struct kube_refs){0};
	table_init(&refs->wanted, NULL);
	table_init(&refs->owners, NULL);
}

static void owner_free(struct owner *owner)
{
	if (!owner)
		return;
	free(owner->at);
	free(owner->id);
	free(owner);
}

static void wanted_free(struct kube_wanted *wanted)
{
	free(wanted->key);
	free(wanted);
}

void kube_refs_done(struct kube_refs *refs)
{
	TABLE_EACH (&refs->owners, slot)
		owner_free(slot->value);
	TABLE_EACH (&refs->wanted, slot)
		wanted_free(slot->value);
	table_done(&refs->owners);
	table_done(&refs->wanted);
}

static struct kube_wanted *wanted_of(struct kube_refs *refs, const struct kube_ref *ref)
{
	struct kube_wanted *wanted = calloc(1, sizeof(*wanted));
	struct kube_wanted *known;

	if (!wanted || asprintf(&wanted->key, "%s/" STR_FMT "/" STR_FMT, kind_infos[ref->kind].kind,
				STR_ARG(ref->namespace_), STR_ARG(ref->name)) < 0) {
		free(wanted);
		return NULL;
	}
	known = table_find(&refs->wanted, str_of(wanted->key));
	if (known) {
		wanted_free(wanted);
		return known;
	}
	wanted->kind = ref->kind;
	wanted->namespace_ =
		str_n(wanted->key + strlen(kind_infos[ref->kind].kind) + 1, ref->namespace_.len);
	wanted->name = str_n(wanted->namespace_.at + ref->namespace_.len + 1, ref->name.len);
	if (table_put(&refs->wanted, str_of(wanted->key), wanted, NULL) == 0)
		return wanted;
	wanted_free(wanted);
	return NULL;
}

struct collect {
	struct kube_refs *refs;
	struct owner *owner;
};

static void collect_ref(void *context, const struct kube_ref *ref)
{
	struct collect *collect = context;
	struct owner *owner = collect->owner;
	struct kube_wanted *wanted;
	struct kube_wanted **at;

	if (owner->n == OWNED_MAX)
		return;
	wanted = wanted_of(collect->refs, ref);
	at = wanted ? realloc(owner->at, (owner->n + 1) * sizeof(struct kube_wanted *)) : NULL;
	if (!at)
		return;
	owner->at = at;
	owner->at[owner->n++] = wanted;
	if (wanted->n_owners++ == 0)
		collect->refs->revision++;
}

static void let_go(struct kube_refs *refs, struct owner *owner)
{
	for (size_t i = 0; owner && i < owner->n; i++)
		if (--owner->at[i]->n_owners == 0)
			refs->revision++;
	owner_free(owner);
}

void kube_refs_set(struct kube_refs *refs, const struct object *object, const json_t *document)
{
	struct owner *before = table_del(&refs->owners, object->id);
	struct collect collect = {.refs = refs, .owner = calloc(1, sizeof(struct owner))};

	if (collect.owner && document)
		kube_object_refs(object->kind, document, collect_ref, &collect);
	if (collect.owner && collect.owner->n) {
		collect.owner->id = strndup(object->id.at, object->id.len);
		if (!collect.owner->id ||
		    table_put(&refs->owners, str_of(collect.owner->id), collect.owner, NULL) < 0)
			let_go(refs, collect.owner);
	} else {
		owner_free(collect.owner);
	}
	let_go(refs, before);
}

void kube_refs_sweep(struct kube_refs *refs)
{
	bool again = true;

	/* The table does not like to lose a slot while it is walked. */
	while (again) {
		again = false;
		TABLE_EACH (&refs->wanted, slot) {
			struct kube_wanted *wanted = slot->value;

			if (wanted->n_owners || wanted->user)
				continue;
			table_del(&refs->wanted, slot->key);
			wanted_free(wanted);
			again = true;
			break;
		}
	}
}
