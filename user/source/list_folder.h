/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIST_FOLDER_H
#define LIST_FOLDER_H

/*
 * list_folder: the operator's folder of lists of addresses, watched with inotify, as a source of
 * ConfigMaps: one for each file, in a namespace that no object can have. No subfolders, no hidden
 * files, nothing that a link leads to outside of the folder.
 *
 * A file is read when a writer closed it, when it was renamed into place, or when a link (of a
 * mounted ConfigMap) leads to another one: never half of it. One thread.
 */

#include "model/object.h"

#define LIST_FOLDER_NAMESPACE "(lists)"
#define LIST_FOLDER_KEY	      "list"

enum { LIST_FOLDER_MAX_BYTES = 128 << 20 };

struct list_folder;

/* NULL with a negative errno when there is no such folder, or it cannot be watched. */
struct list_folder *list_folder_open(const char *path, int *ret_error);
void list_folder_close(struct list_folder *folder);
/* For poll: readable when list_folder_read should be called. */
int list_folder_fd(const struct list_folder *folder);
/* Brings the store up to date. Returns 1 when it changed; sink gets files that cannot be read. */
int list_folder_read(struct list_folder *folder, struct store *store, struct diag_sink *sink);

#endif
