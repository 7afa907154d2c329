/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FAULT_H
#define FAULT_H

/* fault: one sentence about what went wrong and what to do, and libbpf's own words kept out of the
 * way. */

#include "loader.h"

/* Formats the sentence and returns err, so that it can stand in a return statement. */
int fault_set(struct loader_fault *fault, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* From now on libbpf and libxdp are silent, unless verbose. */
void fault_hush(bool verbose);
/* The last warning that libbpf would have printed, without its line end; "" when there was none. */
const char *fault_last_words(void);

#endif
