// SPDX-License-Identifier: Apache-2.0
/*
 * compile_virtual_address: VirtualAddress objects -> services and entries of the kernel plane.
 *
 * Each address and port (or range) is an entry; all entries of an object and family share one
 * service. Who came first has an address: of two objects that want the same one the older gets it,
 * and the younger is told; what an entry point listens on is nobody else's. An address whose family
 * no backend has is refused to senders rather than left unanswered by us: its service is empty.
 * Without the kernel plane nobody serves such an address, and each object is told so.
 */

#include <netinet/in.h>
#include <stdlib.h>

#include "model/virtual_address.h"
#include "plan/backend_rule.h"
#include "plan/compile_kernel.h"

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
	struct kernel_shares shares;
	struct vip_probe *probe;	    /* NULL: none */
	struct kernel_service *v4, *v6;	    /* made when first asked for */
	const struct kernel_policy *policy; /* NULL: none */
	enum kernel_cookies cookies;
	const struct entry_point *entry_point; /* of mode local */
	uint16_t first_port;
	uint8_t proto;
	bool is_nat;
};

/* --------------------------------------------------------------- backends -- */

static struct live_member *member_of(struct making *making, const struct addr *addr, uint16_t port)
{
	struct compile *c = making->compile;
	struct live_member *member = NULL;
	char text[ADDR_TEXT_MAX];

	addr_print_port(addr, port, text);
	if (registry_member(c->registry, names_join(STR("vip "), making->object->id, &c->scratch),
			    str_of(text), &member) < 0)
		c->arena->failed = true;
	return member;
}

static bool is_down(const struct live_member *member)
{
	return member &&
	       atomic_load_explicit(&member->down_until_ns, memory_order_relaxed) == LIVE_DOWN;
}

/* port: that of the backend; 0: the packet's. */
static void add_backend(struct making *making, const struct addr *addr, uint16_t port, bool drains)
{
	const struct virtual_health *health = making->spec->health_check;
	struct share share = {.addr = *addr,
			      .port = making->is_nat ? port : 0,
			      .state = drains ? KERNEL_BACKEND_DRAIN : KERNEL_BACKEND_ACTIVE};

	if (health && !drains) {
		uint16_t probed = health->port ? (uint16_t)health->port
				  : port       ? port
					       : making->first_port;
		struct vip_target *target = &making->probe->targets[making->probe->n_targets];

		share.member = member_of(making, addr, probed);
		if (is_down(share.member))
			share.state = KERNEL_BACKEND_DEAD;
		*target = (struct vip_target){*addr, probed, share.member};
		making->probe->n_targets++;
	}
	if (!compile_kernel_share(&making->shares, &share))
		making->compile->arena->failed = true;
}

static const struct vip_servers *
servers_of(struct making *making, const struct virtual_backend *ref, const struct diag_path *path)
{
	struct compile *c = making->compile;
	const struct object *object;
	struct str namespace_;

	if (!compile_reference_namespace(c, making->object->meta.namespace_, ref->name,
					 ref->namespace_, path, &namespace_))
		return NULL;
	object = compile_find(c, KIND_SERVICE, namespace_, ref->name);
	if (object && object->valid)
		return compile_vip_servers(c, object, ref, path);
	diag_error(c->sink, path, "Service " STR_FMT "/" STR_FMT " %s", STR_ARG(namespace_),
		   STR_ARG(ref->name), object ? "has errors" : "does not exist");
	return NULL;
}

static bool make_room(struct making *making, size_t n)
{
	struct vip_probe *probe = making->probe;
	struct vip_target *targets;

	if (!probe)
		return true;
	targets = ARENA_ARRAY(making->compile->arena, struct vip_target, probe->n_targets + n + 1);
	if (!targets)
		return false;
	if (probe->n_targets)
		memcpy(targets, probe->targets, probe->n_targets * sizeof(*targets));
	probe->targets = targets;
	return true;
}

static void add_service(struct making *making, const struct virtual_backend *ref,
			const struct diag_path *path)
{
	const struct vip_servers *servers = servers_of(making, ref, path);
	size_t from = making->shares.n;

	if (!servers || !make_room(making, servers->n))
		return;
	for (size_t i = 0; i < servers->n; i++)
		add_backend(making, &servers->at[i].addr, servers->at[i].port,
			    servers->at[i].drains || !ref->weight);
	compile_kernel_divide(&making->shares, from, (double)ref->weight);
}

static void add_address(struct making *making, const struct virtual_backend *ref,
			const struct diag_path *path)
{
	struct compile *c = making->compile;
	size_t from = making->shares.n;
	struct addr addr;
	const char *why;

	if (addr_parse(ref->address, &addr) < 0 || !make_room(making, 1))
		return;
	why = backend_rule_refuses(c->config, &addr, (uint16_t)ref->port.number);
	if (why) {
		diag_found(c->sink,
			   diag_error(c->sink, DIAG_FIELD(path, "address"),
				      "the backend is refused: it is %s", why),
			   ref->address);
		return;
	}
	add_backend(making, &addr, ref->port.set ? (uint16_t)ref->port.number : 0, !ref->weight);
	compile_kernel_divide(&making->shares, from, (double)ref->weight);
}

static void add_backends(struct making *making)
{
	const struct list_of refs = making->spec->backend_refs;

	for (size_t i = 0; i < refs.n; i++) {
		const struct virtual_backend *ref = LIST_AT(refs, const struct virtual_backend, i);
		const struct diag_path *path = DIAG_INDEX(DIAG_FIELD(TOP, "backendRefs"), i);

		if (ref->name.len)
			add_service(making, ref, path);
		else
			add_address(making, ref, path);
	}
}

static bool add_probe(struct making *making)
{
	const struct virtual_health *health = making->spec->health_check;
	struct compile *c = making->compile;
	struct vip_probe *probe;

	if (!health)
		return true;
	probe = making->probe = ARENA_NEW(c->arena, struct vip_probe);
	if (!probe)
		return false;
	*probe = (struct vip_probe){
		.next = c->snapshot->vip_probes,
		.name = making->object->id,
		.is_http = str_eq(health->type, STR("http")),
		.path = health->path,
		.host = health->host,
		.status = (uint16_t)health->status,
		.interval_ns = (uint64_t)health->interval.ns,
		.timeout_ns = (uint64_t)health->timeout.ns,
		.healthy_threshold = (uint32_t)health->healthy_threshold,
		.unhealthy_threshold = (uint32_t)health->unhealthy_threshold,
	};
	c->snapshot->vip_probes = probe;
	return true;
}

/* --------------------------------------------------------------- services -- */

static enum kernel_mode mode_of(struct str word)
{
#define MODE_WORD(id, word, text) word,
	static const char *const words[] = {KERNEL_MODES(MODE_WORD)};

	for (int i = 0; i < KERNEL_MODE__COUNT; i++)
		if (str_eq(word, str_of(words[i])))
			return (enum kernel_mode)i;
	return KERNEL_MODE_NAT;
}

static enum kernel_affinity affinity_of(struct str word)
{
#define AFFINITY_WORD(id, word, text) word,
	static const char *const words[] = {KERNEL_AFFINITIES(AFFINITY_WORD)};

	for (int i = 0; i < KERNEL_AFFINITY__COUNT; i++)
		if (str_eq(word, str_of(words[i])))
			return (enum kernel_affinity)i;
	return KERNEL_AFFINITY_NONE;
}

static uint64_t drain_of(const struct virtual_address *spec, enum kernel_affinity affinity)
{
	if (spec->drain_timeout.ns)
		return (uint64_t)spec->drain_timeout.ns;
	/* QUIC's connections end. */
	return str_eq(spec->protocol, STR("UDP")) && affinity != KERNEL_AFFINITY_QUIC
		       ? KERNEL_UDP_DRAIN_NS
		       : 0;
}

/* The service of a family; NULL with a diag. */
static struct kernel_service *service_of(struct making *making, bool is_v4)
{
	struct compile *c = making->compile;
	struct kernel_service **slot = is_v4 ? &making->v4 : &making->v6;
	const struct object_meta *meta = &making->object->meta;
	struct kernel_service *service = *slot;

	if (service)
		return service;
	service = kernel_config_service(
		making->config,
		compile_kernel_name(c, arena_printf(c->arena, STR_FMT "/" STR_FMT "%s",
						    STR_ARG(meta->namespace_), STR_ARG(meta->name),
						    is_v4 ? "" : " v6")));
	if (!service || !compile_kernel_fill(&making->shares, is_v4, service)) {
		diag_error(c->sink, NULL, "there is no room for more than %d services",
			   KERNEL_SERVICES_MAX)
			->node_reason = DIAG_NODE_FULL;
		return NULL;
	}
	service->object = making->object->id;
	service->mode = mode_of(making->spec->mode);
	service->affinity = affinity_of(making->spec->session_affinity);
	service->drain_ns = drain_of(making->spec, service->affinity);
	if (!service->n_backends)
		diag_warning(c->sink, DIAG_FIELD(TOP, "backendRefs"),
			     "there is no %s backend: connections to such addresses are refused",
			     is_v4 ? "IPv4" : "IPv6");
	*slot = service;
	return service;
}

/* ----------------------------------------------------------------- claims -- */

static bool overlaps(const struct claim *a, const struct claim *b)
{
	return a->proto == b->proto && a->first <= b->last && b->first <= a->last;
}

static bool is_of_entry_point(struct making *making, const struct claim *claim,
			      const struct diag_path *path)
{
	struct compile *c = making->compile;

	for (size_t i = 0; i < c->config->entry_points.n; i++) {
		const struct static_entry_point *conf = static_entry_point(c->config, i);

		if (!addr_eq(&conf->listen.addr, &claim->addr) ||
		    conf->listen.udp != (claim->proto == IPPROTO_UDP) ||
		    conf->listen.port < claim->first || conf->listen.port > claim->last)
			continue;
		diag_error(c->sink, path, "entry point " STR_FMT " listens there",
			   STR_ARG(conf->name));
		return true;
	}
	return false;
}

/* False with a diag: somebody else has it. */
static bool take(struct making *making, const struct claim *claim, const struct diag_path *path)
{
	struct claims *claims = making->claims;
	struct compile *c = making->compile;
	struct claim *kept;
	struct diag *diag;
	struct str key;

	if (is_of_entry_point(making, claim, path))
		return false;
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

static bool is_allowed(struct making *making, const struct addr *addr, const struct diag_path *path)
{
	struct compile *c = making->compile;
	const struct strs *pools = &c->config->forwarding.address_pools;
	struct cidr cidr;

	if (addr_is_unspecified(addr) || addr->byte[0] == 0xff ||
	    (addr_is_v4(addr) && (addr->byte[12] >= 224 || !addr->byte[12]))) {
		diag_error(c->sink, path, "an address that no packet may be sent to");
		return false;
	}
	for (size_t i = 0; i < pools->n; i++)
		if (cidr_parse(pools->at[i], &cidr) == 0 && cidr_contains(&cidr, addr))
			return true;
	if (!pools->n)
		return true;
	diag_suggest(c->sink,
		     diag_error(c->sink, path, "the address is in no pool for VirtualAddresses"),
		     "see the option forwarding.addressPools");
	return false;
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

static struct str name_of(struct making *making, const struct claim *claim)
{
	const struct object_meta *meta = &making->object->meta;
	struct compile *c = making->compile;
	char text[ADDR_TEXT_MAX];

	addr_print_port(&claim->addr, claim->first, text);
	return compile_kernel_name(c,
				   arena_printf(c->arena, STR_FMT "/" STR_FMT " %s%s",
						STR_ARG(meta->namespace_), STR_ARG(meta->name),
						text, making->proto == IPPROTO_UDP ? "/udp" : ""));
}

static void add_entries(struct making *making)
{
	const struct virtual_address *spec = making->spec;
	const struct diag_path *path = DIAG_FIELD(TOP, "addresses");

	for (size_t i = 0; i < spec->addresses.n; i++) {
		struct claim claim = {.object = making->object, .proto = making->proto};

		if (addr_parse(spec->addresses.at[i], &claim.addr) < 0 ||
		    !is_allowed(making, &claim.addr, DIAG_INDEX(path, i)))
			continue;
		for (size_t j = 0; j < spec->ports.n; j++) {
			const struct virtual_port *port =
				LIST_AT(spec->ports, const struct virtual_port, j);

			claim.first = (uint16_t)port->port;
			claim.last = (uint16_t)(port->end_port ? port->end_port : port->port);
			if (take(making, &claim, DIAG_INDEX(path, i)) &&
			    !add_entry(making, &claim, name_of(making, &claim)))
				return;
		}
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
	making->is_nat = str_eq(spec->mode, STR("nat"));
	making->first_port =
		spec->ports.n ? (uint16_t)LIST_AT(spec->ports, struct virtual_port, 0)->port : 0;
	making->cookies = preset_cookies(c);
	if (!find_entry_point(making) || !find_policy(making) ||
	    (!compile_kernel_is_off(c) && !add_probe(making)))
		return;
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
	if (!compile_kernel_is_off(c))
		add_backends(making);
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

static int by_age(const void *a, const void *b)
{
	const struct object *x = *(const struct object *const *)a;
	const struct object *y = *(const struct object *const *)b;
	int order;

	if (x->meta.created_ns != y->meta.created_ns)
		return x->meta.created_ns < y->meta.created_ns ? -1 : 1;
	order = str_cmp(x->meta.namespace_, y->meta.namespace_);
	return order ? order : str_cmp(x->meta.name, y->meta.name);
}

void compile_virtual_addresses(struct compile *c, struct kernel_config *config)
{
	struct claims claims;
	size_t n;
	struct object **objects = compile_sorted(c, KIND_VIRTUAL_ADDRESS, &n);

	table_init(&claims.by_addr, &c->scratch);
	compile_vip_servers_begin(c);
	if (objects && n)
		qsort(objects, n, sizeof(*objects), by_age);
	for (size_t i = 0; objects && i < n; i++) {
		struct making making = {.compile = c,
					.config = config,
					.object = objects[i],
					.claims = &claims,
					.shares = {.compile = c}};
		struct compile_about before;
		size_t n_errors;

		if (!objects[i]->valid)
			continue;
		before = compile_about(c, objects[i]);
		n_errors = c->sink->n_errors;
		compile_object(&making);
		if (compile_kernel_is_off(c) && c->sink->n_errors == n_errors)
			tell_off(c);
		compile_about_end(c, before);
	}
	compile_vip_servers_end(c);
}
