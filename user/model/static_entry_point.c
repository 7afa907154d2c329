// SPDX-License-Identifier: Apache-2.0
/*
 * static_entry_point: the option tables of entryPoints.<name>.* (reference e), and addresses to
 * listen on.
 */
#include "model/static_entry_point.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/num.h"

#define OPTION_FLAGS (SCHEMA_ANY_CASE | SCHEMA_BOOL_IS_EMPTY | SCHEMA_FROM_TEXT)
#define OPTION_GROUP(variable, type_, name_, doc_, rows) \
	static const struct schema variable = {          \
		.name = (name_),                         \
		.doc = (doc_),                           \
		.size = sizeof(type_),                   \
		SCHEMA_FIELDS(rows),                     \
		.flags = OPTION_FLAGS,                   \
	}
#define SIZES	 .min = 0, .max = INT64_MAX
#define OURS	 .support = DIFFERS, .note = "Tidegate only"
#define H1_ONLY	 .support = IGNORED, .note = "clients are spoken to in HTTP/1.1"
#define NOT_YET	 .support = IGNORED, .note = "it holds for all entry points or none"
#define NO_TRACE .support = IGNORED, .note = "nothing is traced"

static const struct field responding_fields[] = {
	FIELD(struct ep_responding_timeouts, read, .name = "readTimeout", .preset = "60s", SIZES,
	      .doc = "How long a whole request may take to arrive; 0: one hour."),
	FIELD(struct ep_responding_timeouts, write, .name = "writeTimeout", .preset = "0", SIZES,
	      .doc = "How long a whole response may take to be taken; 0: no limit."),
	FIELD(struct ep_responding_timeouts, idle, .name = "idleTimeout", .preset = "180s", SIZES,
	      .doc = "How long a connection may be kept without a request; 0: 180s."),
	FIELD(struct ep_responding_timeouts, read_header, .name = "readHeaderTimeout",
	      .preset = "10s", SIZES, OURS,
	      .doc = "How long a request head may take, from its first byte; 0: 10s."),
};
OPTION_GROUP(schema_responding, struct ep_responding_timeouts, "respondingTimeouts",
	     "Time limits towards clients.", responding_fields);

static const struct field life_cycle_fields[] = {
	FIELD(struct ep_life_cycle, request_accept_grace, .name = "requestAcceptGraceTimeout",
	      .preset = "0", SIZES,
	      .doc = "How long connections are still accepted after the signal to stop."),
	FIELD(struct ep_life_cycle, grace, .name = "graceTimeOut", .preset = "10s", SIZES,
	      .doc = "How long requests in flight may take then."),
};
OPTION_GROUP(schema_life_cycle, struct ep_life_cycle, "lifeCycle", "The graceful stop.",
	     life_cycle_fields);

static const struct field transport_fields[] = {
	FIELD_IN(struct ep_transport, responding_timeouts, &schema_responding,
		 .name = "respondingTimeouts", .doc = "Time limits towards clients."),
	FIELD_IN(struct ep_transport, life_cycle, &schema_life_cycle, .name = "lifeCycle",
		 .doc = "The graceful stop."),
	FIELD(struct ep_transport, keep_alive_max_requests, .name = "keepAliveMaxRequests",
	      .preset = "0", SIZES, .doc = "Requests per connection; 0: no limit."),
	FIELD(struct ep_transport, keep_alive_max_time, .name = "keepAliveMaxTime", .preset = "0",
	      SIZES, .doc = "Age at which a connection is closed after a request; 0: no limit."),
};
OPTION_GROUP(schema_transport, struct ep_transport, "transport", "Connections.", transport_fields);

static const struct field trust_fields[] = {
	FIELD(struct ep_trust_list, insecure, .name = "insecure", .doc = "Trusts every peer."),
	FIELD(struct ep_trust_list, trusted_ips, .name = "trustedIPs", .format = "cidr",
	      .doc = "Peers that are trusted."),
};
OPTION_GROUP(schema_proxy_protocol, struct ep_trust_list, "proxyProtocol",
	     "PROXY protocol, versions 1 and 2.", trust_fields);

static const struct field forwarded_fields[] = {
	FIELD(struct ep_forwarded_headers, insecure, .name = "insecure",
	      .doc = "Trusts the X-Forwarded headers of every peer."),
	FIELD(struct ep_forwarded_headers, trusted_ips, .name = "trustedIPs", .format = "cidr",
	      .doc = "Peers whose X-Forwarded headers are trusted."),
	FIELD(struct ep_forwarded_headers, connection, .name = "connection", .format = "token",
	      .doc = "Headers that Connection may list and that pass nevertheless."),
	FIELD(struct ep_forwarded_headers, not_append_x_forwarded_for,
	      .name = "notAppendXForwardedFor",
	      .doc = "Does not append the peer to X-Forwarded-For."),
	FIELD(struct ep_forwarded_headers, add_x_forwarded_scheme_headers,
	      .name = "addXForwardedSchemeHeaders",
	      .doc = "Sends X-Forwarded-Scheme and X-Scheme too."),
};
OPTION_GROUP(schema_forwarded, struct ep_forwarded_headers, "forwardedHeaders",
	     "Who may say where a request came from.", forwarded_fields);

static const struct field encoded_fields[] = {
	FIELD(struct ep_encoded_characters, slash, .name = "allowEncodedSlash", .preset = "true",
	      .doc = "Allows %2F in the path."),
	FIELD(struct ep_encoded_characters, back_slash, .name = "allowEncodedBackSlash",
	      .preset = "true", .doc = "Allows %5C in the path."),
	FIELD(struct ep_encoded_characters, null_character, .name = "allowEncodedNullCharacter",
	      .preset = "true", .doc = "Allows %00 in the path."),
	FIELD(struct ep_encoded_characters, semicolon, .name = "allowEncodedSemicolon",
	      .preset = "true", .doc = "Allows %3B in the path."),
	FIELD(struct ep_encoded_characters, percent, .name = "allowEncodedPercent",
	      .preset = "true", .doc = "Allows %25 in the path."),
	FIELD(struct ep_encoded_characters, question_mark, .name = "allowEncodedQuestionMark",
	      .preset = "true", .doc = "Allows %3F in the path."),
	FIELD(struct ep_encoded_characters, hash, .name = "allowEncodedHash", .preset = "true",
	      .doc = "Allows %23 in the path."),
};
OPTION_GROUP(schema_encoded, struct ep_encoded_characters, "encodedCharacters",
	     "Encoded characters that the path may hold.", encoded_fields);

static const struct field redirection_fields[] = {
	FIELD(struct ep_redirection, to, .name = "to",
	      .doc = "Entry point to redirect to, or its port such as :443."),
	FIELD(struct ep_redirection, scheme, .name = "scheme", .preset = "https", .format = "token",
	      .doc = "Scheme to redirect to."),
	FIELD(struct ep_redirection, permanent, .name = "permanent", .preset = "true",
	      .doc = "Redirects for ever."),
	FIELD(struct ep_redirection, priority, .name = "priority", .preset = "9223372036854775806",
	      .doc = "Priority of the redirection as a route."),
};
OPTION_GROUP(schema_redirection, struct ep_redirection, "entryPoint",
	     "Redirects all requests to another entry point.", redirection_fields);

static const struct field redirections_fields[] = {
	FIELD_SUB(struct ep_redirections, entry_point, &schema_redirection, .name = "entryPoint",
		  .doc = "Redirects all requests to another entry point."),
};
OPTION_GROUP(schema_redirections, struct ep_redirections, "redirections", "Redirections.",
	     redirections_fields);

#define NO_ACME .support = IGNORED, .note = "no certificate is requested"

static const struct field domain_fields[] = {
	FIELD(struct ep_tls_domain, main, .name = "main", .doc = "Main name of the certificate."),
	FIELD(struct ep_tls_domain, sans, .name = "sans", .doc = "Its other names."),
};
OPTION_GROUP(schema_domain, struct ep_tls_domain, "domain", "Names of a certificate to request.",
	     domain_fields);

static const struct field tls_fields[] = {
	FIELD(struct ep_tls, options, .name = "options",
	      .doc = "TLSOption of routes that name none, as namespace-name@kubernetescrd."),
	FIELD(struct ep_tls, cert_resolver, .name = "certResolver", NO_ACME,
	      .doc = "Resolver that requests the certificates."),
	FIELD(struct ep_tls, domains, .name = "domains", .sub = &schema_domain, NO_ACME,
	      .doc = "Names of the certificates to request."),
};
OPTION_GROUP(schema_tls, struct ep_tls, "tls", "Gives routes without tls one.", tls_fields);

static const struct field http_fields[] = {
	FIELD(struct ep_http, middlewares, .name = "middlewares",
	      .doc = "Middlewares that every route begins with, as namespace-name@kubernetescrd."),
	FIELD_SUB(struct ep_http, tls, &schema_tls, .name = "tls",
		  .doc = "Gives routes without tls one."),
	FIELD_SUB(struct ep_http, redirections, &schema_redirections, .name = "redirections",
		  .doc = "Redirections."),
	FIELD_SUB(struct ep_http, encoded_characters, &schema_encoded, .name = "encodedCharacters",
		  .doc = "Encoded characters that the path may hold; all of them when absent."),
	FIELD(struct ep_http, encode_query_semicolons, .name = "encodeQuerySemicolons",
	      .doc = "Makes ; in the query %3B; it separates like & otherwise."),
	FIELD(struct ep_http, sanitize_path, .name = "sanitizePath", .preset = "true",
	      .doc = "Removes . and .. and double slashes from the path."),
	FIELD(struct ep_http, max_header_bytes, .name = "maxHeaderBytes", .preset = "1048576",
	      .min = 1024, .max = 16777216,
	      .doc = "Largest request head in bytes; larger ones are answered 431."),
	FIELD(struct ep_http, underscore_headers_strategy, .name = "underscoreHeadersStrategy",
	      .preset = "delete", .choices = "keep|delete|reject", .any_case = true,
	      .support = DIFFERS, .note = "Traefik's default is keep",
	      .doc = "What becomes of headers with _ in their names, which servers may mistake."),
};
OPTION_GROUP(schema_http, struct ep_http, "http", "HTTP.", http_fields);

static const struct field http2_fields[] = {
	FIELD(struct ep_http2, max_concurrent_streams, .name = "maxConcurrentStreams",
	      .preset = "250", SIZES, H1_ONLY, .doc = "Streams of one connection."),
	FIELD(struct ep_http2, max_decoder_header_table_size, .name = "maxDecoderHeaderTableSize",
	      .preset = "4096", SIZES, H1_ONLY, .doc = "Bytes of the table for request headers."),
	FIELD(struct ep_http2, max_encoder_header_table_size, .name = "maxEncoderHeaderTableSize",
	      .preset = "4096", SIZES, H1_ONLY, .doc = "Bytes of the table for response headers."),
};
OPTION_GROUP(schema_http2, struct ep_http2, "http2", "HTTP/2.", http2_fields);

static const struct field http3_fields[] = {
	FIELD(struct ep_http3, advertised_port, .name = "advertisedPort", .min = 0, .max = 65535,
	      .doc = "UDP port that clients are told; that of the entry point when 0."),
};
OPTION_GROUP(schema_http3, struct ep_http3, "http3", "HTTP/3.", http3_fields);

static const struct field udp_fields[] = {
	FIELD(struct ep_udp, timeout, .name = "timeout", .preset = "3s", SIZES,
	      .doc = "Age at which a silent session ends."),
};
OPTION_GROUP(schema_udp, struct ep_udp, "udp", "UDP.", udp_fields);

static const struct field observability_fields[] = {
	FIELD(struct ep_observability, access_logs, .name = "accessLogs", .preset = "true", NOT_YET,
	      .doc = "Logs requests."),
	FIELD(struct ep_observability, metrics, .name = "metrics", .preset = "true", NOT_YET,
	      .doc = "Counts requests."),
	FIELD(struct ep_observability, tracing, .name = "tracing", .preset = "true", NO_TRACE,
	      .doc = "Traces requests."),
	FIELD(struct ep_observability, trace_verbosity, .name = "traceVerbosity",
	      .preset = "minimal", .choices = "minimal|detailed", .any_case = true, NO_TRACE,
	      .doc = "How much is traced."),
};
OPTION_GROUP(schema_observability, struct ep_observability, "observability", "What is observed.",
	     observability_fields);

static const struct field entry_point_fields[] = {
	FIELD(struct static_entry_point, address, .name = "address", .required = true, .min = 1,
	      .max = 300, .format = "address", .doc = "Where to listen: [host]:port[/tcp|/udp]."),
	FIELD(struct static_entry_point, as_default, .name = "asDefault",
	      .doc = "Serves routes that name no entry point; all entry points do if none says "
		     "so."),
	FIELD(struct static_entry_point, reuse_port, .name = "reusePort",
	      .doc = "Lets another process listen there too (SO_REUSEPORT)."),
	FIELD(struct static_entry_point, allow_acme_bypass, .name = "allowACMEByPass", NO_ACME,
	      .doc = "Lets routes take ACME's challenges."),
	FIELD_IN(struct static_entry_point, transport, &schema_transport, .name = "transport",
		 .doc = "Connections."),
	FIELD_SUB(struct static_entry_point, proxy_protocol, &schema_proxy_protocol,
		  .name = "proxyProtocol", .doc = "PROXY protocol, versions 1 and 2."),
	FIELD_IN(struct static_entry_point, forwarded_headers, &schema_forwarded,
		 .name = "forwardedHeaders", .doc = "Who may say where a request came from."),
	FIELD_IN(struct static_entry_point, http, &schema_http, .name = "http", .doc = "HTTP."),
	FIELD_IN(struct static_entry_point, http2, &schema_http2, .name = "http2",
		 .doc = "HTTP/2."),
	FIELD_SUB(struct static_entry_point, http3, &schema_http3, .name = "http3",
		  .support = REFUSED, .doc = "HTTP/3."),
	FIELD_IN(struct static_entry_point, udp, &schema_udp, .name = "udp", .doc = "UDP."),
	FIELD_IN(struct static_entry_point, observability, &schema_observability,
		 .name = "observability", .doc = "What is observed."),
};

const struct schema schema_static_entry_point = {
	.name = "entryPoint",
	.doc = "An address to listen on, and how.",
	.size = sizeof(struct static_entry_point),
	SCHEMA_FIELDS(entry_point_fields),
	.flags = OPTION_FLAGS,
};

int listen_address_parse(struct str text, struct listen_address *ret_address)
{
	struct listen_address address = {0};
	ptrdiff_t slash = str_rfind(text, '/'), colon;
	struct str host;

	if (slash >= 0) {
		struct str protocol = str_from(text, (size_t)slash + 1);

		address.udp = str_eq_nocase(protocol, STR("udp"));
		if (!address.udp && !str_eq_nocase(protocol, STR("tcp")))
			return -EINVAL;
		text = str_take(text, (size_t)slash);
	}
	colon = str_rfind(text, ':');
	if (colon < 0 || num_uint16(str_from(text, (size_t)colon + 1), &address.port))
		return -EINVAL;
	host = str_take(text, (size_t)colon);
	if (host.len && host.at[0] == '[' && host.at[host.len - 1] == ']') {
		host = str_n(host.at + 1, host.len - 2);
		/* "[]:80" names no host, brackets belong to IPv6. */
		if (str_find(host, ':') < 0)
			return -EINVAL;
	} else if (str_find(host, ':') >= 0) {
		return -EINVAL;
	}
	if (host.len && !str_eq(host, STR("localhost")))
		TRY(addr_parse(host, &address.addr));
	else if (host.len)
		TRY(addr_parse(STR("127.0.0.1"), &address.addr));
	*ret_address = address;
	return 0;
}
