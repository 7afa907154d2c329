/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_SPLIT_H
#define KUBE_SPLIT_H

/*
 * kube_split: the bytes of an API server's answer -> its pieces, wherever chunks end: the lines of
 * a watch, and the items of a list, of which there may be more than one would hold at once.
 *
 * Both are bounded: a piece that is longer than allowed is dropped and counted, and the next one is
 * as good as ever. Pure; one thread.
 */

#include "base/buf.h"

enum {
	KUBE_PIECE_MAX_BYTES = 16 << 20, /* etcd keeps at most 1.5 MiB of an object */
	KUBE_REST_MAX_BYTES = 1 << 20,	 /* what a list says beside its items */
};

/* Gets one piece; false ends the splitting (the rest of the answer is not looked at). */
typedef bool kube_piece_fn(void *context, struct str piece);

struct kube_lines {
	struct buf line; /* what came of the newest */
	size_t max_bytes;
	bool too_long; /* the rest of it is dropped */
	uint64_t n_dropped;
};

void kube_lines_init(struct kube_lines *lines, size_t max_bytes);
void kube_lines_done(struct kube_lines *lines);
/* False when each said so. Empty lines are no pieces. */
bool kube_lines_push(struct kube_lines *lines, struct str bytes, kube_piece_fn *each,
		     void *context);
/* What follows the last newline: an event that was cut. */
struct str kube_lines_rest(const struct kube_lines *lines);

/* The state of a list that comes in. */
struct kube_items {
	struct buf item; /* what came of the newest */
	struct buf rest; /* the list without its items */
	struct buf key;	 /* the newest key of the list */
	size_t max_bytes;
	int depth;
	bool in_string, escaped, in_key, is_value, in_items;
	bool ended, too_long, broken;
	uint64_t n_dropped;
};

void kube_items_init(struct kube_items *items, size_t max_bytes);
void kube_items_done(struct kube_items *items);
bool kube_items_push(struct kube_items *items, struct str bytes, kube_piece_fn *each,
		     void *context);
/* The list came to its end and had the form of one; kube_items.rest is a JSON document then. */
bool kube_items_complete(const struct kube_items *items);

#endif
