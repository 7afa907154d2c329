/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_FOLLOW_H
#define KUBE_FOLLOW_H

/*
 * kube_follow: the watches of what objects name, Secrets and ConfigMaps: one for each name, as long
 * as they are few. Of very many names TLS Secrets are watched by their type, and where one
 * namespace has many, all of that namespace: however much is named there, and whether it exists or
 * not, it costs one watch. One thread.
 */

struct kube_source;

enum {
	KUBE_NAMED_MAX = 80,		  /* names, before there is one watch by type */
	KUBE_NAMED_IN_NAMESPACE_MAX = 32, /* before there is one of all in it */
	KUBE_NAMED_TOTAL_MAX = 1024,	  /* then every further one is by namespace */
};

/* Begins and ends watches, so that they are what objects name now. */
void kube_follow_refs(struct kube_source *source);

#endif
