/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_PATH_H
#define KUBE_PATH_H

/* kube_path: the paths of an API server. Pure. */

#include "base/buf.h"
#include "model/object.h"

/* "/apis/traefik.io/v1alpha1" or "/api/v1". */
void kube_path_group(struct buf *buf, const char *api_version);
/* That of a collection, "/apis/traefik.io/v1alpha1/namespaces/shop/ingressroutes"; namespace_
 * empty: of all namespaces. */
void kube_path_of(struct buf *buf, enum kind kind, struct str namespace_);
/* "?name=value" or "&name=value", escaped; *is_first is for the first call. */
void kube_path_query(struct buf *buf, const char *name, struct str value, bool *is_first);
/* A segment or value, escaped. */
void kube_path_escape(struct buf *buf, struct str text);

#endif
