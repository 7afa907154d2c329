// SPDX-License-Identifier: Apache-2.0
/*
 * compile_source_policy: SourcePolicy objects -> one kernel policy per entry point.
 *
 * Several policies may cover an entry point: their lists are united, of each limit the strictest
 * holds, and sources are counted by the widest prefix (the fewest bits), which is the strictest
 * too. Differences are told, since nobody should be surprised by whose number holds. An entry point
 * that no policy covers is listed without one, so that the kernel plane counts it.
 */

#include <netinet/in.h>

#include "model/source_policy.h"
#include "plan/compile_parts.h"

struct merging {
	struct compile *compile;
	struct kernel_config *config;
	struct entry_point *entry_point;
	struct kernel_policy *policy; /* NULL: none yet */
	const struct object *object;  /* being merged */
	bool has_escalation;
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
				   "there is no room for more than %d prefixes", KERNEL_ACL_MAX);
	}
}

/* The stricter of two limits; none is the laxest. */
static void tighten(struct merging *merging, struct kernel_limit *limit, double per_second,
		    int64_t burst, const char *field)
{
	struct compile *c = merging->compile;
	struct kernel_limit wanted = {per_second, burst > 0 ? (uint64_t)burst : 0};
	bool is_known = limit->per_second > 0;

	if (per_second <= 0)
		return;
	if (is_known && (limit->per_second != wanted.per_second || limit->burst != wanted.burst))
		diag_warning(c->sink,
			     DIAG_FIELD(DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "limits"), field),
			     "another SourcePolicy gives entry point " STR_FMT
			     " another limit: the stricter one holds",
			     STR_ARG(merging->entry_point->name));
	if (!is_known || wanted.per_second < limit->per_second ||
	    (wanted.per_second == limit->per_second && wanted.burst < limit->burst))
		*limit = wanted;
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
			     "another SourcePolicy counts sources of entry point " STR_FMT
			     " by other prefixes: the shorter ones hold",
			     STR_ARG(merging->entry_point->name));
	policy->v4_bits = v4 < policy->v4_bits ? v4 : policy->v4_bits;
	policy->v6_bits = v6 < policy->v6_bits ? v6 : policy->v6_bits;
}

/* The one that drops soonest: fewer refusals, then the longer drop. */
static void merge_escalation(struct merging *merging, const struct source_escalation *wanted)
{
	struct escalate_rule *held = &merging->entry_point->escalate;
	struct escalate_rule mine;

	if (!wanted)
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
	const struct source_limits *limits = spec->limits;
	struct kernel_policy *policy;

	if (!merging->policy)
		merging->policy = kernel_config_policy(merging->config, merging->entry_point->name);
	policy = merging->policy;
	if (!policy) {
		diag_error(c->sink, NULL, "there is no room for more than %d policies",
			   KERNEL_POLICIES_MAX);
		return;
	}
	add_cidrs(merging, &spec->allow, KERNEL_ALLOW, "allow");
	add_cidrs(merging, &spec->deny, KERNEL_DENY, "deny");
	if (limits) {
		tighten(merging, &policy->packets, (double)limits->packets_per_second,
			limits->packets_burst, "packetsPerSecond");
		tighten(merging, &policy->syns, (double)limits->new_connections_per_second,
			limits->new_connections_burst, "newConnectionsPerSecond");
		tighten(merging, &policy->bytes, (double)limits->bytes_per_second.bytes,
			limits->bytes_burst.bytes, "bytesPerSecond");
	}
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

static void cover(struct compile *c, struct kernel_config *config, struct entry_point *entry_point,
		  struct object **objects, size_t n)
{
	const struct static_entry_point *conf = entry_point->conf;
	const struct static_escalation *preset = &c->config->escalation;
	struct merging merging = {.compile = c, .config = config, .entry_point = entry_point};
	struct addr any = {0};
	bool is_any = addr_is_unspecified(&conf->listen.addr);

	entry_point->escalate =
		(struct escalate_rule){preset->refusals, preset->window.ns, preset->drop_for.ns};
	for (size_t i = 0; i < n; i++) {
		struct compile_about before;

		if (!objects[i]->valid || !covers(objects[i]->spec, entry_point->name))
			continue;
		before = compile_about(c, objects[i]);
		merging.object = objects[i];
		merge(&merging);
		compile_about_end(c, before);
	}
	if (!kernel_config_add(config, entry_point->name, is_any ? &any : &conf->listen.addr,
			       conf->listen.port, conf->listen.udp ? IPPROTO_UDP : IPPROTO_TCP,
			       merging.policy))
		diag_error(c->sink, NULL,
			   "there is no room for more than %d entry points in the "
			   "kernel plane",
			   KERNEL_ENTRIES_MAX);
}

void compile_source_policies(struct compile *c)
{
	struct kernel_config *config = kernel_config_new(c->arena);
	size_t n;
	struct object **objects = compile_sorted(c, KIND_SOURCE_POLICY, &n);

	if (!config)
		return;
	for (size_t i = 0; i < n; i++) {
		struct compile_about before = compile_about(c, objects[i]);

		if (objects[i]->valid)
			check_names(c, objects[i]->spec);
		compile_about_end(c, before);
	}
	for (uint16_t i = 0; i < c->snapshot->n_entry_points; i++)
		cover(c, config, &c->snapshot->entry_points[i], objects, n);
	c->snapshot->kernel = config;
}
