// SPDX-License-Identifier: Apache-2.0
/* compress_test: reference/traefik.md c.9; how requests choose is in accept_coding_test. */

#include "coding_help.h"

static const struct {
	const char *name, *config, *request, *request_headers;
	uint16_t status;
	int64_t length; /* -1: not said */
	const char *headers;
	const char *encoding; /* NULL: left as it is */
} rows[] = {
	{"compressed", "{}", "GET", "Accept-Encoding: gzip", 200, 2000, "Content-Type: text/html",
	 "gzip"},
	{"nobody asked", "{}", "GET", "", 200, 2000, "Content-Type: text/html", NULL},
	{"nobody asked, default", "{'defaultEncoding':'br'}", "GET", "", 200, 2000,
	 "Content-Type: text/html", "br"},
	{"HEAD", "{}", "HEAD", "Accept-Encoding: gzip", 200, 2000, "Content-Type: text/html", NULL},
	{"POST", "{}", "POST", "Accept-Encoding: zstd", 200, 2000, "Content-Type: text/html",
	 "zstd"},
	{"an error page", "{}", "GET", "Accept-Encoding: br", 404, 2000, "Content-Type: text/html",
	 "br"},
	/* Size. */
	{"just enough", "{}", "GET", "Accept-Encoding: gzip", 200, 1024, "Content-Type: text/html",
	 "gzip"},
	{"too small", "{}", "GET", "Accept-Encoding: gzip", 200, 1023, "Content-Type: text/html",
	 NULL},
	{"0 is 1024", "{'minResponseBodyBytes':0}", "GET", "Accept-Encoding: gzip", 200, 1023,
	 "Content-Type: text/html", NULL},
	{"small enough", "{'minResponseBodyBytes':1}", "GET", "Accept-Encoding: br", 200, 1,
	 "Content-Type: text/html", "br"},
	{"nothing", "{'minResponseBodyBytes':1}", "GET", "Accept-Encoding: br", 200, 0,
	 "Content-Type: text/html", NULL},
	/* Status. */
	{"204", "{}", "GET", "Accept-Encoding: gzip", 204, -1, "", NULL},
	{"304", "{}", "GET", "Accept-Encoding: gzip", 304, 2000, "", NULL},
	{"206", "{}", "GET", "Accept-Encoding: br", 206, 2000, "Content-Range: bytes 0-1999/9000",
	 NULL},
	{"206 of many parts", "{}", "GET", "Accept-Encoding: br", 206, 2000,
	 "Content-Type: multipart/byteranges; boundary=x", NULL},
	/* What it is already. */
	{"already compressed", "{}", "GET", "Accept-Encoding: gzip", 200, 2000,
	 "Content-Encoding: br", NULL},
	{"an empty coding is none", "{}", "GET", "Accept-Encoding: gzip", 200, 2000,
	 "Content-Encoding:", "gzip"},
	{"switched off by the service", "{}", "GET", "Accept-Encoding: gzip", 200, 2000,
	 "No-Gzip-Compression: 1", NULL},
	{"... which is said of gzip only", "{}", "GET", "Accept-Encoding: br", 200, 2000,
	 "No-Gzip-Compression: 1", "br"},
	/* Types. */
	{"no type", "{}", "GET", "Accept-Encoding: gzip", 200, 2000, "", "gzip"},
	{"malformed type", "{}", "GET", "Accept-Encoding: gzip", 200, 2000,
	 "Content-Type: text/html; charset", NULL},
	{"grpc", "{}", "POST", "Accept-Encoding: gzip", 200, 2000, "Content-Type: application/grpc",
	 NULL},
	{"grpc+proto", "{}", "POST", "Accept-Encoding: gzip", 200, 2000,
	 "Content-Type: application/grpc+proto", NULL},
	{"grpc even if included", "{'includedContentTypes':['application/grpc']}", "POST",
	 "Accept-Encoding: gzip", 200, 2000, "Content-Type: application/grpc", NULL},
	{"excluded", "{'excludedContentTypes':['Image/PNG; a=b']}", "GET", "Accept-Encoding: gzip",
	 200, 2000, "Content-Type: image/png", NULL},
	{"excluded with parameters", "{'excludedContentTypes':['text/html']}", "GET",
	 "Accept-Encoding: gzip", 200, 2000, "Content-Type: TEXT/html; charset=utf-8", NULL},
	{"not excluded", "{'excludedContentTypes':['image/png']}", "GET", "Accept-Encoding: gzip",
	 200, 2000, "Content-Type: image/svg+xml", "gzip"},
	{"included", "{'includedContentTypes':['application/json']}", "GET",
	 "Accept-Encoding: gzip", 200, 2000, "Content-Type: application/json; charset=utf-8",
	 "gzip"},
	{"not included", "{'includedContentTypes':['application/json']}", "GET",
	 "Accept-Encoding: gzip", 200, 2000, "Content-Type: text/html", NULL},
	{"excluded by the request's type", "{'excludedContentTypes':['text/event-stream']}", "POST",
	 "Accept-Encoding: gzip\nContent-Type: text/event-stream", 200, 2000,
	 "Content-Type: text/html", NULL},
	{"a grpc request", "{}", "POST", "Accept-Encoding: gzip\nContent-Type: application/grpc",
	 200, 2000, "Content-Type: text/html", NULL},
};

/* A request went through; *ret_line is static. */
static void ask(struct lab *lab, const char *config, const char *method, const char *headers)
{
	char line[64];

	lab_init(lab);
	assert_int_equal(lab_mw(lab, "compress", config), 0);
	snprintf(line, sizeof(line), "%s http://a.test/", method);
	lab_request(lab, line, headers);
	assert_int_equal(lab_run(lab), MW_NEXT);
}

static void end(struct lab *lab)
{
	lab->mw.mw->on_end(&lab->mw, &lab->call);
	lab_done(lab);
}

static void what_is_compressed(void **state)
{
	static struct lab lab;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *already = strstr(rows[i].headers, "Content-Encoding: br") ? "br" : NULL;

		print_message("# %s\n", rows[i].name);
		ask(&lab, rows[i].config, rows[i].request, rows[i].request_headers);
		assert_int_equal(lab_answer(&lab, rows[i].status, rows[i].length, rows[i].headers),
				 MW_NEXT);
		assert_int_equal(lab.call.filter_response, rows[i].encoding != NULL);
		if (!rows[i].encoding && rows[i].headers[0] && !already &&
		    header_find(&lab.response.headers, HEADER_CONTENT_ENCODING))
			fail_msg("has a coding");
		if (rows[i].encoding)
			lab_assert_header(&lab.response.headers, "Content-Encoding",
					  rows[i].encoding);
		end(&lab);
	}
}

static void caches_are_told(void **state)
{
	static struct lab lab;

	(void)state;
	ask(&lab, "{}", "GET", "Accept-Encoding: gzip");
	lab_answer(&lab, 200, 10, "ETag: \"x\"\nAccept-Ranges: bytes");
	/* Also when it is not compressed; the rest stays. */
	lab_assert_header(&lab.response.headers, "Vary", "Accept-Encoding");
	lab_assert_header(&lab.response.headers, "Accept-Ranges", "bytes");
	end(&lab);
	ask(&lab, "{}", "GET", "Accept-Encoding: gzip");
	lab_answer(&lab, 200, 5000,
		   "Vary: Origin, accept-encoding\nETag: \"x\"\nAccept-Ranges: bytes\n"
		   "No-Gzip: 1");
	lab_assert_str(str_of(lab_print(&lab, &lab.response.headers)),
		       "Vary: Origin, accept-encoding\nETag: W/\"x\"\nNo-Gzip: 1\n"
		       "Content-Encoding: gzip\n");
	end(&lab);
	ask(&lab, "{}", "GET", "");
	lab_answer(&lab, 200, 5000, "");
	lab_assert_header(&lab.response.headers, "Vary", NULL);
	end(&lab);
	ask(&lab, "{}", "GET", "Accept-Encoding: gzip");
	lab_answer(&lab, 200, 5000, "No-Gzip-Compression: 0");
	lab_assert_header(&lab.response.headers, "No-Gzip-Compression", NULL);
	end(&lab);
}

static void without_a_length_anything_but_nothing_is_compressed(void **state)
{
	static struct lab lab;

	(void)state;
	ask(&lab, "{}", "GET", "Accept-Encoding: gzip");
	assert_int_equal(lab_answer(&lab, 200, -1, "Content-Type: text/event-stream"), MW_WAIT);
	assert_true(lab.call.wait.response.wanted);
	assert_int_equal(lab.call.wait.response.min_bytes, 1);
	assert_int_equal(lab_answer_again(&lab, "data: 1\n\n", false), MW_NEXT);
	assert_true(lab.call.filter_response);
	lab_assert_header(&lab.response.headers, "Content-Encoding", "gzip");
	lab_assert_header(&lab.response.headers, "Vary", "Accept-Encoding");
	end(&lab);
	ask(&lab, "{}", "GET", "Accept-Encoding: gzip");
	assert_int_equal(lab_answer(&lab, 200, -1, ""), MW_WAIT);
	assert_int_equal(lab_answer_again(&lab, "", true), MW_NEXT);
	assert_false(lab.call.filter_response);
	lab_assert_header(&lab.response.headers, "Content-Encoding", NULL);
	end(&lab);
	/* Nothing is there yet: the head goes out. */
	ask(&lab, "{}", "GET", "Accept-Encoding: gzip");
	assert_int_equal(lab_answer(&lab, 200, -1, ""), MW_WAIT);
	assert_int_equal(lab_answer_again(&lab, "", false), MW_NEXT);
	assert_true(lab.call.filter_response);
	end(&lab);
}

static void write_span(struct lab *lab, struct mw_body_out *out, struct mw_span span)
{
	assert_int_equal(lab->mw.mw->on_response_body(&lab->mw, &lab->call, &span, out), 0);
}

static void events_go_out_one_by_one(void **state)
{
	static const char *const names[] = {"gzip", "br", "zstd"};
	static struct lab lab;

	(void)state;
	for (int id = CODING_GZIP; id <= CODING_ZSTD; id++) {
		struct headers trailers = {0}, sent = {0};
		struct mw_body_out out;
		char header[64];

		snprintf(header, sizeof(header), "Accept-Encoding: %s", names[id - 1]);
		ask(&lab, "{}", "GET", header);
		lab_answer(&lab, 200, -1, "Content-Type: text/event-stream");
		lab_answer_again(&lab, "data", false);
		mw_body_init(&out, 1 << 20);
		mw_body_begin(&out, NULL);
		write_span(&lab, &out,
			   (struct mw_span){.bytes = STR("data: 1\n\n"), .is_flush = true});
		coding_assert_reads((enum coding_id)id, mw_body_str(&out), STR("data: 1\n\n"),
				    false);
		write_span(&lab, &out,
			   (struct mw_span){.bytes = STR("data: 2\n\n"), .is_flush = true});
		coding_assert_reads((enum coding_id)id, mw_body_str(&out),
				    STR("data: 1\n\ndata: 2\n\n"), false);
		trailers.arena = sent.arena = &lab.arena;
		header_add(&trailers, STR("X-Sum"), STR("1"));
		out.trailers = &sent;
		write_span(&lab, &out, (struct mw_span){.is_last = true, .trailers = &trailers});
		coding_assert_reads((enum coding_id)id, mw_body_str(&out),
				    STR("data: 1\n\ndata: 2\n\n"), true);
		lab_assert_header(&sent, "X-Sum", "1");
		mw_body_done(&out);
		end(&lab);
	}
}

static void a_body_that_is_cut_leaves_nothing_behind(void **state)
{
	static struct lab lab;
	struct mw_body_out out;

	(void)state;
	ask(&lab, "{}", "GET", "Accept-Encoding: zstd");
	lab_answer(&lab, 200, 5000, "");
	mw_body_init(&out, 1 << 20);
	mw_body_begin(&out, NULL);
	write_span(&lab, &out, (struct mw_span){.bytes = STR("half")});
	mw_body_done(&out);
	end(&lab);
}

/* A middleware further out may ask again: only the last answer counts. */
static void an_answer_that_was_dropped_changes_nothing(void **state)
{
	static struct lab lab;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		ask(&lab, "{}", "GET", "Accept-Encoding: gzip");
		lab_answer(&lab, 503, 5000, "");
		assert_true(lab.call.filter_response);
		lab_answer(&lab, 503, 5, "");
		assert_false(lab.call.filter_response);
		lab_answer(&lab, 200, 5000, "");
		assert_true(lab.call.filter_response);
		end(&lab);
	}
}

static void faults_are_told(void **state)
{
	static struct lab lab;

	(void)state;
	lab_init(&lab);
	assert_int_equal(lab_mw(&lab, "compress", "{'excludedContentTypes':['text/html','a b']}"),
			 -EINVAL);
	lab_assert_str(lab.sink.at[0].field, "excludedContentTypes[1]");
	lab_done(&lab);
}

static void explanations_name_the_coding(void **state)
{
	static struct lab lab;

	(void)state;
	ask(&lab, "{}", "GET", "Accept-Encoding: br;q=0.2, zstd");
	lab_assert_str(
		lab.mw.mw->explain(&lab.mw, &lab.request, &lab.arena),
		"compresses with zstd if the response has 1024 bytes, or does not say, and a "
		"type that may be compressed");
	end(&lab);
	ask(&lab, "{}", "GET", "");
	lab_assert_str(lab.mw.mw->explain(&lab.mw, &lab.request, &lab.arena),
		       "leaves the response as it is: nothing it could use is asked for");
	end(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_compressed),
		cmocka_unit_test(caches_are_told),
		cmocka_unit_test(without_a_length_anything_but_nothing_is_compressed),
		cmocka_unit_test(events_go_out_one_by_one),
		cmocka_unit_test(a_body_that_is_cut_leaves_nothing_behind),
		cmocka_unit_test(an_answer_that_was_dropped_changes_nothing),
		cmocka_unit_test(faults_are_told),
		cmocka_unit_test(explanations_name_the_coding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
