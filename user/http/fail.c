// SPDX-License-Identifier: Apache-2.0
/* fail: the failure table made from FAIL_LIST. */

#include "http/fail.h"

#include "base/die.h"

#define FAIL_ROW(id, status, closes, log, body, sentence) \
	[FAIL_##id] = {(status),                          \
		       (closes),                          \
		       {(log), sizeof(log) - 1},          \
		       {(body), sizeof(body) - 1},        \
		       {(sentence), sizeof(sentence) - 1}},

static const struct fail_row rows[FAIL__COUNT] = {FAIL_LIST(FAIL_ROW)};

const struct fail_row *fail_row(enum fail fail)
{
	ASSERT((unsigned int)fail < FAIL__COUNT);
	return &rows[fail];
}
