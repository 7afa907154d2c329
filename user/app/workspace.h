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

/* Prints why and returns an exit code (EXIT_UNREAD, EXIT_USAGE) when it cannot be done; faults of
 * manifests are not such a reason. */
int workspace_open(const struct command_line *line, struct workspace *ret_workspace);
/*
 * The same again, as if files and folders of manifests had been applied (with) and the objects of
 * others deleted (without); "-" is standard input. Prints why and returns an exit code when one of
 * them cannot be read.
 */
int workspace_open_changed(const struct command_line *line, const struct workspace *before,
			   const struct strs *with, const struct strs *without,
			   struct workspace *ret_workspace);
/* Every fault: of files, of objects, of compiling. */
void workspace_each_sink(const struct workspace *workspace,
			 void (*each)(void *context, const struct diag_sink *sink), void *context);
void workspace_close(struct workspace *workspace);

#endif
