/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEALTH_H
#define HEALTH_H

/*
 * health: probes the servers of services that ask for it (reference d.3), on one worker's loop.
 *
 * Every service has two rounds: at each interval all servers that are up are asked, one after the
 * other, at each unhealthyInterval those that are down. No round runs at once: a server is up until
 * a probe says otherwise. Rounds go on over updates as if nothing had happened; what they found is
 * kept by the servers themselves (plan/live.h).
 */

struct worker;
struct health;

/* Follows the worker's current snapshot: call after each change. The first call makes it. */
void health_adopt(struct worker *worker);
/* Ends all of it. NULL is allowed. */
void health_free(struct health *health);

#endif
