/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOURCES_H
#define SOURCES_H

/*
 * sources: all that the options name as sources of objects, as one: the manifests folder, and
 * Traefik's own files (providers.file), and the folder of lists (listsDirectory). Their objects
 * cannot collide: those of files are in a namespace of their own. One thread.
 */

#include "model/static_config.h"
#include "source/folder.h"

struct sources;

/* Whether the options name any. */
bool sources_are_named(const struct static_config *config);
/* NULL with a negative errno and the path that could not be opened. */
struct sources *sources_open(const struct static_config *config, struct str *ret_path,
			     int *ret_error);
void sources_close(struct sources *sources);
/* For poll: readable when sources_read should be called. */
int sources_fd(const struct sources *sources);
/* As folder_read(), for all of them. */
int sources_read(struct sources *sources, struct store *store, struct diag_sink *sink);
/* Whether each of them has said everything once: what is in the store is the configuration. */
bool sources_listed(const struct sources *sources);

#endif
