/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OBJECT_TIME_H
#define OBJECT_TIME_H

/* object_time: times as Kubernetes writes them: RFC 3339, seconds and optional fractions. Pure. */

#include <stdint.h>

#include "base/str.h"

/* Nanoseconds since the epoch. 0, or -EINVAL (also before 1970 and after 2261). */
int object_time_parse(struct str text, int64_t *ret_ns);

#endif
