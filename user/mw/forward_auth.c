// SPDX-License-Identifier: Apache-2.0
/*
 * forward_auth: asks another server whether a request may go on (reference/traefik.md c.8).
 *
 * The question is a request of its own, without the client's body unless that is asked for; only a
 * well-formed 2xx lets the request go on, anything else refuses it: no answer, a late one, one that
 * is too long. What the answer may give the request belongs to this middleware: the client's own
 * headers of such names go, in every spelling (reference/security.md A2.4).
 */

#include <errno.h>

#include "base/clock.h"
#include "base/regex.h"
#include "http/header.h"
#include "model/mw_conf_auth.h"
#include "mw/asked_url.h"
#include "mw/auth_answer.h"
#include "mw/auth_question.h"
#include "mw/mw_list.h"

enum { TIMEOUT_S = 30, BODY_MAX_BYTES = 16 << 20 };

struct forward_auth {
	const struct mwc_forward_auth *conf;
	struct asked_url address;
	struct regex *regex; /* NULL: none */
	enum auth_trust trust;
};

struct slot {
	struct mw_fetch *fetch; /* NULL: not asked yet */
};

/* ---------------------------------------------------------------- prepare -- */

static void free_regex(void *regex)
{
	regex_free(regex);
}

static int prepare(struct mw_prepare *prepare, const void *decoded, const void **ret_conf)
{
	const struct mwc_forward_auth *from = decoded;
	struct forward_auth *self = ARENA_NEW(prepare->arena, struct forward_auth);
	char message[128];

	if (!self)
		return -ENOMEM;
	self->conf = from;
	self->trust = !from->trust_forward_header.set	 ? AUTH_TRUST_UNSET
		      : from->trust_forward_header.value ? AUTH_TRUST_YES
							 : AUTH_TRUST_NO;
	if (from->auth_response_headers_regex.len) {
		self->regex =
			regex_new(from->auth_response_headers_regex, message, sizeof(message));
		if (!self->regex) {
			diag_error(prepare->sink,
				   DIAG_FIELD(prepare->path, "authResponseHeadersRegex"), "%s",
				   message);
			return -EINVAL;
		}
		prepare->own(prepare, self->regex, free_regex);
	}
	*ret_conf = self;
	return asked_url_prepare(prepare, "address", from->address, from->tls, &self->address);
}

/* --------------------------------------------------------------- requests -- */

static enum mw_verdict refuse(struct mw_call *call, uint16_t status)
{
	call->reply.status = status;
	return MW_REPLY;
}

static enum mw_verdict ask(const struct forward_auth *self, struct mw_call *call, struct str body)
{
	const struct request *request = call->request;
	const struct mwc_forward_auth *conf = self->conf;
	struct slot *slot = call->slot;
	struct mw_fetch *fetch = asked_url_question(
		&self->address, conf->preserve_request_method ? request->method : STR("GET"),
		request->arena);
	int64_t max_bytes = conf->max_response_body_bytes;

	if (!fetch)
		return refuse(call, 500);
	fetch->body = body;
	fetch->timeout_ns = TIMEOUT_S * NS_PER_SEC;
	fetch->max_response_bytes =
		max_bytes >= 0 && max_bytes < BODY_MAX_BYTES ? max_bytes : BODY_MAX_BYTES;
	auth_question_headers(request, self->trust, &conf->auth_request_headers, &fetch->headers);
	if (request->arena->failed)
		return refuse(call, 500);
	slot->fetch = fetch;
	call->wait.fetch = fetch;
	return MW_WAIT;
}

static enum mw_verdict on_request(const struct mw_instance *instance, struct mw_call *call)
{
	const struct forward_auth *self = instance->conf;
	int64_t max_bytes = self->conf->max_body_bytes;

	auth_answer_disown(
		&(const struct auth_answer_names){&self->conf->auth_response_headers, self->regex},
		&self->conf->auth_request_headers, call->request);
	if (!self->conf->forward_body || call->request->body == BODY_NONE)
		return ask(self, call, (struct str){0});
	if (max_bytes < 0 || max_bytes > BODY_MAX_BYTES)
		max_bytes = BODY_MAX_BYTES;
	call->wait.body = (struct mw_wait_body){
		.wanted = true, .max_bytes = max_bytes, .mem_bytes = max_bytes ? max_bytes : 1};
	return MW_WAIT;
}

/* reference c.8: no answer is a failure of ours, one that is too long a refusal. */
static enum mw_verdict take_answer(const struct forward_auth *self, struct mw_call *call)
{
	const struct mwc_forward_auth *conf = self->conf;
	struct mw_fetch *fetch = ((struct slot *)call->slot)->fetch;
	struct request *request = call->request;

	if (fetch->error)
		return refuse(call, fetch->error == -EMSGSIZE ? 401 : 500);
	if (conf->header_field.len) {
		struct header *header =
			header_find_name(&fetch->response_headers, conf->header_field);

		if (header)
			call->user = header->value;
	}
	if (fetch->status == 401 && conf->auth_signin_url.len) {
		auth_answer_redirect(request, conf->auth_signin_url, &call->reply);
		return MW_REPLY;
	}
	if (fetch->status < 200 || fetch->status > 299) {
		struct str base = conf->preserve_location_header ? (struct str){0} : conf->address;

		if (auth_answer_relay(fetch, base, request->arena, &call->reply))
			return MW_REPLY;
		call->reply.headers.n = 0;
		call->reply.body = call->reply.content_type = (struct str){0};
		return refuse(call, 500);
	}
	request->is_authenticated = true;
	auth_answer_to_request(
		&(const struct auth_answer_names){&conf->auth_response_headers, self->regex},
		&fetch->response_headers, request);
	return request->arena->failed ? refuse(call, 500) : MW_NEXT;
}

static enum mw_verdict on_resume(const struct mw_instance *instance, struct mw_call *call)
{
	const struct forward_auth *self = instance->conf;
	const struct slot *slot = call->slot;

	if (slot->fetch)
		return take_answer(self, call);
	/* A body that cannot be shown whole is not shown: refused, never let through unasked. */
	if (call->body_state != MW_BODY_WHOLE ||
	    (int64_t)call->body.len != (int64_t)call->body_bytes)
		return refuse(call, 401);
	return ask(self, call, call->body);
}

static enum mw_verdict on_response(const struct mw_instance *instance, struct mw_call *call)
{
	const struct forward_auth *self = instance->conf;
	const struct slot *slot = call->slot;

	if (slot->fetch && !slot->fetch->error && slot->fetch->status / 100 == 2 &&
	    self->conf->add_auth_cookies_to_response.n)
		auth_answer_cookies(&self->conf->add_auth_cookies_to_response,
				    &slot->fetch->response_headers, &call->response->headers);
	return MW_NEXT;
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	const struct forward_auth *self = instance->conf;
	const struct mwc_forward_auth *conf = self->conf;

	return arena_printf(
		arena, "asks " STR_FMT " with " STR_FMT "%s; goes on only when the answer is 2xx",
		STR_ARG(conf->address),
		STR_ARG(conf->preserve_request_method ? request->method : STR("GET")),
		conf->forward_body ? " and the body" : "");
}

const struct mw forward_auth_mw = {
	.name = "forwardAuth",
	.schema = &schema_mw_forward_auth,
	.prepare = prepare,
	.on_request = on_request,
	.on_resume = on_resume,
	.on_response = on_response,
	.slot_size = sizeof(struct slot),
	.explain = explain,
};
