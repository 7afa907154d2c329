// SPDX-License-Identifier: Apache-2.0
/* base64_stream_test: RFC 4648 10, in pieces of any size. */

#include "mw/base64_stream.h"
#include "mw_lab.h"

static const struct {
	const char *bytes, *text;
} rows[] = {
	{"", ""},
	{"f", "Zg=="},
	{"fo", "Zm8="},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg=="},
	{"fooba", "Zm9vYmE="},
	{"foobar", "Zm9vYmFy"},
};

static void pieces_make_the_same_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct str bytes = str_of(rows[i].bytes), text = str_of(rows[i].text);

		for (size_t piece = 1; piece <= 7; piece++) {
			struct base64_stream stream = {0};
			char out[64];
			size_t n = 0, m;

			for (size_t at = 0; at < bytes.len; at += piece)
				n += base64_stream_encode(&stream,
							  str_take(str_from(bytes, at), piece),
							  false, out + n);
			n += base64_stream_encode(&stream, (struct str){0}, true, out + n);
			assert_true(str_eq(str_n(out, n), text));
			stream = (struct base64_stream){0};
			n = 0;
			for (size_t at = 0; at < text.len; at += piece) {
				assert_int_equal(
					base64_stream_decode(&stream,
							     str_take(str_from(text, at), piece),
							     out + n, &m),
					0);
				n += m;
			}
			assert_true(base64_stream_is_whole(&stream));
			assert_true(str_eq(str_n(out, n), bytes));
		}
	}
}

static void padded_pieces_may_follow_each_other(void **state)
{
	struct base64_stream stream = {0};
	char out[64];
	size_t n;

	(void)state;
	assert_int_equal(base64_stream_decode(&stream, STR("Zg==Zm8=\r\nZm9v"), out, &n), 0);
	lab_assert_str(str_n(out, n), "ffofoo");
}

static void other_text_is_refused(void **state)
{
	static const char *const bad[] = {
		"Zg=v", "=", "Z=", "Z===", "Zg=", "Z", "Zm9", "Zm9v!", "Zg= ="};
	char out[64];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct base64_stream stream = {0};

		if (base64_stream_decode(&stream, str_of(bad[i]), out, &n) == 0 &&
		    base64_stream_is_whole(&stream))
			fail_msg("%s", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_make_the_same_text),
		cmocka_unit_test(padded_pieces_may_follow_each_other),
		cmocka_unit_test(other_text_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
