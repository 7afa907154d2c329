/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_ANSWER_H
#define AUTH_ANSWER_H

/*
 * auth_answer: what forwardAuth does with headers of the answer (reference/traefik.md c.8): a yes
 * gives the request headers, and the response cookies; a no is relayed.
 */

#include "base/regex.h"
#include "mw/mw.h"

/* Which of the answer's headers the request gets. All of them belong to the middleware. */
struct auth_answer_names {
	const struct strs *names;
	const struct regex *regex; /* NULL: none */
};

/* Removes what the request has under such names, in every spelling, and adds what the answer has.
 */
void auth_answer_to_request(const struct auth_answer_names *names, const struct headers *answer,
			    struct request *request);
/*
 * Before it is asked: the client's own headers under such names go, so that neither the one who is
 * asked nor a page for a refusal takes them for an answer. Credentials, which the question is
 * about, what is named in `shown`, and the managed X-headers stay until there is an answer.
 */
void auth_answer_disown(const struct auth_answer_names *names, const struct strs *shown,
			struct request *request);
/* The listed cookies that the answer sets; they take the place of those of the same name. */
void auth_answer_cookies(const struct strs *names, const struct headers *answer,
			 struct headers *headers);
/* Status, headers and body of the answer. base: the URL that Location is resolved against; empty:
 * it stays. False when Location makes no sense. */
bool auth_answer_relay(const struct mw_fetch *fetch, struct str base, struct arena *arena,
		       struct mw_reply *reply);
/* 302 to url, as Go's http.Redirect writes it. */
void auth_answer_redirect(const struct request *request, struct str url, struct mw_reply *reply);

#endif
