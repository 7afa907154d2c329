// SPDX-License-Identifier: Apache-2.0
/*
 * compile_source_policy: SourcePolicy objects -> one kernel policy per entry point.
 *
 * Several policies may cover an entry point: their lists are united, of each limit the strictest
 * holds, and sources are counted by the widest prefix (the fewest bits), which is the strictest
 * too. Differences are told, since nobody should be surprised by whose number holds. An entry point
 * that no policy covers is listed without one, so that the kernel plane counts it. While the kernel
 * plane is off no entry point has a policy, and each object is told that it is not in force.
 */

#include <netinet/in.h>

#include "model/source_policy.h"
#include "plan/compile_kernel.h"

struct merging {
	struct compile *compile;
	struct kernel_config *config;
	struct str name;		/* of the policy in the kernel plane */
	struct str where;		/* what it is for; for people */
	struct kernel_policy *policy;	/* NULL: none yet */
	const struct object *object;	/* being merged */
	struct escalate_rule *escalate; /* NULL: there is no proxy behind it */
	enum kernel_cookies cookies;
	bool has_escalation, has_network, has_cookies;
};

static bool covers(const struct source_policy *spec, struct str entry_point)
{
	for (size_t i = 0; i < spec->entry_points.n; i++)
		if (str_eq(spec->entry_points.at[i], entry_point))
			return true;
	return !spec->entry_points.n;
}

static void add_cidrs(struct merging *merging, const struct strs *texts, enum kernel_action action,
		      const char *field)
{
	struct compile *c = merging->compile;
	const struct diag_path *path = DIAG_FIELD(DIAG_FIELD(NULL, "spec"), field);
	struct cidr cidr;

	for (size_t i = 0; i < texts->n; i++) {
		if (cidr_parse(texts->at[i], &cidr) < 0)
			diag_found(c->sink,
				   diag_error(c->sink, DIAG_INDEX(path, i),
					      "is no address and no CIDR"),
				   texts->at[i]);
		else if (!kernel_policy_add(merging->config, merging->policy, &cidr, action))
			diag_error(c->sink, DIAG_INDEX(path, i),
				   "there is no room for more than %d prefixes", KERNEL_ACL_MAX)
				->node_reason = DIAG_NODE_FULL;
	}
}

/* The stricter of two limits; none is the laxest. */
static void tighten(struct merging *merging, const struct diag_path *path,
		    struct kernel_limit *limit, struct kernel_limit wanted, const char *field)
{
	bool is_known = limit->per_second > 0;

	if (wanted.per_second <= 0)
		return;
	if (is_known && (limit->per_second != wanted.per_second || limit->burst != wanted.burst))
		diag_warning(merging->compile->sink, DIAG_FIELD(path, field),
			     "another SourcePolicy gives " STR_FMT
			     " another limit: the stricter one holds",
			     STR_ARG(merging->where));
	if (!is_known || wanted.per_second < limit->per_second ||
	    (wanted.per_second == limit->per_second && wanted.burst < limit->burst))
		*limit = wanted;
}

static void tighten_count(struct merging *merging, const struct diag_path *path, uint32_t *limit,
			  int64_t wanted, const char *field)
{
	if (wanted <= 0)
		return;
	if (*limit && *limit != wanted)
		diag_warning(merging->compile->sink, DIAG_FIELD(path, field),
			     "another SourcePolicy gives " STR_FMT
			     " another limit: the stricter one holds",
			     STR_ARG(merging->where));
	if (!*limit || wanted < *limit)
		*limit = (uint32_t)wanted;
}

static struct kernel_limit limit_of(double per_second, int64_t burst)
{
	return (struct kernel_limit){per_second, burst > 0 ? (uint64_t)burst : 0};
}

static void merge_limits(struct merging *merging, const struct source_limits *limits)
{
	const struct diag_path *path = DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "limits");
	struct kernel_policy *policy = merging->policy;

	if (!limits)
		return;
	tighten(merging, path, &policy->packets,
		limit_of((double)limits->packets_per_second, limits->packets_burst),
		"packetsPerSecond");
	tighten(merging, path, &policy->syns,
		limit_of((double)limits->new_connections_per_second, limits->new_connections_burst),
		"newConnectionsPerSecond");
	tighten(merging, path, &policy->bytes,
		limit_of((double)limits->bytes_per_second.bytes, limits->bytes_burst.bytes),
		"bytesPerSecond");
	tighten_count(merging, path, &policy->connections, limits->concurrent_connections,
		      "concurrentConnections");
}

static void merge_network(struct merging *merging, const struct source_network *wanted)
{
	const struct diag_path *path = DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "network");
	struct kernel_network *network = &merging->policy->network;
	uint8_t v4, v6;

	if (!wanted || !wanted->limits)
		return;
	v4 = (uint8_t)wanted->ipv4_prefix_length;
	v6 = (uint8_t)wanted->ipv6_prefix_length;
	if (merging->has_network && (network->v4_bits != v4 || network->v6_bits != v6))
		diag_warning(merging->compile->sink, path,
			     "another SourcePolicy has other networks for " STR_FMT
			     ": the shorter prefixes hold",
			     STR_ARG(merging->where));
	network->v4_bits = merging->has_network && network->v4_bits < v4 ? network->v4_bits : v4;
	network->v6_bits = merging->has_network && network->v6_bits < v6 ? network->v6_bits : v6;
	merging->has_network = true;
	path = DIAG_FIELD(path, "limits");
	tighten(merging, path, &network->packets,
		limit_of((double)wanted->limits->packets_per_second, wanted->limits->packets_burst),
		"packetsPerSecond");
	tighten(merging, path, &network->syns,
		limit_of((double)wanted->limits->new_connections_per_second,
			 wanted->limits->new_connections_burst),
		"newConnectionsPerSecond");
	tighten(merging, path, &network->bytes,
		limit_of((double)wanted->limits->bytes_per_second.bytes,
			 wanted->limits->bytes_burst.bytes),
		"bytesPerSecond");
	tighten_count(merging, path, &network->connections, wanted->limits->concurrent_connections,
		      "concurrentConnections");
}

/* In the order of safety. */
static int cookies_rank(enum kernel_cookies cookies)
{
	return cookies == KERNEL_COOKIES_ON ? 2 : cookies == KERNEL_COOKIES_AUTO;
}

static enum kernel_cookies cookies_of(struct str word)
{
	return str_eq(word, STR("on"))	  ? KERNEL_COOKIES_ON
	       : str_eq(word, STR("off")) ? KERNEL_COOKIES_OFF
					  : KERNEL_COOKIES_AUTO;
}

static void merge_cookies(struct merging *merging, struct str word)
{
	enum kernel_cookies wanted = cookies_of(word);

	if (!word.len)
		return;
	if (merging->has_cookies && merging->cookies != wanted)
		diag_warning(merging->compile->sink,
			     DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "synCookies"),
			     "another SourcePolicy says otherwise for " STR_FMT
			     ": on holds before auto, auto before off",
			     STR_ARG(merging->where));
	if (!merging->has_cookies || cookies_rank(wanted) > cookies_rank(merging->cookies))
		merging->cookies = wanted;
	merging->has_cookies = true;
}

static void merge_aggregation(struct merging *merging, const struct source_aggregation *wanted)
{
	struct compile *c = merging->compile;
	struct kernel_policy *policy = merging->policy;
	uint8_t v4 = (uint8_t)wanted->ipv4_prefix_length, v6 = (uint8_t)wanted->ipv6_prefix_length;

	if (!policy->object.len) {
		policy->v4_bits = v4;
		policy->v6_bits = v6;
		return;
	}
	if (policy->v4_bits != v4 || policy->v6_bits != v6)
		diag_warning(c->sink, DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "aggregation"),
			     "another SourcePolicy counts sources of " STR_FMT
			     " by other prefixes: the shorter ones hold",
			     STR_ARG(merging->where));
	policy->v4_bits = v4 < policy->v4_bits ? v4 : policy->v4_bits;
	policy->v6_bits = v6 < policy->v6_bits ? v6 : policy->v6_bits;
}

/* The one that drops soonest: fewer refusals, then the longer drop. */
static void merge_escalation(struct merging *merging, const struct source_escalation *wanted)
{
	struct escalate_rule *held = merging->escalate;
	struct escalate_rule mine;

	if (!wanted || !held)
		return;
	mine = (struct escalate_rule){wanted->refusals, wanted->window.ns, wanted->drop_for.ns};
	if (!merging->has_escalation || !held->refusals ||
	    (mine.refusals && mine.refusals < held->refusals) ||
	    (mine.refusals == held->refusals && mine.drop_for_ns > held->drop_for_ns))
		*held = mine;
	merging->has_escalation = true;
}

static void merge(struct merging *merging)
{
	struct compile *c = merging->compile;
	const struct source_policy *spec = merging->object->spec;
	struct kernel_policy *policy;

	if (!merging->policy)
		merging->policy = kernel_config_policy(merging->config, merging->name);
	policy = merging->policy;
	if (!policy) {
		diag_error(c->sink, NULL, "there is no room for more than %d policies",
			   KERNEL_POLICIES_MAX)
			->node_reason = DIAG_NODE_FULL;
		return;
	}
	add_cidrs(merging, &spec->allow, KERNEL_ALLOW, "allow");
	add_cidrs(merging, &spec->deny, KERNEL_DENY, "deny");
	compile_source_lists(c, merging->object, policy);
	merge_limits(merging, spec->limits);
	merge_network(merging, spec->network);
	merge_cookies(merging, spec->syn_cookies);
	merge_aggregation(merging, &spec->aggregation);
	merge_escalation(merging, spec->escalation);
	policy->object = policy->object.len ? arena_printf(c->arena, STR_FMT ", " STR_FMT,
							   STR_ARG(policy->object),
							   STR_ARG(merging->object->id))
					    : merging->object->id;
}

static void check_names(struct compile *c, const struct source_policy *spec)
{
	const struct diag_path *path = DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "entryPoints");

	for (size_t i = 0; i < spec->entry_points.n; i++)
		if (!static_entry_point_find(c->config, spec->entry_points.at[i]))
			diag_found(c->sink,
				   diag_warning(c->sink, DIAG_INDEX(path, i),
						"there is no such entry point"),
				   spec->entry_points.at[i]);
}

static void tell_off(struct compile *c)
{
	struct diag *diag = diag_warning(c->sink, NULL,
					 "the kernel plane is off: nothing that this object denies "
					 "or limits is held up");

	diag->node_reason = DIAG_NODE_OFF;
	diag_suggest(c->sink, diag,
		     "`tidegate status` says why it is off; the middlewares ipAllowList, rateLimit "
		     "and inFlightConn work without it");
}

static bool merge_object(struct merging *merging, const struct object *object)
{
	struct compile_about before;

	if (!object->valid)
		return false;
	before = compile_about(merging->compile, object);
	merging->object = object;
	merge(merging);
	compile_about_end(merging->compile, before);
	return true;
}

static void cover(struct compile *c, struct kernel_config *config, struct entry_point *entry_point,
		  struct object **objects, size_t n)
{
	const struct static_entry_point *conf = entry_point->conf;
	const struct static_escalation *preset = &c->config->escalation;
	struct merging merging = {
		.compile = c,
		.config = config,
		.name = entry_point->name,
		.where = arena_printf(c->arena, "entry point " STR_FMT, STR_ARG(entry_point->name)),
		.escalate = &entry_point->escalate,
		.cookies = cookies_of(c->config->flood_protection.syn_cookies),
	};
	struct addr any = {0};
	bool is_any = addr_is_unspecified(&conf->listen.addr);

	entry_point->escalate =
		(struct escalate_rule){preset->refusals, preset->window.ns, preset->drop_for.ns};
	for (size_t i = 0; i < n; i++)
		if (objects[i]->valid && covers(objects[i]->spec, entry_point->name))
			merge_object(&merging, objects[i]);
	if (kernel_config_add(config, entry_point->name, is_any ? &any : &conf->listen.addr,
			      conf->listen.port, conf->listen.udp ? IPPROTO_UDP : IPPROTO_TCP,
			      compile_kernel_is_off(c) ? NULL : merging.policy))
		config->entries[config->n_entries - 1].cookies =
			conf->listen.udp ? KERNEL_COOKIES_OFF : merging.cookies;
	else
		diag_error(c->sink, NULL,
			   "there is no room for more than %d entry points in the "
			   "kernel plane",
			   KERNEL_ENTRIES_MAX);
}

struct kernel_policy *compile_source_policy_named(struct compile *c, struct kernel_config *config,
						  struct str namespace_, struct str name,
						  struct str entry,
						  enum kernel_cookies *ret_cookies)
{
	const struct object *object = compile_find(c, KIND_SOURCE_POLICY, namespace_, name);
	struct merging merging = {
		.compile = c,
		.config = config,
		.name = entry,
		.where = entry,
		.cookies = cookies_of(c->config->flood_protection.syn_cookies),
	};

	if (!object || !merge_object(&merging, object))
		return NULL;
	*ret_cookies = merging.cookies;
	return merging.policy;
}

static void shield(const struct static_flood_protection *from, struct kernel_shield *ret)
{
	*ret = (struct kernel_shield){
		.syns = (uint32_t)from->syns_per_second,
		.strays = (uint32_t)from->strays_per_second,
		.fragments = (uint32_t)from->fragments_per_second,
		.fragments_total = (uint32_t)from->fragments_total,
	};
}

void compile_source_policies(struct compile *c)
{
	struct kernel_config *config = kernel_config_new(c->arena);
	size_t n;
	struct object **objects = compile_sorted(c, KIND_SOURCE_POLICY, &n);

	if (!config)
		return;
	shield(&c->config->flood_protection, &config->shield);
	for (size_t i = 0; i < n; i++) {
		struct compile_about before = compile_about(c, objects[i]);

		if (objects[i]->valid) {
			if (compile_kernel_is_off(c))
				tell_off(c);
			check_names(c, objects[i]->spec);
			compile_source_lists(c, objects[i], NULL);
		}
		compile_about_end(c, before);
	}
	for (uint16_t i = 0; i < c->snapshot->n_entry_points; i++)
		cover(c, config, &c->snapshot->entry_points[i], objects, n);
	c->snapshot->kernel = config;
}
