/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INTERFACE_WATCH_H
#define INTERFACE_WATCH_H

/*
 * interface_watch: whether the interfaces that the kernel plane was given still run it. A bpf_link
 * ends with its interface, and one that is made anew under the same name has none. The kernel is
 * asked by rtnetlink(7), which needs no privilege; a program of tc cannot be seen so, then only
 * its interface is watched.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One that was named. */
struct interface_given {
	const char *name;
	uint32_t ifindex; /* that it had when the kernel plane was attached; 0: it was not */
	const char *mode; /* "native", "generic", "tc", "none", "pinned" (by the loader, how is not
			     known), "unknown" (in another network namespace) */
	const char *why;  /* why not native, or not at all; "" */
};

struct interface_seen {
	uint32_t ifindex; /* 0: it is not there */
	bool has_xdp;
};

/* Asks the kernel; false when there is no answer. */
bool interface_watch_look(const char *name, struct interface_seen *ret_seen);
/* Whether it does not run the kernel plane. Any XDP program counts as it: another one is not put
 * there while ours runs, and ours may be attached anew by the loader at any time. */
bool interface_watch_is_lost(const struct interface_given *given,
			     const struct interface_seen *seen);
/*
 * What is wrong with the n interfaces, in one sentence; "": nothing. True when one of them is lost,
 * else they run it slower than they could.
 */
bool interface_watch_judge(const struct interface_given *given, const struct interface_seen *seen,
			   size_t n, char *ret_text, size_t size);

#endif
