// SPDX-License-Identifier: Apache-2.0
/* given: see given.h. Texts are taken as the manifests folder takes them. */
#include "app/given.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "source/manifest_file.h"

enum { TEXT_MAX_BYTES = 64 << 20 };

static void copy_diags(struct diag_sink *to, const struct diag_sink *from)
{
	for (size_t i = 0; i < from->n; i++) {
		const struct diag *told = &from->at[i];
		struct diag *diag =
			told->level == DIAG_ERROR
				? diag_error(to, NULL, STR_FMT, STR_ARG(told->message))
				: diag_warning(to, NULL, STR_FMT, STR_ARG(told->message));

		diag->file = arena_str(to->arena, told->file);
		diag->line = told->line;
	}
}

static void hand_out(const struct manifest_file *file, const struct given *given,
		     struct diag_sink *sink)
{
	for (size_t i = 0; i < file->n_chunks; i++) {
		const struct manifest_chunk *chunk = file->chunks[i];

		copy_diags(sink, &chunk->faults);
		for (size_t k = 0; k < chunk->n_objects; k++)
			given->each(given->context, chunk->objects[k], given->is_deleted);
	}
}

static int take(const char *folder, const char *name, struct str text, const struct given *given,
		struct diag_sink *sink)
{
	struct manifest_file file;
	bool lost;

	manifest_file_init(&file, MANIFEST_OBJECTS, folder, name);
	if (manifest_file_take(&file, text, false, &lost) < 0) {
		diag_about(sink, str_of(file.path), str_of(file.path), file.fault_line);
		diag_error(sink, NULL, "%s", file.fault);
	} else {
		hand_out(&file, given, sink);
	}
	manifest_file_done(&file);
	return 0;
}

static int read_file(const char *folder, const char *name, const struct given *given,
		     struct diag_sink *sink)
{
	char path[PATH_MAX];
	struct buf text;

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	buf_init(&text, TEXT_MAX_BYTES);
	int rc = file_read(path, &text);

	if (rc == 0)
		rc = take(folder, name, buf_str(&text), given, sink);
	buf_done(&text);
	return rc;
}

static int read_folder(const char *path, const struct given *given, struct diag_sink *sink)
{
	struct dirent **names;
	int n = scandir(path, &names, NULL, alphasort), rc = n < 0 ? -errno : 0;

	for (int i = 0; i < n; i++) {
		if (rc == 0 && manifest_file_is_name(names[i]->d_name, MANIFEST_OBJECTS))
			rc = read_file(path, names[i]->d_name, given, sink);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return rc;
}

static int read_input(const struct given *given, struct diag_sink *sink)
{
	struct buf text;
	char block[65536];
	size_t n;

	buf_init(&text, TEXT_MAX_BYTES);
	while ((n = fread(block, 1, sizeof(block), stdin)) > 0)
		buf_add(&text, str_n(block, n));
	int rc = ferror(stdin) ? -EIO : take("-", "stdin.yaml", buf_str(&text), given, sink);

	buf_done(&text);
	return rc;
}

int given_read(struct str path, const struct given *given, struct diag_sink *sink)
{
	char text[PATH_MAX];
	struct stat facts;

	if (str_eq(path, STR("-")))
		return read_input(given, sink);
	if (snprintf(text, sizeof(text), STR_FMT, STR_ARG(path)) >= (int)sizeof(text))
		return -ENAMETOOLONG;
	if (stat(text, &facts))
		return -errno;
	if (S_ISDIR(facts.st_mode))
		return read_folder(text, given, sink);

	char *slash = strrchr(text, '/');

	if (!slash)
		return read_file(".", text, given, sink);
	*slash = '\0';
	return read_file(slash == text ? "/" : text, slash + 1, given, sink);
}
