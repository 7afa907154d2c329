/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PRIVILEGE_H
#define PRIVILEGE_H

/*
 * privilege: what the process gives up after start, for good (reference/security.md, must-haves 18
 * and 19).
 *
 * Called once, on the main thread, after the listeners and the kernel plane's maps are open and
 * before any other thread exists: threads inherit the result. Afterwards CapEff, CapPrm, CapBnd and
 * CapAmb are empty, the set-id and root-fixup rules are locked off, no_new_privs is set, core dumps
 * are off, and a seccomp filter lets through only what serving needs: no exec, no new listeners
 * beyond what is open, no mounting, no tracing; bpf(2) only for elements of maps that are already
 * open.
 */

#include <stdbool.h>

struct privilege_result {
	bool capabilities_dropped;
	bool no_new_privs;
	bool seccomp;
	const char *problem; /* what could not be done, or NULL; static text */
};

/* with_seccomp false leaves the filter out and core dumps on, for debuggers and sanitizers. 0 or
 * negative errno. */
int privilege_drop(bool with_seccomp, struct privilege_result *ret_result);

/* Raises the limit of open files to what is allowed; never fails. Returns the limit in force. */
unsigned long privilege_raise_files(void);

#endif
