// SPDX-License-Identifier: Apache-2.0
/*
 * kind: the list of object kinds. A new kind is one line here and its own file.
 */
#include "model/config_map.h"
#include "model/core_node.h"
#include "model/core_service.h"
#include "model/endpoint_slice.h"
#include "model/file_format.h"
#include "model/file_stream.h"
#include "model/ingress_object.h"
#include "model/ingress_route.h"
#include "model/ingress_route_tcp.h"
#include "model/ingress_route_udp.h"
#include "model/middleware_object.h"
#include "model/middleware_tcp.h"
#include "model/object.h"
#include "model/secret_object.h"
#include "model/servers_transport.h"
#include "model/servers_transport_tcp.h"
#include "model/source_policy.h"
#include "model/tls_option.h"
#include "model/tls_store.h"
#include "model/traefik_service.h"
#include "model/virtual_address.h"

#define TRAEFIK	   "traefik.io/v1alpha1"
#define TIDEGATE   "tidegate.io/v1alpha1"
#define NETWORKING "networking.k8s.io/v1"

const struct kind_info kind_infos[KIND__COUNT] = {
	[KIND_INGRESS_ROUTE] = {"IngressRoute", TRAEFIK, "ingressroutes", true,
				&schema_ingress_route},
	[KIND_MIDDLEWARE] = {"Middleware", TRAEFIK, "middlewares", true, &schema_middleware,
			     .has_raw = true},
	[KIND_TRAEFIK_SERVICE] = {"TraefikService", TRAEFIK, "traefikservices", true,
				  &schema_traefik_service},
	[KIND_TLS_OPTION] = {"TLSOption", TRAEFIK, "tlsoptions", true, &schema_tls_option},
	[KIND_TLS_STORE] = {"TLSStore", TRAEFIK, "tlsstores", true, &schema_tls_store},
	[KIND_SERVERS_TRANSPORT] = {"ServersTransport", TRAEFIK, "serverstransports", true,
				    &schema_servers_transport_object},
	[KIND_SERVICE] = {"Service", "v1", "services", false, &schema_core_service},
	[KIND_ENDPOINT_SLICE] = {"EndpointSlice", "discovery.k8s.io/v1", "endpointslices", false,
				 &schema_endpoint_slice},
	[KIND_SECRET] = {"Secret", "v1", "secrets", false, &schema_secret, .finish = secret_finish},
	[KIND_CONFIG_MAP] = {"ConfigMap", "v1", "configmaps", false, &schema_config_map},
	[KIND_SOURCE_POLICY] = {"SourcePolicy", TIDEGATE, "sourcepolicies", true,
				&schema_source_policy, .short_name = "srcpol"},
	[KIND_INGRESS] = {"Ingress", NETWORKING, "ingresses", false, &schema_ingress},
	[KIND_INGRESS_CLASS] = {"IngressClass", NETWORKING, "ingressclasses", false,
				&schema_ingress_class},
	[KIND_NODE] = {"Node", "v1", "nodes", false, &schema_core_node},
	[KIND_INGRESS_ROUTE_TCP] = {"IngressRouteTCP", TRAEFIK, "ingressroutetcps", true,
				    &schema_ingress_route_tcp},
	[KIND_INGRESS_ROUTE_UDP] = {"IngressRouteUDP", TRAEFIK, "ingressrouteudps", true,
				    &schema_ingress_route_udp},
	[KIND_MIDDLEWARE_TCP] = {"MiddlewareTCP", TRAEFIK, "middlewaretcps", true,
				 &schema_middleware_tcp},
	[KIND_SERVERS_TRANSPORT_TCP] = {"ServersTransportTCP", TRAEFIK, "serverstransporttcps",
					true, &schema_servers_transport_tcp},
	[KIND_VIRTUAL_ADDRESS] = {"VirtualAddress", TIDEGATE, "virtualaddresses", true,
				  &schema_virtual_address, .short_name = "vaddr"},
	[KIND_FILE_STREAM_SERVICE] = {"FileStreamService", "", "filestreamservices", false,
				      &schema_file_stream_service},
	[KIND_FILE_SERVICE] = {"FileService", "", "fileservices", false, &schema_file_service},
};

enum kind kind_find(struct str kind)
{
	for (int i = 0; i < KIND__COUNT; i++)
		if (str_eq(str_of(kind_infos[i].kind), kind))
			return (enum kind)i;
	return KIND__COUNT;
}
