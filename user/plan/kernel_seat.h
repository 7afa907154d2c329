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
/* Entries that are nobody's, in free slots from the last one down; -ENOSPC. The end of tunnels at
 * an address of ours, and somebody who may send some. */
int kernel_seat_tunnel(struct kernel_seats *seats, const struct addr *self);
int kernel_seat_peer(struct kernel_seats *seats, const struct addr *peer);
/* Where answers to translated flows arrive: a range of ports. */
int kernel_seat_answer(struct kernel_seats *seats, const struct addr *self, uint16_t first,
		       uint16_t last);
/* An address of services, which answers an echo. */
int kernel_seat_echo(struct kernel_seats *seats, const struct addr *addr);
/* After the last entry: fills in image->ports, image->vips and the entries' next. */
int kernel_seats_fill(struct kernel_seats *seats);

#endif
