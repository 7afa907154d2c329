/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROGRAM_H
#define PROGRAM_H

/* program: opens the embedded object so that it takes over the pinned maps, or makes and pins new
 * ones. */

#include "ingress.skel.h"
#include "loader.h"

/*
 * Opened, not loaded yet: the maps' pins and sizes are set. The caller loads it (itself or through
 * libxdp), calls program_ready() and frees it with ingress__destroy(). -EPROTO when the pinned maps
 * have another layout.
 */
int program_open(const struct loader_options *options, struct ingress **ret_skel,
		 struct loader_fault *ret_fault);
/* The embedded object, opened; NULL and errno. That of tc has the same maps, variables and
 * programs, so the same struct describes it. */
struct ingress *program_object(bool is_tc);
/* The same for the object of tc, with program arrays of its own, since they hold one type. */
int program_open_tc(const struct loader_options *options, struct ingress **ret_skel,
		    struct loader_fault *ret_fault);
/* After loading: puts our other programs into the map "stage", and fills in "control" when the maps
 * are new. */
int program_ready(struct ingress *skel, struct loader_fault *ret_fault);
/* Why the kernel refused, as one sentence. Returns err. */
int program_refused(int err, struct loader_fault *ret_fault);

#endif
