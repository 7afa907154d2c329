/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MIRROR_H
#define MIRROR_H

/*
 * mirror: copies of a request to the further children of a mirroring service (reference d.2).
 *
 * Who gets one is decided when the choice passes the service; they are sent one after the other
 * once the client has its answer, from memory of their own, and what comes back is dropped. So they
 * cost the client nothing. How many run at once is bounded; one too many is not sent.
 */

#include "proxy/exchange.h"

enum { MIRRORS_RUNNING_MAX = 256 }; /* of one worker */

struct mirror;

/* NULL: nobody gets a copy of this one (or no memory). Lives in the exchange's arena. */
struct mirror *mirror_choose(struct exchange *exchange, const struct service *service);
/* The answer was handed over: the copies go out. The body that was kept changes hands. */
void mirror_start(struct exchange *exchange, struct mirror *mirror);
/* The worker ends: those that still run are given up. */
void mirror_stop_all(struct worker *worker);

#endif
