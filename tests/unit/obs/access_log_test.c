// SPDX-License-Identifier: Apache-2.0
/* access_log: whole lines of the three formats, escapes, filters, limits. */

#include "obs/access_log.h"

#include <errno.h>
#include <jansson.h>

#include "check.h"
#include "guard.h"

static const struct access_header headers[] = {
	{ACCESS_REQUEST, STR("User-Agent"), STR("curl/8")},
	{ACCESS_DOWNSTREAM, STR("Content-Type"), STR("text/plain")},
};

static const struct access_record full = {
	.start_wall_ns = 1136214245123456000ULL, /* 2006-01-02T15:04:05.123456Z */
	.duration_ns = 12345678,
	.origin_duration_ns = 12000000,
	.router_name = STR("shop@kubernetescrd"),
	.service_name = STR("web@kubernetescrd"),
	.service_url = STR("http://10.0.0.1:80"),
	.service_addr = STR("10.0.0.1:80"),
	.client_addr = STR("203.0.113.9:51000"),
	.client_host = STR("203.0.113.9"),
	.client_port = STR("51000"),
	.client_user = STR("alice"),
	.request_addr = STR("shop.example:8443"),
	.request_host = STR("shop.example"),
	.request_port = STR("8443"),
	.request_method = STR("GET"),
	.request_path = STR("/a?b=c"),
	.request_protocol = STR("HTTP/1.1"),
	.request_scheme = STR("https"),
	.entry_point = STR("websecure"),
	.referer = STR("https://example/"),
	.user_agent = STR("curl/8"),
	.tls_version = STR("1.3"),
	.tls_cipher = STR("TLS_AES_128_GCM_SHA256"),
	.request_bytes = 0,
	.origin_bytes = 17,
	.downstream_bytes = 17,
	.origin_status = 200,
	.downstream_status = 200,
	.request_count = 5,
	.headers = headers,
	.n_headers = 2,
};

static void check_line(const char *name, const struct access_conf *conf,
		       const struct access_record *record, const char *wanted)
{
	static char line[ACCESS_LINE_MAX];
	size_t n = access_log_format(conf, record, line);

	CHECK_STR(name, str_n(line, n), str_of(wanted));
}

static void the_common_format_is_traefik_s(void **state)
{
	static const struct access_record empty = {.downstream_status = 404};
	const struct access_conf common = {.format = ACCESS_COMMON},
				 clf = {.format = ACCESS_GENERIC_CLF};

	(void)state;
	check_line(
		"common", &common, &full,
		"203.0.113.9 - alice [02/Jan/2006:15:04:05 +0000] \"GET /a?b=c HTTP/1.1\" 200 17 "
		"\"https://example/\" \"curl/8\" 5 \"shop@kubernetescrd\" \"http://10.0.0.1:80\" "
		"12ms\n");
	check_line(
		"generic", &clf, &full,
		"203.0.113.9 - alice [02/Jan/2006:15:04:05 +0000] \"GET /a?b=c HTTP/1.1\" 200 17 "
		"\"https://example/\" \"curl/8\"\n");
	check_line("nothing known", &common, &empty,
		   "- - - [01/Jan/1970:00:00:00 +0000] \"- - -\" 404 0 \"-\" \"-\" 0 \"-\" \"-\" "
		   "0ms\n");
}

static void json_has_traefik_s_keys_in_order(void **state)
{
	const struct access_conf conf = {.format = ACCESS_JSON, .utc_offset_s = -(3 * 3600 + 1800)};

	(void)state;
	check_line("json", &conf, &full,
		   "{\"ClientAddr\":\"203.0.113.9:51000\",\"ClientHost\":\"203.0.113.9\","
		   "\"ClientPort\":\"51000\","
		   "\"ClientUsername\":\"alice\",\"DownstreamContentSize\":17,\"DownstreamStatus\":"
		   "200,"
		   "\"Duration\":12345678,\"OriginContentSize\":17,\"OriginDuration\":12000000,"
		   "\"OriginStatus\":200,"
		   "\"Overhead\":345678,\"RequestAddr\":\"shop.example:8443\","
		   "\"RequestContentSize\":0,"
		   "\"RequestCount\":5,\"RequestHost\":\"shop.example\",\"RequestMethod\":\"GET\","
		   "\"RequestPath\":\"/a?b=c\",\"RequestPort\":\"8443\",\"RequestProtocol\":\"HTTP/"
		   "1.1\","
		   "\"RequestScheme\":\"https\",\"RetryAttempts\":0,\"RouterName\":\"shop@"
		   "kubernetescrd\","
		   "\"ServiceAddr\":\"10.0.0.1:80\",\"ServiceName\":\"web@kubernetescrd\","
		   "\"ServiceURL\":\"http://"
		   "10.0.0.1:80\",\"StartLocal\":\"2006-01-02T11:34:05.123456-03:30\","
		   "\"StartUTC\":\"2006-01-02T15:04:05.123456Z\",\"TLSCipher\":\"TLS_AES_128_GCM_"
		   "SHA256\","
		   "\"TLSVersion\":\"1.3\",\"entryPointName\":\"websecure\",\"level\":\"info\","
		   "\"msg\":\"\","
		   "\"time\":\"2006-01-02T15:04:05.123456Z\",\"request_User-Agent\":\"curl/8\","
		   "\"downstream_Content-Type\":\"text/plain\"}\n");
}

static void dropped_fields_are_left_out(void **state)
{
	struct access_conf conf = {.format = ACCESS_JSON};
	static const char *const kept[] = {"requestmethod", "DownstreamStatus"};

	(void)state;
	conf.dropped = UINT64_MAX;
	for (size_t i = 0; i < ROWS(kept); i++) {
		int field = access_log_field(str_of(kept[i]));

		assert_true(field >= 0);
		conf.dropped &= ~(1ULL << field);
	}
	struct access_record record = full;

	record.n_headers = 0;
	check_line("two fields", &conf, &record,
		   "{\"DownstreamStatus\":200,\"RequestMethod\":\"GET\"}\n");
	conf.dropped = UINT64_MAX;
	check_line("none", &conf, &record, "{}\n");
	conf.format = ACCESS_GENERIC_CLF;
	conf.dropped = 1ULL << access_log_field(STR("ClientUsername"));
	check_line("common", &conf, &record,
		   "203.0.113.9 - - [02/Jan/2006:15:04:05 +0000] \"GET /a?b=c HTTP/1.1\" 200 17 "
		   "\"https://example/\" \"curl/8\"\n");
}

static void bytes_of_the_request_cannot_forge_a_line(void **state)
{
	static const struct {
		const char *name;
		struct str agent;
		const char *common, *json;
	} rows[] = {
		{"quote", STR("a\" 200 \"b"), "a\\\" 200 \\\"b", "a\\\" 200 \\\"b"},
		{"line end", STR("a\r\nb"), "a\\x0d\\x0ab", "a\\u000d\\u000ab"},
		{"backslash", STR("a\\"), "a\\\\", "a\\\\"},
		{"raw byte",
		 STR("a\xff"
		     "b"),
		 "a\\xffb", "a\\ufffdb"},
		{"escape", STR("\x1b[0m"), "\\x1b[0m", "\\u001b[0m"},
		{"utf-8", STR("\xc3\xa4"), "\xc3\xa4", "\xc3\xa4"},
		{"delete", STR("\x7f"), "\\x7f", "\\u007f"},
	};

	(void)state;
	for (size_t i = 0; i < 2 * ROWS(rows); i++) {
		const struct access_conf conf = {.format = i % 2 ? ACCESS_JSON : ACCESS_GENERIC_CLF,
						 .dropped = i % 2 ? UINT64_MAX : 0};
		struct str agent = guard_copy(rows[i / 2].agent);
		struct access_header header = {ACCESS_REQUEST, STR("A"), agent};
		struct access_record record = {
			.user_agent = agent, .headers = &header, .n_headers = 1};
		static char line[ACCESS_LINE_MAX];
		size_t n = access_log_format(&conf, &record, line);
		struct str value = str_of(i % 2 ? rows[i / 2].json : rows[i / 2].common);

		/* The value stands right before the quote that ends the line. */
		CHECK_STR(rows[i / 2].name,
			  str_take(str_from(str_n(line, n), n - (i % 2 ? 3 : 2) - value.len),
				   value.len),
			  value);
		assert_int_equal(str_find(str_n(line, n), '\n'), n - 1);
		guard_free(agent);
	}
}

static void a_line_never_outgrows_its_room(void **state)
{
	static char text[20000], line[ACCESS_LINE_MAX];
	struct str longest = {text, sizeof(text)};
	struct access_record record = full;

	(void)state;
	memset(text, '\x01', sizeof(text));
	record.router_name = record.request_path = record.user_agent = record.referer = longest;
	record.client_host = record.service_url = record.request_method = longest;
	record.client_user = record.request_protocol = longest;
	for (int format = ACCESS_COMMON; format <= ACCESS_JSON; format++) {
		struct access_conf conf = {.format = (enum access_format)format};
		size_t n = access_log_format(&conf, &record, line);

		assert_true(n <= ACCESS_LINE_MAX);
		assert_int_equal(line[n - 1], '\n');
		if (format == ACCESS_COMMON)
			assert_true(str_ends(str_n(line, n), STR("\" 12ms\n")));
		if (format != ACCESS_JSON)
			continue;
		json_error_t error;
		json_t *parsed = json_loadb(line, n, 0, &error);

		if (!parsed)
			fail_msg("not JSON: %s", error.text);
		/* Small fields after the long ones are still there. */
		assert_non_null(json_object_get(parsed, "time"));
		json_decref(parsed);
	}
}

static void a_filter_lets_pass_what_any_of_them_wants(void **state)
{
	struct access_status_range ranges[] = {{404, 404}, {500, 599}};
	const struct access_conf none = {0}, status = {.status = ranges, .n_status = 2},
				 retry = {.retry_attempts = true}, slow = {.min_duration_ns = 1000},
				 any = {.status = ranges, .n_status = 2, .min_duration_ns = 1000};
	const struct {
		const char *name;
		const struct access_conf *conf;
		struct access_record record;
		bool wanted;
	} rows[] = {
		{"no filter", &none, {.downstream_status = 200}, true},
		{"status", &status, {.downstream_status = 404}, true},
		{"range end", &status, {.downstream_status = 599}, true},
		{"status outside", &status, {.downstream_status = 403, .duration_ns = 5000}, false},
		{"retry", &retry, {.retry_attempts = 1}, true},
		{"no retry", &retry, {.downstream_status = 500}, false},
		{"slow", &slow, {.duration_ns = 1001}, true},
		{"not slow", &slow, {.duration_ns = 1000}, false},
		{"one of two", &any, {.downstream_status = 200, .duration_ns = 2000}, true},
		{"none of two", &any, {.downstream_status = 200, .duration_ns = 20}, false},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		CHECK_INT(rows[i].name, access_log_wanted(rows[i].conf, &rows[i].record),
			  rows[i].wanted);
}

static void names_are_looked_up_and_listed(void **state)
{
	enum access_format format;
	const char *help, *name, *before = "";
	size_t n = 0;

	(void)state;
	assert_int_equal(access_log_format_named(STR("json"), &format), 0);
	assert_int_equal(format, ACCESS_JSON);
	assert_int_equal(access_log_format_named(STR("JSON"), &format), -EINVAL);
	assert_int_equal(access_log_field(STR("NoSuchField")), -1);
	for (; (name = access_log_field_name(n, &help)); n++) {
		assert_true(strcmp(before, name) < 0);
		assert_int_equal(access_log_field(str_of(name)), n);
		before = name;
	}
	assert_true(n > 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_common_format_is_traefik_s),
		cmocka_unit_test(json_has_traefik_s_keys_in_order),
		cmocka_unit_test(dropped_fields_are_left_out),
		cmocka_unit_test(bytes_of_the_request_cannot_forge_a_line),
		cmocka_unit_test(a_line_never_outgrows_its_room),
		cmocka_unit_test(a_filter_lets_pass_what_any_of_them_wants),
		cmocka_unit_test(names_are_looked_up_and_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
