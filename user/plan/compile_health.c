// SPDX-License-Identifier: Apache-2.0
/*
 * compile_health: how a server is chosen, and how it is known that it is well (reference d.1, d.3,
 * d.4).
 */

#include "http/uri.h"
#include "plan/compile_services.h"

enum {
	INTERVAL_S = 30, /* reference a.1 */
	TIMEOUT_S = 5,
	/* Nobody's manifest keeps a worker busy with probes. */
	INTERVAL_MIN_NS = 100000000,
	NS_PER_S = 1000000000,
};

static bool find_strategy(struct compile *c, const struct service_ref *ref,
			  const struct diag_path *path, struct service *service)
{
	static const struct {
		struct str text;
		enum service_strategy strategy;
	} rows[] = {
		{STR("wrr"), STRATEGY_WRR},
		{STR("RoundRobin"), STRATEGY_WRR},
		{STR("p2c"), STRATEGY_P2C},
		{STR("hrw"), STRATEGY_HRW},
		{STR("leasttime"), STRATEGY_LEASTTIME},
	};

	path = DIAG_FIELD(path, "strategy");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (!str_eq(rows[i].text, ref->strategy))
			continue;
		service->strategy = rows[i].strategy;
		if (service->strategy == STRATEGY_HRW && service->sticky) {
			diag_warning(c->sink, path,
				     "hrw writes no cookie: the client's address decides");
			service->sticky = NULL;
		}
		return true;
	}
	diag_found(c->sink, diag_error(c->sink, path, "strategy is not wrr, p2c, hrw or leasttime"),
		   ref->strategy);
	return false;
}

static uint64_t positive_or(struct duration duration, uint64_t else_ns)
{
	return duration.set && duration.ns > 0 ? (uint64_t)duration.ns : else_ns;
}

static uint64_t interval_or(struct duration duration, uint64_t else_ns)
{
	uint64_t ns = positive_or(duration, else_ns);

	return ns < INTERVAL_MIN_NS ? INTERVAL_MIN_NS : ns;
}

/* reference d.3: resolved as a relative URL; an absolute one is an error */
static bool find_path(struct compile *c, struct str text, const struct diag_path *path,
		      struct str *ret_path)
{
	struct uri uri;
	struct str target;
	bool is_rooted = text.len && text.at[0] == '/';

	target = is_rooted ? text : names_join(STR("/"), text, c->arena);
	if (!str_starts(text, STR("//")) && str_search(text, STR("://")) < 0 &&
	    !uri_parse(target, METHOD_GET, &uri)) {
		*ret_path = target;
		return true;
	}
	diag_found(
		c->sink,
		diag_error(c->sink, DIAG_FIELD(path, "path"), "not a path that can be asked for"),
		text);
	return false;
}

static bool add_probe(struct compile *c, const struct health_check *conf,
		      const struct diag_path *path, struct service *service)
{
	struct health_probe *probe = ARENA_NEW(c->arena, struct health_probe);

	if (!probe || !find_path(c, conf->path, path, &probe->path))
		return false;
	probe->method = conf->method;
	probe->host = conf->hostname;
	probe->headers = conf->headers;
	probe->status = (uint16_t)conf->status;
	probe->is_grpc = str_eq(conf->mode, STR("grpc"));
	probe->follow_redirects = conf->follow_redirects;
	probe->interval_ns = interval_or(conf->interval, (uint64_t)INTERVAL_S * NS_PER_S);
	probe->unhealthy_interval_ns = interval_or(conf->unhealthy_interval, probe->interval_ns);
	probe->timeout_ns = positive_or(conf->timeout, (uint64_t)TIMEOUT_S * NS_PER_S);
	service->probe = probe;
	return true;
}

static bool add_passive(struct compile *c, const struct passive_health_check *conf,
			const struct diag_path *path, struct service *service)
{
	struct live_passive *passive = ARENA_NEW(c->arena, struct live_passive);
	int64_t max = conf->max_failed_attempts;

	if (!passive)
		return false;
	if (max > LIVE_FAILURES_MAX) {
		diag_warning(c->sink, DIAG_FIELD(path, "maxFailedAttempts"),
			     "more than %d are not counted: %d is used", LIVE_FAILURES_MAX,
			     LIVE_FAILURES_MAX);
		max = LIVE_FAILURES_MAX;
	}
	*passive = (struct live_passive){
		.window_ns = conf->failure_window.ns > 0 ? (uint64_t)conf->failure_window.ns : 0,
		.max_failures = max < 1 ? 1 : (uint32_t)max,
		.is_probed = service->probe != NULL,
	};
	service->passive = passive;
	return true;
}

bool compile_health(struct compile *c, const struct service_ref *ref, bool is_external,
		    const struct diag_path *path, struct service *service)
{
	const struct diag_path *active = DIAG_FIELD(path, "healthCheck");

	if (!find_strategy(c, ref, path, service))
		return false;
	if (ref->health_check && !is_external) {
		diag_suggest(c->sink,
			     diag_error(c->sink, active,
					"healthCheck allowed only for ExternalName services"),
			     "leave it to Kubernetes' readiness probes, or use passiveHealthCheck");
		return false;
	}
	if (ref->health_check && !add_probe(c, ref->health_check, active, service))
		return false;
	return !ref->passive_health_check ||
	       add_passive(c, ref->passive_health_check, DIAG_FIELD(path, "passiveHealthCheck"),
			   service);
}

bool compile_health_needs_members(const struct service *service)
{
	return service->probe || service->passive || service->strategy == STRATEGY_P2C ||
	       service->strategy == STRATEGY_LEASTTIME;
}

/* reference d.3: gRPC is plaintext unless the scheme of the probe is https */
static enum transport_scheme scheme_of(const struct health_check *conf, const struct server *server)
{
	enum transport_scheme scheme = (enum transport_scheme)server->scheme;

	if (conf->scheme.len)
		transport_scheme_parse(conf->scheme, &scheme);
	if (!str_eq(conf->mode, STR("grpc")))
		return scheme;
	return str_eq(conf->scheme, STR("https")) ? TRANSPORT_HTTPS : TRANSPORT_H2C;
}

bool compile_health_targets(struct compile *c, const struct service_ref *ref,
			    struct str service_namespace, const struct diag_path *path,
			    struct service *service)
{
	struct health_probe *probe = (struct health_probe *)service->probe;
	const struct health_check *conf = ref->health_check;

	if (!probe)
		return true;
	probe->targets = ARENA_ARRAY(c->arena, const struct service *, service->n_servers + 1);
	for (uint32_t i = 0; probe->targets && i < service->n_servers; i++) {
		const struct server *server = &service->servers[i];
		enum transport_scheme scheme = scheme_of(conf, server);
		const struct transport *transport =
			compile_transport(c, ref->servers_transport, service_namespace, scheme,
					  DIAG_FIELD(path, "serversTransport"));
		char text[ADDR_TEXT_MAX];
		struct str host = server->dns_name;

		if (!host.len) {
			addr_print(&server->addr, text);
			host = str_of(text);
		}
		probe->targets[i] = transport
					    ? compile_url_service(c, host,
								  conf->port ? (uint16_t)conf->port
									     : server->port,
								  scheme, transport, path)
					    : NULL;
		if (!probe->targets[i])
			return false;
	}
	return probe->targets != NULL;
}
