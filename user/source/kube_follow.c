// SPDX-License-Identifier: Apache-2.0
/*
 * kube_follow: see the header.
 *
 * A watch for a name ends only when what takes its place has been listed. Where nothing but names
 * is allowed (RBAC with resourceNames), names it remains, up to a limit.
 */
#include "source/kube_follow.h"

#include "source/kube_source_state.h"

static bool is_in(const struct kube_slot *slot, const struct kube_wanted *wanted)
{
	return slot->watch->kind == wanted->kind && slot->watch->namespace_ &&
	       str_eq(wanted->namespace_, str_of(slot->watch->namespace_));
}

/* The watch of many objects that has this one, or would have it, or may turn out to. */
static const struct kube_slot *cover_of(const struct kube_source *source,
					const struct kube_wanted *wanted)
{
	for (const struct kube_slot *slot = source->slots; slot; slot = slot->next) {
		const struct kube_watch *watch = slot->watch;

		if (slot->is_named || watch->kind != wanted->kind ||
		    watch->state == KUBE_FORBIDDEN || (watch->namespace_ && !is_in(slot, wanted)))
			continue;
		if (!watch->is_listed || !watch->field_selector ||
		    table_find(&watch->objects, str_of(wanted->key)))
			return slot;
	}
	return NULL;
}

struct crowd {
	size_t n_named;
	bool has_whole;
};

static struct crowd crowd_of(const struct kube_source *source, const struct kube_wanted *wanted)
{
	struct crowd crowd = {0};

	for (const struct kube_slot *slot = source->slots; slot; slot = slot->next) {
		if (!is_in(slot, wanted))
			continue;
		crowd.n_named += slot->is_named;
		crowd.has_whole |= slot->is_whole;
	}
	return crowd;
}

/* Before all of a namespace is read: what is of the type alone. */
static bool begin_by_type(struct kube_source *source)
{
	if (source->by_type || !str_eq(source->config->kubernetes.secrets, STR("named")) ||
	    kube_source_add_kind(source, KIND_SECRET, STR("type=kubernetes.io/tls")) < 0)
		return false;
	source->by_type = source->slots;
	return true;
}

static void begin(struct kube_source *source, struct kube_wanted *wanted)
{
	struct crowd crowd = crowd_of(source, wanted);
	bool is_full = source->n_named >= KUBE_NAMED_TOTAL_MAX;
	struct kube_watch_options options = {
		.kind = wanted->kind,
		.namespace_ = wanted->namespace_,
	};

	if (crowd.has_whole && is_full)
		return;
	if (crowd.has_whole || (crowd.n_named < KUBE_NAMED_IN_NAMESPACE_MAX && !is_full)) {
		options.name = wanted->name;
		wanted->user = kube_source_add_watch(source, &options);
		return;
	}
	if (wanted->kind == KIND_SECRET && begin_by_type(source))
		return;
	/* reference a.0: what Helm keeps in Secrets is not read. */
	if (wanted->kind == KIND_SECRET)
		options.label_selector = STR("owner!=helm");
	struct kube_slot *slot = kube_source_add_watch(source, &options);

	if (slot)
		slot->is_whole = true;
}

static void want(struct kube_source *source, struct kube_wanted *wanted)
{
	struct kube_slot *slot = wanted->user;
	const struct kube_slot *cover = cover_of(source, wanted);

	if (slot && (!wanted->n_owners || (cover && cover->watch->is_listed))) {
		kube_source_remove_slot(source, slot);
		wanted->user = NULL;
	} else if (!slot && wanted->n_owners && !cover &&
		   kube_source_reaches(source, wanted->namespace_)) {
		begin(source, wanted);
	}
}

static bool is_wanted_in(const struct kube_source *source, const struct kube_slot *whole)
{
	TABLE_EACH (&source->refs.wanted, slot) {
		const struct kube_wanted *wanted = slot->value;

		if (wanted->n_owners && is_in(whole, wanted))
			return true;
	}
	return false;
}

/* Namespaces of which nothing is named any more. */
static void end_wholes(struct kube_source *source)
{
	struct kube_slot *next;

	for (struct kube_slot *slot = source->slots; slot; slot = next) {
		next = slot->next;
		if (slot->is_whole && !is_wanted_in(source, slot))
			kube_source_remove_slot(source, slot);
	}
}

/* Whether one of the watches of many knows more or less than when this was asked before. */
static bool has_cover_changed(const struct kube_source *source, size_t *known)
{
	size_t now = 0;

	for (struct kube_slot *slot = source->slots; slot; slot = slot->next)
		if (!slot->is_named &&
		    (slot->watch->kind == KIND_SECRET || slot->watch->kind == KIND_CONFIG_MAP))
			now += slot->watch->objects.n + slot->watch->is_listed +
			       (slot->watch->state == KUBE_FORBIDDEN);
	bool changed = now != *known;

	*known = now;
	return changed;
}

void kube_follow_refs(struct kube_source *source)
{
	/* Many names: one watch by type is less to bear for the server. */
	if (source->n_named > KUBE_NAMED_MAX)
		begin_by_type(source);
	bool is_new = source->refs.revision != source->refs_followed;

	if (has_cover_changed(source, &source->by_type_known))
		is_new = true;
	if (!is_new)
		return;
	source->refs_followed = source->refs.revision;
	TABLE_EACH (&source->refs.wanted, slot)
		want(source, slot->value);
	end_wholes(source);
	kube_refs_sweep(&source->refs);
}
