// SPDX-License-Identifier: Apache-2.0
/*
 * traefik_service: the field table of TraefikService (reference a.6).
 */
#include "model/traefik_service.h"

static const struct field weighted_fields[] = {
	FIELD(struct weighted_services, services, .name = "services", .sub = &schema_service_ref,
	      .doc = "Services that share the requests by their weights."),
	FIELD_SUB(struct weighted_services, sticky, &schema_sticky, .name = "sticky",
		  .doc = "Stickiness of clients to one of the services."),
};

static const struct schema schema_weighted = {
	.name = "weighted",
	.doc = "Shares requests among services by weight.",
	.size = sizeof(struct weighted_services),
	SCHEMA_FIELDS(weighted_fields),
};

static const struct field mirror_fields[] = {
	FIELD_FLAT(struct mirror, service, &schema_service_ref),
	FIELD(struct mirror, percent, .name = "percent", .min = 0, .max = 100,
	      .doc = "Share of the requests that are copied, in percent."),
};

static const struct schema schema_mirror = {
	.name = "mirror",
	.doc = "A service that gets copies of requests.",
	.size = sizeof(struct mirror),
	SCHEMA_FIELDS(mirror_fields),
};

static const struct field mirroring_fields[] = {
	FIELD_FLAT(struct mirroring, service, &schema_service_ref),
	FIELD(struct mirroring, mirror_body, .name = "mirrorBody", .preset = "true",
	      .doc = "Copies bodies too."),
	FIELD(struct mirroring, max_body_bytes, .name = "maxBodySize", .preset = "-1",
	      .doc = "Larger bodies are not copied; -1: no limit."),
	FIELD(struct mirroring, mirrors, .name = "mirrors", .sub = &schema_mirror,
	      .doc = "Services that get the copies."),
};

static const struct schema schema_mirroring = {
	.name = "mirroring",
	.doc = "Sends requests to a service, and copies of them to others.",
	.size = sizeof(struct mirroring),
	SCHEMA_FIELDS(mirroring_fields),
};

static const struct field highest_fields[] = {
	FIELD(struct highest_random_weight, services, .name = "services",
	      .sub = &schema_service_ref,
	      .doc = "Services among which the client's address decides."),
};

static const struct schema schema_highest = {
	.name = "highestRandomWeight",
	.doc = "Chooses a service by the client's address.",
	.size = sizeof(struct highest_random_weight),
	SCHEMA_FIELDS(highest_fields),
};

static const struct field errors_fields[] = {
	FIELD(struct failover_errors, status, .name = "status", .format = "status",
	      .doc = "Status codes of the service that make the fallback answer."),
	FIELD(struct failover_errors, max_request_body_bytes, .name = "maxRequestBodyBytes",
	      .preset = "-1", .doc = "Larger request bodies are not sent again; -1: no limit."),
};

static const struct schema schema_errors = {
	.name = "errors",
	.doc = "What counts as a failure.",
	.size = sizeof(struct failover_errors),
	SCHEMA_FIELDS(errors_fields),
};

static const struct field failover_fields[] = {
	FIELD_IN(struct failover, service, &schema_service_ref, .name = "service", .required = true,
		 .doc = "Service that answers as a rule."),
	FIELD_IN(struct failover, fallback, &schema_service_ref, .name = "fallback",
		 .required = true, .doc = "Service that answers when that one fails."),
	FIELD_IN(struct failover, errors, &schema_errors, .name = "errors", .required = true,
		 .doc = "What counts as a failure."),
};

static const struct schema schema_failover = {
	.name = "failover",
	.doc = "Sends requests to a fallback when a service fails.",
	.size = sizeof(struct failover),
	SCHEMA_FIELDS(failover_fields),
};

static const struct field spec_fields[] = {
	FIELD_SUB(struct traefik_service, weighted, &schema_weighted, .name = "weighted",
		  .doc = "Shares requests among services by weight."),
	FIELD_SUB(struct traefik_service, mirroring, &schema_mirroring, .name = "mirroring",
		  .doc = "Sends requests to a service, and copies to others."),
	FIELD_SUB(struct traefik_service, highest_random_weight, &schema_highest,
		  .name = "highestRandomWeight",
		  .doc = "Chooses a service by the client's address."),
	FIELD_SUB(struct traefik_service, failover, &schema_failover, .name = "failover",
		  .doc = "Sends requests to a fallback when a service fails."),
};

static void spec_check(const void *decoded, struct diag_sink *sink, const struct diag_path *path)
{
	const struct traefik_service *service = decoded;

	if (service->weighted || service->mirroring || service->highest_random_weight ||
	    service->failover)
		return;
	struct diag *diag = diag_error(sink, path, "nothing to do");

	diag_expected(sink, diag, "one of weighted, mirroring, highestRandomWeight, failover");
}

static const struct schema schema_spec = {
	.name = "spec",
	.doc = "One of the ways to combine services.",
	.size = sizeof(struct traefik_service),
	SCHEMA_FIELDS(spec_fields),
	.check = spec_check,
};

static const struct field object_fields[] = {
	FIELD_DEEPER(&schema_spec, .name = "spec", .required = true,
		     .doc = "One of the ways to combine services."),
};

const struct schema schema_traefik_service = {
	.name = "TraefikService",
	.doc = "A service made of services.",
	.size = sizeof(struct traefik_service),
	SCHEMA_FIELDS(object_fields),
};
