// SPDX-License-Identifier: Apache-2.0
/* explain_stream: the packet's way: kernel plane, entry point, router, guards, service. */

#include "plan/explain_stream.h"

#include <netinet/in.h>

#include "base/num.h"
#include "http/uri.h"
#include "tls/tls_table.h"

struct asking {
	const struct snapshot *snapshot;
	const struct explain_stream_spec *spec;
	struct arena *arena;
	struct tcp_facts facts;
	struct addr target;
	uint16_t port;
	struct explain_stream_result result;
};

static void end(struct asking *asking, enum stream_action action, struct str why)
{
	asking->result.action = action;
	asking->result.why = why;
}

/* ------------------------------------------------------------------ target -- */

static const struct entry_point *entry_point_named(const struct asking *asking, struct str name)
{
	for (uint16_t i = 0; i < asking->snapshot->n_entry_points; i++)
		if (str_eq(asking->snapshot->entry_points[i].name, name) &&
		    asking->snapshot->entry_points[i].conf->listen.udp == asking->spec->is_udp)
			return &asking->snapshot->entry_points[i];
	return NULL;
}

static const struct entry_point *entry_point_at(const struct asking *asking)
{
	const struct entry_point *best = NULL;

	for (uint16_t i = 0; i < asking->snapshot->n_entry_points; i++) {
		const struct entry_point *one = &asking->snapshot->entry_points[i];
		const struct listen_address *listen = &one->conf->listen;

		if (listen->udp != asking->spec->is_udp || listen->port != asking->port)
			continue;
		if (addr_eq(&listen->addr, &asking->target))
			return one;
		if (addr_is_unspecified(&listen->addr))
			best = one;
	}
	return best;
}

/* The one that the kernel plane finds: an address before any address, a port before a range, a
 * narrow range before a wide one. */
static const struct kernel_entry *entry_at(const struct asking *asking)
{
	const struct kernel_config *config = asking->snapshot->kernel;
	uint8_t proto = asking->spec->is_udp ? IPPROTO_UDP : IPPROTO_TCP;
	const struct kernel_entry *best = NULL;
	uint32_t least = UINT32_MAX;

	for (size_t i = 0; config && i < config->n_entries; i++) {
		const struct kernel_entry *entry = &config->entries[i];
		uint16_t last = entry->port_last ? entry->port_last : entry->port;
		bool is_any = addr_is_unspecified(&entry->addr);
		uint32_t rank = (is_any ? 65536U : 0U) + (uint32_t)(last - entry->port);

		if (entry->proto != proto || asking->port < entry->port || asking->port > last ||
		    (!is_any && !addr_eq(&entry->addr, &asking->target)) || rank >= least)
			continue;
		best = entry;
		least = rank;
	}
	return best;
}

static bool find_target(struct asking *asking)
{
	struct explain_stream_result *result = &asking->result;
	struct str host, port;

	if (uri_split_authority(asking->spec->target, &host, &port) && port.len &&
	    addr_parse(host, &asking->target) == 0 && num_uint16(port, &asking->port) == 0) {
		result->entry = entry_at(asking);
		if (result->entry && result->entry->point)
			result->entry_point =
				&asking->snapshot->entry_points[result->entry->point - 1];
		else
			result->entry_point = entry_point_at(asking);
	} else {
		result->entry_point = entry_point_named(asking, asking->spec->target);
		if (result->entry_point) {
			asking->target = result->entry_point->conf->listen.addr;
			asking->port = result->entry_point->conf->listen.port;
			result->entry = entry_at(asking);
		}
	}
	if (result->entry || result->entry_point)
		return true;
	end(asking, STREAM_DROP,
	    arena_printf(asking->arena, "no entry point and no VirtualAddress is there for %s",
			 asking->spec->is_udp ? "UDP" : "TCP"));
	return false;
}

/* ------------------------------------------------------------------- kernel -- */

static bool kernel_decides(struct asking *asking)
{
	struct explain_stream_result *result = &asking->result;
	const struct kernel_entry *entry = result->entry;
	char text[ADDR_TEXT_MAX];

	if (!entry)
		return false;
	result->kernel_action =
		kernel_policy_match(entry->policy, &asking->facts.source, &result->kernel_acl);
	if (result->kernel_action == KERNEL_DENY) {
		cidr_print(&result->kernel_acl->cidr, text);
		end(asking, STREAM_DROP,
		    arena_printf(asking->arena,
				 "the kernel plane drops packets from %s: " STR_FMT " denies it",
				 text, STR_ARG(entry->policy->object)));
		return true;
	}
	if (!entry->service)
		return false;
	/* The proxy has what a service's family rules out. */
	if (result->entry_point && entry->service->n_backends &&
	    addr_is_v4(&entry->service->backends[0].addr) != addr_is_v4(&asking->facts.source))
		return false;
	result->by_kernel = entry->service;
	if (!entry->service->n_backends)
		end(asking, STREAM_CLOSE,
		    arena_printf(asking->arena, STR_FMT " has no backend: it is refused",
				 STR_ARG(entry->service->object)));
	else
		end(asking, STREAM_FORWARD,
		    arena_printf(asking->arena,
				 "the kernel plane forwards packets for " STR_FMT
				 " to %u backend%s",
				 STR_ARG(entry->service->object), entry->service->n_backends,
				 entry->service->n_backends == 1 ? "" : "s"));
	return true;
}

/* ---------------------------------------------------------------------- TCP -- */

static struct str https_wins(const struct tcp_router *router, const struct tcp_facts *facts,
			     struct arena *arena)
{
	if (tcp_router_is_https(router, facts->sni))
		return arena_printf(arena,
				    "an HTTPS route has the name " STR_FMT
				    ", and goes before every TCP route",
				    STR_ARG(facts->sni));
	if (tcp_router_is_https_any(router))
		return STR("an HTTPS route without a name goes before HostSNI(`*`)");
	return (struct str){0};
}

static uint32_t count_servers(const struct stream_service *service)
{
	uint32_t n = service->n_servers;

	for (uint32_t i = 0; i < service->n_children; i++)
		n += count_servers(service->children[i]);
	return n;
}

static bool guards_refuse(struct asking *asking, const struct tcp_route *route)
{
	for (uint32_t i = 0; i < route->n_guards; i++) {
		const struct stream_guard *guard = &route->guards[i];

		if (guard->kind == STREAM_GUARD_ALLOW &&
		    !cidr_set_contains(guard->allow, &asking->facts.source)) {
			end(asking, STREAM_CLOSE,
			    arena_printf(asking->arena,
					 "middleware " STR_FMT " does not let this address connect",
					 STR_ARG(guard->name)));
			return true;
		}
		if (guard->kind == STREAM_GUARD_IN_FLIGHT && !guard->amount) {
			end(asking, STREAM_CLOSE,
			    arena_printf(asking->arena,
					 "middleware " STR_FMT " lets nobody connect",
					 STR_ARG(guard->name)));
			return true;
		}
	}
	return false;
}

static void forward(struct asking *asking, const struct stream_service *service, struct str route)
{
	uint32_t n = service ? count_servers(service) : 0;

	asking->result.service = service;
	if (!service || !service->turns.n_order) {
		end(asking, STREAM_CLOSE,
		    arena_printf(asking->arena, STR_FMT " has no server", STR_ARG(route)));
		return;
	}
	end(asking, STREAM_FORWARD,
	    arena_printf(asking->arena, STR_FMT " takes it; %u server%s can have it",
			 STR_ARG(route), n, n == 1 ? "" : "s"));
}

static void route_tcp(struct asking *asking)
{
	struct explain_stream_result *result = &asking->result;
	const struct tcp_router *router = result->entry_point->tcp;
	const struct tcp_route *route;
	struct str why;

	if (!router) {
		end(asking, STREAM_HTTP, STR("the entry point has no TCP routes"));
		return;
	}
	route = tcp_router_match(router, &asking->facts);
	why = asking->facts.is_tls ? https_wins(router, &asking->facts, asking->arena)
				   : (struct str){0};
	if (route || !tcp_router_is_https(router, asking->facts.sni))
		result->n_steps = tcp_router_trace(router, &asking->facts, result->steps,
						   EXPLAIN_STREAM_STEPS_MAX);
	if (!route) {
		end(asking, STREAM_HTTP, why.len ? why : STR("no TCP route matches"));
		return;
	}
	result->tcp = route;
	if (route->is_tls && !route->passthrough && route->tls_policy == TLS_POLICY_BROKEN)
		end(asking, STREAM_CLOSE, STR("its TLSOption is missing or has errors"));
	else if (!guards_refuse(asking, route))
		forward(asking, route->service, route->name);
}

struct str explain_stream_taken(const struct entry_point *entry_point,
				const struct tcp_facts *facts, struct arena *arena)
{
	const struct tcp_route *route =
		entry_point->tcp ? tcp_router_match(entry_point->tcp, facts) : NULL;

	if (!route)
		return (struct str){0};
	return arena_printf(arena,
			    "TCP route " STR_FMT " (" STR_FMT ") takes the connection before HTTP",
			    STR_ARG(route->name), STR_ARG(route->object));
}

static void route_udp(struct asking *asking)
{
	struct explain_stream_result *result = &asking->result;
	const struct udp_route *route = result->entry_point->udp_route;

	if (!route) {
		end(asking, STREAM_DROP, STR("the entry point has no UDP route"));
		return;
	}
	result->udp = route;
	forward(asking, route->service, route->name);
}

static bool read_source(struct asking *asking)
{
	struct str text = asking->spec->remote_addr, host, port;

	if (!text.len)
		text = STR("127.0.0.1");
	if (addr_parse(text, &asking->facts.source) == 0)
		return true;
	return uri_split_authority(text, &host, &port) &&
	       addr_parse(host, &asking->facts.source) == 0;
}

struct explain_stream_result explain_stream(const struct snapshot *snapshot,
					    const struct explain_stream_spec *spec,
					    struct arena *arena)
{
	struct asking asking = {.snapshot = snapshot, .spec = spec, .arena = arena};

	asking.result.id = spec->id;
	asking.result.is_udp = spec->is_udp;
	asking.facts.is_tls = spec->is_tls || spec->sni.len || spec->n_alpn;
	asking.facts.sni = arena_lower(arena, str_trim(spec->sni));
	asking.facts.alpn = spec->alpn;
	asking.facts.n_alpn = spec->n_alpn;
	if (!read_source(&asking))
		end(&asking, STREAM_DROP, STR("remote_addr is no IP address"));
	else if (find_target(&asking) && !kernel_decides(&asking)) {
		if (!asking.result.entry_point)
			end(&asking, STREAM_DROP, STR("nobody listens there"));
		else if (spec->is_udp)
			route_udp(&asking);
		else
			route_tcp(&asking);
	}
	/* What the kernel plane forwards has a route all the same. */
	if (asking.result.by_kernel && asking.result.entry_point && !spec->is_udp &&
	    asking.result.entry_point->tcp)
		asking.result.tcp = tcp_router_match(asking.result.entry_point->tcp, &asking.facts);
	if (asking.result.by_kernel && asking.result.entry_point && spec->is_udp)
		asking.result.udp = asking.result.entry_point->udp_route;
	if (asking.result.tcp && snapshot->tcp_offload)
		asking.result.offload = &snapshot->tcp_offload[asking.result.tcp->index];
	if (asking.result.udp && snapshot->udp_offload)
		asking.result.offload = &snapshot->udp_offload[asking.result.udp->index];
	return asking.result;
}
