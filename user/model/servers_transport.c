// SPDX-License-Identifier: Apache-2.0
/*
 * servers_transport: the field table of ServersTransport (reference a.7).
 *
 * Names of ciphers and versions are not checked here: an unknown one is told of where the
 * transport is made, and does not take the services away (reference a.7).
 */
#include "model/servers_transport.h"

#define NOT_NEGATIVE .min = 0, .max = INT64_MAX

static const struct field root_ca_fields[] = {
	FIELD(struct root_ca, secret, .name = "secret", .format = "name",
	      .doc = "Secret with the CA under tls.ca, else ca.crt, else its only key."),
	FIELD(struct root_ca, config_map, .name = "configMap", .format = "name",
	      .doc = "ConfigMap with the CA under tls.ca, else ca.crt."),
};

static void root_ca_check(const void *decoded, struct diag_sink *sink, const struct diag_path *path)
{
	const struct root_ca *ca = decoded;

	if (ca->secret.len && ca->config_map.len)
		diag_error(sink, path, "secret and configMap are both given: one CA, one place");
}

const struct schema schema_root_ca = {
	.name = "rootCA",
	.doc = "Where a certificate authority is kept.",
	.size = sizeof(struct root_ca),
	SCHEMA_FIELDS(root_ca_fields),
	.check = root_ca_check,
};

static const struct field san_fields[] = {
	FIELD(struct peer_cert_san, type, .name = "type", .choices = "DNSName|URI",
	      .doc = "Kind of alternative name."),
	FIELD(struct peer_cert_san, value, .name = "value", .doc = "The name."),
};

const struct schema schema_peer_cert_san = {
	.name = "peerCertSAN",
	.doc = "An alternative name of a certificate.",
	.size = sizeof(struct peer_cert_san),
	SCHEMA_FIELDS(san_fields),
};

static const struct field timeouts_fields[] = {
	FIELD(struct transport_timeouts, dial, .name = "dialTimeout", .preset = "30s", NOT_NEGATIVE,
	      .doc = "How long connecting to a server may take; 0: 30s."),
	FIELD(struct transport_timeouts, response_header, .name = "responseHeaderTimeout",
	      .preset = "0", NOT_NEGATIVE,
	      .doc = "How long a server may take to begin its answer, once the request was sent; "
		     "0: one hour."),
	FIELD(struct transport_timeouts, idle_conn, .name = "idleConnTimeout", .preset = "90s",
	      NOT_NEGATIVE, .doc = "How long an idle connection is kept; 0: 90s."),
	FIELD(struct transport_timeouts, read_idle, .name = "readIdleTimeout", .preset = "0",
	      NOT_NEGATIVE,
	      .doc = "Silence on an HTTP/2 connection after which a ping asks whether the server "
		     "is still there; 0: never."),
	FIELD(struct transport_timeouts, ping, .name = "pingTimeout", .preset = "15s", NOT_NEGATIVE,
	      .doc = "How long the answer to that ping may take; 0: 15s."),
};

static const struct schema schema_timeouts = {
	.name = "forwardingTimeouts",
	.doc = "Time limits towards servers.",
	.size = sizeof(struct transport_timeouts),
	SCHEMA_FIELDS(timeouts_fields),
};

static const struct field spiffe_fields[] = {
	FIELD(struct transport_spiffe, ids, .name = "ids", .doc = "SPIFFE ids of the servers."),
	FIELD(struct transport_spiffe, trust_domain, .name = "trustDomain",
	      .doc = "Trust domain of the servers."),
};

const struct schema schema_spiffe = {
	.name = "spiffe",
	.doc = "Identities from a SPIFFE workload API.",
	.size = sizeof(struct transport_spiffe),
	SCHEMA_FIELDS(spiffe_fields),
};

static const struct field proxy_protocol_fields[] = {
	FIELD(struct transport_proxy_protocol, version, .name = "version", .preset = "2", .min = 1,
	      .max = 2, .support = DIFFERS, .note = "Tidegate only",
	      .doc = "Version of the header: 1 (text) or 2 (binary)."),
};

static const struct schema schema_transport_proxy_protocol = {
	.name = "proxyProtocol",
	.doc = "The PROXY protocol towards servers.",
	.size = sizeof(struct transport_proxy_protocol),
	SCHEMA_FIELDS(proxy_protocol_fields),
};

static const struct field spec_fields[] = {
	FIELD(struct servers_transport, server_name, .name = "serverName",
	      .doc = "Name that is asked for (SNI) and that the certificate must be for; the host "
		     "of the server's URL when absent."),
	FIELD(struct servers_transport, insecure_skip_verify, .name = "insecureSkipVerify",
	      .doc = "Does not verify the servers' certificates."),
	FIELD(struct servers_transport, root_cas, .name = "rootCAs", .sub = &schema_root_ca,
	      .support = DIFFERS,
	      .note = "when none of them can be read, no server is trusted, instead of all that "
		      "the system trusts",
	      .doc = "Certificate authorities; those of the system when absent."),
	FIELD(struct servers_transport, root_cas_secrets, .name = "rootCAsSecrets",
	      .format = "name", .doc = "Secrets with certificate authorities; deprecated."),
	FIELD(struct servers_transport, certificates_secrets, .name = "certificatesSecrets",
	      .format = "name",
	      .doc = "Secrets of type kubernetes.io/tls with client certificates."),
	FIELD(struct servers_transport, cipher_suites, .name = "cipherSuites",
	      .doc = "Cipher suites of TLS 1.2 and older, by IANA name; all safe ones when absent "
		     "or when one is unknown."),
	FIELD(struct servers_transport, min_version, .name = "minVersion", .support = DIFFERS,
	      .note = "works without maxVersion too",
	      .doc = "Oldest TLS version, such as VersionTLS12, which is the default."),
	FIELD(struct servers_transport, max_version, .name = "maxVersion", .support = DIFFERS,
	      .note = "equal to minVersion: exactly that version",
	      .doc = "Newest TLS version; TLS 1.3 when absent. Below minVersion, neither counts."),
	FIELD(struct servers_transport, max_idle_conns_per_host, .name = "maxIdleConnsPerHost",
	      .preset = "0", .min = -1, .max = 1000000,
	      .doc = "Idle connections kept to a server by a worker; 0: two, -1: none."),
	FIELD_SUB(struct servers_transport, forwarding_timeouts, &schema_timeouts,
		  .name = "forwardingTimeouts", .doc = "Time limits towards servers."),
	FIELD(struct servers_transport, disable_http2, .name = "disableHTTP2",
	      .doc = "Speaks HTTP/1.1 over TLS even with servers that know HTTP/2."),
	FIELD(struct servers_transport, peer_cert_uri, .name = "peerCertURI",
	      .doc = "URI that the server's certificate must hold; deprecated."),
	FIELD(struct servers_transport, peer_cert_sans, .name = "peerCertSANs",
	      .sub = &schema_peer_cert_san,
	      .doc = "Alternative names of which the server's certificate must hold one."),
	FIELD_SUB(struct servers_transport, spiffe, &schema_spiffe, .name = "spiffe",
		  .support = REFUSED, .note = "there is no SPIFFE workload API client",
		  .doc = "Identities from a SPIFFE workload API."),
	FIELD_SUB(struct servers_transport, proxy_protocol, &schema_transport_proxy_protocol,
		  .name = "proxyProtocol", .support = DIFFERS, .note = "Tidegate only",
		  .doc = "Sends a PROXY protocol header with the client's address before all else; "
			 "each connection then serves one client."),
};

static void spec_check(const void *decoded, struct diag_sink *sink, const struct diag_path *path)
{
	const struct servers_transport *transport = decoded;

	if (transport->root_cas_secrets.n)
		diag_suggest(sink,
			     diag_warning(sink, DIAG_FIELD(path, "rootCAsSecrets"), "deprecated"),
			     "rootCAs: [{secret: NAME}]");
	if (transport->peer_cert_uri.len)
		diag_suggest(sink,
			     diag_warning(sink, DIAG_FIELD(path, "peerCertURI"), "deprecated"),
			     "peerCertSANs: [{type: URI, value: ...}]");
}

static const struct schema schema_spec = {
	.name = "spec",
	.doc = "How servers are spoken to.",
	.size = sizeof(struct servers_transport),
	SCHEMA_FIELDS(spec_fields),
	.check = spec_check,
};

static const struct field object_fields[] = {
	FIELD_DEEPER(&schema_spec, .name = "spec", .required = true,
		     .doc = "How servers are spoken to."),
};

const struct schema schema_servers_transport_object = {
	.name = "ServersTransport",
	.doc = "How servers are spoken to: TLS, time limits, connections that are kept.",
	.size = sizeof(struct servers_transport),
	SCHEMA_FIELDS(object_fields),
};
