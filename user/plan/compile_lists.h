/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMPILE_LISTS_H
#define COMPILE_LISTS_H

/* compile_lists: the lists of a snapshot, made from what the units have become. */

#include "plan/compile_unit.h"
#include "plan/router.h"

/* All drafts into c->drafts, in the order in which units are listed. */
bool compile_lists_drafts(struct compile *c);
/* Routes, services and what is probed, sorted. */
void compile_lists_all(struct compile *c);
void compile_lists_diags(struct compile *c);
/* The last snapshot's: nothing that was made anew has or had any. */
void compile_lists_same_diags(struct compile *c, const struct snapshot *last);
/* Whether all that was made anew can stand in the places of what it was before. */
bool compile_lists_fit(const struct compile *c);
/* Lists and routers of the last snapshot, with the new in the places of the old. */
bool compile_lists_swap(struct compile *c, const struct snapshot *last);

#endif
