// SPDX-License-Identifier: Apache-2.0
/*
 * coding: the table of codings, and the coders that are kept.
 *
 * A slot of `spare` holds one idle coder or NULL and changes by one atomic exchange, so taking and
 * giving need no lock and have no ABA. Memory is counted from the making of a coder to its end.
 */

#include "mw/coding.h"

#include <errno.h>
#include <stdatomic.h>

enum { SPARE_MAX = 16 };

static _Atomic(struct coder *) spare[CODING__COUNT][SPARE_MAX];
static atomic_size_t memory_bytes;

static const struct coding *const codings[CODING__COUNT] = {
	[CODING_GZIP] = &coding_gzip,
	[CODING_BR] = &coding_br,
	[CODING_ZSTD] = &coding_zstd,
};

const struct coding *coding_of(enum coding_id id)
{
	return codings[id];
}

enum coding_id coding_find(struct str name)
{
	for (int id = CODING_IDENTITY + 1; id < CODING__COUNT; id++)
		if (str_eq_nocase(name, codings[id]->name))
			return (enum coding_id)id;
	return CODING_IDENTITY;
}

static enum coding_id id_of(const struct coding *coding)
{
	int id = CODING_IDENTITY + 1;

	while (codings[id] != coding)
		id++;
	return (enum coding_id)id;
}

static void destroy(struct coder *coder)
{
	const struct coding *coding = coder->coding;

	coding->free(coder);
	atomic_fetch_sub_explicit(&memory_bytes, coding->memory_bytes, memory_order_relaxed);
}

static struct coder *make(const struct coding *coding)
{
	size_t n = coding->memory_bytes;
	struct coder *coder = NULL;

	if (atomic_fetch_add_explicit(&memory_bytes, n, memory_order_relaxed) + n <=
	    CODING_MEMORY_BYTES)
		coder = coding->make();
	if (coder)
		coder->coding = coding;
	else
		atomic_fetch_sub_explicit(&memory_bytes, n, memory_order_relaxed);
	return coder;
}

/* A look first: an exchange would take the cache line from others for nothing. */
static struct coder *take_spare(enum coding_id id, uint32_t near)
{
	for (uint32_t i = 0; i < SPARE_MAX; i++) {
		_Atomic(struct coder *) *slot = &spare[id][(near + i) % SPARE_MAX];
		struct coder *coder = atomic_load_explicit(slot, memory_order_relaxed);

		if (coder)
			coder = atomic_exchange_explicit(slot, NULL, memory_order_acquire);
		if (coder)
			return coder;
	}
	return NULL;
}

struct coder *coding_take(enum coding_id id, int64_t length, uint32_t near)
{
	const struct coding *coding = codings[id];
	struct coder *coder;

	if (!coding)
		return NULL;
	coder = take_spare(id, near);
	if (!coder)
		coder = make(coding);
	if (coder && coding->begin(coder, length) < 0) {
		destroy(coder);
		return NULL;
	}
	return coder;
}

int coding_write(struct coder *coder, struct str bytes, enum coding_step step,
		 struct mw_body_out *out)
{
	/* Nothing to say to the library: an empty span in the middle of a body. */
	if (!bytes.len && step == CODING_GO)
		return 0;
	return coder->coding->write(coder, bytes, step, out);
}

void coding_give(struct coder *coder, uint32_t near)
{
	if (!coder)
		return;
	enum coding_id id = id_of(coder->coding);

	for (uint32_t i = 0; i < SPARE_MAX; i++) {
		_Atomic(struct coder *) *slot = &spare[id][(near + i) % SPARE_MAX];
		struct coder *none = NULL;

		if (atomic_compare_exchange_strong_explicit(
			    slot, &none, coder, memory_order_release, memory_order_relaxed))
			return;
	}
	destroy(coder);
}
