/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_CRD_H
#define KUBE_CRD_H

/*
 * kube_crd: a watch of the CustomResourceDefinitions' names while some kind is not there, so that
 * it is taken up as soon as somebody applies its definition. Where RBAC does not allow it,
 * discovery must do (kube_health). Part of kube_source.
 */

#include "source/kube_source.h"
#include "source/kube_split.h"
#include "source/rest_client.h"

struct kube_crd {
	struct rest_request *request;
	struct kube_lines lines;
	uint64_t due_ns;
	unsigned n_failures;
	bool is_live; /* it is answered */
};

/* Begins, goes on or ends, as kinds are missing. */
void kube_crd_tick(struct kube_source *source);
void kube_crd_end(struct kube_source *source);
/* Takes one event of the watch: whose kind it defines is asked for. */
bool kube_crd_take(struct kube_source *source, struct str line);

#endif
