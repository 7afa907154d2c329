/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_STATUS_TEXT_H
#define KUBE_STATUS_TEXT_H

/* kube_status_text: the answers of an API server that are no objects (v1 Status, or plain text), as
 * what they mean. Pure. */

#include <jansson.h>
#include <stddef.h>

#include "base/str.h"

struct kube_status {
	int code;	       /* 0: not said */
	char reason[48];       /* "Expired", "Conflict", "AlreadyExists" */
	char message[256];     /* printable, cut */
	bool is_version_ahead; /* our resourceVersion is one the server does not have yet */
	bool is_namespace_ending;
};

/* body may be anything. */
void kube_status_text_parse(struct str body, struct kube_status *ret_status);
void kube_status_text_take(const json_t *status, struct kube_status *ret_status);
/* Copies text as one printable line. */
void kube_status_text_line(struct str text, char *ret_line, size_t size);

/* Any text as a JSON string of at most max_bytes: cut between characters, and what is no UTF-8 is
 * replaced. A new reference. */
json_t *kube_status_text_json(struct str text, size_t max_bytes);

#endif
