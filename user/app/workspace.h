/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WORKSPACE_H
#define WORKSPACE_H

/* workspace: a manifests folder read and compiled once, for the commands that look without serving.
 */

#include "app/command.h"
#include "model/object.h"
#include "plan/compile.h"
#include "plan/snapshot.h"

struct workspace {
	struct arena arena;
	struct diag_sink files;	     /* faults of files and options */
	struct static_config config; /* the line's, perhaps with assumed entry points */
	struct store store;
	struct registry *registry;
	struct tls_cache *tls; /* certificates and TLS options have faults, too */
	struct snapshot *snapshot;
};

/* Prints why and returns an exit code when it cannot be done; faults of manifests are not such a
 * reason. */
int workspace_open(const struct command_line *line, struct workspace *ret_workspace);
void workspace_close(struct workspace *workspace);

#endif
