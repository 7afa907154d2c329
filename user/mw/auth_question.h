/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_QUESTION_H
#define AUTH_QUESTION_H

/*
 * auth_question: the headers of forwardAuth's question (reference/traefik.md c.8), in this order:
 * the request's, without what belongs to its connection; without the X-Forwarded set unless that is
 * trusted; only the listed ones if there is a list; then where the request comes from and goes to.
 */

#include "http/message.h"

enum auth_trust {
	AUTH_TRUST_UNSET, /* as earlier versions did: some are overwritten, the others pass */
	AUTH_TRUST_NO,	  /* none of the X-Forwarded set passes */
	AUTH_TRUST_YES,	  /* what is there stays, what is missing is added */
};

/* names: the only headers that are sent; n 0: all. headers is empty and has its arena. */
void auth_question_headers(const struct request *request, enum auth_trust trust,
			   const struct strs *names, struct headers *headers);

#endif
