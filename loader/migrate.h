/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIGRATE_H
#define MIGRATE_H

/*
 * migrate: takes the pinned maps of an older layout over into the present one, while the older
 * program runs.
 *
 * Maps whose layout did not change stay the same maps: both programs use them. Those that did are
 * set aside under another pin, made anew, filled with what they held, and go when the new program
 * runs everywhere. When something fails on the way they are put back.
 */

#include "ingress.skel.h"
#include "loader.h"

enum { MIGRATE_MAPS_MAX = 16 };

struct migration {
	unsigned from; /* layout; 0: there is nothing to do */
	int old_fd[MIGRATE_MAPS_MAX];
	void *counted; /* what was copied of the old counters */
};

/* Before the maps are opened. -EPROTO is not said here but by program_open(): a layout that we know
 * no way from is left alone. */
int migrate_begin(const struct loader_options *options, struct migration *ret_migration,
		  struct loader_fault *ret_fault);
/* The new maps are there and nobody uses them yet. */
int migrate_fill(struct migration *migration, const struct ingress *skel,
		 struct loader_fault *ret_fault);
/* The new program runs everywhere, or err says why not. */
void migrate_end(const struct loader_options *options, struct migration *migration,
		 const struct ingress *skel, int err);

#endif
