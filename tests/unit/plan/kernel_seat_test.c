// SPDX-License-Identifier: Apache-2.0
/* kernel_seat: tunnels and peers take free slots from the last one down. What packets find is told
 * by kernel_image_test. */
#include "plan/kernel_seat.h"

#include <errno.h>

#include "check.h"

static void tunnels_and_peers_take_the_last_slots(void **state)
{
	static struct kernel_image image;
	const __u64 seed[2] = {1, 2};
	struct addr addr = {0};
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20, 0);
	memset(&image, 0, sizeof(image));
	image.entries[ABI_ENTRIES - 2].target = ABI_TARGET_LOCAL;
	image.entries[ABI_ENTRIES - 2].proto = IPPROTO_TCP;
	struct kernel_seats *seats = kernel_seats_new(&image, seed, &arena);

	CHECK_INT("peer", kernel_seat_peer(seats, &addr), 0);
	CHECK_INT("tunnel", kernel_seat_tunnel(seats, &addr), 0);
	CHECK_INT("last", image.entries[ABI_ENTRIES - 1].target, ABI_TARGET_PEER);
	CHECK_INT("an entry's", image.entries[ABI_ENTRIES - 2].target, ABI_TARGET_LOCAL);
	CHECK_INT("tunnel", image.entries[ABI_ENTRIES - 3].target, ABI_TARGET_DECAP);
	for (int i = 6; i < ABI_ENTRIES; i++)
		CHECK_INT("peer", kernel_seat_peer(seats, &addr), 0);
	CHECK_INT("full", kernel_seat_peer(seats, &addr), -ENOSPC);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tunnels_and_peers_take_the_last_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
