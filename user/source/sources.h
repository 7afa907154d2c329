/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOURCES_H
#define SOURCES_H

/*
 * sources: all that the options name as sources of objects, as one: the manifests folder, an API
 * server, Traefik's own files (providers.file), and the folder of lists (listsDirectory). Objects
 * of files cannot collide with others: they are in a namespace of their own. One thread.
 */

#include "model/static_config.h"
#include "source/folder.h"
#include "source/kube_source.h"

struct sources;

/* Whether the options name any. */
bool sources_are_named(const struct static_config *config);
enum { SOURCES_FAULT_BYTES = KUBE_FAULT_BYTES };

/* NULL with a negative errno, the path that could not be opened, and a sentence ("" when errno says
 * it all). config must stay; privileges must still be there. */
struct sources *sources_open(const struct static_config *config, struct str *ret_path,
			     char *ret_fault, int *ret_error);
void sources_close(struct sources *sources);
/* What is wrong with objects, for those who wrote them: see kube_source_tell(). */
void sources_tell(struct sources *sources, const struct store *store,
		  const struct diag_sink *diags);
/* What is in the store is in force; with a fault, not in the kernel plane. */
void sources_in_force(struct sources *sources, const struct store *store,
		      const struct kube_kernel_fault *fault);
/* See kube_source_interfaces(). */
void sources_interfaces(struct sources *sources, const char *message, bool is_lost);
/* The API server among them; NULL: none. */
struct kube_source *sources_kube(const struct sources *sources);
/* For poll: readable when sources_read should be called. */
int sources_fd(const struct sources *sources);
/* As folder_read(), for all of them. */
int sources_read(struct sources *sources, struct store *store, struct diag_sink *sink);
/* Whether each of them has said everything once: what is in the store is the configuration. */
bool sources_listed(const struct sources *sources);
/* Reads until that is so, or the time is up: 0 or -ETIMEDOUT; -EHOSTUNREACH soon when the API
 * server never answers. For those who look once. */
int sources_settle(struct sources *sources, struct store *store, struct diag_sink *sink,
		   uint64_t timeout_ns);

#endif
