/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REQUEST_LOG_H
#define REQUEST_LOG_H

/*
 * request_log: lines of an access log, read back as requests that can be asked again.
 *
 * Taken are the JSON and the common formats (reference/traefik.md h.2; Traefik's own lines too),
 * and the lines that `tidegate explain` takes. A log has no headers but the host, so what depends
 * on others is asked without them. The common formats do not even have the host: such a line gives
 * none, and -ENODATA.
 */

#include "base/arena.h"
#include "base/str.h"
#include "plan/explain.h"

/* 0; -EINVAL: no such line; -ENODATA: the line does not tell enough. Texts live in the arena. */
int request_log_read(struct str line, struct arena *arena, struct explain_spec *ret_spec);

#endif
