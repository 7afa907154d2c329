/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODING_H
#define CODING_H

/*
 * coding: content codings (RFC 9110 8.4) as one small interface: gzip by zlib, br by libbrotli,
 * zstd by libzstd.
 *
 * A coder compresses one body, piece by piece, and what it has taken can be asked out at any time.
 * Coders cost more to make than a small body costs to compress, so a few are kept for reuse, for
 * all threads, without a lock; and they are large (0.3 to 2 MB), so all that exist together are
 * held to CODING_MEMORY_BYTES: beyond that there is none to be had, and bodies go as they are.
 */

#include <stdbool.h>
#include <stdint.h>

#include "mw/mw.h"

enum coding_id { CODING_IDENTITY, CODING_GZIP, CODING_BR, CODING_ZSTD, CODING__COUNT };

enum coding_step {
	CODING_GO,    /* more may follow */
	CODING_FLUSH, /* all that was given must be readable from what was written */
	CODING_END,   /* nothing follows */
};

enum { CODING_MEMORY_BYTES = 512 << 20 };

struct coder;

/* What one coding does; in coding_gzip.c, coding_br.c, coding_zstd.c. A coder begins with struct
 * coder. */
struct coding {
	struct str name;
	size_t memory_bytes; /* of one coder, about */
	struct coder *(*make)(void);
	/* Makes it ready for a body of length bytes (-1: unknown). */
	int (*begin)(struct coder *coder, int64_t length);
	int (*write)(struct coder *coder, struct str bytes, enum coding_step step,
		     struct mw_body_out *out);
	void (*free)(struct coder *coder);
};

struct coder {
	const struct coding *coding;
};

extern const struct coding coding_gzip, coding_br, coding_zstd;

/* NULL for identity. */
const struct coding *coding_of(enum coding_id id);
/* By its name, without case (RFC 9110 8.4.1); CODING_IDENTITY when it is not known. */
enum coding_id coding_find(struct str name);

/* A coder for a body of length bytes (-1: unknown); NULL: none to be had. near: the index of the
 * worker, which finds its own again. */
struct coder *coding_take(enum coding_id id, int64_t length, uint32_t near);
/* 0, or -ENOMEM when out could not take it. */
int coding_write(struct coder *coder, struct str bytes, enum coding_step step,
		 struct mw_body_out *out);
/* Accepts NULL, and a coder whose body is not at its end. */
void coding_give(struct coder *coder, uint32_t near);

#endif
