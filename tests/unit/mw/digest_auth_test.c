// SPDX-License-Identifier: Apache-2.0
/* digest_auth_test: reference/traefik.md c.7, a.4; RFC 7616; reference/security.md A2.4, A2.8. */

#include "mw_lab.h"

#include <openssl/evp.h>

#include "base/codec.h"

/* ann:traefik:secret, bob:traefik:a"b */
#define ANN "ann:traefik:de69de6c2a3eae82f1d4f0dd6f3e8e4a"

static void md5(const char *text, char out[33])
{
	unsigned char digest[16];

	EVP_Digest(text, strlen(text), digest, NULL, EVP_md5(), NULL);
	codec_hex(digest, sizeof(digest), out);
}

static char lines[512];
static struct lab_secret secrets[] = {
	{"users", "Opaque", {{STR("users"), {lines, 0}}}, 1},
	{"two-keys", "Opaque", {{STR("a"), STR(ANN)}, {STR("b"), STR(ANN)}}, 2},
	{"two-parts", "Opaque", {{STR("users"), STR("ann:traefik")}}, 1},
	{"four-parts", "Opaque", {{STR("users"), STR("ann:traefik:a:b")}}, 1},
	{"comment", "Opaque", {{STR("users"), STR("# who\n" ANN)}}, 1},
	{"empty", "Opaque", {{STR("users"), STR("\n\n")}}, 1},
	{"no-name",
	 "Opaque",
	 {{STR("users"), STR(":traefik:de69de6c2a3eae82f1d4f0dd6f3e8e4a")}},
	 1},
	{"other-realm",
	 "Opaque",
	 {{STR("users"), STR("ann:shop:de69de6c2a3eae82f1d4f0dd6f3e8e4a")}},
	 1},
	{"no-hash", "Opaque", {{STR("users"), STR("ann:traefik:secret")}}, 1},
};

static int make_lines(void **state)
{
	char ann[33], bob[33], old[33];

	(void)state;
	md5("ann:traefik:secret", ann);
	md5("bob:traefik:a\"b", bob);
	md5("bob:traefik:old", old);
	for (char *c = bob; *c; c++)
		*c = *c >= 'a' ? (char)(*c - 32) : *c;
	snprintf(lines, sizeof(lines),
		 "ann:traefik:%s\n\nbob:traefik:%s\r\nbob:traefik:%s\nann:shop:%s\n", ann, old, bob,
		 old);
	secrets[0].data[0].value = str_of(lines);
	return 0;
}

static int open_lab(struct lab *lab, const char *config)
{
	lab_init(lab);
	lab->secrets = secrets;
	lab->n_secrets = sizeof(secrets) / sizeof(*secrets);
	return lab_mw(lab, "digestAuth", config);
}

/* The nonce and opaque of a new challenge. */
static void ask(struct lab *lab, char nonce[49], char opaque[33])
{
	lab_request(lab, "GET http://a.test/", NULL);
	assert_int_equal(lab_run(lab), MW_REPLY);
	const char *value = header_value(&lab->call.reply.headers, HEADER_WWW_AUTHENTICATE).at;

	assert_int_equal(sscanf(strstr(value, "nonce="), "nonce=\"%48[0-9a-f]\"", nonce), 1);
	assert_int_equal(sscanf(strstr(value, "opaque="), "opaque=\"%32[0-9a-f]\"", opaque), 1);
}

/* What a client says; NULL: as it is right. */
struct said {
	const char *line; /* the request; NULL: GET /a?b=c */
	const char *method, *user, *password, *uri, *nc, *opaque, *qop, *algorithm, *nonce,
		*response;
	const char *more; /* headers */
};

static enum mw_verdict say(struct lab *lab, const struct said *said, const char *nonce,
			   const char *opaque)
{
	char text[512], ha1[33], ha2[33], response[33], header[1024];
	const char *user = said->user ? said->user : "ann";
	const char *uri = said->uri ? said->uri : "/a?b=c", *nc = said->nc ? said->nc : "00000001";
	const char *qop = said->qop ? said->qop : "auth";

	nonce = said->nonce ? said->nonce : nonce;
	snprintf(text, sizeof(text), "%s:traefik:%s", user,
		 said->password ? said->password : "secret");
	md5(text, ha1);
	snprintf(text, sizeof(text), "%s:%s", said->method ? said->method : "GET", uri);
	md5(text, ha2);
	snprintf(text, sizeof(text), "%s:%s:%s:cn:%s:%s", ha1, nonce, nc, qop, ha2);
	md5(text, response);
	snprintf(header, sizeof(header),
		 "Authorization: Digest username=\"%s\", realm=\"traefik\", nonce=\"%s\", "
		 "uri=\"%s\", cnonce=\"cn\", nc=%s, qop=%s, response=\"%s\", opaque=\"%s\"%s%s%s%s",
		 user, nonce, uri, nc, qop, said->response ? said->response : response,
		 said->opaque ? said->opaque : opaque, said->algorithm ? ", algorithm=" : "",
		 said->algorithm ? said->algorithm : "", said->more ? "\n" : "",
		 said->more ? said->more : "");
	lab_request(lab, said->line ? said->line : "GET http://a.test/a?b=c",
		    arena_str(&lab->arena, str_of(header)).at);
	lab->request.target = str_from(str_of(said->line ? said->line : "GET http://a.test/a?b=c"),
				       strlen("GET http://a.test"));
	return lab_run(lab);
}

static void the_challenge_is_the_references(void **state)
{
	struct lab lab;
	char nonce[49], opaque[33], expected[256];

	(void)state;
	assert_int_equal(open_lab(&lab, "{'secret':'users'}"), 0);
	ask(&lab, nonce, opaque);
	snprintf(expected, sizeof(expected),
		 "Digest realm=\"traefik\", nonce=\"%s\", opaque=\"%s\", algorithm=MD5, "
		 "qop=\"auth\"",
		 nonce, opaque);
	lab_assert_header(&lab.call.reply.headers, "WWW-Authenticate", expected);
	assert_int_equal(lab.call.reply.status, 401);
	lab_assert_str(lab.call.reply.body, "401 Unauthorized\n");
	lab_assert_str(lab.call.reply.content_type, "text/plain");
	lab_done(&lab);
}

static const struct {
	const char *name;
	struct said said;
	bool passes;
} rows[] = {
	{"right", {0}, true},
	{"algorithm named", {.algorithm = "MD5"}, true},
	{"algorithm in quotes", {.algorithm = "\"MD5\""}, true},
	{"nc short, as some clients write it", {.nc = "1"}, true},
	{"hash in upper case, later duplicate wins", {.user = "bob", .password = "a\"b"}, true},
	{"uri is a prefix of the path, c.7", {.uri = "/"}, true},
	{"uri without the query", {.uri = "/a"}, true},
	{"absolute uri", {.uri = "http://a.test/a?b=c"}, true},
	{"uri of an encoded path", {.uri = "/%61%20b", .line = "GET http://a.test/%61%20b"}, true},
	{"another method", {.line = "POST http://a.test/a?b=c"}, false},
	{"another uri", {.uri = "/b"}, false},
	{"a longer uri", {.uri = "/a/b"}, false},
	{"empty password", {.password = ""}, false},
	{"wrong password", {.password = "Secret"}, false},
	{"duplicate that lost", {.user = "bob", .password = "old"}, false},
	{"unknown user", {.user = "eve"}, false},
	{"unknown user with no hash", {.user = "eve", .password = ""}, false},
	{"another algorithm", {.algorithm = "SHA-256"}, false},
	{"session algorithm", {.algorithm = "MD5-sess"}, false},
	{"another qop", {.qop = "auth-int"}, false},
	{"another opaque", {.opaque = "0123456789abcdef0123456789abcdef"}, false},
	{"another nonce", {.nonce = "0123456789abcdef0123456789abcdef0123456789abcdef"}, false},
	{"nc is no number", {.nc = "x"}, false},
	{"nc is zero", {.nc = "00000000"}, false},
	{"response too long", {.response = "0123456789abcdef0123456789abcdef0"}, false},
	{"empty response", {.response = ""}, false},
	{"Authorization twice", {.more = "Authorization: Basic YTpi"}, false},
};

static void only_users_with_their_passwords_pass(void **state)
{
	struct lab lab;
	char nonce[49], opaque[33];

	(void)state;
	assert_int_equal(open_lab(&lab, "{'secret':'users'}"), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		print_message("  %s\n", rows[i].name);
		ask(&lab, nonce, opaque);
		assert_int_equal(say(&lab, &rows[i].said, nonce, opaque),
				 rows[i].passes ? MW_NEXT : MW_REPLY);
		if (rows[i].passes)
			assert_int_equal(lab.call.user.len, 3);
		else
			assert_int_equal(lab.call.reply.status, 401);
	}
	lab_done(&lab);
}

static void a_count_is_used_once(void **state)
{
	struct lab lab;
	char nonce[49], opaque[33];
	struct said said = {0};

	(void)state;
	open_lab(&lab, "{'secret':'users'}");
	ask(&lab, nonce, opaque);
	assert_int_equal(say(&lab, &said, nonce, opaque), MW_NEXT);
	assert_int_equal(say(&lab, &said, nonce, opaque), MW_REPLY);
	const char *again = header_value(&lab.call.reply.headers, HEADER_WWW_AUTHENTICATE).at;

	assert_non_null(strstr(again, ", stale=true"));
	assert_null(strstr(again, nonce));
	said.nc = "0000000a";
	assert_int_equal(say(&lab, &said, nonce, opaque), MW_NEXT);
	/* Who does not know the password learns nothing of a nonce. */
	said.password = "wrong";
	assert_int_equal(say(&lab, &said, nonce, opaque), MW_REPLY);
	assert_null(
		strstr(header_value(&lab.call.reply.headers, HEADER_WWW_AUTHENTICATE).at, "stale"));
	lab_done(&lab);
}

static void a_rewritten_path_may_be_the_uri_too(void **state)
{
	struct lab lab;
	char nonce[49], opaque[33];
	struct said said = {.uri = "/a?b=c", .line = "GET http://a.test/a?b=c"};

	(void)state;
	open_lab(&lab, "{'secret':'users'}");
	ask(&lab, nonce, opaque);
	assert_int_equal(say(&lab, &said, nonce, opaque), MW_NEXT);
	lab.request.raw_path = lab.request.path = STR("/other");
	assert_int_equal(lab_run(&lab), MW_REPLY); /* the count, not the uri */
	assert_non_null(
		strstr(header_value(&lab.call.reply.headers, HEADER_WWW_AUTHENTICATE).at, "stale"));
	lab_done(&lab);
}

static void the_user_header_is_the_middlewares_own(void **state)
{
	struct lab lab;
	char nonce[49], opaque[33];
	struct said said = {.more = "X-User: root\nx_user: root\nOther: stays"};

	(void)state;
	open_lab(&lab, "{'secret':'users','headerField':'X-User','removeHeader':true}");
	ask(&lab, nonce, opaque);
	assert_int_equal(say(&lab, &said, nonce, opaque), MW_NEXT);
	assert_string_equal(lab_print(&lab, &lab.request.headers), "Other: stays\nX-User: ann\n");
	said.password = "wrong";
	assert_int_equal(say(&lab, &said, nonce, opaque), MW_REPLY);
	lab_assert_header(&lab.request.headers, "X-User", NULL);
	assert_true(lab.mw.mw->explain(&lab.mw, &lab.request, &lab.arena).len > 0);
	lab_done(&lab);
}

static void bad_secrets_break_the_middleware(void **state)
{
	static const char *const names[] = {"missing", "two-keys", "two-parts", "four-parts",
					    "comment", "empty",	   "no-name"};
	static const char *const useless[] = {"other-realm", "no-hash"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct lab lab;
		char config[64];

		print_message("  %s\n", names[i]);
		snprintf(config, sizeof(config), "{'secret':'%s'}", names[i]);
		assert_int_equal(open_lab(&lab, config), -EINVAL);
		assert_int_equal(lab.sink.n_errors, 1);
		lab_done(&lab);
	}
	/* Lines that can never match are told of; nobody passes. */
	for (size_t i = 0; i < sizeof(useless) / sizeof(*useless); i++) {
		struct lab lab;
		char config[64];

		snprintf(config, sizeof(config), "{'secret':'%s'}", useless[i]);
		assert_int_equal(open_lab(&lab, config), 0);
		assert_int_equal(lab.sink.n_warnings, 1);
		lab_done(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_challenge_is_the_references),
		cmocka_unit_test(only_users_with_their_passwords_pass),
		cmocka_unit_test(a_count_is_used_once),
		cmocka_unit_test(a_rewritten_path_may_be_the_uri_too),
		cmocka_unit_test(the_user_header_is_the_middlewares_own),
		cmocka_unit_test(bad_secrets_break_the_middleware),
	};

	return cmocka_run_group_tests(tests, make_lines, NULL);
}
