/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STATIC_PROVIDER_H
#define STATIC_PROVIDER_H

/* static_provider: options of the Kubernetes providers (reference a.11, f); part of
 * static_config.h. */

#include "model/schema.h"

/* What of the object rules is the operator's choice (reference a.11): holds for every source of
 * objects. */
struct kubernetes_crd_provider {
	struct str endpoint, token, cert_auth_file_path;
	struct strs namespaces; /* empty: all */
	struct str label_selector;
	struct str ingress_class;
	struct duration throttle_duration;
	bool allow_cross_namespace, allow_external_name_services, allow_empty_services;
	bool native_lb_by_default, disable_cluster_scope_resources;
	struct strs cross_provider_namespaces; /* at NULL: unrestricted; empty list: nobody */
};

struct ingress_endpoint {
	struct str ip, hostname, published_service;
};

struct kubernetes_ingress_provider {
	struct str endpoint, token, cert_auth_file_path;
	struct strs namespaces;
	struct str label_selector, ingress_class;
	struct ingress_endpoint ingress_endpoint;
	struct duration throttle_duration;
	bool allow_external_name_services, allow_empty_services, native_lb_by_default;
	bool disable_cluster_scope_resources, disable_ingress_class_lookup;
	bool report_node_internal_ips, strict_prefix_matching;
	struct strs cross_provider_namespaces; /* at NULL: unrestricted; empty list: nobody */
};

#endif
