/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ADMIN_PAGES_H
#define ADMIN_PAGES_H

/*
 * admin_pages: what the admin server answers: /ping, /ready, /metrics, /api/version, /api/status,
 * /api/drops, /api/rawdata (reference h.1, h.4, h.5).
 */

#include "admin/admin_server.h"
#include "control/controller.h"
#include "obs/metric.h"

struct admin_pages {
	struct controller *controller;
	struct metric_registry *metrics;
	unsigned terminating_status; /* of /ping while draining */
};

/* The handlers; their context is a struct admin_pages. */
const struct admin_handler *admin_pages_handlers(size_t *ret_n);

#endif
