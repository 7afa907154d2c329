// SPDX-License-Identifier: Apache-2.0
/*
 * content_type: gives responses without a Content-Type the one that their beginning suggests
 * (reference/traefik.md c.14), as Go's server does where Traefik lets it: not when the body is
 * coded, and not when there is no body.
 */

#include "http/header.h"
#include "model/mw_conf_path.h"
#include "mw/mime_sniff.h"
#include "mw/mw_list.h"

static bool is_on(const struct mw_instance *instance)
{
	const struct mwc_content_type *self = instance->conf;

	return !self->auto_detect.set || self->auto_detect.value;
}

static bool wants_type(const struct mw_call *call)
{
	const struct response *response = call->response;

	return response->body != BODY_NONE &&
	       !(response->body == BODY_LENGTH && response->content_length == 0) &&
	       call->request->method_id != METHOD_HEAD &&
	       !header_value(&response->headers, HEADER_CONTENT_TYPE).at &&
	       header_value(&response->headers, HEADER_CONTENT_ENCODING).len == 0;
}

static enum mw_verdict on_response(const struct mw_instance *instance, struct mw_call *call)
{
	if (!is_on(instance) || !wants_type(call))
		return MW_NEXT;
	if (!call->resumed) {
		call->wait.response.wanted = true;
		call->wait.response.min_bytes = MIME_SNIFF_BYTES;
		return MW_WAIT;
	}
	if (call->response_begin.len)
		header_add_id(&call->response->headers, HEADER_CONTENT_TYPE,
			      mime_sniff(call->response_begin));
	return MW_NEXT;
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	(void)request;
	(void)arena;
	return is_on(instance)
		       ? STR("gives a response without a Content-Type the one that its beginning "
			     "suggests")
		       : STR("does nothing: autoDetect is false");
}

const struct mw content_type_mw = {
	.name = "contentType",
	.schema = &schema_mw_content_type,
	.on_response = on_response,
	.explain = explain,
};
