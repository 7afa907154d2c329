// SPDX-License-Identifier: Apache-2.0
/*
 * middleware_tcp: the field table of MiddlewareTCP: one row per type (reference a.5).
 */
#include "model/middleware_tcp.h"

static const struct field in_flight_fields[] = {
	FIELD(struct tcp_in_flight_conn, amount, .name = "amount", .min = 0, .max = INT64_MAX,
	      .doc = "Connections that a client address may have at the same time; 0: none."),
};

static const struct schema schema_in_flight = {
	.name = "inFlightConn",
	.doc = "Limits how many connections a client address has.",
	.size = sizeof(struct tcp_in_flight_conn),
	SCHEMA_FIELDS(in_flight_fields),
};

static const struct field allow_fields[] = {
	FIELD(struct tcp_ip_allow_list, source_range, .name = "sourceRange", .format = "cidr",
	      .min = 0, .max = 1 << 20, .doc = "Addresses and CIDRs that may connect."),
};

/* reference c.4: an empty list allows nobody, and is an error rather than a closed door. */
static void allow_check(const void *decoded, struct diag_sink *sink, const struct diag_path *path)
{
	const struct tcp_ip_allow_list *list = decoded;

	if (!list->source_range.n)
		diag_error(sink, DIAG_FIELD(path, "sourceRange"),
			   "no address is given: nobody could connect");
}

static const struct schema schema_allow = {
	.name = "ipAllowList",
	.doc = "Lets only some addresses connect.",
	.size = sizeof(struct tcp_ip_allow_list),
	SCHEMA_FIELDS(allow_fields),
	.check = allow_check,
};

static const struct field spec_fields[] = {
	FIELD_SUB(struct middleware_tcp, in_flight_conn, &schema_in_flight, .name = "inFlightConn",
		  .doc = "Limits how many connections a client address has."),
	FIELD_SUB(struct middleware_tcp, ip_allow_list, &schema_allow, .name = "ipAllowList",
		  .doc = "Lets only some addresses connect."),
	FIELD_SUB(struct middleware_tcp, ip_white_list, &schema_allow, .name = "ipWhiteList",
		  .doc = "Deprecated: use ipAllowList."),
};

static const struct field *next_type(const struct middleware_tcp *middleware, size_t *from)
{
	for (size_t i = *from; i < sizeof(spec_fields) / sizeof(*spec_fields); i++) {
		const void *member = (const char *)middleware + spec_fields[i].offset;

		if (*(void *const *)member) {
			*from = i + 1;
			return &spec_fields[i];
		}
	}
	return NULL;
}

static void spec_check(const void *decoded, struct diag_sink *sink, const struct diag_path *path)
{
	const struct middleware_tcp *middleware = decoded;
	size_t from = 0;
	const struct field *first = next_type(middleware, &from);
	const struct field *second = first ? next_type(middleware, &from) : NULL;

	if (!first)
		diag_expected(sink, diag_error(sink, path, "no middleware type"),
			      "exactly one: inFlightConn, ipAllowList");
	else if (second)
		diag_expected(sink,
			      diag_error(sink, path, "more than one middleware type: %s, %s",
					 first->name, second->name),
			      "exactly one; a route may name several MiddlewareTCPs");
	if (middleware->ip_white_list)
		diag_suggest(sink,
			     diag_warning(sink, DIAG_FIELD(path, "ipWhiteList"), "deprecated"),
			     "ipAllowList, with the same settings");
}

static const struct schema schema_spec = {
	.name = "spec",
	.doc = "Exactly one middleware type and its settings.",
	.size = sizeof(struct middleware_tcp),
	SCHEMA_FIELDS(spec_fields),
	.check = spec_check,
};

static const struct field object_fields[] = {
	FIELD_DEEPER(&schema_spec, .name = "spec", .required = true,
		     .doc = "Exactly one middleware type and its settings."),
};

const struct schema schema_middleware_tcp = {
	.name = "MiddlewareTCP",
	.doc = "A step that connections go through before a server is dialled.",
	.size = sizeof(struct middleware_tcp),
	SCHEMA_FIELDS(object_fields),
};

const char *middleware_tcp_type(const struct middleware_tcp *middleware)
{
	size_t from = 0;
	const struct field *field = next_type(middleware, &from);

	return field ? field->name : NULL;
}

const void *middleware_tcp_conf(const struct middleware_tcp *middleware,
				const struct schema **ret_schema)
{
	size_t from = 0;
	const struct field *field = next_type(middleware, &from);

	*ret_schema = field ? field->sub : NULL;
	return field ? *(void *const *)((const char *)middleware + field->offset) : NULL;
}
