// SPDX-License-Identifier: Apache-2.0
/*
 * compile_vip: what a VirtualAddress means whatever others there are: its unit. Of a thousand, one
 * has other endpoints than before.
 *
 * An address whose family no backend has is refused to senders rather than left unanswered by us:
 * its service is empty.
 */

#include <netinet/in.h>

#include "plan/backend_rule.h"
#include "plan/compile_kernel.h"
#include "plan/compile_unit.h"
#include "plan/kernel_digest.h"

#define TOP DIAG_FIELD(NULL, "spec")

struct making {
	struct compile *compile;
	const struct object *object;
	const struct virtual_address *spec;
	struct compiled_vip *vip;
	struct kernel_shares shares;
	struct vip_probe *probe; /* NULL: none */
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

/* By the same means as a UDP or TCP route: ready endpoints, and those that leave. */
static bool read_servers(struct making *making, const struct object *service,
			 const struct virtual_backend *ref, const struct diag_path *path,
			 struct stream_service *ret_service)
{
	const struct stream_service_ref as_ref = {
		.name = ref->name, .port = ref->port, .weight = 1};
	struct compile *c = making->compile;
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

/* False with a diag. */
static bool servers_of(struct making *making, const struct virtual_backend *ref,
		       const struct diag_path *path, struct stream_service *ret_service)
{
	struct compile *c = making->compile;
	const struct object *object;
	struct str namespace_;

	if (!compile_reference_namespace(c, making->object->meta.namespace_, ref->name,
					 ref->namespace_, path, &namespace_))
		return false;
	object = compile_find(c, KIND_SERVICE, namespace_, ref->name);
	if (object && object->valid)
		return read_servers(making, object, ref, path, ret_service);
	diag_error(c->sink, path, "Service " STR_FMT "/" STR_FMT " %s", STR_ARG(namespace_),
		   STR_ARG(ref->name), object ? "has errors" : "does not exist");
	return false;
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
	size_t from = making->shares.n;
	struct stream_service service;

	if (!servers_of(making, ref, path, &service) ||
	    !make_room(making, (size_t)service.n_servers + service.n_drains))
		return;
	for (uint32_t i = 0; i < service.n_servers; i++)
		add_backend(making, &service.servers[i].addr, service.servers[i].port,
			    !ref->weight);
	for (uint32_t i = 0; i < service.n_drains; i++)
		add_backend(making, &service.drains[i].addr, service.drains[i].port, true);
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

	if (!health)
		return true;
	making->probe = ARENA_NEW(making->compile->arena, struct vip_probe);
	if (!making->probe)
		return false;
	*making->probe = (struct vip_probe){
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
	making->vip->probe = making->probe;
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

/* The service of a family; false without memory. */
static bool add_family(struct making *making, bool is_v4)
{
	struct compile *c = making->compile;
	const struct object_meta *meta = &making->object->meta;
	struct kernel_service *service = ARENA_NEW(c->arena, struct kernel_service);

	if (!service || !compile_kernel_fill(&making->shares, is_v4, service))
		return false;
	service->name = compile_kernel_name(
		c, arena_printf(c->arena, STR_FMT "/" STR_FMT "%s", STR_ARG(meta->namespace_),
				STR_ARG(meta->name), is_v4 ? "" : " v6"));
	service->object = making->object->id;
	service->mode = mode_of(making->spec->mode);
	service->affinity = affinity_of(making->spec->session_affinity);
	service->drain_ns = drain_of(making->spec, service->affinity);
	if (!service->n_backends)
		diag_warning(c->sink, DIAG_FIELD(TOP, "backendRefs"),
			     "there is no %s backend: connections to such addresses are refused",
			     is_v4 ? "IPv4" : "IPv6");
	service->digest = kernel_service_digest(service);
	making->vip->services[is_v4] = service;
	return true;
}

/* --------------------------------------------------------------- addresses -- */

static bool is_of_entry_point(struct making *making, const struct vip_entry *entry,
			      const struct diag_path *path)
{
	struct compile *c = making->compile;

	for (size_t i = 0; i < c->config->entry_points.n; i++) {
		const struct static_entry_point *conf = static_entry_point(c->config, i);

		if (!addr_eq(&conf->listen.addr, &entry->addr) ||
		    conf->listen.udp != (making->proto == IPPROTO_UDP) ||
		    conf->listen.port < entry->first || conf->listen.port > entry->last)
			continue;
		diag_error(c->sink, path, "entry point " STR_FMT " listens there",
			   STR_ARG(conf->name));
		return true;
	}
	return false;
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

static struct str name_of(struct making *making, const struct vip_entry *entry)
{
	const struct object_meta *meta = &making->object->meta;
	struct compile *c = making->compile;
	char text[ADDR_TEXT_MAX];

	addr_print_port(&entry->addr, entry->first, text);
	return compile_kernel_name(c,
				   arena_printf(c->arena, STR_FMT "/" STR_FMT " %s%s",
						STR_ARG(meta->namespace_), STR_ARG(meta->name),
						text, making->proto == IPPROTO_UDP ? "/udp" : ""));
}

static void add_ports(struct making *making, const struct addr *addr, uint32_t place)
{
	const struct list_of ports = making->spec->ports;
	struct compiled_vip *vip = making->vip;

	for (size_t i = 0; i < ports.n; i++) {
		const struct virtual_port *port = LIST_AT(ports, const struct virtual_port, i);
		struct vip_entry entry = {
			.addr = *addr,
			.first = (uint16_t)port->port,
			.last = (uint16_t)(port->end_port ? port->end_port : port->port),
			.place = place,
		};

		if (is_of_entry_point(making, &entry,
				      DIAG_INDEX(DIAG_FIELD(TOP, "addresses"), place)))
			continue;
		entry.name = name_of(making, &entry);
		vip->entries[vip->n_entries++] = entry;
	}
}

static void add_addresses(struct making *making)
{
	const struct virtual_address *spec = making->spec;
	struct compiled_vip *vip = making->vip;
	struct addr addr;

	vip->entries = ARENA_ARRAY(making->compile->arena, struct vip_entry,
				   spec->addresses.n * spec->ports.n + 1);
	for (size_t i = 0; vip->entries && i < spec->addresses.n; i++)
		if (addr_parse(spec->addresses.at[i], &addr) == 0 &&
		    is_allowed(making, &addr, DIAG_INDEX(DIAG_FIELD(TOP, "addresses"), i)))
			add_ports(making, &addr, (uint32_t)i);
}

static bool has_family(const struct compiled_vip *vip, bool is_v4)
{
	for (size_t i = 0; i < vip->n_entries; i++)
		if (addr_is_v4(&vip->entries[i].addr) == is_v4)
			return true;
	return false;
}

const struct compiled_vip *compile_vip_object(struct compile *c, const struct object *object)
{
	const struct virtual_address *spec = object->spec;
	struct making making = {.compile = c,
				.object = object,
				.spec = spec,
				.vip = ARENA_NEW(c->arena, struct compiled_vip),
				.shares = {.compile = c}};
	bool is_served = !compile_kernel_is_off(c);

	if (!object->valid || !making.vip)
		return NULL;
	making.proto = str_eq(spec->protocol, STR("UDP")) ? IPPROTO_UDP : IPPROTO_TCP;
	making.is_nat = str_eq(spec->mode, STR("nat"));
	making.first_port =
		spec->ports.n ? (uint16_t)LIST_AT(spec->ports, struct virtual_port, 0)->port : 0;
	if (is_served && add_probe(&making))
		add_backends(&making);
	add_addresses(&making);
	if (str_eq(spec->mode, STR("local")))
		return making.vip;
	for (int is_v4 = 0; is_served && is_v4 < 2; is_v4++)
		if (has_family(making.vip, is_v4) && !add_family(&making, is_v4))
			c->arena->failed = true;
	return making.vip;
}
