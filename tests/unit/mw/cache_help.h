/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CACHE_HELP_H
#define CACHE_HELP_H

/* cache_help: requests and answers through a cache in a lab. */

#include "mw/cache_look.h"
#include "mw/mw_body.h"
#include "mw_lab.h"

enum { CACHE_WALL_S = 784111777 }; /* Sun, 06 Nov 1994 08:49:37 GMT */

/* A second client of the same cache. */
LAB void cache_second(struct lab *lab, const struct lab *first)
{
	lab_init(lab);
	lab->mw = first->mw;
}

LAB void cache_second_done(struct lab *lab)
{
	lab->mw.state = NULL;
	lab_done(lab);
}

LAB enum mw_verdict cache_ask(struct lab *lab, uint64_t at_s, const char *line, const char *headers)
{
	lab_request(lab, line, headers);
	lab->call.wall_ns = 0;
	return lab_run_at(lab, at_s * NS_PER_SEC);
}

LAB void cache_end(struct lab *lab)
{
	lab->mw.mw->on_end(&lab->mw, &lab->call);
}

/* The service's answer; what of it reaches the client is returned as text (in the lab's arena). */
LAB enum mw_verdict cache_answered(struct lab *lab, uint16_t status, const char *headers,
				   const char *body, bool is_chunked)
{
	struct str rest = str_of(body);
	enum mw_verdict verdict;
	struct mw_body_out out;

	lab->call.wall_ns = (uint64_t)CACHE_WALL_S * NS_PER_SEC +
			    (lab->call.now_ns - 1000 * (uint64_t)NS_PER_SEC);
	verdict = lab_answer(lab, status, is_chunked ? -1 : (int64_t)rest.len, headers);
	if (verdict != MW_NEXT || !lab->call.filter_response)
		return verdict;
	mw_body_init(&out, 1 << 20);
	mw_body_begin(&out, NULL);
	while (rest.len) {
		struct mw_span span = {.bytes = str_take(rest, 3)};

		assert_int_equal(lab->mw.mw->on_response_body(&lab->mw, &lab->call, &span, &out),
				 0);
		rest = str_from(rest, 3);
	}
	struct mw_span last = {.is_last = true};

	assert_int_equal(lab->mw.mw->on_response_body(&lab->mw, &lab->call, &last, &out), 0);
	assert_true(str_eq(mw_body_str(&out), str_of(body)));
	mw_body_done(&out);
	return verdict;
}

/* Asked and answered by the service. */
LAB void cache_fetched(struct lab *lab, uint64_t at_s, const char *line, const char *ask,
		       const char *headers, const char *body)
{
	assert_int_equal(cache_ask(lab, at_s, line, ask), MW_NEXT);
	assert_int_equal(cache_answered(lab, 200, headers, body, false), MW_NEXT);
	cache_end(lab);
}

LAB const char *cache_reply_header(struct lab *lab, const char *name)
{
	const struct header *header = header_find_name(&lab->call.reply.headers, str_of(name));

	return header ? arena_str(&lab->arena, header->value).at : NULL;
}

/* Answered from the store with this body. */
LAB void cache_assert_hit(struct lab *lab, uint64_t at_s, const char *line, const char *ask,
			  const char *body)
{
	if (cache_ask(lab, at_s, line, ask) != MW_REPLY)
		fail_msg("%s at %d s: no hit", line, (int)at_s);
	lab_assert_str(lab->call.reply.body, body);
	cache_end(lab);
}

LAB void cache_assert_miss(struct lab *lab, uint64_t at_s, const char *line, const char *ask)
{
	if (cache_ask(lab, at_s, line, ask) != MW_NEXT)
		fail_msg("%s at %d s: no miss", line, (int)at_s);
	cache_end(lab);
}

#endif
