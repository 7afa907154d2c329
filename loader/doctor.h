/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DOCTOR_H
#define DOCTOR_H

/* doctor: what this kernel and these privileges allow, and what to do about what is missing. */

#include "loader.h"

/* Returns an exit status: failure when the kernel plane cannot work here at all. */
int doctor_print(const struct loader_options *options, bool json);

#endif
