/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REF_H
#define REF_H

/* ref: an atomic reference count; going below zero is a bug and asserts. */

#include <stdatomic.h>
#include <stdbool.h>

#include "base/die.h"

struct ref {
	atomic_int n;
};

static inline void ref_init(struct ref *ref)
{
	atomic_init(&ref->n, 1);
}

static inline void ref_get(struct ref *ref)
{
	ASSERT(atomic_fetch_add_explicit(&ref->n, 1, memory_order_relaxed) > 0);
}

/* True when this was the last reference: the caller frees. */
static inline bool ref_put(struct ref *ref)
{
	int before = atomic_fetch_sub_explicit(&ref->n, 1, memory_order_acq_rel);

	ASSERT(before > 0);
	return before == 1;
}

#endif
