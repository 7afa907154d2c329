// SPDX-License-Identifier: Apache-2.0
/*
 * compile_offload: which routes of TCP and UDP the kernel plane forwards by itself.
 *
 * One that needs no byte of payload: HostSNI(`*`) without TLS, where every connection of the entry
 * point is that route's; any UDP route. Of its middlewares an ipAllowList alone can become a list
 * of the kernel plane (who is not on it gets no answer, instead of a connection that is closed).
 * The proxy listens all the same: it serves what does not come through the kernel plane. Each route
 * says what became of it, for `explain` and the API.
 */

#include "plan/compile_kernel.h"
#include "plan/tcp_router.h"

enum { LEVELS_MAX = 8 };

struct asking {
	struct compile *compile;
	struct kernel_config *config;
	struct kernel_shares shares;
	struct str why_not; /* empty: nothing is in the way so far */
};

static void refuse(struct asking *asking, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void refuse(struct asking *asking, const char *format, ...)
{
	va_list args;

	if (asking->why_not.len)
		return;
	va_start(args, format);
	asking->why_not = arena_vprintf(asking->compile->arena, format, args);
	va_end(args);
}

/* --------------------------------------------------------------- services -- */

static void add_servers(struct asking *asking, const struct stream_service *service, double weight)
{
	size_t from = asking->shares.n;

	for (uint32_t i = 0; i < service->n_servers; i++) {
		const struct stream_server *server = &service->servers[i];
		bool is_up =
			!server->member || atomic_load_explicit(&server->member->down_until_ns,
								memory_order_relaxed) != LIVE_DOWN;

		if (server->dns_name.len)
			refuse(asking, "server " STR_FMT " has a name, which must be looked up",
			       STR_ARG(server->address));
		compile_kernel_share(&asking->shares,
				     &(struct share){.addr = server->addr,
						     .port = server->port,
						     .state = is_up ? KERNEL_BACKEND_ACTIVE
								    : KERNEL_BACKEND_DEAD,
						     .member = server->member});
	}
	compile_kernel_divide(&asking->shares, from, weight);
	for (uint32_t i = 0; i < service->n_drains; i++)
		compile_kernel_share(&asking->shares,
				     &(struct share){.addr = service->drains[i].addr,
						     .port = service->drains[i].port,
						     .state = KERNEL_BACKEND_DRAIN});
}

static void add_service(struct asking *asking, const struct stream_service *service, double weight,
			unsigned int level)
{
	const struct stream_transport *transport = service->transport;
	uint32_t *turns;

	if (transport && transport->proxy_protocol)
		refuse(asking, "the PROXY protocol header must be written");
	if (transport && transport->tls)
		refuse(asking, "TLS towards the servers must be spoken");
	if (!service->n_children) {
		add_servers(asking, service, weight);
		return;
	}
	turns = ARENA_ARRAY(&asking->compile->scratch, uint32_t, service->n_children);
	for (uint32_t i = 0; turns && i < service->turns.n_order; i++)
		turns[service->turns.order[i]]++;
	for (uint32_t i = 0; turns && level < LEVELS_MAX && i < service->n_children; i++)
		add_service(asking, service->children[i],
			    weight * turns[i] / (double)service->turns.n_order, level + 1);
}

/* -------------------------------------------------------------------- guards -- */

static void check_guards(struct asking *asking, const struct tcp_route *route,
			 const struct kernel_entry *entry)
{
	for (uint32_t i = 0; i < route->n_guards; i++) {
		if (route->guards[i].kind == STREAM_GUARD_IN_FLIGHT)
			refuse(asking, "middleware " STR_FMT " counts connections",
			       STR_ARG(route->guards[i].name));
		else if (entry->policy)
			refuse(asking,
			       "middleware " STR_FMT " and a SourcePolicy each have a list of "
			       "addresses",
			       STR_ARG(route->guards[i].name));
		else if (i)
			refuse(asking, "there is more than one middleware");
	}
}

/* Everybody is refused but those on the list. */
static const struct kernel_policy *list_of(struct asking *asking, const struct tcp_route *route,
					   struct str name)
{
	struct kernel_config *config = asking->config;
	struct kernel_policy *policy = kernel_config_policy(config, name);
	const struct cidr_set *allow = route->guards[0].allow;
	struct cidr all;
	bool ok = policy != NULL;

	for (int i = 0; ok && i < 2; i++) {
		cidr_parse(i ? STR("::/0") : STR("0.0.0.0/0"), &all);
		ok = kernel_policy_add(config, policy, &all, KERNEL_DENY);
	}
	for (size_t i = 0; ok && i < allow->n; i++)
		ok = kernel_policy_add(config, policy, &allow->at[i], KERNEL_ALLOW);
	if (!ok) {
		refuse(asking, "there is no room for its list of addresses");
		return NULL;
	}
	policy->object = route->object;
	return policy;
}

/* --------------------------------------------------------------------- entry -- */

static void check_entry(struct asking *asking, const struct entry_point *entry_point)
{
	const struct static_config *config = asking->compile->config;

	if (str_eq(config->forwarding.offload, STR("off")))
		refuse(asking, "forwarding.offload is off");
	if (compile_kernel_is_off(asking->compile))
		refuse(asking, "the kernel plane is off");
	if (entry_point->conf->proxy_protocol)
		refuse(asking, "the entry point reads the PROXY protocol");
	/* What ends elsewhere is not answered in its place. */
	const struct kernel_entry *entry = &asking->config->entries[entry_point->index];

	if (entry->cookies == KERNEL_COOKIES_ON)
		refuse(asking, "the entry point's SYN cookies are always on");
}

/* An entry point of any address gets both families, and a service has one. */
static bool is_v4(struct asking *asking)
{
	bool has_v4 = compile_kernel_has(&asking->shares, true);
	bool has_v6 = compile_kernel_has(&asking->shares, false);

	if (!has_v4 && !has_v6)
		refuse(asking, "there is no server");
	else if (has_v4 && has_v6)
		refuse(asking, "it has servers of both IPv4 and IPv6");
	return has_v4;
}

static void check_family(struct asking *asking, const struct static_entry_point *conf, bool v4)
{
	if (!addr_is_unspecified(&conf->listen.addr) && addr_is_v4(&conf->listen.addr) != v4)
		refuse(asking, "the servers are of another family than the entry point's address");
}

/* The entry becomes a service; what was in the way is in asking->why_not. */
static void forward(struct asking *asking, const struct entry_point *entry_point,
		    const struct tcp_route *guarded, struct str name, struct str object)
{
	struct kernel_entry *entry = &asking->config->entries[entry_point->index];
	struct kernel_service *service;
	bool v4 = is_v4(asking);

	check_entry(asking, entry_point);
	check_family(asking, entry_point->conf, v4);
	if (asking->why_not.len)
		return;
	if (guarded && guarded->n_guards)
		entry->policy = list_of(asking, guarded, entry->name);
	service = asking->why_not.len ? NULL : kernel_config_service(asking->config, name);
	if (!service || !compile_kernel_fill(&asking->shares, v4, service)) {
		refuse(asking, "there is no room for more services in the kernel plane");
		return;
	}
	service->object = object;
	service->mode = KERNEL_MODE_NAT;
	service->drain_ns = entry_point->conf->listen.udp ? KERNEL_UDP_DRAIN_NS : 0;
	entry->service = service;
}

static void answer(struct asking *asking, const struct entry_point *entry_point,
		   struct stream_offload *of_route)
{
	struct arena *arena = asking->compile->arena;
	bool is_forwarded = !asking->why_not.len;

	/* On several entry points: one that is forwarded is what counts. */
	if (of_route->text.len && !is_forwarded)
		return;
	of_route->is_offloaded = is_forwarded;
	of_route->text =
		is_forwarded
			? arena_printf(arena, "by the kernel plane, on entry point " STR_FMT,
				       STR_ARG(entry_point->name))
			: arena_printf(arena, "by the proxy: " STR_FMT, STR_ARG(asking->why_not));
}

static void tcp(struct asking *asking, const struct entry_point *entry_point,
		struct stream_offload *of_routes)
{
	static const struct tcp_facts nothing;
	const struct tcp_router *router = entry_point->tcp;
	const struct tcp_route *route = tcp_router_match(router, &nothing);

	/* The first in order must be the star itself: one before it could match some sources. */
	if (!route || !route->is_catch_all || !route->service)
		return;
	if (!tcp_router_is_blind(router))
		refuse(asking,
		       "connections must be looked at: entry point " STR_FMT
		       " has routes over TLS, too",
		       STR_ARG(entry_point->name));
	if (tcp_router_first(router) != route)
		refuse(asking, STR_FMT " has rules about sources on the same entry point",
		       STR_ARG(tcp_router_first(router)->object));
	check_guards(asking, route, &asking->config->entries[entry_point->index]);
	add_service(asking, route->service, 1, 0);
	forward(asking, entry_point, route, compile_kernel_name(asking->compile, route->name),
		route->object);
	answer(asking, entry_point, &of_routes[route->index]);
}

static void udp(struct asking *asking, const struct entry_point *entry_point,
		struct stream_offload *of_routes)
{
	const struct udp_route *route = entry_point->udp_route;

	add_service(asking, route->service, 1, 0);
	forward(asking, entry_point, NULL, compile_kernel_name(asking->compile, route->name),
		route->object);
	answer(asking, entry_point, &of_routes[route->index]);
}

/* Why not, of those that were never asked. */
static void tell_others(const struct snapshot *snapshot, struct stream_offload *tcp_routes,
			struct stream_offload *udp_routes)
{
	for (uint32_t i = 0; i < snapshot->n_tcp_routes; i++) {
		const struct tcp_route *route = snapshot->tcp_routes[i];

		if (tcp_routes[i].text.len || route->status == ROUTE_DISABLED)
			continue;
		tcp_routes[i].text =
			route->is_tls && route->passthrough
				? STR("by the proxy: the name in the ClientHello must be read")
			: route->is_tls	      ? STR("by the proxy: TLS ends here")
			: route->is_catch_all ? STR("by the proxy: other routes come first")
					      : STR("by the proxy: its rule must be looked at");
	}
	for (uint32_t i = 0; i < snapshot->n_udp_routes; i++)
		if (!udp_routes[i].text.len && snapshot->udp_routes[i]->status != ROUTE_DISABLED)
			udp_routes[i].text =
				STR("not forwarded: another route has its entry points");
}

void compile_offload(struct compile *c, struct kernel_config *config)
{
	struct snapshot *snapshot = c->snapshot;
	struct stream_offload *tcp_routes =
		ARENA_ARRAY(c->arena, struct stream_offload, snapshot->n_tcp_routes + 1);
	struct stream_offload *udp_routes =
		ARENA_ARRAY(c->arena, struct stream_offload, snapshot->n_udp_routes + 1);

	for (uint16_t i = 0; tcp_routes && udp_routes && i < snapshot->n_entry_points; i++) {
		const struct entry_point *entry_point = &snapshot->entry_points[i];
		struct asking asking = {.compile = c, .config = config, .shares = {.compile = c}};

		/* As many as there was room for. */
		if (entry_point->index >= config->n_entries)
			break;
		if (entry_point->tcp)
			tcp(&asking, entry_point, tcp_routes);
		else if (entry_point->udp_route)
			udp(&asking, entry_point, udp_routes);
	}
	if (tcp_routes && udp_routes)
		tell_others(snapshot, tcp_routes, udp_routes);
	snapshot->tcp_offload = tcp_routes;
	snapshot->udp_offload = udp_routes;
}
