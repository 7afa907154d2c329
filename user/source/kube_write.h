/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_WRITE_H
#define KUBE_WRITE_H

/*
 * kube_write: requests that change something on the API server: few at a time and few a second.
 * What RBAC refuses in a namespace is said once and left alone for a while; what fails for a moment
 * is done again later, later each time; what can never be is not. Part of kube_source.
 */

#include <jansson.h>

#include "base/table.h"
#include "source/kube_source.h"
#include "source/rest_client.h"

enum kube_write_kind {
	KUBE_WRITE_EVENT,
	KUBE_WRITE_INGRESS,
	KUBE_WRITE_ADDRESS,
	KUBE_WRITE_POLICY,
	KUBE_WRITE_NODE,	/* of the status of a VirtualAddress */
	KUBE_WRITE_NODE_POLICY, /* of that of a SourcePolicy */
	KUBE_WRITE__COUNT
};

enum { KUBE_WRITE_PROBLEM_BYTES = 320 };

#define KUBE_MERGE_PATCH "application/merge-patch+json"
#define KUBE_APPLY_PATCH "application/apply-patch+yaml"

struct kube_row;
struct kube_write;

struct kube_writes {
	struct kube_write *running;
	size_t n_running;
	uint64_t tokens_ns;
	struct table refused; /* "kind/namespace" */
	struct {
		uint64_t refused_until_ns; /* somewhere: for people */
		uint64_t refused_since_ns; /* 0: the last one was not */
		uint64_t pause_until_ns;
		unsigned n_pauses;
		uint64_t n_written;
	} of[KUBE_WRITE__COUNT];
	uint64_t n_failed;
	char problem[KUBE_WRITE_PROBLEM_BYTES]; /* of the newest that failed; "" */
};

struct kube_write_ask {
	enum kube_write_kind kind;
	struct kube_row *row;
	struct str namespace_;
	const char *method, *path;
	const char *content_type; /* NULL: application/json */
	const json_t *body;
	const char *again_path; /* where a POST that finds it there is patched; NULL: nowhere */
};

void kube_write_init(struct kube_writes *writes);
/* Whether such a thing may be written in that namespace now. */
bool kube_write_may(const struct kube_source *source, enum kube_write_kind kind,
		    struct str namespace_);
/* Takes one from the budget; false: it is used up. */
bool kube_write_take(struct kube_source *source);
/* False: it did not even begin. */
bool kube_write_begin(struct kube_source *source, const struct kube_write_ask *ask);
/* What was refused is tried again after a while; true: something is free again. */
bool kube_write_forgive(struct kube_source *source);
void kube_write_end(struct kube_source *source);

/* What the answer to a write means. */
enum kube_write_fate {
	KUBE_WRITE_DONE,
	KUBE_WRITE_THERE,   /* the POST found it there already */
	KUBE_WRITE_REFUSED, /* by RBAC */
	KUBE_WRITE_LATER,
	KUBE_WRITE_NEVER, /* it would be refused again */
};
enum kube_write_fate kube_write_fate_of(const struct rest_result *result);

#endif
