// SPDX-License-Identifier: Apache-2.0
/*
 * explain_print: explanations as text and as JSON, and requests from JSON.
 */

#include <errno.h>
#include <stdio.h>

#include "plan/explain.h"

static const char *const actions[] = {
	[EXPLAIN_FORWARD] = "forward",
	[EXPLAIN_RESPOND] = "respond",
	[EXPLAIN_DROP] = "drop",
	[EXPLAIN_TCP] = "tcp",
};

static const char *const kernel_actions[] = {
	[KERNEL_NONE] = "limit",
	[KERNEL_ALLOW] = "allow",
	[KERNEL_DENY] = "deny",
};

/* --------------------------------------------------------------------- JSON -- */

static json_t *text(struct str value)
{
	return value.at ? json_stringn_nocheck(value.at, value.len) : json_null();
}

static json_t *limit_json(const struct kernel_limit *limit)
{
	json_int_t whole = (json_int_t)limit->per_second;

	if (limit->per_second <= 0)
		return json_null();
	return json_pack("{s:o,s:I}", "perSecond",
			 (double)whole == limit->per_second ? json_integer(whole)
							    : json_real(limit->per_second),
			 "burst", (json_int_t)limit->burst);
}

static json_t *kernel_json(const struct explain_result *result)
{
	const struct kernel_policy *policy = result->kernel_policy;
	char prefix[ADDR_TEXT_MAX] = "";

	if (!policy)
		return json_null();
	if (result->kernel_acl)
		cidr_print(&result->kernel_acl->cidr, prefix);
	return json_pack("{s:o,s:s,s:o,s:o,s:o,s:o,s:i,s:i}", "policy", text(policy->object),
			 "action", kernel_actions[result->kernel_action], "prefix",
			 result->kernel_acl ? json_string(prefix) : json_null(), "packets",
			 limit_json(&policy->packets), "newConnections", limit_json(&policy->syns),
			 "bytes", limit_json(&policy->bytes), "ipv4PrefixLength", policy->v4_bits,
			 "ipv6PrefixLength", policy->v6_bits);
}

static json_t *steps_json(const struct explain_result *result)
{
	json_t *list = json_array();

	for (size_t i = 0; i < result->n_steps; i++) {
		const struct explain_step *step = &result->steps[i];
		bool matches = !step->failed.len && !step->is_disabled;
		json_t *item = json_pack("{s:o,s:o,s:I,s:b}", "router", text(step->route->name),
					 "rule", text(step->route->rule_text), "priority",
					 (json_int_t)step->route->priority, "matches", matches);

		if (step->failed.len)
			json_object_set_new(item, "failed", text(step->failed));
		if (step->is_disabled)
			json_object_set_new(item, "disabled", text(step->route->problem));
		json_array_append_new(list, item);
	}
	return list;
}

static json_t *middlewares_json(const struct route *route)
{
	json_t *list = json_array();

	for (size_t i = 0; route && i < route->middleware_names.n; i++)
		json_array_append_new(list, text(route->middleware_names.at[i]));
	return list;
}

json_t *explain_to_json(const struct explain_result *result)
{
	const struct route *route = result->route;
	const struct entry_point *entry_point = result->entry_point;
	json_t *object = json_pack(
		"{s:o,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "id",
		result->id.at ? text(result->id) : json_null(), "action", actions[result->action],
		"status", result->status ? json_integer(result->status) : json_null(), "entryPoint",
		entry_point ? text(entry_point->name) : json_null(), "router",
		route ? text(route->name) : json_null(), "rule",
		route ? text(route->rule_text) : json_null(), "priority",
		route ? json_integer(route->priority) : json_null(), "middlewares",
		middlewares_json(route), "service",
		route && route->service ? text(route->service->name) : json_null(), "object",
		route ? text(route->object) : json_null(), "why", text(result->why), "considered",
		steps_json(result), "kernel", kernel_json(result));

	if (object && result->location.len)
		json_object_set_new(object, "location", text(result->location));
	return object;
}

/* -------------------------------------------------------------------- spec -- */

static bool text_member(const json_t *json, const char *key, struct str *ret_text)
{
	const json_t *member = json_object_get(json, key);

	if (!member || json_is_null(member))
		return true;
	if (!json_is_string(member))
		return false;
	*ret_text = str_n(json_string_value(member), json_string_length(member));
	return true;
}

static bool header_member(const json_t *name, const json_t *value, struct str_pair *ret_pair)
{
	if (!json_is_string(name) || !json_is_string(value))
		return false;
	ret_pair->key = str_n(json_string_value(name), json_string_length(name));
	ret_pair->value = str_n(json_string_value(value), json_string_length(value));
	return true;
}

static bool read_headers(const json_t *json, struct arena *arena, struct explain_spec *spec)
{
	size_t n = json_is_object(json) ? json_object_size(json) : json_array_size(json), i;
	struct str_pair *pairs = ARENA_ARRAY(arena, struct str_pair, n + 1);
	const char *key;
	json_t *value;

	spec->headers = pairs;
	if (!json || json_is_null(json))
		return true;
	if (!pairs || (!json_is_array(json) && !json_is_object(json)))
		return false;
	json_array_foreach(json, i,
			   value) if (!header_member(json_array_get(value, 0),
						     json_array_get(value, 1),
						     &pairs[spec->n_headers++])) return false;
	json_object_foreach((json_t *)json, key, value)
	{
		if (!json_is_string(value))
			return false;
		pairs[spec->n_headers++] = (struct str_pair){
			str_of(key), str_n(json_string_value(value), json_string_length(value))};
	}
	return true;
}

int explain_spec_from_json(const json_t *json, struct arena *arena, struct explain_spec *ret_spec,
			   const char **ret_message)
{
	struct explain_spec spec = {0};
	const json_t *id = json_object_get(json, "id");

	*ret_message = NULL;
	if (!json_is_object(json))
		*ret_message = "a request is an object";
	else if (json_is_integer(id))
		spec.id = arena_printf(arena, "%lld", (long long)json_integer_value(id));
	else if (!text_member(json, "id", &spec.id))
		*ret_message = "id is a string";
	if (*ret_message)
		return -EINVAL;
	if (!text_member(json, "method", &spec.method))
		*ret_message = "method is a string";
	else if (!text_member(json, "url", &spec.url) || !spec.url.len)
		*ret_message = "url is needed, a string";
	else if (!text_member(json, "remote_addr", &spec.remote_addr))
		*ret_message = "remote_addr is a string";
	else if (!text_member(json, "entryPoint", &spec.entry_point))
		*ret_message = "entryPoint is a string";
	else if (!read_headers(json_object_get(json, "headers"), arena, &spec))
		*ret_message = "headers is a list of [name, value]";
	if (*ret_message)
		return -EINVAL;
	*ret_spec = spec;
	return 0;
}

/* -------------------------------------------------------------------- text -- */

static void print_limit(struct buf *buf, const char *what, const struct kernel_limit *limit)
{
	if (limit->per_second <= 0)
		return;
	buf_addf(buf, ", %.15g %s/s", limit->per_second, what);
	if (limit->burst)
		buf_addf(buf, " (burst %llu)", (unsigned long long)limit->burst);
}

static void print_count(struct buf *buf, const char *what, uint32_t n)
{
	if (n)
		buf_addf(buf, ", %u %s", n, what);
}

/* What the source's network may send, besides. */
static void print_network(struct buf *buf, const struct kernel_network *network)
{
	if (network->packets.per_second <= 0 && network->syns.per_second <= 0 &&
	    network->bytes.per_second <= 0 && !network->connections)
		return;
	buf_addf(buf, "; its /%u (IPv6 /%u) together", network->v4_bits, network->v6_bits);
	print_limit(buf, "packets", &network->packets);
	print_limit(buf, "new connections", &network->syns);
	print_limit(buf, "bytes", &network->bytes);
	print_count(buf, "connections at once", network->connections);
}

static void print_kernel(const struct explain_result *result, struct buf *buf)
{
	const struct kernel_policy *policy = result->kernel_policy;
	char prefix[ADDR_TEXT_MAX];

	buf_add(buf, STR("kernel plane  "));
	if (!policy) {
		buf_add(buf, STR("counted, no SourcePolicy covers the entry point\n"));
		return;
	}
	buf_add(buf, policy->object);
	if (result->kernel_acl) {
		cidr_print(&result->kernel_acl->cidr, prefix);
		buf_addf(buf, ": %s by %s",
			 result->kernel_action == KERNEL_DENY ? "denied" : "allowed, never limited",
			 prefix);
	} else {
		buf_add(buf, STR(": no prefix of its lists"));
		print_limit(buf, "packets", &policy->packets);
		print_limit(buf, "new connections", &policy->syns);
		print_limit(buf, "bytes", &policy->bytes);
		print_count(buf, "connections at once", policy->connections);
		print_network(buf, &policy->network);
	}
	buf_add_char(buf, '\n');
}

static void print_steps(const struct explain_result *result, struct buf *buf)
{
	for (size_t i = 0; i < result->n_steps; i++) {
		const struct explain_step *step = &result->steps[i];

		buf_addf(buf, "%-14s%s " STR_FMT "  priority %lld  " STR_FMT "\n",
			 i ? "" : "considered",
			 step->is_disabled  ? "!"
			 : step->failed.len ? "-"
					    : "+",
			 STR_ARG(step->route->name), (long long)step->route->priority,
			 STR_ARG(step->route->rule_text));
		if (step->failed.len)
			buf_addf(buf, "%16sno: " STR_FMT "\n", "", STR_ARG(step->failed));
		if (step->is_disabled)
			buf_addf(buf, "%16sdisabled: " STR_FMT "\n", "",
				 STR_ARG(step->route->problem));
	}
}

void explain_print(const struct explain_result *result, struct buf *buf)
{
	const struct route *route = result->route;

	buf_addf(buf, "%-14s%s", "action", actions[result->action]);
	if (result->status)
		buf_addf(buf, " %u", result->status);
	if (result->action == EXPLAIN_FORWARD)
		buf_addf(buf, " to " STR_FMT, STR_ARG(result->service->name));
	buf_addf(buf, "\n%-14s" STR_FMT "\n", "why", STR_ARG(result->why));
	if (result->location.len)
		buf_addf(buf, "%-14s" STR_FMT "\n", "location", STR_ARG(result->location));
	if (result->entry_point) {
		buf_addf(buf, "%-14s" STR_FMT "\n", "entry point",
			 STR_ARG(result->entry_point->name));
		print_kernel(result, buf);
	}
	print_steps(result, buf);
	if (route)
		buf_addf(buf, "%-14s" STR_FMT "\n%-14s" STR_FMT ", route %u\n", "router",
			 STR_ARG(route->name), "object", STR_ARG(route->object),
			 route->route_index);
	for (size_t i = 0; i < result->n_middlewares; i++) {
		const struct explain_middleware *mw = &result->middlewares[i];

		buf_addf(buf, "%-14s" STR_FMT " (%s)%s" STR_FMT "\n", i ? "" : "middlewares",
			 STR_ARG(mw->name), mw->type, mw->what.len ? ": " : "", STR_ARG(mw->what));
	}
	if (route && route->service)
		buf_addf(buf, "%-14s" STR_FMT "\n", "service", STR_ARG(route->service->name));
}
