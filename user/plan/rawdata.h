/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RAWDATA_H
#define RAWDATA_H

/*
 * rawdata: a snapshot as Traefik's /api/rawdata says it (reference/traefik.md h.4): routers,
 * middlewares and services by name, each with status, provider and who uses it. Secrets never
 * appear: settings are printed from the schema, which knows them. Pure; safe while workers read the
 * same snapshot.
 */

#include <jansson.h>

#include "plan/snapshot.h"

/* A new reference; NULL when out of memory. now_ns: monotonic, for which servers are down. */
json_t *rawdata(const struct snapshot *snapshot, uint64_t now_ns);
/* The items alone, as /api/http/routers/{name} and so on have them. */
json_t *rawdata_router(const struct snapshot *snapshot, const struct route *route);
json_t *rawdata_service(const struct snapshot *snapshot, const struct service *service,
			uint64_t now_ns);
json_t *rawdata_middleware(const struct snapshot *snapshot, const struct mw_named *middleware);

#endif
