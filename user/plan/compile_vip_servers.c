// SPDX-License-Identifier: Apache-2.0
/*
 * compile_vip_servers: the endpoints that a VirtualAddress means by a Service, kept from one pass
 * to the next: of a thousand addresses one has other endpoints than before. They hold while the
 * Service and its EndpointSlices are the very objects that they were read from.
 */
#include <stdlib.h>

#include "plan/compile_kernel.h"
#include "plan/compile_services.h"
#include "plan/compile_unit.h"

struct known {
	struct vip_servers servers;
	struct object *service, **slices; /* references */
	size_t n_slices;
	bool has_diags; /* to be said again in the next pass */
	uint64_t pass;	/* that last asked for it */
	struct str key;
};

static void known_free(struct known *known)
{
	if (!known)
		return;
	object_unref(known->service);
	for (size_t i = 0; i < known->n_slices; i++)
		object_unref(known->slices[i]);
	free(known->slices);
	free(known->servers.at);
	free(known);
}

void compile_vip_servers_done(struct compile *c)
{
	TABLE_EACH (&c->vip_servers, slot)
		known_free(slot->value);
	table_done(&c->vip_servers);
}

void compile_vip_servers_begin(struct compile *c)
{
	c->vip_pass++;
}

void compile_vip_servers_end(struct compile *c)
{
	TABLE_EACH (&c->vip_servers, slot) {
		struct known *known = slot->value;

		if (known->pass == c->vip_pass)
			continue;
		table_del(&c->vip_servers, known->key);
		known_free(known);
	}
}

static bool holds(const struct known *known, const struct object *service,
		  const struct compile_slices *slices)
{
	size_t n = slices ? slices->n : 0;

	if (known->service != service || known->n_slices != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (known->slices[i] != slices->at[i])
			return false;
	return true;
}

static struct known *known_new(struct str key, struct object *service,
			       const struct compile_slices *slices,
			       const struct stream_service *from)
{
	struct known *known = calloc(1, sizeof(*known) + key.len);
	size_t n = slices ? slices->n : 0;

	if (!known)
		return NULL;
	memcpy(known + 1, key.at, key.len);
	known->key = str_n((char *)(known + 1), key.len);
	known->service = object_ref(service);
	known->slices = calloc(n + 1, sizeof(struct object *));
	known->servers.at = calloc(from->n_servers + from->n_drains + 1, sizeof(struct vip_server));
	if (!known->slices || !known->servers.at) {
		known_free(known);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		known->slices[known->n_slices++] = object_ref(slices->at[i]);
	for (uint32_t i = 0; i < from->n_servers; i++)
		known->servers.at[known->servers.n++] = (struct vip_server){
			.addr = from->servers[i].addr, .port = from->servers[i].port};
	for (uint32_t i = 0; i < from->n_drains; i++)
		known->servers.at[known->servers.n++] = (struct vip_server){
			.addr = from->drains[i].addr, .port = from->drains[i].port, .drains = true};
	return known;
}

/* By the same means as a UDP or TCP route: ready endpoints, and those that leave. */
static bool read_servers(struct compile *c, const struct object *service,
			 const struct virtual_backend *ref, const struct diag_path *path,
			 struct stream_service *ret_service)
{
	const struct stream_service_ref as_ref = {
		.name = ref->name, .port = ref->port, .weight = 1};
	const struct provider_rules *before = c->rules;
	struct provider_rules rules = *before;
	bool ok;

	*ret_service = (struct stream_service){.is_bare = true};
	/* An address without backends is answered for: no fault. Cluster addresses are none that
	 * packets could be sent to without kube-proxy. */
	rules.allow_empty_services = true;
	rules.native_lb_by_default = false;
	rules.allow_external_name_services = false;
	c->rules = &rules;
	ok = compile_stream_servers(c, service, &as_ref, path, ret_service);
	c->rules = before;
	return ok;
}

const struct vip_servers *compile_vip_servers(struct compile *c, const struct object *service,
					      const struct virtual_backend *ref,
					      const struct diag_path *path)
{
	const struct compile_slices *slices = compile_slices(c, service);
	struct str key = arena_printf(&c->scratch, STR_FMT " " STR_FMT, STR_ARG(service->id),
				      STR_ARG(ref->port.text));
	struct known *known = key.at ? table_find(&c->vip_servers, key) : NULL;
	struct stream_service from;
	size_t n_diags = c->sink->n;

	if (known && !known->has_diags && holds(known, service, slices)) {
		known->pass = c->vip_pass;
		return &known->servers;
	}
	if (known) {
		table_del(&c->vip_servers, known->key);
		known_free(known);
	}
	if (!key.at || !read_servers(c, service, ref, path, &from))
		return NULL;
	/* The owner of objects is the store: only references are kept. */
	known = known_new(key, (struct object *)(uintptr_t)service, slices, &from);
	if (!known || table_put(&c->vip_servers, known->key, known, NULL) < 0) {
		known_free(known);
		c->arena->failed = true;
		return NULL;
	}
	known->has_diags = c->sink->n != n_diags;
	known->pass = c->vip_pass;
	return &known->servers;
}
