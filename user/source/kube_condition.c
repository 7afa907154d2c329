// SPDX-License-Identifier: Apache-2.0
/* kube_condition: see the header. */
#include "source/kube_condition.h"

#include <stdio.h>

#include "base/clock.h"
#include "model/core_node.h"
#include "model/ingress_object.h"
#include "model/object_condition.h"
#include "model/object_node.h"
#include "model/virtual_address.h"
#include "source/kube_lease.h"
#include "source/kube_status_text.h"

static struct str annotation(const struct object *object, struct str key)
{
	const struct str_map *map = &object->meta.annotations;

	for (size_t i = 0; i < map->n; i++)
		if (str_eq(map->at[i].key, key))
			return map->at[i].value;
	return (struct str){0};
}

static bool is_our_class(const struct store *store, struct str name)
{
	const struct object *object = store_find(store, KIND_INGRESS_CLASS, STR("default"), name);
	const struct ingress_class *class = object ? object->spec : NULL;

	return class && (str_eq(class->controller, STR("traefik.io/ingress-controller")) ||
			 str_eq(class->controller, STR("tidegate.io/ingress-controller")));
}

bool kube_condition_is_ours(const struct kubernetes_ingress_provider *provider,
			    const struct object *ingress, const struct store *store)
{
	const struct ingress *spec = ingress->spec;
	struct str wanted = provider->ingress_class, class;

	if (!spec)
		return false;
	if (spec->ingress_class_name.at) {
		if (wanted.len && !str_eq(wanted, spec->ingress_class_name))
			return false;
		if (provider->disable_ingress_class_lookup ||
		    provider->disable_cluster_scope_resources)
			return wanted.len > 0 || str_eq(spec->ingress_class_name, STR("traefik"));
		return is_our_class(store, spec->ingress_class_name);
	}
	class = annotation(ingress, STR("kubernetes.io/ingress.class"));
	return wanted.len ? str_eq(class, wanted) : !class.len || str_eq(class, STR("traefik"));
}

/* ---------------------------------------------------------------------- addresses -- */

static void add(json_t *list, const char *key, struct str value)
{
	if (value.len)
		json_array_append_new(list, json_pack("{s:s%}", key, value.at, value.len));
}

static void add_node_ips(json_t *list, const struct store *store, struct str type)
{
	TABLE_EACH (&store->objects[KIND_NODE], slot) {
		const struct object *object = slot->value;
		const struct core_node *node = object->spec;

		for (size_t i = 0; node && i < node->addresses.n; i++) {
			const struct node_address *address =
				LIST_AT(node->addresses, struct node_address, i);

			if (str_eq(address->type, type))
				add(list, "ip", address->address);
		}
	}
}

static struct str text_at(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_string(value) ? str_n(json_string_value(value), json_string_length(value))
				     : (struct str){0};
}

/* reference f.1: what the service that is published says of itself. */
static void add_service(json_t *list, const json_t *service, const struct store *store)
{
	const json_t *spec = json_object_get(service, "spec");
	const json_t *balancer =
		json_object_get(json_object_get(service, "status"), "loadBalancer");
	const json_t *ips = json_object_get(spec, "externalIPs"), *row;
	struct str type = text_at(spec, "type");
	size_t i;

	json_array_foreach(json_object_get(balancer, "ingress"), i, row)
	{
		add(list, "ip", text_at(row, "ip"));
		add(list, "hostname", text_at(row, "hostname"));
	}
	if (str_eq(type, STR("ExternalName")))
		add(list, "hostname", text_at(spec, "externalName"));
	json_array_foreach(ips, i, row) add(list, "ip", str_of(json_string_value(row)));
	if (str_eq(type, STR("NodePort")) && !json_array_size(ips))
		add_node_ips(list, store, STR("ExternalIP"));
}

json_t *kube_condition_addresses(const struct kubernetes_ingress_provider *provider,
				 const json_t *service, const struct store *store)
{
	const struct ingress_endpoint *endpoint = &provider->ingress_endpoint;
	json_t *list = json_array();

	if (endpoint->published_service.len)
		add_service(list, service, store);
	else if (provider->report_node_internal_ips)
		add_node_ips(list, store, STR("InternalIP"));
	else {
		add(list, "ip", endpoint->ip);
		add(list, "hostname", endpoint->hostname);
	}
	if (json_array_size(list))
		return list;
	json_decref(list);
	return NULL;
}

json_t *kube_condition_of_ingress(const json_t *addresses)
{
	return json_pack("{s:{s:{s:O}}}", "status", "loadBalancer", "ingress", addresses);
}

/* --------------------------------------------------------------------- conditions -- */

/* Whole seconds, as a condition's time has them. */
static json_t *print_now(uint64_t wall_ns)
{
	char now[40];

	kube_lease_time(wall_ns, now, sizeof(now));
	snprintf(now + 19, sizeof(now) - 19, "Z");
	return json_string(now);
}

/* The row of a list that has this text at that key. */
static const json_t *find_row(const json_t *rows, const char *key, struct str text)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (str_eq(text_at(row, key), text))
			return row;
	}
	return NULL;
}

/* Since when it is so: as before, or from now on. */
static json_t *time_of(const json_t *before, const char *key, const char *value, uint64_t wall_ns)
{
	struct str time = text_at(before, "lastTransitionTime");

	return time.len && str_eq(text_at(before, key), str_of(value))
		       ? json_stringn(time.at, time.len)
		       : print_now(wall_ns);
}

static json_t *make(const struct kube_condition *condition, const char *type, const char *status,
		    const char *reason, const char *message)
{
	const json_t *before =
		find_row(json_object_get(condition->before, "conditions"), "type", str_of(type));
	json_t *made = json_pack(
		"{s:s, s:s, s:s, s:o, s:o}", "type", type, "status", status, "reason", reason,
		"message", kube_status_text_json(str_of(message), OBJECT_MESSAGE_MAX_BYTES),
		"lastTransitionTime", time_of(before, "status", status, condition->wall_ns));

	if (condition->generation)
		json_object_set_new(made, "observedGeneration",
				    json_integer(condition->generation));
	return made;
}

static json_t *accepted(const struct kube_condition *condition)
{
	bool is_well = !condition->fault[0];

	return make(condition, "Accepted", is_well ? "True" : "False",
		    is_well ? "Accepted" : condition->reason,
		    is_well ? "the object is understood" : condition->fault);
}

static json_t *programmed(const struct kube_condition *condition)
{
	const json_t *nodes = json_object_get(condition->before, "nodes"), *node, *first = NULL;
	/* Until a node speaks of this generation, what was said of the one before stands. */
	const json_t *was = json_array_size(nodes)
				    ? find_row(json_object_get(condition->before, "conditions"),
					       "type", STR("Programmed"))
				    : NULL;
	bool is_address = condition->object->kind == KIND_VIRTUAL_ADDRESS;
	size_t i, n_bad = 0, n_said = 0;
	char text[1200];

	if (condition->fault[0])
		return make(condition, "Programmed", "False", condition->reason,
			    "it is not accepted");
	json_array_foreach(nodes, i, node)
	{
		json_int_t of = json_integer_value(json_object_get(node, "observedGeneration"));

		/* What it said of an older one is not said of this one. */
		if (of && condition->generation && of < condition->generation)
			continue;
		n_said++;
		if (!str_eq(text_at(node, "programmed"), STR("False")))
			continue;
		first = first ? first : node;
		n_bad++;
	}
	if (!n_said && was)
		return json_incref((json_t *)(uintptr_t)was);
	if (!n_bad && n_said)
		return make(condition, "Programmed", "True", "Programmed",
			    is_address ? "the nodes that are listed forward it"
				       : "it is in force on the nodes that are listed");
	if (!n_bad)
		return make(condition, "Programmed", "Unknown", "Pending",
			    is_address ? "no node has said yet that it forwards it"
				       : "no node has said yet that it is in force there");
	struct str name = text_at(first, "name"), message = text_at(first, "message");

	snprintf(text, sizeof(text), "node %.*s: %.*s%s", (int)(name.len < 253 ? name.len : 253),
		 name.at, (int)(message.len < 800 ? message.len : 800),
		 message.len ? message.at : "", n_bad > 1 ? " (and others, see nodes)" : "");
	return make(condition, "Programmed", "False", "NodeFault", text);
}

json_t *kube_condition_of_address(const struct kube_condition *condition)
{
	const struct virtual_address *spec = condition->object->spec;
	json_t *addresses = json_array();

	for (size_t i = 0; spec && !condition->fault[0] && i < spec->addresses.n; i++)
		json_array_append_new(addresses, json_stringn(spec->addresses.at[i].at,
							      spec->addresses.at[i].len));
	return json_pack("{s:{s:o, s:[o, o]}}", "status", "addresses", addresses, "conditions",
			 accepted(condition), programmed(condition));
}

json_t *kube_condition_of_policy(const struct kube_condition *condition)
{
	return json_pack("{s:{s:[o, o]}}", "status", "conditions", accepted(condition),
			 programmed(condition));
}

bool kube_condition_is_same(const json_t *status, const json_t *patch)
{
	const json_t *wanted = json_object_get(patch, "status");
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)wanted, key, value)
	{
		if (!json_equal(json_object_get(status, key), value))
			return false;
	}
	return true;
}

/* -------------------------------------------------------------------------- nodes -- */

/* Its row in the list of nodes; takes over the message. */
static json_t *node_row(const struct kube_node_fact *fact, const json_t *mine, json_t *message)
{
	const char *word = fact->is_programmed ? "True" : "False";
	json_t *row = json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", fact->node, "programmed", word,
				"reason", fact->reason, "message", message, "lastTransitionTime",
				time_of(mine, "programmed", word, fact->wall_ns));

	if (fact->generation)
		json_object_set_new(row, "observedGeneration", json_integer(fact->generation));
	return row;
}

json_t *kube_condition_of_node(const struct object *object, const json_t *before,
			       const struct kube_node_fact *fact)
{
	const struct kind_info *info = &kind_infos[object->kind];
	const json_t *nodes = json_object_get(before, "nodes");
	const json_t *mine = find_row(nodes, "name", str_of(fact->node));
	const char *well =
		object->kind == KIND_VIRTUAL_ADDRESS ? "it is forwarded" : "it is in force";
	size_t n_max = fact->message ? OBJECT_NODES_MAX : KUBE_NODES_WELL_MAX;
	json_t *status, *row = NULL;

	if (!mine && (!fact->reason || json_array_size(nodes) >= n_max))
		return NULL;
	if (fact->reason)
		row = node_row(fact, mine,
			       kube_status_text_json(str_of(fact->message ? fact->message : well),
						     OBJECT_MESSAGE_MAX_BYTES));
	if (row && json_equal(row, mine)) {
		json_decref(row);
		return NULL;
	}
	status = json_object();
	if (row)
		json_object_set_new(status, "nodes", json_pack("[o]", row));
	return json_pack("{s:s, s:s, s:{s:s%, s:s%}, s:o}", "apiVersion", info->api_version, "kind",
			 info->kind, "metadata", "name", object->meta.name.at,
			 object->meta.name.len, "namespace", object->meta.namespace_.at,
			 object->meta.namespace_.len, "status", status);
}

json_t *kube_condition_without_lost_nodes(const struct store *store, const json_t *before,
					  const char *version)
{
	const json_t *nodes = json_object_get(before, "nodes"), *node;
	json_t *left;
	size_t i;

	if (!store->objects[KIND_NODE].n || !json_array_size(nodes))
		return NULL;
	left = json_array();
	json_array_foreach(nodes, i, node)
	{
		if (store_find(store, KIND_NODE, STR("default"), text_at(node, "name")))
			json_array_append(left, (json_t *)(uintptr_t)node);
	}
	if (json_array_size(left) != json_array_size(nodes))
		return json_pack("{s:{s:s}, s:{s:o}}", "metadata", "resourceVersion", version,
				 "status", "nodes", left);
	json_decref(left);
	return NULL;
}
