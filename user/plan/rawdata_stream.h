/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RAWDATA_STREAM_H
#define RAWDATA_STREAM_H

/* rawdata_stream: TCP and UDP as Traefik's /api/rawdata says them (reference/traefik.md h.4): see
 * rawdata.h. */

#include <jansson.h>

#include "plan/snapshot.h"
#include "plan/stream_plan.h"

/* Adds tcpRouters, tcpMiddlewares, tcpServices, udpRouters, udpServices to data, those that there
 * are. */
void rawdata_stream(const struct snapshot *snapshot, uint64_t now_ns, json_t *data);
/* {"routers": {"total", "warnings", "errors"}, "services": ..., "middlewares": ...}: new
 * references. */
json_t *rawdata_stream_tcp_counts(const struct snapshot *snapshot);
json_t *rawdata_stream_udp_counts(const struct snapshot *snapshot);

#endif
