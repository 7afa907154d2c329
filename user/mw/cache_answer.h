/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CACHE_ANSWER_H
#define CACHE_ANSWER_H

/*
 * cache_answer: a reply from a kept response: whole, a range of it (RFC 9110 14), or 304 because
 * the client has it (RFC 9110 13). Pure.
 */

#include "mw/cache_object.h"
#include "mw/mw.h"

/* What the request asks for on conditions, as it came; each {0} when it does not. */
struct cache_question {
	struct str if_none_match, if_modified_since, range, if_range;
	bool is_get; /* else HEAD */
};

struct cache_question cache_answer_question(struct request *request);
/* Fills call->reply; borrows from object. status_text: the member of Cache-Status (RFC 9211). */
void cache_answer(const struct cache_object *object, const struct cache_question *question,
		  struct str status_text, struct mw_call *call);
/* RFC 9110 14.1.2 of one range over len bytes. 0; -EINVAL: not to be obeyed; -ERANGE: 416. */
int cache_answer_range(struct str value, size_t len, size_t *ret_first, size_t *ret_len);

#endif
