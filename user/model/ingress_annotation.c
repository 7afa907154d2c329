// SPDX-License-Identifier: Apache-2.0
/*
 * ingress_annotation: annotations become a tree by their dots, which the field tables read as they
 * read options: every value is text, names compare without case.
 */
#include "model/ingress_annotation.h"

#include <string.h>

enum {
	LABEL_FLAGS = SCHEMA_ANY_CASE | SCHEMA_BOOL_IS_EMPTY | SCHEMA_FROM_TEXT,
	DEPTH_MAX = 8,
};

static const struct field tls_fields[] = {
	FIELD(struct ingress_router_tls, options, .name = "options",
	      .doc = "TLSOption, as namespace-name@kubernetescrd."),
	FIELD(struct ingress_router_tls, cert_resolver, .name = "certresolver", .support = IGNORED,
	      .note = "no certificate is requested", .doc = "Resolver of certificates."),
	FIELD(struct ingress_router_tls, domains, .name = "domains", .support = IGNORED,
	      .note = "no certificate is requested", .doc = "Names of certificates."),
};

static const struct schema schema_router_tls = {
	.name = "router.tls",
	.doc = "Makes the routes HTTPS only.",
	.size = sizeof(struct ingress_router_tls),
	SCHEMA_FIELDS(tls_fields),
	.flags = LABEL_FLAGS,
};

static const struct field router_fields[] = {
	FIELD(struct ingress_router_conf, entry_points, .name = "entrypoints",
	      .doc = "Entry points of the routes, separated by commas."),
	FIELD(struct ingress_router_conf, middlewares, .name = "middlewares",
	      .doc = "Middlewares, as namespace-name@kubernetescrd, separated by commas."),
	FIELD(struct ingress_router_conf, priority, .name = "priority", .min = INT64_MIN,
	      .max = 9223372036854774807LL, .doc = "Priority of the routes."),
	FIELD(struct ingress_router_conf, path_matcher, .name = "pathmatcher",
	      .preset = "PathPrefix", .choices = "Path|PathPrefix|PathRegexp",
	      .doc = "How paths without a pathType, or of type ImplementationSpecific, are "
		     "compared."),
	FIELD(struct ingress_router_conf, rule_syntax, .name = "rulesyntax",
	      .doc = "Syntax of the rules: v3 or v2."),
	FIELD_SUB(struct ingress_router_conf, tls, &schema_router_tls, .name = "tls",
		  .doc = "Makes the routes HTTPS only."),
	FIELD(struct ingress_router_conf, observability, .name = "observability",
	      .support = IGNORED, .note = "the entry point's settings hold for all its routes",
	      .doc = "What is observed of the routes."),
};

static const struct schema schema_router = {
	.name = "router",
	.doc = "Annotations of an Ingress.",
	.size = sizeof(struct ingress_router_conf),
	SCHEMA_FIELDS(router_fields),
	.flags = LABEL_FLAGS,
};

static const struct field cookie_fields[] = {
	FIELD(struct sticky_cookie, name, .name = "name", .doc = "Name of the cookie."),
	FIELD(struct sticky_cookie, secure, .name = "secure", .doc = "Adds Secure."),
	FIELD(struct sticky_cookie, http_only, .name = "httponly", .doc = "Adds HttpOnly."),
	FIELD(struct sticky_cookie, same_site, .name = "samesite", .choices = "none|lax|strict",
	      .any_case = true, .doc = "Adds SameSite."),
	FIELD(struct sticky_cookie, max_age, .name = "maxage", .min = INT64_MIN, .max = INT64_MAX,
	      .doc = "Seconds that it lasts."),
	FIELD(struct sticky_cookie, path, .name = "path", .preset = "/", .format = "cookie",
	      .doc = "Its path."),
	FIELD(struct sticky_cookie, domain, .name = "domain", .format = "cookie",
	      .doc = "Its domain."),
};

static const struct schema schema_cookie = {
	.name = "service.sticky.cookie",
	.doc = "Cookie that keeps a client at its server.",
	.size = sizeof(struct sticky_cookie),
	SCHEMA_FIELDS(cookie_fields),
	.flags = LABEL_FLAGS,
};

static const struct field sticky_fields[] = {
	FIELD_SUB(struct sticky_conf, cookie, &schema_cookie, .name = "cookie",
		  .doc = "Cookie that keeps a client at its server."),
};

static const struct schema schema_sticky_labels = {
	.name = "service.sticky",
	.doc = "Keeps a client at its server.",
	.size = sizeof(struct sticky_conf),
	SCHEMA_FIELDS(sticky_fields),
	.flags = LABEL_FLAGS,
};

static const struct field service_fields[] = {
	FIELD(struct ingress_service_conf, native_lb, .name = "nativelb",
	      .doc = "Sends to the Service's cluster IP."),
	FIELD(struct ingress_service_conf, node_port_lb, .name = "nodeportlb",
	      .doc = "Sends to the nodes."),
	FIELD(struct ingress_service_conf, servers_scheme, .name = "serversscheme",
	      .choices = "http|https|h2c", .doc = "Scheme of the servers."),
	FIELD(struct ingress_service_conf, servers_transport, .name = "serverstransport",
	      .doc = "ServersTransport, as namespace-name@kubernetescrd."),
	FIELD(struct ingress_service_conf, pass_host_header, .name = "passhostheader",
	      .preset = "true", .doc = "Sends the client's Host."),
	FIELD(struct ingress_service_conf, middlewares, .name = "middlewares",
	      .doc = "Middlewares of the service, separated by commas."),
	FIELD_SUB(struct ingress_service_conf, sticky, &schema_sticky_labels, .name = "sticky",
		  .doc = "Keeps a client at its server."),
};

static const struct schema schema_service_labels = {
	.name = "service",
	.doc = "Annotations of a Service.",
	.size = sizeof(struct ingress_service_conf),
	SCHEMA_FIELDS(service_fields),
	.flags = LABEL_FLAGS,
};

/* ------------------------------------------------------------------ trees -- */

/* The member of that name, whatever its case; else a new one under the name as written. */
static json_t *child_object(json_t *node, const char *name)
{
	const char *key;
	json_t *value, *made;

	json_object_foreach(node, key, value) if (!strcasecmp(key, name))
	{
		if (json_is_object(value))
			return value;
		/* "router.tls: true" and "router.tls.options: x" are one thing. */
		made = json_object();
		json_object_set_new(node, key, made);
		return made;
	}
	made = json_object();
	json_object_set_new(node, name, made);
	return made;
}

static void set_leaf(json_t *node, const char *name, struct str value)
{
	json_t *known = json_object_get(node, name);

	if (json_is_object(known) && str_eq_nocase(value, STR("true")))
		return;
	json_object_set_new(node, name, json_stringn(value.at ? value.at : "", value.len));
}

static bool add(json_t *tree, struct str label, struct str value)
{
	char name[128];
	struct str part;

	for (int depth = 0; depth < DEPTH_MAX && str_next(&label, '.', &part); depth++) {
		if (!part.len || part.len >= sizeof(name))
			return false;
		memcpy(name, part.at, part.len);
		name[part.len] = 0;
		if (!label.at) {
			set_leaf(tree, name, value);
			return true;
		}
		tree = child_object(tree, name);
	}
	return false;
}

/* "false" for a group means that it is not there. */
static void drop_false_groups(json_t *tree, const char *name)
{
	const char *value = json_string_value(json_object_get(tree, name));

	if (value && !strcasecmp(value, "false"))
		json_object_del(tree, name);
}

static bool read(const char *prefix, const struct schema *schema, const struct str_map *annotations,
		 struct arena *arena, struct diag_sink *sink, void *out)
{
	const struct diag_path *path = DIAG_FIELD(DIAG_FIELD(NULL, "metadata"), "annotations");
	struct str start = str_of(prefix);
	json_t *tree = json_object();
	bool ok = tree != NULL;

	for (size_t i = 0; ok && i < annotations->n; i++) {
		struct str key = annotations->at[i].key;

		if (!str_starts(key, start) || key.len == start.len || key.at[start.len] != '.')
			continue;
		ok = add(tree, str_from(key, start.len + 1), annotations->at[i].value);
		if (!ok)
			diag_found(sink,
				   diag_error(sink, path, "not the name of an annotation of ours"),
				   key);
	}
	if (ok) {
		drop_false_groups(tree, "tls");
		drop_false_groups(json_object_get(tree, "sticky"), "cookie");
		ok = schema_decode(schema, tree, arena, out, sink, DIAG_FIELD(path, prefix)) == 0;
	}
	json_decref(tree);
	return ok;
}

bool ingress_annotation_router(const struct str_map *annotations, struct arena *arena,
			       struct diag_sink *sink, struct ingress_router_conf *ret_conf)
{
	bool ok = read(INGRESS_ANNOTATION_PREFIX "router", &schema_router, annotations, arena, sink,
		       ret_conf);

	/* Looked at only to say that they have no effect; their tree is gone. */
	ret_conf->observability.json = NULL;
	if (ok && ret_conf->tls)
		ret_conf->tls->domains.json = NULL;
	return ok;
}

bool ingress_annotation_service(const struct str_map *annotations, struct arena *arena,
				struct diag_sink *sink, struct ingress_service_conf *ret_conf)
{
	return read(INGRESS_ANNOTATION_PREFIX "service", &schema_service_labels, annotations, arena,
		    sink, ret_conf);
}
