/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STATE_FILE_H
#define STATE_FILE_H

/*
 * state_file: what the API server last said, for a start while it cannot be asked.
 *
 * The file holds Secrets as they are: it is 0600, replaced as a whole, and never larger than
 * STATE_FILE_BYTES_MAX. It is written by a thread of its own at most every STATE_FILE_GAP_S, so
 * that it may be older than what served last; objects that it knows and the API server no longer
 * has go with the first complete list. A file of another version, cut off or changed, is refused
 * as a whole.
 */

#include "model/object.h"

#define STATE_FILE_BYTES_MAX (1ULL << 30)

enum { STATE_FILE_GAP_S = 10, STATE_FILE_FAULT_BYTES = 160 };

struct state_file;

/* path is copied. NULL without memory. */
struct state_file *state_file_new(const char *path);
/* Writes what was offered and is not written yet, then ends the thread. */
void state_file_free(struct state_file *file);
/* The store as it is now, if it is another one than was written last and enough time has passed.
 * Takes references; cheap. */
void state_file_offer(struct state_file *file, const struct store *store, uint64_t now_ns);
/* When something may be offered again, monotonic; 0: nothing waits. */
uint64_t state_file_due_ns(const struct state_file *file, const struct store *store);
/* The same without waiting for the gap: before the end. */
void state_file_flush(struct state_file *file, const struct store *store);
/* Why the last writing failed, as a negative errno; 0: it did not, or none was done. */
int state_file_error(const struct state_file *file);

/*
 * Puts all objects of the file, each with is_restored, into the store. -ENOENT without a file; else
 * a negative errno and a sentence, and the store is untouched.
 */
int state_file_load(const char *path, struct store *store, size_t *ret_n,
		    char ret_fault[STATE_FILE_FAULT_BYTES]);
/* The manifest of an object, secrets and all; a new reference. NULL for one that is broken. */
json_t *state_file_document(const struct object *object);

#endif
