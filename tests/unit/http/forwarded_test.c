// SPDX-License-Identifier: Apache-2.0
/* forwarded_test: requests before and after the entry point's header handling, as rows
 * (reference/traefik.md e). */

#include "http/forwarded.h"

#include "check.h"
#include "http/canon.h"
#include "http/h1_parse.h"
#include "http/h1_write.h"
#include "http/header.h"

enum peer { UNTRUSTED, TRUSTED };

struct row {
	const char *name;
	enum peer peer;
	const char *sent;      /* header lines */
	const char *forwarded; /* header lines after receive and send, without Host */
	bool is_tls;
	struct forwarded_options options;
};

#define OURS                                                                         \
	"X-Real-Ip: 10.1.2.3\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 80\r\n" \
	"X-Forwarded-Host: a\r\nX-Forwarded-Server: gw\r\nX-Forwarded-For: 10.1.2.3\r\n"

/* clang-format off */
static const struct row rows[] = {
	{"ours are added", UNTRUSTED, "", OURS, false, {0}},
	{"other headers pass in their order", UNTRUSTED, "B: 1\r\nA: 2\r\n", "B: 1\r\nA: 2\r\n" OURS, false, {0}},
	{"an untrusted peer's managed set is deleted", UNTRUSTED,
	 "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: x\r\nX-Forwarded-Port: 1\r\nX-Forwarded-Scheme: a\r\n"
	 "X-Forwarded-Server: x\r\nX-Forwarded-Uri: /x\r\nX-Forwarded-Method: PUT\r\nX-Forwarded-Prefix: /p\r\n", OURS, false, {0}},
	{"and the rest of it", UNTRUSTED,
	 "X-Forwarded-Tls-Client-Cert: a\r\nX-Forwarded-Tls-Client-Cert-Info: b\r\nX-Scheme: https\r\nX-Real-Ip: 1.1.1.1\r\n", OURS, false, {0}},
	{"A2.4: in any spelling", UNTRUSTED, "x-forwarded-for: 1.1.1.1\r\nX-REAL-IP: 1.1.1.1\r\n", OURS, false, {0}},
	{"A2.4: with underscores too, even where those are kept", UNTRUSTED, "X_Forwarded_For: 1.1.1.1\r\nX-Forwarded_Proto: https\r\nX_Real_Ip: 1\r\nX_Other: 1\r\n",
	 "X_Other: 1\r\n" OURS, false, {.underscores = FORWARDED_UNDERSCORES_KEEP}},
	{"A2.4: and other identity headers", UNTRUSTED,
	 "Forwarded: for=1.1.1.1\r\nX-Original-Url: /admin\r\nX-Rewrite-Url: /admin\r\nX-Original-Host: x\r\nClient-Cert: x\r\nClient-Cert-Chain: x\r\nX-Forwarded-User: root\r\n", OURS, false, {0}},
	{"names that only look alike stay", UNTRUSTED, "X-Forward: 1\r\nForwarded-For: 2\r\nX-Real: 3\r\nX-Schemes: 4\r\n",
	 "X-Forward: 1\r\nForwarded-For: 2\r\nX-Real: 3\r\nX-Schemes: 4\r\n" OURS, false, {0}},
	{"a trusted peer's values stay", TRUSTED,
	 "X-Real-Ip: 1.1.1.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 8443\r\nX-Forwarded-Host: x\r\nX-Forwarded-Server: x\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Uri: /x\r\n",
	 "X-Real-Ip: 1.1.1.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 8443\r\nX-Forwarded-Host: x\r\nX-Forwarded-Server: gw\r\nX-Forwarded-For: 1.1.1.1, 192.0.2.7\r\nX-Forwarded-Uri: /x\r\n", false, {0}},
	{"lines of X-Forwarded-For are joined", TRUSTED,
	 "X-Forwarded-For: 1.1.1.1, 2.2.2.2\r\nX-Forwarded-For: 3.3.3.3\r\nX-Real-Ip: 1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 1\r\nX-Forwarded-Host: x\r\n",
	 "X-Forwarded-For: 1.1.1.1, 2.2.2.2, 3.3.3.3, 192.0.2.7\r\nX-Real-Ip: 1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 1\r\nX-Forwarded-Host: x\r\nX-Forwarded-Server: gw\r\n", false, {0}},
	{"the port follows a trusted scheme", TRUSTED, "X-Real-Ip: 1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: x\r\nX-Forwarded-For: 1\r\n",
	 "X-Real-Ip: 1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: x\r\nX-Forwarded-For: 1, 192.0.2.7\r\nX-Forwarded-Port: 443\r\nX-Forwarded-Server: gw\r\n", false, {0}},
	{"d.5: Forwarded of a trusted peer passes untouched", TRUSTED, "Forwarded: for=1.1.1.1\r\n",
	 "Forwarded: for=1.1.1.1\r\nX-Real-Ip: 192.0.2.7\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 80\r\nX-Forwarded-Host: a\r\nX-Forwarded-Server: gw\r\nX-Forwarded-For: 192.0.2.7\r\n", false, {0}},
	{"insecure trusts everybody", UNTRUSTED, "X-Forwarded-Proto: https\r\nX-Real-Ip: 1\r\nX-Forwarded-Port: 2\r\nX-Forwarded-Host: x\r\n",
	 "X-Forwarded-Proto: https\r\nX-Real-Ip: 1\r\nX-Forwarded-Port: 2\r\nX-Forwarded-Host: x\r\nX-Forwarded-Server: gw\r\nX-Forwarded-For: 10.1.2.3\r\n", false, {.insecure = true}},
	{"over TLS", UNTRUSTED, "",
	 "X-Real-Ip: 10.1.2.3\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\nX-Forwarded-Host: a\r\nX-Forwarded-Server: gw\r\nX-Forwarded-For: 10.1.2.3\r\n", true, {0}},
	{"a WebSocket", UNTRUSTED, "Connection: Upgrade\r\nUpgrade: websocket\r\n",
	 "X-Real-Ip: 10.1.2.3\r\nX-Forwarded-Proto: ws\r\nX-Forwarded-Port: 80\r\nX-Forwarded-Host: a\r\nX-Forwarded-Server: gw\r\nX-Forwarded-For: 10.1.2.3\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", false, {0}},
	{"a WebSocket over TLS", UNTRUSTED, "Connection: Upgrade\r\nUpgrade: websocket\r\n",
	 "X-Real-Ip: 10.1.2.3\r\nX-Forwarded-Proto: wss\r\nX-Forwarded-Port: 443\r\nX-Forwarded-Host: a\r\nX-Forwarded-Server: gw\r\nX-Forwarded-For: 10.1.2.3\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", true, {0}},
	{"scheme headers by option", UNTRUSTED, "",
	 "X-Real-Ip: 10.1.2.3\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 80\r\nX-Forwarded-Host: a\r\nX-Forwarded-Scheme: http\r\nX-Scheme: http\r\nX-Forwarded-Server: gw\r\nX-Forwarded-For: 10.1.2.3\r\n", false, {.add_scheme_headers = true}},
	{"X-Forwarded-For is not appended by option", UNTRUSTED, "",
	 "X-Real-Ip: 10.1.2.3\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 80\r\nX-Forwarded-Host: a\r\nX-Forwarded-Server: gw\r\n", false, {.not_append_for = true}},
	/* Connection */
	{"7.6.1: nominated headers go", UNTRUSTED, "Connection: X-Hop, close\r\nX-Hop: 1\r\nx-hop: 2\r\nX-End: 3\r\nKeep-Alive: 5\r\n", "X-End: 3\r\n" OURS, false, {0}},
	{"7.6.1: also when nominated in a later line", UNTRUSTED, "X-Hop: 1\r\nConnection: keep-alive\r\nConnection: x-hop\r\n", OURS, false, {0}},
	{"A2.4: protected headers stay", UNTRUSTED, "Connection: Authorization, Cookie, Content-Length, Host, Transfer-Encoding\r\nAuthorization: x\r\nCookie: y\r\n", "Authorization: x\r\nCookie: y\r\n" OURS, false, {0}},
	{"A2.4: nominating the managed set removes nothing of ours", UNTRUSTED, "Connection: X-Real-Ip, X-Forwarded-For, X_Forwarded_Proto, X-Forwarded-Host\r\n", OURS, false, {0}},
	{"A2.4: nor of a trusted peer's", TRUSTED, "Connection: X-Real-Ip, X-Forwarded-Proto\r\nX-Real-Ip: 1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 1\r\nX-Forwarded-Host: x\r\n",
	 "X-Real-Ip: 1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 1\r\nX-Forwarded-Host: x\r\nX-Forwarded-Server: gw\r\nX-Forwarded-For: 192.0.2.7\r\n", false, {0}},
	{"listed names may pass", UNTRUSTED, "Connection: X-Hop, X-Other\r\nX-Hop: 1\r\nX-Other: 2\r\n", "X-Hop: 1\r\n" OURS, false, {.n_connection = 1, .connection = &(const struct str){"x-hop", 5}}},
	{"d.5: only trailers of TE pass", UNTRUSTED, "Connection: TE\r\nTE: gzip, trailers\r\n", OURS "Te: trailers\r\n", false, {0}},
	{"7.6.1: hop-by-hop headers go unnamed too", UNTRUSTED, "Keep-Alive: 5\r\nProxy-Connection: close\r\nTE: gzip\r\nProxy-Authorization: x\r\nUpgrade: h2c\r\nTrailer: x\r\n", OURS, false, {0}},
	/* underscores */
	{"A2.4: names with underscores go", UNTRUSTED, "X_User: root\r\nContent_Length: 5\r\n_: 1\r\n", OURS, false, {0}},
	{"they stay by option", UNTRUSTED, "X_User: root\r\n", "X_User: root\r\n" OURS, false, {.underscores = FORWARDED_UNDERSCORES_KEEP}},
};
/* clang-format on */

static const struct cidr trusted_net = {
	.addr = {{[10] = 0xff, [11] = 0xff, 192, 0, 2, 0}}, .bits = 120, .is_v4 = true};

static enum fail pass(const struct row *row, struct arena *arena, struct request *request)
{
	static const struct h1_limits limits = {4096, 64};
	static struct header slots[64];
	struct forwarded_options options = row->options;
	struct str text = arena_printf(arena, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", row->sent);
	enum fail fail;

	*request = (struct request){.arena = arena,
				    .is_tls = row->is_tls,
				    .headers = {.at = slots, .cap = 64, .arena = arena}};
	assert_int_equal(addr_parse(row->peer == TRUSTED ? STR("192.0.2.7") : STR("10.1.2.3"),
				    &request->peer),
			 0);
	assert_int_equal(h1_parse_request(text, &limits, request, &fail), (ssize_t)text.len);
	assert_int_equal(canon_request(request, &(const struct canon_options){0}), FAIL_NONE);
	options.server = STR("gw");
	options.trusted = &trusted_net;
	options.n_trusted = 1;
	fail = forwarded_receive(request, &options);
	return fail ? fail : forwarded_send(request, &options);
}

static void headers_pass_the_entry_point_as_rows_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		static const char line[] = "GET / HTTP/1.1\r\nHost: a\r\n";
		char out[4096];
		struct arena arena;
		struct request request;
		ssize_t n;

		arena_init(&arena, 65536, 0);
		CHECK_INT(rows[i].name, pass(&rows[i], &arena, &request), FAIL_NONE);
		CHECK_INT(rows[i].name, request.peer_trusted,
			  rows[i].peer == TRUSTED || rows[i].options.insecure);
		n = h1_write_request(&request, NULL, out, sizeof(out));
		assert_true(n > (ssize_t)sizeof(line));
		CHECK_STR(rows[i].name, str_n(out + sizeof(line) - 1, (size_t)n - sizeof(line) - 1),
			  str_of(rows[i].forwarded));
		arena_done(&arena);
	}
}

static void underscores_can_be_refused(void **state)
{
	static const struct row refused = {
		"",   UNTRUSTED, "X_User: a\r\n",
		NULL, false,	 {.underscores = FORWARDED_UNDERSCORES_REJECT}};
	struct arena arena;
	struct request request;

	(void)state;
	arena_init(&arena, 65536, 0);
	assert_int_equal(pass(&refused, &arena, &request), FAIL_HEADER_UNDERSCORE);
	arena_done(&arena);
}

static void ipv6_peers_are_written_without_brackets(void **state)
{
	struct header slots[16];
	struct arena arena;
	struct request request = {.authority = STR("[::1]:8080"),
				  .headers = {.at = slots, .cap = 16}};

	(void)state;
	arena_init(&arena, 65536, 0);
	request.arena = request.headers.arena = &arena;
	assert_int_equal(addr_parse(STR("2001:db8::1"), &request.peer), 0);
	assert_int_equal(forwarded_receive(&request, &(const struct forwarded_options){0}),
			 FAIL_NONE);
	CHECK_STR("ip", header_value(&request.headers, HEADER_X_REAL_IP), STR("2001:db8::1"));
	CHECK_STR("port", header_value(&request.headers, HEADER_X_FORWARDED_PORT), STR("8080"));
	CHECK_STR("host", header_value(&request.headers, HEADER_X_FORWARDED_HOST),
		  STR("[::1]:8080"));
	assert_null(header_value(&request.headers, HEADER_X_FORWARDED_SERVER).at);
	arena_done(&arena);
}

static void a_hidden_peer_is_not_appended(void **state)
{
	struct request request = {.hide_peer = true};

	(void)state;
	assert_int_equal(forwarded_send(&request, &(const struct forwarded_options){0}), FAIL_NONE);
	assert_int_equal(request.headers.n, 0);
}

static void short_memory_is_a_failure(void **state)
{
	struct header slots[16];
	struct arena arena;
	struct request request = {.headers = {.at = slots, .cap = 16}};

	(void)state;
	arena_init(&arena, 0, 0);
	request.arena = request.headers.arena = &arena;
	assert_int_equal(forwarded_receive(&request, &(const struct forwarded_options){0}),
			 FAIL_INTERNAL);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_pass_the_entry_point_as_rows_say),
		cmocka_unit_test(underscores_can_be_refused),
		cmocka_unit_test(ipv6_peers_are_written_without_brackets),
		cmocka_unit_test(a_hidden_peer_is_not_appended),
		cmocka_unit_test(short_memory_is_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
