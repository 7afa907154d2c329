// SPDX-License-Identifier: Apache-2.0
/*
 * timeouts: deadlines of the requests of some routes. Ours; in Traefik they belong to entry points
 * and transports. They tighten what those allow; of two on a route the shorter ones hold.
 */

#include "base/num.h"
#include "model/mw_conf_limit.h"
#include "mw/mw_list.h"

static void tighten(uint64_t *deadline_ns, const struct duration *by)
{
	if (by->ns > 0 && (*deadline_ns == 0 || (uint64_t)by->ns < *deadline_ns))
		*deadline_ns = (uint64_t)by->ns;
}

static enum mw_verdict on_request(const struct mw_instance *instance, struct mw_call *call)
{
	const struct mwc_timeouts *self = instance->conf;
	struct request_deadlines *deadlines = &call->request->deadlines;

	tighten(&deadlines->request_ns, &self->request);
	tighten(&deadlines->response_header_ns, &self->response_header);
	tighten(&deadlines->idle_ns, &self->idle);
	tighten(&deadlines->total_ns, &self->total);
	return MW_NEXT;
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	const struct mwc_timeouts *self = instance->conf;
	const struct {
		const char *name;
		int64_t ns;
	} rows[] = {
		{"request", self->request.ns},
		{"responseHeader", self->response_header.ns},
		{"idle", self->idle.ns},
		{"total", self->total.ns},
	};
	struct str text = STR("sets deadlines:");
	char room[32];

	(void)request;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (rows[i].ns <= 0)
			continue;
		int len = (int)num_print_duration(rows[i].ns, room, sizeof(room));

		text = arena_printf(arena, STR_FMT " %s %.*s", STR_ARG(text), rows[i].name, len,
				    room);
	}
	return text;
}

const struct mw timeouts_mw = {
	.name = "timeouts",
	.schema = &schema_mw_timeouts,
	.on_request = on_request,
	.explain = explain,
};
