// SPDX-License-Identifier: Apache-2.0
/*
 * middleware_object: the field table of Middleware: one row per type (reference a.4).
 */
#include "model/middleware_object.h"

#define TYPE(member, name_, support_, doc_)                                               \
	FIELD_SUB(struct middleware_object, member, &schema_mw_##member, .name = (name_), \
		  .support = (support_), .doc = (doc_))

/* One that Traefik does not have. */
#define OURS(member, name_, doc_)                                                         \
	FIELD_SUB(struct middleware_object, member, &schema_mw_##member, .name = (name_), \
		  .support = DIFFERS, .note = "Tidegate only", .doc = (doc_))

static const struct field spec_fields[] = {
	TYPE(rate_limit, "rateLimit", SUPPORTED, "Limits how many requests a source may make."),
	TYPE(basic_auth, "basicAuth", SUPPORTED, "Asks for a user name and a password."),
	TYPE(headers, "headers", SUPPORTED, "Sets and removes headers; CORS; security headers."),
	TYPE(strip_prefix, "stripPrefix", SUPPORTED, "Removes a prefix of the path."),
	TYPE(redirect_scheme, "redirectScheme", SUPPORTED, "Redirects to another scheme or port."),
	TYPE(ip_allow_list, "ipAllowList", SUPPORTED, "Lets only some addresses make requests."),
	TYPE(chain, "chain", SUPPORTED, "Middlewares under one name."),
	TYPE(add_prefix, "addPrefix", SUPPORTED, "Puts a prefix before the path."),
	TYPE(buffering, "buffering", SUPPORTED, "Reads whole messages before they go on."),
	TYPE(circuit_breaker, "circuitBreaker", SUPPORTED,
	     "Sends nothing to a service that fails."),
	TYPE(compress, "compress", SUPPORTED, "Compresses responses."),
	TYPE(content_type, "contentType", SUPPORTED,
	     "Guesses the Content-Type of responses without one."),
	TYPE(digest_auth, "digestAuth", SUPPORTED,
	     "Asks for a user name and a password by digest."),
	TYPE(encoded_characters, "encodedCharacters", SUPPORTED,
	     "Refuses encoded characters in the path."),
	TYPE(errors, "errors", SUPPORTED, "Gives error responses a page of another service."),
	TYPE(forward_auth, "forwardAuth", SUPPORTED,
	     "Asks another server whether a request may go on."),
	OURS(cache, "cache", "Keeps responses in memory and gives them again."),
	TYPE(grpc_web, "grpcWeb", SUPPORTED, "Translates between gRPC-Web and gRPC."),
	OURS(jwt, "jwt", "Lets only requests with a valid JSON Web Token pass."),
	OURS(api_key, "apiKey", "Lets only requests with a known key pass."),
	TYPE(in_flight_req, "inFlightReq", SUPPORTED, "Limits how many requests are in flight."),
	TYPE(ip_white_list, "ipWhiteList", SUPPORTED, "Deprecated: use ipAllowList."),
	TYPE(pass_tls_client_cert, "passTLSClientCert", SUPPORTED,
	     "Tells servers of client certificates."),
	TYPE(redirect_regex, "redirectRegex", SUPPORTED,
	     "Redirects URLs that match an expression."),
	TYPE(replace_path, "replacePath", SUPPORTED, "Replaces the path."),
	TYPE(replace_path_regex, "replacePathRegex", SUPPORTED, "Replaces parts of the path."),
	TYPE(retry, "retry", SUPPORTED, "Tries failed requests again."),
	TYPE(strip_prefix_regex, "stripPrefixRegex", SUPPORTED,
	     "Removes a prefix of the path that matches an expression."),
	OURS(request_id, "requestId", "Gives every request an id."),
	OURS(deny, "deny", "Refuses requests from some addresses."),
	OURS(timeouts, "timeouts", "Deadlines of requests."),
	FIELD(struct middleware_object, plugin, .name = "plugin", .support = REFUSED,
	      .note = "no code is taken from configuration; jwt, apiKey, cache, requestId, deny, "
		      "timeouts "
		      "or forwardAuth may do",
	      .doc = "Configuration of a plugin, by its name."),
};

/* NULL after the last type that is set; from counts on. */
static const struct field *next_type(const struct middleware_object *middleware, size_t *from)
{
	for (size_t i = *from; i < sizeof(spec_fields) / sizeof(*spec_fields); i++) {
		const void *member = (const char *)middleware + spec_fields[i].offset;

		/* raw_json holds one pointer too. */
		if (*(void *const *)member) {
			*from = i + 1;
			return &spec_fields[i];
		}
	}
	return NULL;
}

static void spec_check(const void *decoded, struct diag_sink *sink, const struct diag_path *path)
{
	size_t from = 0;
	const struct field *first = next_type(decoded, &from);
	const struct field *second = first ? next_type(decoded, &from) : NULL;

	if (!first)
		diag_expected(sink, diag_error(sink, path, "no middleware type"),
			      "exactly one, such as rateLimit or headers");
	else if (second)
		diag_expected(sink,
			      diag_error(sink, path, "more than one middleware type: %s, %s",
					 first->name, second->name),
			      "exactly one; a chain combines several Middlewares");
}

static const struct schema schema_spec = {
	.name = "spec",
	.doc = "Exactly one middleware type and its settings.",
	.size = sizeof(struct middleware_object),
	SCHEMA_FIELDS(spec_fields),
	.check = spec_check,
};

static const struct field object_fields[] = {
	FIELD_DEEPER(&schema_spec, .name = "spec", .required = true,
		     .doc = "Exactly one middleware type and its settings."),
};

const struct schema schema_middleware = {
	.name = "Middleware",
	.doc = "A step that requests and responses go through.",
	.size = sizeof(struct middleware_object),
	SCHEMA_FIELDS(object_fields),
};

const char *middleware_object_type(const struct middleware_object *middleware)
{
	size_t from = 0;
	const struct field *field = next_type(middleware, &from);

	return field ? field->name : NULL;
}

const void *middleware_object_conf(const struct middleware_object *middleware)
{
	size_t from = 0;
	const struct field *field = next_type(middleware, &from);

	return field ? *(void *const *)((const char *)middleware + field->offset) : NULL;
}
