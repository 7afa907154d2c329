// SPDX-License-Identifier: Apache-2.0
/* admin_pages: one small function a page; what they show is computed elsewhere. */
#include "admin/admin_pages.h"

#include "obs/prometheus.h"

/* Takes json over. */
static void answer_json(struct admin_answer *answer, json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	if (text) {
		buf_add(answer->body, str_of(text));
		buf_add_char(answer->body, '\n');
	} else {
		answer->status = 500;
	}
	free(text);
	json_decref(json);
}

static void ping(void *context, struct str query, struct admin_answer *answer)
{
	const struct admin_pages *pages = context;

	(void)query;
	answer->content_type = "text/plain; charset=utf-8";
	if (controller_draining(pages->controller)) {
		answer->status = pages->terminating_status;
		buf_add(answer->body, STR("Terminating"));
		return;
	}
	buf_add(answer->body, STR("OK"));
}

static void ready(void *context, struct str query, struct admin_answer *answer)
{
	const struct admin_pages *pages = context;

	(void)query;
	answer->content_type = "text/plain; charset=utf-8";
	if (controller_draining(pages->controller)) {
		answer->status = 503;
		buf_add(answer->body, STR("draining\n"));
		return;
	}
	if (!controller_ready(pages->controller)) {
		answer->status = 503;
		buf_add(answer->body, STR("starting: not everything has been said yet\n"));
		return;
	}
	buf_add(answer->body, STR("ready\n"));
}

static void version(void *context, struct str query, struct admin_answer *answer)
{
	(void)context;
	(void)query;
	answer_json(answer, json_pack("{s:s}", "Version", TIDEGATE_VERSION));
}

static void status(void *context, struct str query, struct admin_answer *answer)
{
	(void)query;
	answer_json(answer, controller_status(((struct admin_pages *)context)->controller));
}

static void drops(void *context, struct str query, struct admin_answer *answer)
{
	(void)query;
	answer_json(answer, controller_drops(((struct admin_pages *)context)->controller));
}

static void rawdata(void *context, struct str query, struct admin_answer *answer)
{
	(void)query;
	answer_json(answer, controller_rawdata(((struct admin_pages *)context)->controller));
}

static void metrics(void *context, struct str query, struct admin_answer *answer)
{
	const struct admin_pages *pages = context;

	(void)query;
	answer->content_type = "text/plain; version=0.0.4; charset=utf-8";
	prometheus_print(pages->metrics, answer->body);
}

const struct admin_handler *admin_pages_handlers(size_t *ret_n)
{
	static const struct admin_handler handlers[] = {
		{"/ping", ping},	   {"/ready", ready},	    {"/metrics", metrics},
		{"/api/version", version}, {"/api/status", status}, {"/api/drops", drops},
		{"/api/rawdata", rawdata},
	};

	*ret_n = sizeof(handlers) / sizeof(*handlers);
	return handlers;
}
