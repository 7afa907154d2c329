/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MW_LAB_H
#define MW_LAB_H

/* mw_lab: a middleware made from JSON, and requests and responses to send through it; no network,
 * no clock. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "http/canon.h"
#include "http/header.h"
#include "http/method.h"
#include "model/service_ref.h"
#include "mw/mw.h"

#define LAB __attribute__((unused)) static

enum { LAB_OWNED_MAX = 16, LAB_SLOT_MAX = 256 };

struct lab_secret {
	const char *name, *type;
	struct str_pair data[3];
	size_t n;
};

struct lab {
	struct arena arena;
	struct diag_sink sink;
	struct mw_instance mw;
	const struct lab_secret *secrets;
	size_t n_secrets;
	struct {
		void *thing;
		void (*release)(void *thing);
	} owned[LAB_OWNED_MAX];
	size_t n_owned;
	json_t *json;
	struct request request;
	struct response response;
	struct mw_call call;
	/* What prepare asked for. */
	struct str url, service;
	struct mw_url_tls url_tls;
	bool has_url_tls;
	_Alignas(16) char slot[LAB_SLOT_MAX];
};

/* mw_prepare's functions have no context: they find the lab around the struct. */
struct lab_prepare {
	struct mw_prepare prepare;
	struct lab *lab;
};

LAB bool lab_find_secret(struct mw_prepare *prepare, struct str name, struct str *ret_type,
			 struct str_map *ret_data)
{
	struct lab *lab = ((struct lab_prepare *)prepare)->lab;

	for (size_t i = 0; i < lab->n_secrets; i++) {
		const struct lab_secret *secret = &lab->secrets[i];

		if (!str_eq(name, str_of(secret->name)))
			continue;
		*ret_type = str_of(secret->type);
		*ret_data = (struct str_map){(struct str_pair *)(uintptr_t)secret->data, secret->n};
		return true;
	}
	return false;
}

LAB void lab_own(struct mw_prepare *prepare, void *thing, void (*release)(void *))
{
	struct lab *lab = ((struct lab_prepare *)prepare)->lab;

	assert_true(lab->n_owned < LAB_OWNED_MAX);
	lab->owned[lab->n_owned].thing = thing;
	lab->owned[lab->n_owned++].release = release;
}

/* Stands for any service; nobody looks into it. */
LAB const struct service *lab_service(struct mw_prepare *prepare, const struct service_ref *ref,
				      const struct diag_path *path)
{
	struct lab *lab = ((struct lab_prepare *)prepare)->lab;

	if (str_eq(ref->name, STR("missing"))) {
		diag_error(prepare->sink, path, "there is no such service");
		return NULL;
	}
	lab->service = ref->name;
	return (const struct service *)(const void *)&lab->service;
}

LAB const struct service *lab_url(struct mw_prepare *prepare, struct str url,
				  const struct mw_url_tls *tls, const struct diag_path *path)
{
	struct lab *lab = ((struct lab_prepare *)prepare)->lab;

	(void)path;
	lab->url = url;
	lab->has_url_tls = tls != NULL;
	if (tls)
		lab->url_tls = *tls;
	return (const struct service *)(const void *)&lab->url;
}

LAB void *lab_keep(struct mw_prepare *prepare, struct str key, void *(*make)(void *context),
		   void *context, void (*release)(void *thing))
{
	void *thing = make(context);

	assert_true(key.len > 0);
	if (thing)
		lab_own(prepare, thing, release);
	return thing;
}

/* ConfigMaps come from the same table as Secrets. */
LAB bool lab_find_config_map(struct mw_prepare *prepare, struct str name, struct str_map *ret_data)
{
	struct str type;

	return lab_find_secret(prepare, name, &type, ret_data);
}

LAB void lab_init(struct lab *lab)
{
	memset(lab, 0, sizeof(*lab));
	arena_init(&lab->arena, 16 << 20, 0);
	diag_init(&lab->sink, &lab->arena);
}

/* Decodes and prepares; 0, or -EINVAL when either found faults. Single quotes stand for double
 * ones. */
LAB int lab_mw(struct lab *lab, const char *name, const char *config)
{
	struct str text = arena_str(&lab->arena, str_of(config));
	json_error_t error;

	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] == '\'')
			((char *)(uintptr_t)text.at)[i] = '"';
	json_t *json = json_loadb(text.at, text.len, JSON_DECODE_ANY, &error);
	const struct mw *mw = mw_find(str_of(name));
	struct lab_prepare prepare = {.lab = lab};

	assert_non_null(json);
	assert_non_null(mw);
	void *decoded = arena_zero(&lab->arena, 1, mw->schema->size);
	size_t faults = schema_decode(mw->schema, json, &lab->arena, decoded, &lab->sink, NULL);

	/* Raw fields point into it. */
	json_decref(lab->json);
	lab->json = json;
	if (faults)
		return -EINVAL;
	lab->mw = (struct mw_instance){.mw = mw, .conf = decoded};
	prepare.prepare = (struct mw_prepare){
		.arena = &lab->arena,
		.sink = &lab->sink,
		.secret = lab_find_secret,
		.config_map = lab_find_config_map,
		.keep = lab_keep,
		.own = lab_own,
		.service = lab_service,
		.url = lab_url,
	};
	int result = mw->prepare ? mw->prepare(&prepare.prepare, decoded, &lab->mw.conf) : 0;

	if (result == 0 && mw->state_new)
		lab->mw.state = mw->state_new(lab->mw.conf);
	return result;
}

LAB void lab_done(struct lab *lab)
{
	if (lab->mw.state && ref_put(&lab->mw.state->ref))
		lab->mw.state->free(lab->mw.state);
	while (lab->n_owned > 0) {
		lab->n_owned--;
		lab->owned[lab->n_owned].release(lab->owned[lab->n_owned].thing);
	}
	json_decref(lab->json);
	arena_done(&lab->arena);
}

/* "GET https://a.test/path?query", headers as "Name: value\n..." (NULL: none), from 192.0.2.1. */
LAB void lab_request(struct lab *lab, const char *line, const char *headers)
{
	static const struct canon_options options;
	struct str rest = str_of(line), method, scheme, url, header;
	struct request *request = &lab->request;

	memset(lab->slot, 0, sizeof(lab->slot));
	*request = (struct request){.arena = &lab->arena, .version_minor = 1};
	request->headers.arena = &lab->arena;
	str_next(&rest, ' ', &method);
	request->method = method;
	request->method_id = (uint8_t)method_of(method);
	ptrdiff_t at = str_search(rest, STR("://"));

	scheme = str_take(rest, (size_t)at);
	url = str_from(rest, (size_t)at + 3);
	request->is_tls = str_eq(scheme, STR("https"));
	at = str_find(url, '/');
	request->authority = str_take(url, (size_t)at);
	url = str_from(url, (size_t)at);
	request->has_query = str_find(url, '?') >= 0;
	str_next(&url, '?', &request->raw_path);
	request->query = url;
	assert_int_equal(canon_request(request, &options), FAIL_NONE);
	assert_int_equal(addr_parse(STR("192.0.2.1"), &request->peer), 0);
	rest = str_of(headers);
	while (str_next(&rest, '\n', &header)) {
		struct str name;

		str_next(&header, ':', &name);
		header_add(&request->headers, name, str_trim(header));
	}
}

LAB enum mw_verdict lab_call(struct lab *lab, uint64_t now_ns,
			     enum mw_verdict (*hook)(const struct mw_instance *, struct mw_call *))
{
	lab->call = (struct mw_call){
		.request = &lab->request,
		.reply.headers.arena = &lab->arena,
		.slot = lab->slot,
		.now_ns = now_ns,
	};
	return hook(&lab->mw, &lab->call);
}

LAB enum mw_verdict lab_run_at(struct lab *lab, uint64_t now_ns)
{
	return lab_call(lab, now_ns, lab->mw.mw->on_request);
}

LAB enum mw_verdict lab_run(struct lab *lab)
{
	return lab_run_at(lab, 1000 * NS_PER_SEC);
}

/* Sends a response with these headers back through; the request has passed before. */
LAB void lab_respond(struct lab *lab, const char *headers)
{
	struct str rest = str_of(headers), header;

	lab->response = (struct response){.arena = &lab->arena, .status = 200};
	lab->response.headers.arena = &lab->arena;
	while (str_next(&rest, '\n', &header)) {
		struct str name;

		str_next(&header, ':', &name);
		header_add(&lab->response.headers, name, str_trim(header));
	}
	lab->call.response = &lab->response;
	if (lab->mw.mw->on_response)
		lab->mw.mw->on_response(&lab->mw, &lab->call);
}

/* A response of this length (-1: it does not say) on its way back, from a server; its verdict. */
LAB enum mw_verdict lab_answer(struct lab *lab, uint16_t status, int64_t length,
			       const char *headers)
{
	struct str rest = str_of(headers), header;
	struct response *response = &lab->response;

	*response = (struct response){.arena = &lab->arena,
				      .status = status,
				      .body = length < 0 ? BODY_CHUNKED : BODY_LENGTH,
				      .content_length = length};
	response->headers.arena = &lab->arena;
	while (str_next(&rest, '\n', &header)) {
		struct str name;

		str_next(&header, ':', &name);
		header_add(&response->headers, name, str_trim(header));
	}
	lab->call.response = response;
	lab->call.resumed = lab->call.filter_response = false;
	lab->call.from_server = true;
	return lab->mw.mw->on_response ? lab->mw.mw->on_response(&lab->mw, &lab->call) : MW_NEXT;
}

/* The answer's hook again, after it waited for the beginning of the body. */
LAB enum mw_verdict lab_answer_again(struct lab *lab, const char *begin, bool is_whole)
{
	lab->call.wait = (struct mw_wait){0};
	lab->call.resumed = true;
	lab->call.response_begin = str_of(begin);
	lab->call.response_is_whole = is_whole;
	return lab->mw.mw->on_response(&lab->mw, &lab->call);
}

/* All headers that are there, sorted as they stand, as "Name: value\n...". */
LAB const char *lab_print(struct lab *lab, const struct headers *headers)
{
	struct str text = arena_str(&lab->arena, STR(""));

	for (size_t i = 0; i < headers->n; i++)
		if (!headers->at[i].gone)
			text = arena_printf(&lab->arena, STR_FMT STR_FMT ": " STR_FMT "\n",
					    STR_ARG(text), STR_ARG(headers->at[i].name),
					    STR_ARG(headers->at[i].value));
	return text.at;
}

LAB void lab_assert_str(struct str got, const char *expected)
{
	struct str want = str_of(expected);

	if (!str_eq(got, want))
		fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(got), expected);
}

LAB void lab_assert_header(const struct headers *headers, const char *name, const char *expected)
{
	const struct header *header =
		header_find_name((struct headers *)(uintptr_t)headers, str_of(name));

	if (!expected) {
		if (header)
			fail_msg("%s is there: \"%.*s\"", name, STR_ARG(header->value));
		return;
	}
	if (!header)
		fail_msg("%s is missing", name);
	lab_assert_str(header->value, expected);
}

#endif
