// SPDX-License-Identifier: Apache-2.0
/*
 * tls_option: the field table of TLSOption (reference a.9, g.2). Names of ciphers and curves are
 * checked here, so that a typing error is a fault of the object and not of a connection.
 */
#include "model/tls_option.h"

#define VERSIONS "VersionTLS10|VersionTLS11|VersionTLS12|VersionTLS13"
#define CIPHERS                                                                                 \
	"TLS_RSA_WITH_RC4_128_SHA|TLS_RSA_WITH_3DES_EDE_CBC_SHA|TLS_RSA_WITH_AES_128_CBC_SHA|"  \
	"TLS_RSA_WITH_AES_256_CBC_SHA|TLS_RSA_WITH_AES_128_CBC_SHA256|"                         \
	"TLS_RSA_WITH_AES_128_GCM_SHA256|TLS_RSA_WITH_AES_256_GCM_SHA384|"                      \
	"TLS_ECDHE_ECDSA_WITH_RC4_128_SHA|TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA|"                \
	"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA|TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256|"         \
	"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256|TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384|"      \
	"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305|TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256|" \
	"TLS_ECDHE_RSA_WITH_RC4_128_SHA|TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA|"                   \
	"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA|TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA|"                \
	"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256|TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256|"          \
	"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384|TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305|"           \
	"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256|TLS_AES_128_GCM_SHA256|"                   \
	"TLS_AES_256_GCM_SHA384|TLS_CHACHA20_POLY1305_SHA256|TLS_FALLBACK_SCSV"
#define CURVES                                                                               \
	"CurveP256|secp256r1|CurveP384|secp384r1|CurveP521|secp521r1|X25519|X25519MLKEM768|" \
	"SecP256r1MLKEM768|SecP384r1MLKEM1024"

static const struct field client_auth_fields[] = {
	FIELD(struct tls_client_auth, secret_names, .name = "secretNames", .format = "name",
	      .doc = "Secrets with the certificates that client certificates must lead to."),
	FIELD(struct tls_client_auth, client_auth_type, .name = "clientAuthType",
	      .choices = "NoClientCert|RequestClientCert|RequireAnyClientCert|"
			 "VerifyClientCertIfGiven|RequireAndVerifyClientCert",
	      .doc = "Whether a client certificate is asked for, required and verified."),
};

static const struct schema schema_client_auth = {
	.name = "clientAuth",
	.doc = "Client certificates.",
	.size = sizeof(struct tls_client_auth),
	SCHEMA_FIELDS(client_auth_fields),
};

static const struct field spec_fields[] = {
	FIELD(struct tls_option, min_version, .name = "minVersion", .choices = VERSIONS,
	      .doc = "Oldest TLS version; TLS 1.2 when absent."),
	FIELD(struct tls_option, max_version, .name = "maxVersion", .choices = VERSIONS,
	      .doc = "Newest TLS version; TLS 1.3 when absent."),
	FIELD(struct tls_option, cipher_suites, .name = "cipherSuites", .choices = CIPHERS,
	      .doc = "Cipher suites of TLS 1.2 and older, by IANA name; all safe ones when "
		     "absent."),
	FIELD(struct tls_option, curve_preferences, .name = "curvePreferences", .choices = CURVES,
	      .any_case = true, .doc = "Key exchange groups, in order of preference."),
	FIELD_SUB(struct tls_option, client_auth, &schema_client_auth, .name = "clientAuth",
		  .doc = "Client certificates."),
	FIELD(struct tls_option, sni_strict, .name = "sniStrict",
	      .doc = "Refuses connections whose server name no certificate is for."),
	FIELD(struct tls_option, alpn_protocols, .name = "alpnProtocols",
	      .doc = "Application protocols that are offered, in order of preference."),
	FIELD(struct tls_option, disable_session_tickets, .name = "disableSessionTickets",
	      .doc = "Gives no session tickets."),
	FIELD(struct tls_option, prefer_server_cipher_suites, .name = "preferServerCipherSuites",
	      .support = IGNORED, .note = "as in Traefik",
	      .doc = "Prefers the server's order of cipher suites; deprecated."),
};

static void spec_check(const void *decoded, struct diag_sink *sink, const struct diag_path *path)
{
	const struct tls_option *option = decoded;
	const struct tls_client_auth *auth = option->client_auth;

	/* Versions sort as text. */
	if (option->min_version.len && option->max_version.len &&
	    str_cmp(option->min_version, option->max_version) > 0)
		diag_error(sink, DIAG_FIELD(path, "minVersion"), "newer than maxVersion");
	if (auth && auth->secret_names.n == 0 &&
	    (str_eq(auth->client_auth_type, STR("VerifyClientCertIfGiven")) ||
	     str_eq(auth->client_auth_type, STR("RequireAndVerifyClientCert"))))
		diag_error(sink, DIAG_FIELD(DIAG_FIELD(path, "clientAuth"), "secretNames"),
			   "missing: there is nothing to verify client certificates with");
}

static const struct schema schema_spec = {
	.name = "spec",
	.doc = "Settings of TLS connections.",
	.size = sizeof(struct tls_option),
	SCHEMA_FIELDS(spec_fields),
	.check = spec_check,
};

static const struct field object_fields[] = {
	FIELD_DEEPER(&schema_spec, .name = "spec", .required = true,
		     .doc = "Settings of TLS connections."),
};

const struct schema schema_tls_option = {
	.name = "TLSOption",
	.doc = "Settings of TLS connections; the one named default holds where none is named.",
	.size = sizeof(struct tls_option),
	SCHEMA_FIELDS(object_fields),
};
