/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FETCH_LAB_H
#define FETCH_LAB_H

/* fetch_lab: answers for middlewares that ask other servers, on top of mw_lab. */

#include "mw_lab.h"

LAB void fetch_lab_headers(struct lab *lab, struct headers *headers, const char *text)
{
	struct str rest = str_of(text), header, name;

	headers->arena = &lab->arena;
	while (str_next(&rest, '\n', &header)) {
		str_next(&header, ':', &name);
		header_add(headers, name, str_trim(header));
	}
}

/* The question that was asked; the call has returned MW_WAIT. */
LAB struct mw_fetch *fetch_lab_question(struct lab *lab)
{
	assert_non_null(lab->call.wait.fetch);
	assert_null(lab->call.wait.run);
	assert_non_null(lab->call.wait.fetch->service);
	return lab->call.wait.fetch;
}

/* Fills the answer in; the hook is still to be called again. */
LAB void fetch_lab_fill(struct lab *lab, struct mw_fetch *fetch, int error, uint16_t status,
			const char *headers, const char *body)
{
	fetch->error = error;
	fetch->status = status;
	fetch_lab_headers(lab, &fetch->response_headers, headers);
	fetch->response_body = str_of(body);
}

/* Fills it in and resumes the request. */
LAB enum mw_verdict fetch_lab_answer(struct lab *lab, int error, uint16_t status,
				     const char *headers, const char *body)
{
	fetch_lab_fill(lab, fetch_lab_question(lab), error, status, headers, body);
	return lab_call(lab, 1000 * NS_PER_SEC, lab->mw.mw->on_resume);
}

#endif
