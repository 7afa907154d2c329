// SPDX-License-Identifier: Apache-2.0
/*
 * kube_intake: events and items, one at a time.
 *
 * During a list nothing is changed but watch->fresh, which then takes the place of what was known:
 * a list that does not come to its end changes nothing. An object that the list says as it was
 * before is kept, so that a list costs no memory twice.
 */
#include "source/kube_intake.h"

#include <stdio.h>
#include <stdlib.h>

#include "source/kube_json.h"
#include "source/kube_object.h"
#include "source/kube_status_text.h"

enum { FAILURES_AFTER_LIST = 2 };

#define INITIAL_END "k8s.io/initial-events-end"

void kube_intake_forget(struct table *objects)
{
	TABLE_EACH (objects, slot)
		object_unref(slot->value);
	table_done(objects);
	table_init(objects, NULL);
}

static bool broken(struct kube_watch *watch, const char *what)
{
	watch->is_broken = true;
	watch->counts.dropped++;
	snprintf(watch->problem, sizeof(watch->problem), "the API server talks nonsense: %s", what);
	return false;
}

/* Whether the object is one that was asked for. */
static bool is_asked(const struct kube_watch *watch, const struct object *object)
{
	return (!watch->namespace_ || str_eq(object->meta.namespace_, str_of(watch->namespace_))) &&
	       (!watch->name || str_eq(object->meta.name, str_of(watch->name)));
}

/* Takes over the reference. */
static void put_in(struct table *table, struct object *object)
{
	void *old = NULL;

	if (table_put(table, object->id, object, &old) < 0)
		old = object;
	object_unref(old);
}

static void put_fresh(struct kube_watch *watch, struct object *object, const json_t *document)
{
	struct object *known = table_find(&watch->objects, object->id);

	if (known && known->content_hash == object->content_hash) {
		/* Its status may be another one. */
		if (kube_object_has_status(watch->kind))
			watch->hub->on_seen(watch->hub->context, watch, object, document);
		object_unref(object);
		put_in(&watch->fresh, object_ref(known));
		return;
	}
	watch->hub->on_seen(watch->hub->context, watch, object, document);
	put_in(&watch->fresh, object);
}

/* -------------------------------------------------------------------- objects -- */

static void put(struct kube_watch *watch, json_t *document)
{
	const char *fault;
	/* What is written there is no configuration; whoever writes it wants to see it. */
	json_t *status = json_incref(json_object_get(document, "status"));
	json_t *meta = json_object_get(document, "metadata");
	json_t *generation = json_incref(json_object_get(meta, "generation"));
	struct object *object = kube_object_decode(watch->kind, document, &fault);

	if (object && status)
		json_object_set(document, "status", status);
	if (object && generation)
		json_object_set(meta, "generation", generation);
	json_decref(status);
	json_decref(generation);
	if (!object || !is_asked(watch, object)) {
		watch->counts.dropped++;
		object_unref(object);
		return;
	}
	if (watch->is_initial) {
		put_fresh(watch, object, document);
		return;
	}
	watch->hub->on_seen(watch->hub->context, watch, object, document);
	watch->hub->on_put(watch->hub->context, watch, object);
	put_in(&watch->objects, object);
}

static void drop(struct kube_watch *watch, json_t *document)
{
	const char *fault;
	struct object *said = kube_object_decode(watch->kind, document, &fault);
	struct table *table = watch->is_initial ? &watch->fresh : &watch->objects;
	struct object *known = said ? table_del(table, said->id) : NULL;

	if (known && !watch->is_initial)
		watch->hub->on_remove(watch->hub->context, watch, known);
	object_unref(known);
	object_unref(said);
}

void kube_intake_replace(struct kube_watch *watch)
{
	struct table before = watch->objects;

	watch->objects = watch->fresh;
	table_init(&watch->fresh, NULL);
	watch->is_listed = true;
	TABLE_EACH (&before, slot) {
		struct object *object = slot->value;

		/* An item that was dropped may be this one. */
		if (table_find(&watch->objects, object->id))
			continue;
		if (watch->items.n_dropped || watch->lines.n_dropped)
			put_in(&watch->objects, object_ref(object));
		else
			watch->hub->on_remove(watch->hub->context, watch, object);
	}
	TABLE_EACH (&watch->objects, slot)
		if (table_find(&before, slot->key) != slot->value)
			watch->hub->on_put(watch->hub->context, watch, slot->value);
	kube_intake_forget(&before);
	table_done(&before);
}

static void is_complete(struct kube_watch *watch, struct str rv)
{
	snprintf(watch->rv, sizeof(watch->rv), STR_FMT, STR_ARG(rv));
	watch->wants_list = watch->is_initial = false;
	watch->n_forbidden = watch->n_stream_failures = 0;
	/* A good list after which the watch fails, again and again, must not become a storm. */
	if (watch->n_failures > FAILURES_AFTER_LIST)
		watch->n_failures = FAILURES_AFTER_LIST;
	watch->problem[0] = '\0';
	watch->state = KUBE_WATCHING;
	kube_intake_replace(watch);
}

/* --------------------------------------------------------------------- events -- */

static bool take_bookmark(struct kube_watch *watch, const json_t *document)
{
	const json_t *annotations =
		json_object_get(json_object_get(document, "metadata"), "annotations");
	struct str rv = kube_object_meta(document, "resourceVersion");

	watch->counts.bookmarks++;
	if (watch->is_initial && json_object_get(annotations, INITIAL_END)) {
		if (!rv.len)
			return broken(watch, "a bookmark without a resourceVersion");
		is_complete(watch, rv);
	} else if (!watch->is_initial && rv.len) {
		snprintf(watch->rv, sizeof(watch->rv), STR_FMT, STR_ARG(rv));
	}
	return true;
}

static bool take_error(struct kube_watch *watch, const json_t *document)
{
	struct kube_status status;

	kube_status_text_take(document, &status);
	if (status.code == 410 || strcmp(status.reason, "Expired") == 0 ||
	    strcmp(status.reason, "Gone") == 0) {
		watch->is_expired = true;
		return false;
	}
	watch->is_broken = true;
	snprintf(watch->problem, sizeof(watch->problem), "the watch ended with %d: %s", status.code,
		 status.message);
	return false;
}

static bool take_event(struct kube_watch *watch, const json_t *event)
{
	const char *type = json_string_value(json_object_get(event, "type"));
	json_t *document = json_object_get(event, "object");

	if (!type || !json_is_object(document))
		return broken(watch, "a line that is no event");
	if (strcmp(type, "BOOKMARK") == 0)
		return take_bookmark(watch, document);
	if (strcmp(type, "ERROR") == 0)
		return take_error(watch, document);
	/* Decoding prunes; the version is looked at before. */
	struct str rv = kube_object_meta(document, "resourceVersion");

	if (!watch->is_initial && rv.len)
		snprintf(watch->rv, sizeof(watch->rv), STR_FMT, STR_ARG(rv));
	watch->counts.events++;
	if (strcmp(type, "ADDED") == 0 || strcmp(type, "MODIFIED") == 0)
		put(watch, document);
	else if (strcmp(type, "DELETED") == 0)
		drop(watch, document);
	else
		watch->counts.dropped++;
	return true;
}

static bool take_line(void *context, struct str line)
{
	struct kube_watch *watch = context;
	json_t *event = kube_json_load(line);
	bool go_on;

	if (!event)
		return broken(watch, "a line that is no JSON");
	watch->had_events = true;
	go_on = take_event(watch, event);
	if (go_on && !watch->is_initial) {
		watch->problem[0] = '\0';
		watch->n_failures = 0;
	}
	json_decref(event);
	return go_on;
}

/* ---------------------------------------------------------------------- lists -- */

static bool take_item(void *context, struct str item)
{
	struct kube_watch *watch = context;
	json_t *document = kube_json_load(item);

	if (!document)
		return broken(watch, "an item that is no JSON");
	put(watch, document);
	json_decref(document);
	return true;
}

bool kube_intake_take(struct kube_watch *watch, struct str bytes, uint64_t now_ns)
{
	bool go_on;

	watch->last_event_ns = now_ns;
	if (!watch->wants_list || watch->is_streaming)
		return kube_lines_push(&watch->lines, bytes, take_line, watch);
	go_on = kube_items_push(&watch->items, bytes, take_item, watch);
	return go_on && !watch->items.broken;
}

bool kube_intake_end_list(struct kube_watch *watch, bool *ret_has_more)
{
	struct str rest = buf_str(&watch->items.rest);
	json_t *list;
	struct str rv, page;

	*ret_has_more = false;
	if (watch->is_broken || !kube_items_complete(&watch->items))
		return false;
	list = kube_json_load(rest);
	rv = kube_object_meta(list, "resourceVersion");
	page = kube_object_meta(list, "continue");
	if (rv.len && page.len) {
		free(watch->page);
		watch->page = strndup(page.at, page.len);
		*ret_has_more = watch->page != NULL;
	} else if (rv.len) {
		free(watch->page);
		watch->page = NULL;
		is_complete(watch, rv);
	}
	json_decref(list);
	return rv.len != 0;
}
