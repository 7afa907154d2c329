// SPDX-License-Identifier: Apache-2.0
/*
 * ip_allow_list: lets only requests from some addresses through (reference/traefik.md c.4).
 * Fails closed: a client whose address cannot be found is refused.
 */

#include <errno.h>

#include "http/status.h"
#include "model/mw_conf.h"
#include "mw/cidr_index.h"
#include "mw/client_source.h"
#include "mw/mw_list.h"

struct ip_allow_list {
	struct client_source source;
	const struct cidr_index *allowed;
	uint16_t status;
};

static void release(void *index)
{
	cidr_index_free(index);
}

static int prepare(struct mw_prepare *prepare, const void *decoded, const void **ret_conf)
{
	const struct mwc_ip_allow_list *from = decoded;
	struct ip_allow_list *self = ARENA_NEW(prepare->arena, struct ip_allow_list);

	if (!self)
		return -ENOMEM;
	struct cidr_set set;
	int allowed = client_source_prepare_set(prepare, &from->source_range, "sourceRange", &set);
	int source = client_source_prepare(prepare, from->ip_strategy, &self->source);

	if (allowed < 0 || source < 0)
		return allowed < 0 ? allowed : source;
	if (from->source_range.n == 0) {
		diag_error(prepare->sink, DIAG_FIELD(prepare->path, "sourceRange"),
			   "must not be empty");
		return -EINVAL;
	}
	struct cidr_index *index = cidr_index_new(&set);

	if (!index)
		return -ENOMEM;
	prepare->own(prepare, index, release);
	self->allowed = index;
	self->status = from->reject_status_code ? (uint16_t)from->reject_status_code : 403;
	if (status_text(self->status).len == 0) {
		diag_error(prepare->sink, DIAG_FIELD(prepare->path, "rejectStatusCode"),
			   "%d is no known HTTP status", self->status);
		return -EINVAL;
	}
	*ret_conf = self;
	return 0;
}

static bool allows(const struct ip_allow_list *self, const struct request *request)
{
	struct addr addr;

	return client_source_addr(&self->source, request, &addr) &&
	       cidr_index_contains(self->allowed, &addr);
}

static enum mw_verdict on_request(const struct mw_instance *instance, struct mw_call *call)
{
	const struct ip_allow_list *self = instance->conf;

	if (allows(self, call->request))
		return MW_NEXT;
	call->reply.status = self->status;
	if (!status_is_bodiless(self->status))
		call->reply.body = status_text(self->status);
	return MW_REPLY;
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	const struct ip_allow_list *self = instance->conf;
	char room[CLIENT_SOURCE_TEXT_MAX];
	struct str source = client_source_text(&self->source, request, room);

	if (allows(self, request))
		return arena_printf(arena, "lets \"" STR_FMT "\" through", STR_ARG(source));
	return arena_printf(arena, "refuses \"" STR_FMT "\" with %d", STR_ARG(source),
			    self->status);
}

const struct mw ip_allow_list_mw = {
	.name = "ipAllowList",
	.schema = &schema_mw_ip_allow_list,
	.prepare = prepare,
	.on_request = on_request,
	.explain = explain,
};
