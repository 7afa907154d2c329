/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHARE_H
#define SHARE_H

/*
 * share: lets a group that is not root use the kernel plane, for a proxy that never was root.
 *
 * The group may open the maps and the program that tells the time, to read and write elements. It
 * may not open the links or remove a pin: nobody but root can take the kernel plane away.
 */

#include "loader.h"

/* A name or a number. -EINVAL, told on standard error by the caller. */
int share_group(const char *text, uint32_t *ret_gid);
/* Of all that is pinned now. */
int share_with(const struct loader_options *options, uint32_t gid, struct loader_fault *ret_fault);

#endif
