/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_SWEEP_H
#define KERNEL_SWEEP_H

/*
 * kernel_sweep: forgets flows that are over, takes marks off slots that no flow needs, and lets
 * backends go that were taken out and have no flow left. Pure: the caller walks the map "stick", in
 * as many steps as it likes, and deletes what it is told to.
 */

#include "plan/kernel_fleet.h"

/* A flow of which nothing was seen for so long is over. */
#define KERNEL_SWEEP_TCP_NS   (3600ULL * 1000000000)
#define KERNEL_SWEEP_OTHER_NS (180ULL * 1000000000)

/* Whether there is anything to sweep: a mark, an open window or a backend that was taken out. */
bool kernel_sweep_is_due(const struct kernel_fleet *fleet);
/* -ENOMEM. now_ns: the clock of kernel_fleet_commit; kernel_now_ns below: the program's. */
int kernel_sweep_begin(struct kernel_fleet *fleet, uint64_t now_ns);
/* False: it is to be deleted. */
bool kernel_sweep_see(struct kernel_fleet *fleet, const struct abi_stick_key *key,
		      const struct abi_stick *stick, uint64_t kernel_now_ns);
/* True: settle is due after packets have left. */
bool kernel_sweep_end(struct kernel_fleet *fleet);

#endif
