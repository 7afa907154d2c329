// SPDX-License-Identifier: Apache-2.0
/* kube_condition: see the header. */
#include "source/kube_condition.h"

#include <stdio.h>

#include "base/clock.h"
#include "model/core_node.h"
#include "model/ingress_object.h"
#include "model/virtual_address.h"
#include "source/kube_lease.h"

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

static const char *time_of(const json_t *before, const char *type, const char *status)
{
	const json_t *conditions = json_object_get(before, "conditions"), *row;
	size_t i;

	json_array_foreach(conditions, i, row) if (
		str_eq(text_at(row, "type"), str_of(type)) &&
		str_eq(text_at(row, "status"),
		       str_of(status))) return json_string_value(json_object_get(row, "lastTransiti"
										      "onTime"));
	return NULL;
}

json_t *kube_condition_of_address(const struct object *object, const char *fault,
				  const char *reason, const json_t *before, uint64_t wall_ns)
{
	const struct virtual_address *spec = object->spec;
	const char *status = fault[0] ? "False" : "True", *since;
	json_t *addresses = json_array();
	char now[40];

	for (size_t i = 0; spec && !fault[0] && i < spec->addresses.n; i++)
		json_array_append_new(addresses, json_stringn(spec->addresses.at[i].at,
							      spec->addresses.at[i].len));
	since = time_of(before, "Accepted", status);
	if (!since) {
		kube_lease_time(wall_ns, now, sizeof(now));
		/* A condition's time has whole seconds. */
		snprintf(now + 19, sizeof(now) - 19, "Z");
		since = now;
	}
	return json_pack("{s:{s:o, s:[{s:s, s:s, s:s, s:s, s:s}]}}", "status", "addresses",
			 addresses, "conditions", "type", "Accepted", "status", status, "reason",
			 fault[0] ? reason : "Accepted", "message",
			 fault[0] ? fault : "the address is understood", "lastTransitionTime",
			 since);
}
