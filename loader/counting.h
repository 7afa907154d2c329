/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COUNTING_H
#define COUNTING_H

/*
 * counting: the program that counts each source's open connections, beside the XDP program.
 *
 * It needs a kernel that lets tracing programs be loaded; without it everything else works, and
 * limits of connections are not enforced.
 */

#include "loader.h"

/* Starts it, in place of an older one, and tells the maps so. 0 or a negative errno. */
int counting_start(const struct loader_options *options);
/* Whether the kernel would take it. */
int counting_try(void);

#endif
