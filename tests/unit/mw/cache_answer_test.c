// SPDX-License-Identifier: Apache-2.0
/* cache_answer_test: conditions (RFC 9110 13) and ranges (RFC 9110 14) over what is kept. */

#include "cache_help.h"

static const struct {
	const char *ask;
	int status;
	const char *body, *range;
} rows[] = {
	{"", 200, "0123456789", NULL},
	{"If-None-Match: \"e\"", 304, "", NULL},
	{"If-None-Match: W/\"e\"", 304, "", NULL},
	{"If-None-Match: \"a\", \"b,c\" , W/\"e\"", 304, "", NULL},
	{"If-None-Match: *", 304, "", NULL},
	{"If-None-Match: \"a\"", 200, "0123456789", NULL},
	{"If-None-Match: e", 200, "0123456789", NULL},
	{"If-None-Match: \"a, \"e\"", 200, "0123456789", NULL},
	{"If-None-Match:", 200, "0123456789", NULL},
	{"If-Modified-Since: Sun, 06 Nov 1994 08:00:00 GMT", 304, "", NULL},
	{"If-Modified-Since: Sun, 06 Nov 1994 09:00:00 GMT", 304, "", NULL},
	{"If-Modified-Since: Sun, 06 Nov 1994 07:59:59 GMT", 200, "0123456789", NULL},
	{"If-Modified-Since: yesterday", 200, "0123456789", NULL},
	{"If-None-Match: \"a\"\nIf-Modified-Since: Sun, 06 Nov 1994 09:00:00 GMT", 200,
	 "0123456789", NULL},
	{"Range: bytes=0-3", 206, "0123", "bytes 0-3/10"},
	{"Range: bytes=7-", 206, "789", "bytes 7-9/10"},
	{"Range: bytes=7-100", 206, "789", "bytes 7-9/10"},
	{"Range: bytes=-2", 206, "89", "bytes 8-9/10"},
	{"Range: bytes=-100", 206, "0123456789", "bytes 0-9/10"},
	{"Range: bytes=9-9", 206, "9", "bytes 9-9/10"},
	{"Range: bytes=10-", 416, "", "bytes */10"},
	{"Range: bytes=-0", 416, "", "bytes */10"},
	{"Range: bytes=99999999999999999999-", 416, "", "bytes */10"},
	{"Range: bytes=3-2", 200, "0123456789", NULL},
	{"Range: bytes=0-1,3-4", 200, "0123456789", NULL},
	{"Range: bytes=", 200, "0123456789", NULL},
	{"Range: bytes=-", 200, "0123456789", NULL},
	{"Range: bytes=a-b", 200, "0123456789", NULL},
	{"Range: lines=0-1", 200, "0123456789", NULL},
	{"Range: bytes=0-3\nIf-Range: \"e\"", 206, "0123", "bytes 0-3/10"},
	{"Range: bytes=0-3\nIf-Range: W/\"e\"", 200, "0123456789", NULL},
	{"Range: bytes=0-3\nIf-Range: \"a\"", 200, "0123456789", NULL},
	{"Range: bytes=0-3\nIf-Range: Sun, 06 Nov 1994 08:00:00 GMT", 206, "0123", "bytes 0-3/10"},
	{"Range: bytes=0-3\nIf-Range: Sun, 06 Nov 1994 09:00:00 GMT", 200, "0123456789", NULL},
	{"Range: bytes=0-3\nIf-None-Match: \"e\"", 304, "", NULL},
};

static void conditions_and_ranges_are_answered(void **state)
{
	static struct lab lab;

	(void)state;
	lab_init(&lab);
	assert_int_equal(lab_mw(&lab, "cache", "{}"), 0);
	cache_fetched(&lab, 1000, "GET http://a.test/", "",
		      "Cache-Control: max-age=60\nETag: \"e\"\nContent-Encoding: x\n"
		      "Last-Modified: Sun, 06 Nov 1994 08:00:00 GMT\nContent-Type: text/x",
		      "0123456789");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(cache_ask(&lab, 1001, "GET http://a.test/", rows[i].ask),
				 MW_REPLY);
		if (lab.call.reply.status != rows[i].status)
			fail_msg("%s: %d", rows[i].ask, lab.call.reply.status);
		lab_assert_str(lab.call.reply.body, rows[i].body);
		lab_assert_header(&lab.call.reply.headers, "Content-Range", rows[i].range);
		lab_assert_header(&lab.call.reply.headers, "ETag", "\"e\"");
		lab_assert_header(&lab.call.reply.headers, "Content-Encoding",
				  rows[i].status == 304 ? NULL : "x");
		cache_end(&lab);
	}
	/* HEAD has no ranges. */
	assert_int_equal(cache_ask(&lab, 1001, "HEAD http://a.test/", "Range: bytes=0-1"),
			 MW_REPLY);
	assert_int_equal(lab.call.reply.status, 200);
	cache_end(&lab);
	lab_done(&lab);
}

static void no_type_stays_no_type(void **state)
{
	static struct lab lab;

	(void)state;
	lab_init(&lab);
	assert_int_equal(lab_mw(&lab, "cache", "{}"), 0);
	cache_fetched(&lab, 1000, "GET http://a.test/", "", "Cache-Control: max-age=60", "x");
	assert_int_equal(cache_ask(&lab, 1001, "GET http://a.test/", ""), MW_REPLY);
	assert_non_null(lab.call.reply.content_type.at);
	assert_int_equal(lab.call.reply.content_type.len, 0);
	cache_end(&lab);
	lab_done(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions_and_ranges_are_answered),
		cmocka_unit_test(no_type_stays_no_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
