// SPDX-License-Identifier: Apache-2.0
/*
 * servers_transport_tcp: the field table of ServersTransportTCP (reference a.8).
 */
#include "model/servers_transport_tcp.h"

static const struct field tls_fields[] = {
	FIELD(struct servers_transport_tcp_tls, server_name, .name = "serverName",
	      .doc = "Name that is asked for (SNI) and that the certificate must be for; the "
		     "server's address when absent."),
	FIELD(struct servers_transport_tcp_tls, insecure_skip_verify, .name = "insecureSkipVerify",
	      .doc = "Does not verify the servers' certificates."),
	FIELD(struct servers_transport_tcp_tls, root_cas, .name = "rootCAs", .sub = &schema_root_ca,
	      .support = DIFFERS,
	      .note = "when none of them can be read, no server is trusted, instead of all that "
		      "the system trusts",
	      .doc = "Certificate authorities; those of the system when absent."),
	FIELD(struct servers_transport_tcp_tls, root_cas_secrets, .name = "rootCAsSecrets",
	      .format = "name", .doc = "Secrets with certificate authorities; deprecated."),
	FIELD(struct servers_transport_tcp_tls, certificates_secrets, .name = "certificatesSecrets",
	      .format = "name",
	      .doc = "Secrets of type kubernetes.io/tls with client certificates."),
	FIELD(struct servers_transport_tcp_tls, peer_cert_uri, .name = "peerCertURI",
	      .doc = "URI that the server's certificate must hold; deprecated."),
	FIELD(struct servers_transport_tcp_tls, peer_cert_sans, .name = "peerCertSANs",
	      .sub = &schema_peer_cert_san, .support = DIFFERS,
	      .note = "works, while Traefik passes over it for TCP",
	      .doc = "Alternative names of which the server's certificate must hold one."),
	FIELD_SUB(struct servers_transport_tcp_tls, spiffe, &schema_spiffe, .name = "spiffe",
		  .support = REFUSED, .note = "there is no SPIFFE workload API client",
		  .doc = "Identities from a SPIFFE workload API."),
};

static void tls_check(const void *decoded, struct diag_sink *sink, const struct diag_path *path)
{
	const struct servers_transport_tcp_tls *tls = decoded;

	if (tls->root_cas_secrets.n)
		diag_suggest(sink,
			     diag_warning(sink, DIAG_FIELD(path, "rootCAsSecrets"), "deprecated"),
			     "rootCAs: [{secret: NAME}]");
	if (tls->peer_cert_uri.len)
		diag_suggest(sink,
			     diag_warning(sink, DIAG_FIELD(path, "peerCertURI"), "deprecated"),
			     "peerCertSANs: [{type: URI, value: ...}]");
}

static const struct schema schema_tls = {
	.name = "tls",
	.doc = "TLS towards the servers of services that have tls.",
	.size = sizeof(struct servers_transport_tcp_tls),
	SCHEMA_FIELDS(tls_fields),
	.check = tls_check,
};

static const struct field spec_fields[] = {
	FIELD(struct servers_transport_tcp, dial_timeout, .name = "dialTimeout", .preset = "30s",
	      .min = 0, .max = INT64_MAX,
	      .doc = "How long connecting to a server may take; 0: 30s."),
	FIELD(struct servers_transport_tcp, dial_keep_alive, .name = "dialKeepAlive",
	      .preset = "15s", .min = INT64_MIN, .max = INT64_MAX,
	      .doc = "Time between TCP keep-alive probes to servers; 0: 15s, negative: none."),
	FIELD(struct servers_transport_tcp, termination_delay, .name = "terminationDelay",
	      .preset = "100ms", .min = INT64_MIN, .max = INT64_MAX,
	      .doc = "How long a connection may live on after one side has ended it; negative: "
		     "until the other does, too."),
	FIELD_SUB(struct servers_transport_tcp, proxy_protocol, &schema_stream_proxy_protocol,
		  .name = "proxyProtocol",
		  .doc = "Sends a PROXY protocol header with the client's address before all "
			 "else."),
	FIELD_SUB(struct servers_transport_tcp, tls, &schema_tls, .name = "tls",
		  .doc = "TLS towards the servers of services that have tls."),
};

static const struct schema schema_spec = {
	.name = "spec",
	.doc = "How TCP servers are spoken to.",
	.size = sizeof(struct servers_transport_tcp),
	SCHEMA_FIELDS(spec_fields),
};

static const struct field object_fields[] = {
	FIELD_DEEPER(&schema_spec, .name = "spec", .required = true,
		     .doc = "How TCP servers are spoken to."),
};

const struct schema schema_servers_transport_tcp = {
	.name = "ServersTransportTCP",
	.doc = "How TCP servers are spoken to: time limits, PROXY protocol, TLS.",
	.size = sizeof(struct servers_transport_tcp),
	SCHEMA_FIELDS(object_fields),
};
