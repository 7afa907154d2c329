/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_SOURCE_STATE_H
#define KUBE_SOURCE_STATE_H

/* kube_source_state: what the files of kube_source share; nobody else includes it. */

#include <pthread.h>

#include "source/kube_crd.h"
#include "source/kube_duty.h"
#include "source/kube_exec.h"
#include "source/kube_follow.h"
#include "source/kube_refs.h"
#include "source/kube_source.h"
#include "source/kube_watch.h"

enum { KUBE_GROUPS_MAX = 8 };

/* A watch and the request that serves it. */
struct kube_slot {
	struct kube_source *source;
	struct kube_watch *watch;
	struct kube_slot *next;
	bool is_named; /* for one object that others name */
	bool is_whole; /* for all of a namespace, where too many are named */
};

/* A question that is asked from time to time. */
struct kube_question {
	struct kube_source *source;
	struct rest_request *request;
	const char *api_version; /* of discovery */
	uint64_t due_ns, asked_ns;
	unsigned n_asked;
};

struct kube_source {
	const struct static_config *config;
	struct kube_config kube;
	struct rest_client *client;
	struct kube_exec *exec;
	struct kube_hub hub;
	struct kube_refs refs;
	struct kube_duty duty;
	struct kube_crd crd;
	struct kube_slot *slots;
	size_t n_slots, n_named;
	struct store *store; /* of the read that runs */
	int epoll_fd, timer_fd;
	bool is_committed; /* the store has everything */
	/* What an earlier life said of these kinds still counts. */
	bool keeps_restored[KIND__COUNT];
	bool has_identity;	   /* an exec plug-in has answered, or there is none */
	struct kube_slot *scout;   /* asks alone while the server is lost */
	struct kube_slot *by_type; /* the watch of all TLS Secrets, when names are too many */
	/* The connection as a whole. */
	unsigned n_down; /* attempts since it was lost; 0: it is there */
	uint64_t down_until_ns, down_since_ns, answered_ns, identity_due_ns;
	char down_message[KUBE_FAULT_BYTES];
	struct kube_question probe, revision, groups[KUBE_GROUPS_MAX];
	size_t n_groups;
	uint64_t faults_hash, now_ns, refs_followed;
	size_t by_type_known;
	uint32_t seed;
	uint64_t n_reconnects, n_backwards;
	pthread_mutex_t lock;
};

/* kube_source.c */
struct kube_slot *kube_source_add_watch(struct kube_source *source,
					const struct kube_watch_options *options);
int kube_source_add_kind(struct kube_source *source, enum kind kind, struct str field_selector);
void kube_source_remove_slot(struct kube_source *source, struct kube_slot *slot);
/* Whether one of the providers reads the namespace. */
bool kube_source_reaches(const struct kube_source *source, struct str namespace_);

/* kube_health.c */
void kube_health_answered(struct kube_source *source);
void kube_health_lost(struct kube_source *source, const char *message);
/* Whether a request may begin now. */
bool kube_health_may_ask(const struct kube_source *source);
void kube_health_tick(struct kube_source *source);
void kube_health_free(struct kube_source *source);
uint32_t kube_health_random(struct kube_source *source, uint32_t below);

/* kube_tell.c */
void kube_tell_faults(struct kube_source *source, struct diag_sink *sink);

#endif
