/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_SOURCE_H
#define KUBE_SOURCE_H

/*
 * kube_source: an API server as a source of objects: every kind that counts is listed and watched,
 * Secrets and ConfigMaps only as far as some object names them.
 *
 * Nothing reaches the store before everything has been said once; from then on the store follows
 * each event. A server that is lost, restarts or talks nonsense leaves the store as it is. One
 * thread, but for kube_source_status() and kube_source_collect().
 */

#include <jansson.h>

#include "model/static_config.h"
#include "model/object.h"
#include "obs/metric.h"

struct kube_source;

enum { KUBE_FAULT_BYTES = 320 };

/* Whether the options name an API server: a kubeconfig, an endpoint, or one of Traefik's Kubernetes
 * providers without a folder of manifests. */
bool kube_source_is_named(const struct static_config *config);
/* NULL with a negative errno and a sentence. Starts a helper process when an exec plug-in is named:
 * so before privileges are dropped and threads started. config must stay. */
struct kube_source *kube_source_open(const struct static_config *config, char *ret_fault,
				     int *ret_error);
void kube_source_close(struct kube_source *source);
/* For poll: readable when kube_source_read should be called. */
int kube_source_fd(const struct kube_source *source);
/* Goes on with what can go on, and brings the store up to date. Returns 1 when it or the faults
 * changed. sink gets the faults of now that belong to no object. */
int kube_source_read(struct kube_source *source, struct store *store, struct diag_sink *sink);
/* Whether everything has been said once. */
bool kube_source_listed(const struct kube_source *source);
/* Whether it was tried a few times (3 s) and has never answered anything. */
bool kube_source_is_silent(const struct kube_source *source);

/*
 * What is wrong with objects, now that they are compiled. From the first call on the source also
 * writes: the replica that holds the Lease sets the status of Ingresses and VirtualAddresses, and
 * makes an Event of every object that is broken. Control thread.
 */
void kube_source_tell(struct kube_source *source, const struct store *store,
		      const struct diag_sink *diags);

/* Why the kernel plane does not have the newest configuration: a word for programs, a sentence. */
struct kube_kernel_fault {
	const char *reason, *message;
};
/*
 * What is in the store is what this node works by; with a fault (which must stay), the kernel plane
 * works by what it had before: objects that changed since are not in force there. Control thread.
 */
void kube_source_in_force(struct kube_source *source, const struct store *store,
			  const struct kube_kernel_fault *fault);

enum { KUBE_INTERFACES_BYTES = 512 };
/* What is wrong with this node's interfaces, in a sentence; copied; NULL: nothing. is_lost: one of
 * them does not run the kernel plane, else they do not run it as well as they could. Control
 * thread. */
void kube_source_interfaces(struct kube_source *source, const char *message, bool is_lost);

/* How it stands with the server and each watch; any thread. */
json_t *kube_source_status(struct kube_source *source);
/* For metric_registry_add_source(); context is the source. */
void kube_source_collect(void *source, enum metric_id id, struct metric_scrape *scrape);

#endif
