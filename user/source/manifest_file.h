/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MANIFEST_FILE_H
#define MANIFEST_FILE_H

/*
 * manifest_file: the text of one manifest file -> its objects, again and again. Texts are cut into
 * documents; one whose text is as before keeps its objects, so that a change costs what changed,
 * not what there is. Whoever reads files gives the text; only files that an entry of Traefik's form
 * names (users, certificates) are read here.
 */

#include "model/object.h"

/* One document of the file, or the whole of a JSON file. */
struct manifest_chunk {
	uint64_t text_hash;
	size_t text_len, line;
	struct object **objects; /* a reference to each */
	size_t n_objects, cap_objects;
	struct arena arena;	 /* of faults */
	struct diag_sink faults; /* of documents that could not be named */
	bool has_faults;	 /* these or the objects' */
	bool taken_over;	 /* while a text is taken */
};

/* What the texts are. */
enum manifest_form {
	MANIFEST_OBJECTS, /* Kubernetes-shaped */
	MANIFEST_TRAEFIK, /* Traefik's own file format (model/file_format.h) */
};

enum manifest_syntax { MANIFEST_YAML, MANIFEST_JSON, MANIFEST_TOML };

struct manifest_file {
	char *path, *name;
	enum manifest_form form;
	enum manifest_syntax syntax;
	struct manifest_chunk **chunks;
	size_t n_chunks;
	/* The fault of the newest text, when it could not be used: chunks are those of the last
	 * good one. */
	char fault[192];
	size_t fault_line;
};

void manifest_file_init(struct manifest_file *file, enum manifest_form form, const char *folder,
			const char *name);
void manifest_file_done(struct manifest_file *file);
/*
 * Takes a new text. 0; or negative, with fault set and everything as it was. *ret_lost: an object
 * that was there is gone. With keep_if_lost such a text is not taken (-EAGAIN).
 */
int manifest_file_take(struct manifest_file *file, struct str text, bool keep_if_lost,
		       bool *ret_lost);
/* Whether the name is that of a manifest: *.yaml, *.yml, *.json (*.toml too in Traefik's form), not
 * hidden, no editor's copy. */
bool manifest_file_is_name(const char *name, enum manifest_form form);

#endif
