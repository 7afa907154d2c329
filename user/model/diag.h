/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIAG_H
#define DIAG_H

/*
 * diag: faults of manifests and options, all of them, each with object, field, what was expected,
 * what was found and a suggestion. A sink collects them; whoever decides what happens next prints
 * or logs them once.
 */

#include <jansson.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

enum diag_level { DIAG_WARNING, DIAG_ERROR };

/* Words for node_reason. */
#define DIAG_NODE_OFF  "KernelPlaneOff"
#define DIAG_NODE_FULL "NoRoom"

enum {
	DIAG_MAX = 1000,
	DIAG_FOUND_MAX = 80
}; /* diags kept by a sink; bytes of `found` that are shown */

struct diag {
	enum diag_level level;
	struct str object;     /* "Middleware/shop/auth" (kind/namespace/name) or an option file */
	struct str field;      /* "spec.routes[0].match", empty for the whole object */
	struct str message;    /* one sentence, lower case, no final period */
	struct str expected;   /* may be empty */
	struct str found;      /* may be empty; escaped and cut when printed; never a secret */
	struct str suggestion; /* "did you mean stripPrefix?", may be empty */
	struct str file;       /* where the object came from, may be empty */
	size_t line;	       /* 1.., 0 unknown */
	bool unsupported;      /* about something that Traefik does and we do not */
	bool is_conflict;      /* another object has what this one asks for */
	/* In one word, static: about this node, the object itself may be whole; NULL: not so. */
	const char *node_reason;
};

struct diag_sink {
	struct arena *arena; /* owns every text */
	struct diag *at;
	size_t n, cap;
	size_t n_errors, n_warnings;
	/* Context given to diags that are added next. */
	struct str object, file;
	size_t line;
};

/* A JSON path as a chain on the stack; printed only when there is something to say. */
struct diag_path {
	const struct diag_path *parent;
	const char *name; /* field, or NULL for an index */
	size_t name_len;  /* 0: strlen */
	size_t index;
};

#define DIAG_FIELD(parent_, name_)  (&(struct diag_path){.parent = (parent_), .name = (name_)})
#define DIAG_INDEX(parent_, index_) (&(struct diag_path){.parent = (parent_), .index = (index_)})

void diag_init(struct diag_sink *sink, struct arena *arena);
/* Sets the object (and file, line) that the next diags are about. Strings are copied. */
void diag_about(struct diag_sink *sink, struct str object, struct str file, size_t line);
/* Adds one; format is the message. The returned diag may be completed (expected, found,
 * suggestion). Beyond DIAG_MAX, or without memory, it is counted but not kept. */
struct diag *diag_error(struct diag_sink *sink, const struct diag_path *path, const char *format,
			...) __attribute__((format(printf, 3, 4)));
struct diag *diag_warning(struct diag_sink *sink, const struct diag_path *path, const char *format,
			  ...) __attribute__((format(printf, 3, 4)));
/* Arena-printed texts for the members of a diag; never NULL diag. */
void diag_expected(struct diag_sink *sink, struct diag *diag, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void diag_found(struct diag_sink *sink, struct diag *diag, struct str found);
void diag_suggest(struct diag_sink *sink, struct diag *diag, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* "spec.routes[0].match" */
struct str diag_path_print(const struct diag_path *path, struct arena *arena);
/* One diag as readable lines / as a JSON object (new reference). */
void diag_print(const struct diag *diag, struct buf *buf);
json_t *diag_to_json(const struct diag *diag);

#endif
