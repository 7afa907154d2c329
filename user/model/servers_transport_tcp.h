/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVERS_TRANSPORT_TCP_H
#define SERVERS_TRANSPORT_TCP_H

/* servers_transport_tcp: traefik.io/v1alpha1 ServersTransportTCP (reference a.8): its spec. */

#include "model/servers_transport.h"
#include "model/stream_service_ref.h"

struct servers_transport_tcp_tls {
	struct str server_name;
	bool insecure_skip_verify;
	struct list_of root_cas; /* struct root_ca */
	struct strs root_cas_secrets;
	struct strs certificates_secrets;
	struct str peer_cert_uri;
	struct list_of peer_cert_sans; /* struct peer_cert_san */
	struct transport_spiffe *spiffe;
};

struct servers_transport_tcp {
	struct duration dial_timeout;	   /* 30s */
	struct duration dial_keep_alive;   /* 15s; 0: 15s, negative: off */
	struct duration termination_delay; /* 100ms; negative: for good */
	struct stream_proxy_protocol *proxy_protocol;
	struct servers_transport_tcp_tls *tls;
};

extern const struct schema schema_servers_transport_tcp;

#endif
