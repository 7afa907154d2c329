/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DATAPLANE_GRACE_H
#define DATAPLANE_GRACE_H

/*
 * dataplane_grace: waits until packets have left the program, in a thread of its own: that takes 5
 * to 50 ms, in which other changes need not wait. Without the thread the caller waits.
 */

#include <stdbool.h>
#include <stdint.h>

struct dataplane_grace;

/* NULL without memory. */
struct dataplane_grace *dataplane_grace_new(void);
void dataplane_grace_free(struct dataplane_grace *grace);
/* Begins to wait for every packet that is in the program now. Returns the number of that wait. */
uint64_t dataplane_grace_begin(struct dataplane_grace *grace);
bool dataplane_grace_is_over(struct dataplane_grace *grace, uint64_t number);
/* Returns when it is over. */
void dataplane_grace_wait(struct dataplane_grace *grace, uint64_t number);

/* Returns when every packet that is in the program now has left it. */
void dataplane_wait_for_packets(void);

#endif
