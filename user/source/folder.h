/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FOLDER_H
#define FOLDER_H

/*
 * folder: a folder of manifests (*.yaml, *.yml, *.json; not hidden ones, no subfolders) as a source
 * of objects, watched with inotify. In-place writes, atomic renames, deletions, the swap of
 * Kubernetes' ..data link and the replacement of the folder itself are all seen.
 *
 * Nothing is lost to a file that is being written: one that cannot be parsed or read keeps its last
 * good objects, and the fault is told at every read until it is gone. An object that parses but is
 * invalid is broken itself. Of several objects with one id that of the first file by name counts.
 * One thread.
 */

#include "model/object.h"
#include "source/manifest_file.h"

struct folder;

struct folder_options {
	const char *path;
	enum manifest_form form;
	const char *only; /* the name of the one file that counts; NULL: all */
};

/* NULL with a negative errno when there is no such folder, or it cannot be watched. Texts are
 * copied. */
struct folder *folder_open(const struct folder_options *options, int *ret_error);
void folder_close(struct folder *folder);
/* For epoll: readable when folder_read should be called. */
int folder_fd(const struct folder *folder);
/*
 * Reads what changed and brings the store up to date. Returns 1 when the store or the faults
 * changed, 0 when not. sink gets all faults of now that belong to no object: files, documents
 * without a name, duplicates.
 */
int folder_read(struct folder *folder, struct store *store, struct diag_sink *sink);

struct folder_stats {
	size_t n_files, n_objects;
	uint64_t n_reads, n_changes; /* of files, since folder_open */
};
struct folder_stats folder_stats(const struct folder *folder);

#endif
