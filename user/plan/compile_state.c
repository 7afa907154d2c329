// SPDX-License-Identifier: Apache-2.0
/* compile_state: the beginning and the end of what passes leave for each other. */

#include "plan/compile_state.h"

#include <stdlib.h>

#include "plan/compile_kernel.h"
#include "plan/compile_services.h"
#include "plan/compile_unit.h"

enum {
	BASE_BLOCK_BYTES = 64 << 10,
	SCRATCH_BLOCK_BYTES = 256 << 10,
	LASTING_BLOCK_BYTES = 16 << 10
};

/* Everything that one full pass leaves for the next passes. grave NULL: no snapshot has any of it.
 */
void compile_state_free(struct compile *c, struct part_grave *grave)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->all.n; i++)
		compile_unit_free(c, c->all.at[i], grave);
	for (size_t i = 0; i < COMPILE_SECTIONS_MAX; i++)
		compile_unit_free(c, c->sections[i], grave);
	compile_unit_free(c, c->common, grave);
	for (int i = 0; i < 2; i++) {
		struct part *part = i ? c->base : c->index;

		if (grave && part)
			part_grave_bury(grave, part);
		else
			part_free(part);
	}
	compile_slices_done(c);
	free(c->all.at);
	free(c->dirty.at);
	table_done(&c->units);
	table_done(&c->deps);
	table_done(&c->router_names);
	table_done(&c->middleware_names);
	arena_done(&c->lasting);
	arena_done(&c->scratch);
	free(c);
}

struct compile *compile_state_new(const struct static_config *config, struct registry *registry,
				  const struct store *store)
{
	const struct static_prometheus *prometheus = config->metrics.prometheus;
	struct compile *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->config = config;
	c->registry = registry;
	c->store = store;
	c->crd_rules = compile_reference_rules(config);
	c->ingress_rules = compile_ingress_rules(config);
	c->rules = &c->crd_rules;
	c->entry_point_series = !prometheus || prometheus->add_entry_points_labels;
	c->router_series = prometheus && prometheus->add_routers_labels;
	c->service_series = !prometheus || prometheus->add_services_labels;
	c->tls_is_plain = true;
	arena_init(&c->scratch, SIZE_MAX, SCRATCH_BLOCK_BYTES);
	arena_init(&c->lasting, SIZE_MAX, LASTING_BLOCK_BYTES);
	table_init(&c->units, NULL);
	table_init(&c->deps, NULL);
	table_init(&c->slices, NULL);
	table_init(&c->router_names, NULL);
	table_init(&c->middleware_names, NULL);
	table_init(&c->internal_middlewares, &c->lasting);
	table_init(&c->layers, &c->lasting);
	table_init(&c->tls_hosts, &c->lasting);
	table_init(&c->tls_policies, &c->lasting);
	c->base = part_new(BASE_BLOCK_BYTES);
	c->index = part_new(BASE_BLOCK_BYTES);
	c->common = compile_unit_new(UNIT_COMMON, NULL, STR("common"));
	if (c->base && c->index && c->common)
		return c;
	compile_state_free(c, NULL);
	return NULL;
}

/* A unit for an object that has none yet. */
struct compile_unit *compile_state_unit(struct compile *c, struct object *object)
{
	static const struct {
		enum kind kind;
		enum compile_unit_kind unit;
	} rows[] = {{KIND_INGRESS_ROUTE, UNIT_ROUTE},	      {KIND_INGRESS, UNIT_INGRESS},
		    {KIND_TRAEFIK_SERVICE, UNIT_SERVICE},     {KIND_MIDDLEWARE, UNIT_MIDDLEWARE},
		    {KIND_SERVERS_TRANSPORT, UNIT_TRANSPORT}, {KIND_VIRTUAL_ADDRESS, UNIT_VIP}};
	struct compile_unit *unit = NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].kind == object->kind)
			unit = compile_unit_new(rows[i].unit, object, object->id);
	if (unit && table_put(&c->units, unit->id, unit, NULL) == 0 &&
	    compile_units_insert(&c->all, unit))
		return unit;
	if (unit && table_find(&c->units, unit->id) == unit)
		table_del(&c->units, unit->id);
	compile_unit_free(c, unit, NULL);
	c->scratch.failed = true;
	return NULL;
}
