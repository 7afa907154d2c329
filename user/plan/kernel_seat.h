/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNEL_SEAT_H
#define KERNEL_SEAT_H

/*
 * kernel_seat: the lines by which a packet finds its entry: "port" and "vip", from the entries of
 * an image. Pure.
 */

#include "plan/kernel_image.h"

struct kernel_seats;

/* NULL without memory. */
struct kernel_seats *kernel_seats_new(struct kernel_image *image, const __u64 seed[2],
				      struct arena *arena);
/* Entries that are nobody's, in free slots from the last one down: the end of tunnels at an address
 * of ours, and somebody who may send some. -ENOSPC */
int kernel_seat_tunnel(struct kernel_seats *seats, const struct addr *self);
int kernel_seat_peer(struct kernel_seats *seats, const struct addr *peer);
/* After the last entry: fills in image->ports, image->vips and the entries' next. */
int kernel_seats_fill(struct kernel_seats *seats);

#endif
