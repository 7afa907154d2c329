/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PLANE_H
#define PLANE_H

/*
 * plane: the real kernel plane for tests: loaded, not attached, not pinned, with a clock that the
 * test owns. Packets go through BPF_PROG_TEST_RUN.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingress.skel.h"
#include "loader_maps.h"

enum {
	PLANE_TICK_NS = 4000000,
	PLANE_LINES = 1024,
	PLANE_RING_LINES = 1 << 14,
	PLANE_TC_BYTES = 3500,
	PLANE_TC_LEAST = 54
};

struct plane_options {
	bool real_clock;
	uint32_t lines;	     /* of rate4, rate6 and ban; 0: PLANE_LINES */
	uint32_t ban_lines;  /* of ban, where that differs */
	uint32_t ring_lines; /* 0: PLANE_RING_LINES */
	uint32_t acl_lines;  /* of a half of acl, a power of two; 0: as in the product */
	const char *object;  /* a file: another build's object instead of the embedded one */
};

struct plane {
	struct ingress *skel;
	bool is_tc;
	int prog_fd;
};

/* With PLANE_TC in the environment, the object of tc. NULL options are presets. Returns 0 or a
 * negative errno: the test is then skipped. */
int plane_open(struct plane *ret_plane, const struct plane_options *options);
void plane_close(struct plane *plane);
/* Descriptors of its own, as the loader hands them over. */
struct loader_maps plane_maps(const struct plane *plane);
/* Whether the kernel runs a frame of n bytes: for tc it wants the IP header whole
 * and has a buffer of one page. */
bool plane_takes(const struct plane *plane, size_t n);
/* What XDP calls the action that a run has returned. */
int plane_action(const struct plane *plane, uint32_t action);
void plane_at_ms(struct plane *plane, uint64_t ms);
/* The program's verdict (XDP_PASS...), or a negative
 * errno. ret_out may be NULL; it has room for n bytes. */
int plane_run(const struct plane *plane, const uint8_t *frame, size_t n, uint8_t *ret_out);

#endif
