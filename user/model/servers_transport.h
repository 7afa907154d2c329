/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVERS_TRANSPORT_H
#define SERVERS_TRANSPORT_H

/* servers_transport: traefik.io/v1alpha1 ServersTransport (reference a.7): its spec. */

#include "model/schema.h"

/* Exactly one is given. */
struct root_ca {
	struct str secret, config_map;
};

struct peer_cert_san {
	struct str type; /* "DNSName" or "URI" */
	struct str value;
};

struct transport_timeouts {
	struct duration dial, response_header, idle_conn, read_idle, ping;
};

struct transport_spiffe {
	struct strs ids;
	struct str trust_domain;
};

struct transport_proxy_protocol {
	int64_t version;
};

struct servers_transport {
	struct str server_name;
	bool insecure_skip_verify;
	struct list_of root_cas; /* struct root_ca */
	struct strs root_cas_secrets;
	struct strs certificates_secrets;
	struct strs cipher_suites;
	struct str min_version, max_version; /* "VersionTLS12"; empty: not given */
	int64_t max_idle_conns_per_host;
	struct transport_timeouts *forwarding_timeouts; /* NULL: the defaults */
	bool disable_http2;
	struct str peer_cert_uri;
	struct list_of peer_cert_sans; /* struct peer_cert_san */
	struct transport_spiffe *spiffe;
	struct transport_proxy_protocol *proxy_protocol;
};

extern const struct schema schema_servers_transport_object, schema_root_ca, schema_peer_cert_san,
	schema_spiffe;

#endif
