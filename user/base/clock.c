// SPDX-License-Identifier: Apache-2.0
/* clock: the system's clocks as one word of nanoseconds. */

#include "base/clock.h"

#include <time.h>

#include "base/die.h"

static uint64_t now_ns(clockid_t id)
{
	struct timespec now;

	ASSERT(clock_gettime(id, &now) == 0);
	return (uint64_t)now.tv_sec * NS_PER_SEC + (uint64_t)now.tv_nsec;
}

uint64_t clock_mono_ns(void)
{
	return now_ns(CLOCK_MONOTONIC);
}

uint64_t clock_wall_ns(void)
{
	return now_ns(CLOCK_REALTIME);
}
