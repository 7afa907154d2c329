/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PIN_H
#define PIN_H

/* pin: the folder in bpffs where everything that the loader makes stays. */

#include <limits.h>

#include "loader.h"

/* "FOLDER/NAME"; dots, which bpffs refuses, become commas (eth0.100). */
int pin_path(const struct loader_options *options, const char *name, char ret_path[PATH_MAX]);
const char *pin_folder(const struct loader_options *options);
/*
 * Makes the folder (mode 0700), mounting bpffs where it is missing, and locks it against another
 * loader until the returned descriptor is closed.
 */
int pin_open_folder(const struct loader_options *options, struct loader_fault *ret_fault);
/* Pins fd in place of whatever has that name, in one step. */
int pin_replace(const struct loader_options *options, int fd, const char *name);
/* The pinned object's descriptor, or -ENOENT and other errnos. */
int pin_get(const struct loader_options *options, const char *name);
/* Calls fn for each pin whose name begins with prefix, until it returns non-zero; returns that. */
int pin_each(const struct loader_options *options, const char *prefix,
	     int (*fn)(const char *name, const char *path, void *user), void *user);

#endif
