// SPDX-License-Identifier: Apache-2.0
/*
 * ip_white_list: ipAllowList by its old name and with 403 always (reference/traefik.md c.4).
 */

#include "model/mw_conf_path.h"
#include "mw/mw_list.h"

static int prepare(struct mw_prepare *prepare, const void *decoded, const void **ret_conf)
{
	const struct mwc_ip_white_list *from = decoded;
	const struct mwc_ip_allow_list as = {
		.source_range = from->source_range,
		.ip_strategy = from->ip_strategy,
	};

	return ip_allow_list_mw.prepare(prepare, &as, ret_conf);
}

static enum mw_verdict on_request(const struct mw_instance *instance, struct mw_call *call)
{
	return ip_allow_list_mw.on_request(instance, call);
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	return ip_allow_list_mw.explain(instance, request, arena);
}

const struct mw ip_white_list_mw = {
	.name = "ipWhiteList",
	.schema = &schema_mw_ip_white_list,
	.prepare = prepare,
	.on_request = on_request,
	.explain = explain,
};
