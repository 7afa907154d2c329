// SPDX-License-Identifier: Apache-2.0
/*
 * compile_virtual_address: VirtualAddress objects -> services and entries of the kernel plane.
 *
 * Each address and port (or range) is an entry; all entries of an object and family share one
 * service. Who came first has an address: of two objects that want the same one the older gets it,
 * and the younger is told; what an entry point listens on is nobody else's. What each object means
 * by itself is made before (compile_vip): here is what depends on others. Without the kernel plane
 * nobody serves such an address, and each object is told so.
 */

#include <netinet/in.h>
#include <stdlib.h>

#include "model/virtual_address.h"
#include "plan/compile_kernel.h"
#include "plan/compile_unit.h"

#define TOP DIAG_FIELD(NULL, "spec")

struct claim {
	const struct object *object;
	const struct claim *next; /* of the same address */
	struct addr addr;
	uint16_t first, last;
	uint8_t proto;
};

struct claims {
	struct table by_addr; /* the last claim of each */
};

/* One object being compiled. */
struct making {
	struct compile *compile;
	struct kernel_config *config;
	const struct object *object;
	const struct virtual_address *spec;
	struct claims *claims;
	const struct compiled_vip *vip;
	struct kernel_service *services[2]; /* for IPv6 and IPv4, made when first asked for */
	const struct kernel_policy *policy; /* NULL: none */
	enum kernel_cookies cookies;
	const struct entry_point *entry_point; /* of mode local */
	uint8_t proto;
};

/* --------------------------------------------------------------- services -- */

/* The service of a family; NULL with a diag. */
static const struct kernel_service *service_of(struct making *making, bool is_v4)
{
	const struct kernel_service *model = making->vip->services[is_v4];
	struct kernel_service **slot = &making->services[is_v4], own;

	if (*slot || !model)
		return *slot;
	*slot = kernel_config_service(making->config, model->name);
	if (!*slot) {
		diag_error(making->compile->sink, NULL,
			   "there is no room for more than %d services", KERNEL_SERVICES_MAX)
			->node_reason = DIAG_NODE_FULL;
		return NULL;
	}
	own = **slot;
	**slot = *model;
	(*slot)->name = own.name;
	(*slot)->index = own.index;
	return *slot;
}

static void add_probe(struct making *making)
{
	struct compile *c = making->compile;
	struct vip_probe *probe;

	if (!making->vip->probe)
		return;
	probe = ARENA_NEW(c->arena, struct vip_probe);
	if (!probe)
		return;
	*probe = *making->vip->probe;
	probe->next = c->snapshot->vip_probes;
	c->snapshot->vip_probes = probe;
}

/* ----------------------------------------------------------------- claims -- */

static bool overlaps(const struct claim *a, const struct claim *b)
{
	return a->proto == b->proto && a->first <= b->last && b->first <= a->last;
}

/* False with a diag: somebody else has it. */
static bool take(struct making *making, const struct claim *claim, const struct diag_path *path)
{
	struct claims *claims = making->claims;
	struct compile *c = making->compile;
	struct claim *kept;
	struct diag *diag;
	struct str key;

	kept = ARENA_NEW(&c->scratch, struct claim);
	if (!kept)
		return false;
	*kept = *claim;
	key = str_n((const char *)kept->addr.byte, sizeof(kept->addr.byte));
	kept->next = table_find(&claims->by_addr, key);
	for (const struct claim *other = kept->next; other; other = other->next) {
		if (!overlaps(other, claim))
			continue;
		if (other->object == making->object)
			diag = diag_error(c->sink, path,
					  "the same address and port is there twice");
		else
			diag = diag_error(c->sink, path, STR_FMT " has this address and port",
					  STR_ARG(other->object->id));
		diag->is_conflict = other->object != making->object;
		diag_suggest(c->sink, diag, "the older object keeps it");
		return false;
	}
	return table_put(&claims->by_addr, key, kept, NULL) == 0;
}

/* ---------------------------------------------------------------- entries -- */

static bool add_entry(struct making *making, const struct claim *claim, struct str name)
{
	struct kernel_config *config = making->config;
	bool is_local = making->entry_point != NULL;
	const struct kernel_service *service;
	struct kernel_entry *entry;

	if (compile_kernel_is_off(making->compile))
		return true;
	service = is_local ? NULL : service_of(making, addr_is_v4(&claim->addr));
	if (!is_local && !service)
		return false;
	if (!kernel_config_add(config, name, &claim->addr, claim->first, claim->proto,
			       making->policy)) {
		diag_error(making->compile->sink, NULL,
			   "there is no room for more than %d addresses and ports",
			   KERNEL_ENTRIES_MAX)
			->node_reason = DIAG_NODE_FULL;
		return false;
	}
	entry = &config->entries[config->n_entries - 1];
	entry->service = service;
	entry->port_last = claim->last > claim->first ? claim->last : 0;
	entry->is_spread = making->spec->spread;
	entry->cookies = making->cookies;
	if (is_local)
		entry->point = (uint8_t)(making->entry_point->index + 1);
	return true;
}

static void add_entries(struct making *making)
{
	const struct compiled_vip *vip = making->vip;
	const struct diag_path *path = DIAG_FIELD(TOP, "addresses");

	for (size_t i = 0; i < vip->n_entries; i++) {
		const struct vip_entry *entry = &vip->entries[i];
		const struct claim claim = {.object = making->object,
					    .addr = entry->addr,
					    .first = entry->first,
					    .last = entry->last,
					    .proto = making->proto};

		if (take(making, &claim, DIAG_INDEX(path, entry->place)) &&
		    !add_entry(making, &claim, entry->name))
			return;
	}
}

/* ----------------------------------------------------------------- object -- */

/* A policy that is asked for and cannot be had closes nothing and opens nothing: no entry is made.
 */
static bool find_policy(struct making *making)
{
	const struct virtual_policy_ref *ref = making->spec->source_policy;
	const struct object_meta *meta = &making->object->meta;
	struct compile *c = making->compile;

	if (!ref && making->entry_point && making->entry_point->index < making->config->n_entries) {
		/* What is said of the entry point holds for its further addresses. */
		making->policy = making->config->entries[making->entry_point->index].policy;
		making->cookies = making->config->entries[making->entry_point->index].cookies;
	}
	if (!ref)
		return true;
	making->policy = compile_source_policy_named(
		c, making->config, meta->namespace_, ref->name,
		compile_kernel_name(c,
				    arena_printf(c->arena, "vip " STR_FMT "/" STR_FMT,
						 STR_ARG(meta->namespace_), STR_ARG(meta->name))),
		&making->cookies);
	if (making->policy)
		return true;
	diag_error(c->sink, DIAG_FIELD(TOP, "sourcePolicy"),
		   "SourcePolicy " STR_FMT "/" STR_FMT
		   " does not exist or has errors, so the address is not forwarded",
		   STR_ARG(meta->namespace_), STR_ARG(ref->name));
	return false;
}

static bool find_entry_point(struct making *making)
{
	struct compile *c = making->compile;
	struct str name = making->spec->entry_point;

	if (!str_eq(making->spec->mode, STR("local")))
		return true;
	for (uint16_t i = 0; i < c->snapshot->n_entry_points; i++) {
		const struct entry_point *entry_point = &c->snapshot->entry_points[i];

		if (!str_eq(entry_point->name, name) ||
		    entry_point->conf->listen.udp != (making->proto == IPPROTO_UDP))
			continue;
		making->entry_point = entry_point;
		return true;
	}
	diag_found(c->sink,
		   diag_error(c->sink, DIAG_FIELD(TOP, "entryPoint"),
			      "there is no such entry point of that protocol"),
		   name);
	return false;
}

static enum kernel_cookies preset_cookies(const struct compile *c)
{
	struct str word = c->config->flood_protection.syn_cookies;

	return str_eq(word, STR("on"))	  ? KERNEL_COOKIES_ON
	       : str_eq(word, STR("off")) ? KERNEL_COOKIES_OFF
					  : KERNEL_COOKIES_AUTO;
}

static void tell_of_cookies(const struct making *making)
{
	struct diag_sink *sink = making->compile->sink;

	if (making->cookies == KERNEL_COOKIES_ON)
		diag_warning(sink, DIAG_FIELD(TOP, "synCookies"),
			     "SYN cookies are for addresses of mode local; SYNs of others go on "
			     "to backends, newConnectionsPerSecond holds");
}

static void compile_object(struct making *making)
{
	const struct virtual_address *spec = making->object->spec;
	struct compile *c = making->compile;
	bool is_tcp = !str_eq(spec->protocol, STR("UDP"));

	making->spec = spec;
	making->proto = is_tcp ? IPPROTO_TCP : IPPROTO_UDP;
	making->cookies = preset_cookies(c);
	if (!find_entry_point(making) || !find_policy(making))
		return;
	add_probe(making);
	if (is_tcp && str_eq(spec->syn_cookies, STR("on")))
		making->cookies = KERNEL_COOKIES_ON;
	if (str_eq(spec->syn_cookies, STR("off")) || !is_tcp)
		making->cookies = KERNEL_COOKIES_OFF;
	if (spec->spread && !making->config->n_nodes)
		diag_suggest(c->sink,
			     diag_warning(c->sink, DIAG_FIELD(TOP, "spread"),
					  "no set of nodes with this one in it is known: this node "
					  "keeps what it gets"),
			     "label Nodes with tidegate.io/spread: \"true\", and set "
			     "forwarding.nodeName");
	if (!making->entry_point)
		tell_of_cookies(making);
	add_entries(making);
}

/* Said of an object without faults of its own: those hold with the kernel plane, too. */
static void tell_off(struct compile *c)
{
	struct diag *diag =
		diag_error(c->sink, NULL, "the kernel plane is off: nobody serves this address");

	diag->node_reason = DIAG_NODE_OFF;
	diag_suggest(c->sink, diag,
		     "`tidegate status` says why it is off; an IngressRouteTCP or IngressRouteUDP "
		     "on an entry point is served without it");
}

/* Those of a kind, the older first. */
static struct compile_unit **by_age(struct compile *c, size_t *ret_n)
{
	struct compile_unit **units = compile_units_of(&c->all, UNIT_VIP, ret_n), **order;

	order = ARENA_ARRAY(&c->scratch, struct compile_unit *, *ret_n + 1);
	if (!order) {
		*ret_n = 0;
		return NULL;
	}
	if (*ret_n)
		memcpy(order, units, *ret_n * sizeof(*order));
	compile_units_by_age(order, *ret_n);
	return order;
}

void compile_virtual_addresses(struct compile *c, struct kernel_config *config)
{
	struct claims claims;
	size_t n;
	struct compile_unit **units = by_age(c, &n);

	table_init(&claims.by_addr, &c->scratch);
	for (size_t i = 0; i < n; i++) {
		const struct compile_made *made = compile_unit_now(units[i]);
		struct making making = {.compile = c, .config = config, .claims = &claims};
		struct compile_about before;
		size_t n_errors;

		if (!made || !made->vip)
			continue;
		making.object = made->object;
		making.vip = made->vip;
		before = compile_about(c, made->object);
		n_errors = c->sink->n_errors;
		compile_object(&making);
		if (compile_kernel_is_off(c) && c->sink->n_errors == n_errors && !made->n_errors)
			tell_off(c);
		compile_about_end(c, before);
	}
}
