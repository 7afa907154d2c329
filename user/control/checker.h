/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CHECKER_H
#define CHECKER_H

/*
 * checker: the active checks of backends that the kernel plane sends to (VirtualAddress), and of
 * TCP servers (reference d.3), on a thread of their own.
 *
 * What is found is kept in plan/live.h: the proxy sees it at once; whoever compiles is told by
 * on_change that something is different, and makes backends DEAD or ACTIVE. Checks go on over
 * updates as if nothing had happened: a check is known by the member whose state it finds out.
 */

#include "plan/snapshot.h"

struct checker;

/* on_change is called on the checker's thread. 0 or a negative errno. */
int checker_new(void (*on_change)(void *context), void *context, struct checker **ret_checker);
/* From now on what this snapshot says is checked; takes a reference of its own. Any thread. */
void checker_follow(struct checker *checker, struct snapshot *snapshot);
/* NULL is allowed. */
void checker_free(struct checker *checker);

#endif
