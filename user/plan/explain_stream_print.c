// SPDX-License-Identifier: Apache-2.0
/* explain_stream_print: such explanations as text and as JSON, and questions from JSON. */

#include <errno.h>

#include "plan/explain_stream.h"

static const char *const actions[] = {
	[STREAM_FORWARD] = "forward",
	[STREAM_HTTP] = "http",
	[STREAM_CLOSE] = "close",
	[STREAM_DROP] = "drop",
};

static const char *const states[] = {
	[KERNEL_BACKEND_ACTIVE] = "active",
	[KERNEL_BACKEND_DRAIN] = "drain",
	[KERNEL_BACKEND_DEAD] = "dead",
};

#define MODE_WORD(id, word, text) word,
static const char *const modes[] = {KERNEL_MODES(MODE_WORD)};

static json_t *text(struct str value)
{
	return value.at ? json_stringn_nocheck(value.at, value.len) : json_null();
}

static json_t *texts(const struct strs *values)
{
	json_t *list = json_array();

	for (size_t i = 0; i < values->n; i++)
		json_array_append_new(list, text(values->at[i]));
	return list;
}

/* --------------------------------------------------------------------- JSON -- */

static void add_servers(json_t *list, const struct stream_service *service)
{
	for (uint32_t i = 0; i < service->n_servers; i++)
		json_array_append_new(list, text(service->servers[i].address));
	for (uint32_t i = 0; i < service->n_children; i++)
		add_servers(list, service->children[i]);
}

static json_t *backends_json(const struct kernel_service *service)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < service->n_backends; i++) {
		const struct kernel_backend *backend = &service->backends[i];
		char address[ADDR_TEXT_MAX];

		addr_print_port(&backend->addr, backend->port, address);
		json_array_append_new(list, json_pack("{s:s,s:I,s:s}", "address", address, "weight",
						      (json_int_t)backend->weight, "state",
						      states[backend->state]));
	}
	return list;
}

static json_t *kernel_part(const struct explain_stream_result *result)
{
	const struct kernel_entry *entry = result->entry;
	char prefix[ADDR_TEXT_MAX] = "";
	json_t *object;

	if (!entry)
		return json_null();
	if (result->kernel_acl)
		cidr_print(&result->kernel_acl->cidr, prefix);
	object = json_pack("{s:o,s:o,s:s,s:o}", "entry", text(entry->name), "policy",
			   entry->policy ? text(entry->policy->object) : json_null(), "action",
			   result->kernel_action == KERNEL_DENY	   ? "deny"
			   : result->kernel_action == KERNEL_ALLOW ? "allow"
								   : "limit",
			   "prefix", result->kernel_acl ? json_string(prefix) : json_null());
	if (entry->service) {
		json_object_set_new(object, "service", text(entry->service->name));
		json_object_set_new(object, "object", text(entry->service->object));
		json_object_set_new(object, "mode", json_string(modes[entry->service->mode]));
		json_object_set_new(object, "backends", backends_json(entry->service));
	}
	return object;
}

static json_t *steps_json(const struct explain_stream_result *result, struct arena *arena)
{
	json_t *list = json_array();

	for (size_t i = 0; i < result->n_steps; i++) {
		const struct tcp_router_step *step = &result->steps[i];
		json_t *item =
			json_pack("{s:o,s:o,s:I,s:b}", "router", text(step->route->name), "rule",
				  text(step->route->rule_text), "priority",
				  (json_int_t)step->route->priority, "matches", !step->failed);

		if (step->failed)
			json_object_set_new(item, "failed",
					    text(rule_print_leaf(step->failed, arena)));
		json_array_append_new(list, item);
	}
	return list;
}

json_t *explain_stream_to_json(const struct explain_stream_result *result, struct arena *arena)
{
	const struct tcp_route *tcp = result->tcp;
	const struct udp_route *udp = result->udp;
	json_t *object = json_pack(
		"{s:o,s:s,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "id",
		result->id.at ? text(result->id) : json_null(), "protocol",
		result->is_udp ? "udp" : "tcp", "action", actions[result->action], "by",
		result->by_kernel ? "kernel" : "proxy", "entryPoint",
		result->entry_point ? text(result->entry_point->name) : json_null(), "router",
		tcp   ? text(tcp->name)
		: udp ? text(udp->name)
		      : json_null(),
		"rule", tcp ? text(tcp->rule_text) : json_null(), "priority",
		tcp ? json_integer(tcp->priority) : json_null(), "object",
		tcp		    ? text(tcp->object)
		: udp		    ? text(udp->object)
		: result->by_kernel ? text(result->by_kernel->object)
				    : json_null(),
		"middlewares", tcp ? texts(&tcp->middleware_names) : json_array(), "why",
		text(result->why), "considered", steps_json(result, arena), "kernel",
		kernel_part(result));

	if (!object)
		return NULL;
	if (tcp)
		json_object_set_new(object, "passthrough", json_boolean(tcp->passthrough));
	json_object_set_new(object, "service",
			    result->service ? text(result->service->name) : json_null());
	if (result->service) {
		json_t *servers = json_array();

		add_servers(servers, result->service);
		json_object_set_new(object, "servers", servers);
	}
	if (result->offload)
		json_object_set_new(object, "offload", text(result->offload->text));
	return object;
}

/* --------------------------------------------------------------------- spec -- */

bool explain_stream_is_asked(const json_t *json)
{
	return json_object_get(json, "tcp") || json_object_get(json, "udp");
}

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

static bool read_alpn(const json_t *json, struct arena *arena, struct explain_stream_spec *spec)
{
	const json_t *list = json_object_get(json, "alpn"), *item;
	struct str *alpn = ARENA_ARRAY(arena, struct str, json_array_size(list) + 1);
	size_t i;

	if (!list || json_is_null(list))
		return true;
	if (!alpn || !json_is_array(list))
		return false;
	json_array_foreach(list, i, item)
	{
		if (!json_is_string(item))
			return false;
		alpn[spec->n_alpn++] = str_n(json_string_value(item), json_string_length(item));
	}
	spec->alpn = alpn;
	return true;
}

int explain_stream_from_json(const json_t *json, struct arena *arena,
			     struct explain_stream_spec *ret_spec, const char **ret_message)
{
	struct explain_stream_spec spec = {.is_udp = json_object_get(json, "udp") != NULL};
	const json_t *id = json_object_get(json, "id"), *tls = json_object_get(json, "tls");

	*ret_message = NULL;
	if (json_is_integer(id))
		spec.id = arena_printf(arena, "%lld", (long long)json_integer_value(id));
	else if (!text_member(json, "id", &spec.id))
		*ret_message = "id is a string";
	if (!text_member(json, spec.is_udp ? "udp" : "tcp", &spec.target) || !spec.target.len)
		*ret_message = "tcp or udp is the name of an entry point, or address:port";
	else if (!text_member(json, "sni", &spec.sni))
		*ret_message = "sni is a string";
	else if (tls && !json_is_boolean(tls))
		*ret_message = "tls is true or false";
	else if (!read_alpn(json, arena, &spec))
		*ret_message = "alpn is a list of strings";
	else if (!text_member(json, "remote_addr", &spec.remote_addr))
		*ret_message = "remote_addr is a string";
	if (*ret_message)
		return -EINVAL;
	spec.is_tls = json_is_true(tls);
	*ret_spec = spec;
	return 0;
}

/* --------------------------------------------------------------------- text -- */

static void print_steps(const struct explain_stream_result *result, struct arena *arena,
			struct buf *buf)
{
	for (size_t i = 0; i < result->n_steps; i++) {
		const struct tcp_router_step *step = &result->steps[i];

		buf_addf(buf, "%-14s%s " STR_FMT "  priority %lld  " STR_FMT "\n",
			 i ? "" : "considered", step->failed ? "-" : "+",
			 STR_ARG(step->route->name), (long long)step->route->priority,
			 STR_ARG(step->route->rule_text));
		if (step->failed)
			buf_addf(buf, "%16sno: " STR_FMT "\n", "",
				 STR_ARG(rule_print_leaf(step->failed, arena)));
	}
}

static void print_backends(const struct kernel_service *service, struct buf *buf)
{
	for (uint32_t i = 0; i < service->n_backends; i++) {
		const struct kernel_backend *backend = &service->backends[i];
		char address[ADDR_TEXT_MAX];

		addr_print_port(&backend->addr, backend->port, address);
		buf_addf(buf, "%-14s%s  weight %u  %s\n", i ? "" : "backends", address,
			 backend->weight, states[backend->state]);
	}
}

static void print_servers(const struct stream_service *service, struct buf *buf, bool *first)
{
	for (uint32_t i = 0; i < service->n_servers; i++) {
		buf_addf(buf, "%-14s" STR_FMT "\n", *first ? "servers" : "",
			 STR_ARG(service->servers[i].address));
		*first = false;
	}
	for (uint32_t i = 0; i < service->n_children; i++)
		print_servers(service->children[i], buf, first);
}

static void print_route(const struct explain_stream_result *result, struct buf *buf)
{
	if (result->tcp)
		buf_addf(buf, "%-14s" STR_FMT "\n%-14s" STR_FMT ", route %u\n", "router",
			 STR_ARG(result->tcp->name), "object", STR_ARG(result->tcp->object),
			 result->tcp->route_index);
	if (result->udp)
		buf_addf(buf, "%-14s" STR_FMT "\n%-14s" STR_FMT ", route %u\n", "router",
			 STR_ARG(result->udp->name), "object", STR_ARG(result->udp->object),
			 result->udp->route_index);
	if (result->tcp && result->tcp->passthrough)
		buf_addf(buf, "%-14s%s\n", "TLS", "passed on to the server");
	if (result->offload)
		buf_addf(buf, "%-14s" STR_FMT "\n", "forwarded", STR_ARG(result->offload->text));
}

void explain_stream_print(const struct explain_stream_result *result, struct arena *arena,
			  struct buf *buf)
{
	const struct kernel_entry *entry = result->entry;
	bool first = true;

	buf_addf(buf, "%-14s%s%s\n%-14s" STR_FMT "\n", "action", actions[result->action],
		 result->action != STREAM_FORWARD ? ""
		 : result->by_kernel		  ? " by the kernel plane"
						  : " by the proxy",
		 "why", STR_ARG(result->why));
	if (result->entry_point)
		buf_addf(buf, "%-14s" STR_FMT "\n", "entry point",
			 STR_ARG(result->entry_point->name));
	if (entry)
		buf_addf(buf, "%-14s" STR_FMT ", " STR_FMT "\n", "kernel plane",
			 STR_ARG(entry->name),
			 STR_ARG(entry->policy ? entry->policy->object : STR("no SourcePolicy")));
	print_steps(result, arena, buf);
	print_route(result, buf);
	if (result->by_kernel) {
		buf_addf(buf, "%-14s%s\n", "mode", modes[result->by_kernel->mode]);
		print_backends(result->by_kernel, buf);
	}
	if (result->service)
		print_servers(result->service, buf, &first);
}
