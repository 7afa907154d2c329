/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GIVEN_H
#define GIVEN_H

/* given: manifests that somebody names on a command line: a file, the files of a folder, or
 * standard input ("-"). */

#include "model/object.h"

/* What becomes of each object; it belongs to the caller of given_read for the time of the call. */
struct given {
	void *context;
	bool is_deleted;
	void (*each)(void *context, struct object *object, bool is_deleted);
};

/* 0, or a negative errno when path cannot be read. Faults of its text go to sink. */
int given_read(struct str path, const struct given *given, struct diag_sink *sink);

#endif
