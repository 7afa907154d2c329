// SPDX-License-Identifier: Apache-2.0
/*
 * kube_duty_pass: compares what should be written with what was seen, and begins as many writes as
 * the budget allows; the rest waits for the next pass.
 *
 * Status is merged field by field: what nodes say of an object belongs to each of them, who
 * applies it server-side under a name of its own, and what the elected replica says leaves that
 * alone.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "source/kube_condition.h"
#include "source/kube_event.h"
#include "source/kube_path.h"
#include "source/kube_source_state.h"

#define SEC ((uint64_t)NS_PER_SEC)

enum {
	SAY_AGAIN_S = 1800, /* an API server forgets an Event after an hour */
	NODE_GAP_S = 10,    /* between Events of the node */
	PATH_TAIL_BYTES = 512,
};

static void object_path(struct buf *path, const struct object *object)
{
	buf_init(path, KUBE_PATH_MAX_BYTES);
	kube_path_of(path, object->kind, object->meta.namespace_);
	buf_add_char(path, '/');
	kube_path_escape(path, object->meta.name);
	buf_add(path, STR("/status"));
}

static uint64_t hash_json(const json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	uint64_t hash = text ? hash_keyed(str_of(text)) | 1 : 0;

	free(text);
	return hash;
}

static const char *reason_of(const struct kube_row *row)
{
	return !row->fault ? row->node_reason : row->is_conflict ? "Conflict" : "Invalid";
}

static const char *interfaces_reason(const struct kube_duty *duty)
{
	return duty->has_lost_interface ? "InterfaceLost" : "InterfaceDegraded";
}

/* Merges the patch into the status; takes it over. False: the budget is used up. */
static bool patch_status(struct kube_source *source, enum kube_write_kind kind,
			 struct kube_row *row, const struct object *object, json_t *patch)
{
	uint64_t hash = hash_json(patch);
	bool go_on = true;
	struct buf path;

	if (row->written_hash != hash && kube_write_may(source, kind, object->meta.namespace_)) {
		go_on = kube_write_take(source);
		object_path(&path, object);
		if (go_on && kube_write_begin(source, &(struct kube_write_ask){
							      .kind = kind,
							      .row = row,
							      .namespace_ = object->meta.namespace_,
							      .method = "PATCH",
							      .path = path.at,
							      .content_type = KUBE_MERGE_PATCH,
							      .body = patch,
						      }))
			row->written_hash = hash;
		buf_done(&path);
	}
	json_decref(patch);
	return go_on;
}

/* --------------------------------------------------------------------------- status -- */

static bool pass_ingresses(struct kube_source *source)
{
	const struct kubernetes_ingress_provider *provider =
		&source->config->providers.kubernetes_ingress;
	json_t *addresses =
		kube_condition_addresses(provider, source->duty.published, source->store);
	bool go_on = true;

	TABLE_EACH (&source->store->objects[KIND_INGRESS], slot) {
		const struct object *object = slot->value;
		struct kube_row *row = kube_duty_row(&source->duty, object->id, true);
		json_t *patch;

		if (!addresses || !go_on || !row ||
		    !kube_condition_is_ours(provider, object, source->store))
			continue;
		const json_t *known =
			json_object_get(json_object_get(row->status, "loadBalancer"), "ingress");

		if (known && json_equal(known, addresses))
			continue;
		patch = kube_condition_of_ingress(addresses);
		go_on = patch_status(source, KUBE_WRITE_INGRESS, row, object, patch);
	}
	json_decref(addresses);
	return go_on;
}

static json_t *patch_of(struct kube_source *source, const struct object *object,
			const struct kube_row *row)
{
	const struct kube_condition condition = {
		.object = object,
		.fault = row->fault ? row->fault : "",
		.reason = reason_of(row),
		.before = row->status,
		.generation = row->generation,
		.wall_ns = clock_wall_ns(),
	};
	json_t *patch = NULL;

	if (row->version[0])
		patch = kube_condition_without_lost_nodes(source->store, row->status, row->version);
	if (patch)
		return patch;
	return object->kind == KIND_SOURCE_POLICY ? kube_condition_of_policy(&condition)
						  : kube_condition_of_address(&condition);
}

static bool pass_kind(struct kube_source *source, enum kind kind, enum kube_write_kind write)
{
	TABLE_EACH (&source->store->objects[kind], slot) {
		const struct object *object = slot->value;
		struct kube_row *row = kube_duty_row(&source->duty, object->id, true);
		json_t *patch;

		/* Only what the server has can be written about. */
		if (!row || !row->version[0] || row->is_settled)
			continue;
		patch = patch_of(source, object, row);
		row->is_settled = kube_condition_is_same(row->status, patch);
		if (row->is_settled)
			json_decref(patch);
		else if (!patch_status(source, write, row, object, patch))
			return false;
	}
	return true;
}

/* ---------------------------------------------------------------------------- nodes -- */

/* Without its time, which is another one each time. */
static uint64_t hash_of_node(const struct kube_row *row, const struct kube_node_fact *fact)
{
	uint64_t hash = hash_mix64((uint64_t)row->generation) ^ row->id.len ^ fact->is_programmed;

	hash = hash_mix64(hash ^ hash_keyed(str_of(fact->reason ? fact->reason : "-")));
	return hash_mix64(hash ^ hash_keyed(str_of(fact->message ? fact->message : "-")));
}

/* Whether the kernel plane works by the object as it is now. */
static bool is_in_kernel(const struct kube_duty *duty, const struct kube_row *row)
{
	return duty->kernel_revision && row->changed_revision <= duty->kernel_revision;
}

/* What this node has to say of the object: its worst news. */
static struct kube_node_fact fact_of(const struct kube_duty *duty, const struct kube_row *row)
{
	struct kube_node_fact fact = {
		.node = duty->node,
		.generation = row->generation,
		.wall_ns = clock_wall_ns(),
	};

	if (row->fault)
		return fact;
	if (row->node_fault) {
		fact.reason = row->node_reason;
		fact.message = row->node_fault;
	} else if (!is_in_kernel(duty, row) && duty->kernel_fault) {
		fact.reason = duty->kernel_fault->reason;
		fact.message = duty->kernel_fault->message;
	} else if (duty->interfaces[0]) {
		fact.reason = interfaces_reason(duty);
		fact.message = duty->interfaces;
		fact.is_programmed = !duty->has_lost_interface;
	} else {
		fact.reason = "Programmed";
		fact.is_programmed = true;
	}
	return fact;
}

static enum kube_write_kind write_of_node(enum kind kind)
{
	return kind == KIND_SOURCE_POLICY ? KUBE_WRITE_NODE_POLICY : KUBE_WRITE_NODE;
}

static bool apply_node(struct kube_source *source, struct kube_row *row,
		       const struct object *object, const json_t *document, uint64_t hash)
{
	bool is_begun;
	struct buf path;

	if (!kube_write_take(source))
		return false;
	object_path(&path, object);
	buf_add(&path, STR("?force=true&fieldManager=tidegate-node-"));
	/* A manager's name has at most 128 bytes. */
	kube_path_escape(&path, str_take(str_of(source->duty.node), 100));
	is_begun = kube_write_begin(source, &(struct kube_write_ask){
						    .kind = write_of_node(object->kind),
						    .row = row,
						    .namespace_ = object->meta.namespace_,
						    .method = "PATCH",
						    .path = path.at,
						    .content_type = KUBE_APPLY_PATCH,
						    .body = document,
					    });
	if (is_begun)
		row->node_hash = hash;
	buf_done(&path);
	return true;
}

/* False: the budget is used up. */
static bool pass_node_kind(struct kube_source *source, enum kind kind, bool *is_all)
{
	const struct kube_duty *duty = &source->duty;
	enum kube_write_kind write = write_of_node(kind);

	TABLE_EACH (&source->store->objects[kind], slot) {
		const struct object *object = slot->value;
		struct kube_row *row = kube_duty_row(&source->duty, object->id, true);
		struct kube_node_fact fact;
		json_t *document;
		uint64_t hash;
		bool go_on;

		if (!row || !row->version[0] || row->is_node_settled ||
		    !kube_write_may(source, write, object->meta.namespace_))
			continue;
		/* It is about to be put in force. */
		if (!is_in_kernel(duty, row) && !duty->kernel_fault) {
			*is_all = false;
			continue;
		}
		fact = fact_of(duty, row);
		hash = hash_of_node(row, &fact);
		if (row->node_hash == hash)
			continue;
		document = kube_condition_of_node(object, row->status, &fact);
		row->is_node_settled = !document;
		go_on = !document || apply_node(source, row, object, document, hash);
		json_decref(document);
		if (!go_on)
			return false;
	}
	return true;
}

/* --------------------------------------------------------------------------- events -- */

static bool say(struct kube_source *source, struct kube_row *row, const struct object *object,
		const char *reason, const char *fault)
{
	const struct kube_event event = {
		.kind = object->kind,
		.namespace_ = object->meta.namespace_,
		.name = object->meta.name,
		.uid = object->meta.uid,
		.version = object->meta.resource_version,
		.message = str_of(fault),
		.reason = reason,
	};
	char path[PATH_TAIL_BYTES], again[PATH_TAIL_BYTES * 2], name[KUBE_EVENT_NAME_BYTES];
	json_t *body;

	if (!kube_write_take(source))
		return false;
	kube_event_name(&event, name);
	snprintf(path, sizeof(path), "/api/v1/namespaces/" STR_FMT "/events",
		 STR_ARG(event.namespace_));
	snprintf(again, sizeof(again), "%s/%s", path, name);
	body = kube_event_make(&event, source->duty.instance, clock_wall_ns());
	if (kube_write_begin(source, &(struct kube_write_ask){
					     .kind = KUBE_WRITE_EVENT,
					     .row = row,
					     .namespace_ = event.namespace_,
					     .method = "POST",
					     .path = path,
					     .body = body,
					     .again_path = again,
				     })) {
		row->said_hash = hash_keyed(str_of(fault)) | 1;
		row->said_ns = source->now_ns;
	}
	json_decref(body);
	return true;
}

static bool is_said(const struct kube_source *source, const struct kube_row *row, const char *fault)
{
	return row->said_hash == (hash_keyed(str_of(fault)) | 1) &&
	       source->now_ns < row->said_ns + SAY_AGAIN_S * SEC;
}

static bool pass_events(struct kube_source *source)
{
	TABLE_EACH (&source->duty.rows, slot) {
		struct kube_row *row = slot->value;
		const char *fault = row->fault ? row->fault : row->node_fault;
		struct str id = row->id, kind_name;
		struct object *object;
		enum kind kind;

		if (!fault || is_said(source, row, fault))
			continue;
		str_next(&id, '/', &kind_name);
		kind = kind_find(kind_name);
		object = kind == KIND__COUNT ? NULL
					     : table_find(&source->store->objects[kind], row->id);
		/* Only what the server has can be written about. */
		if (object && object->meta.uid.len &&
		    kube_write_may(source, KUBE_WRITE_EVENT, object->meta.namespace_) &&
		    !say(source, row, object, reason_of(row), fault))
			return false;
	}
	return true;
}

/* An Event of the Node; its objects' status says the same without one. */
static bool say_interfaces(struct kube_source *source, const struct object *node, bool *is_all)
{
	struct kube_duty *duty = &source->duty;
	struct kube_row *row;

	if (!duty->interfaces[0] || !node || !node->meta.uid.len ||
	    !kube_write_may(source, KUBE_WRITE_EVENT, node->meta.namespace_))
		return true;
	row = kube_duty_row(duty, node->id, true);
	if (!row || is_said(source, row, duty->interfaces))
		return true;
	/* Of one that comes and goes not every turn is told. */
	if (row->said_ns && source->now_ns < row->said_ns + NODE_GAP_S * SEC) {
		*is_all = false;
		return true;
	}
	return say(source, row, node, interfaces_reason(duty), duty->interfaces);
}

bool kube_duty_pass_node(struct kube_source *source)
{
	const struct kube_duty *duty = &source->duty;
	const struct store *store = source->store;
	const struct object *node =
		store_find(store, KIND_NODE, STR("default"), str_of(duty->node));
	bool is_all = true;

	/* A node that the cluster does not know has nothing to say in it. */
	if (!duty->node[0] || (store->objects[KIND_NODE].n && !node))
		return true;
	return say_interfaces(source, node, &is_all) &&
	       pass_node_kind(source, KIND_VIRTUAL_ADDRESS, &is_all) &&
	       pass_node_kind(source, KIND_SOURCE_POLICY, &is_all) && is_all;
}

bool kube_duty_pass(struct kube_source *source)
{
	return pass_ingresses(source) &&
	       pass_kind(source, KIND_VIRTUAL_ADDRESS, KUBE_WRITE_ADDRESS) &&
	       pass_kind(source, KIND_SOURCE_POLICY, KUBE_WRITE_POLICY) && pass_events(source);
}
