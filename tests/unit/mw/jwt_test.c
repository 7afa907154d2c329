// SPDX-License-Identifier: Apache-2.0
/* jwt_test: RFC 7519, RFC 6750 3; keys from Secrets and from a URL; reference/security.md A2.4. */

#include "jwt_lab.h"

enum { WALL_S = 1000000 };

static EVP_PKEY *rsa, *ec;
static struct lab_secret secrets[] = {
	{"shared", "Opaque", {{STR("key"), STR(JWT_LAB_SECRET)}}, 1},
	{"short", "Opaque", {{STR("key"), STR("short")}}, 1},
	{"public", "Opaque", {{STR("key.pem"), {NULL, 0}}}, 1},
	{"jwks", "Opaque", {{STR("jwks.json"), {NULL, 0}}}, 1},
	{"useless", "Opaque", {{STR("jwks.json"), STR("{\"keys\":[]}")}}, 1},
	{"no-pem", "Opaque", {{STR("k"), STR("nonsense")}}, 1},
};
static struct lab keep; /* owns the texts of keys */

static int make_keys(void **state)
{
	(void)state;
	lab_init(&keep);
	rsa = EVP_RSA_gen(2048);
	ec = EVP_EC_gen("P-256");
	secrets[2].data[0].value = jwt_lab_pem(&keep, rsa);
	secrets[3].data[0].value = jwt_lab_jwks(&keep, jwt_lab_jwk(&keep, ec, ",\"kid\":\"ec1\""));
	return 0;
}

static int free_keys(void **state)
{
	(void)state;
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ec);
	lab_done(&keep);
	return 0;
}

static int open_lab(struct lab *lab, const char *config)
{
	lab_init(lab);
	lab->secrets = secrets;
	lab->n_secrets = sizeof(secrets) / sizeof(*secrets);
	return lab_mw(lab, "jwt", config);
}

/* A hook at this monotonic time; jobs are run here and counted. */
static enum mw_verdict call(struct lab *lab, uint64_t now_s, int *jobs,
			    enum mw_verdict (*hook)(const struct mw_instance *, struct mw_call *))
{
	for (;;) {
		lab->call = (struct mw_call){
			.request = &lab->request,
			.reply.headers.arena = &lab->arena,
			.slot = lab->slot,
			.now_ns = now_s * NS_PER_SEC,
			.wall_ns = WALL_S * NS_PER_SEC,
		};
		enum mw_verdict verdict = hook(&lab->mw, &lab->call);

		if (verdict != MW_WAIT || !lab->call.wait.run)
			return verdict;
		(*jobs)++;
		lab->call.wait.run(lab->call.wait.arg);
		hook = lab->mw.mw->on_resume;
	}
}

static void end(struct lab *lab)
{
	lab->mw.mw->on_end(&lab->mw, &lab->call);
}

static enum mw_verdict send_token(struct lab *lab, struct str token, const char *more,
				  uint64_t now_s, int *jobs)
{
	struct str headers = arena_printf(&lab->arena, "Authorization: Bearer " STR_FMT "%s%s",
					  STR_ARG(token), more ? "\n" : "", more ? more : "");

	lab_request(lab, "GET http://a.test/", headers.at);
	return call(lab, now_s, jobs, lab->mw.mw->on_request);
}

#define GOOD "{\"sub\":\"ann\",\"exp\":1000600,\"roles\":[\"a\",\"b\"],\"iss\":\"i\"}"

static const struct {
	const char *name, *config, *algorithm;
	int key; /* 0: secret, 1: rsa, 2: ec */
	const char *header, *claims;
	uint16_t status; /* 0: passes */
	const char *challenge;
} rows[] = {
	{"shared secret", "{'signingSecret':'shared'}", "HS256", 0, NULL, GOOD, 0, NULL},
	{"PEM", "{'publicKeySecret':'public'}", "RS256", 1, NULL, GOOD, 0, NULL},
	{"PEM, PSS", "{'publicKeySecret':'public'}", "PS512", 1, NULL, GOOD, 0, NULL},
	{"the source named in words",
	 "{'signingSecret':'shared','source':{'header':'authorization'}}", "HS256", 0, NULL, GOOD,
	 0, NULL},
	{"set with a key id", "{'jwksSecret':'jwks'}", "ES256", 2,
	 "{\"alg\":\"ES256\",\"kid\":\"ec1\"}", GOOD, 0, NULL},
	{"all together",
	 "{'jwksSecret':'jwks','publicKeySecret':'public','signingSecret':'shared'}", "HS512", 0,
	 NULL, GOOD, 0, NULL},
	{"unknown key id", "{'jwksSecret':'jwks'}", "ES256", 2, "{\"alg\":\"ES256\",\"kid\":\"x\"}",
	 GOOD, 401,
	 "Bearer realm=\"tidegate\", error=\"invalid_token\", error_description=\"there is no key "
	 "for it\""},
	{"pinned algorithm", "{'publicKeySecret':'public','algorithms':['PS256']}", "RS256", 1,
	 NULL, GOOD, 401,
	 "Bearer realm=\"tidegate\", error=\"invalid_token\", error_description=\"the algorithm is "
	 "not accepted\""},
	{"no key of that kind", "{'publicKeySecret':'public'}", "HS256", 0, NULL, GOOD, 401,
	 "Bearer realm=\"tidegate\", error=\"invalid_token\", error_description=\"there is no key "
	 "for it\""},
	{"signed with another key", "{'signingSecret':'shared','publicKeySecret':'public'}",
	 "RS256", -1, NULL, GOOD, 401,
	 "Bearer realm=\"tidegate\", error=\"invalid_token\", error_description=\"the signature is "
	 "wrong\""},
	{"none", "{'signingSecret':'shared'}", "HS256", 0, "{\"alg\":\"none\"}", GOOD, 401,
	 "Bearer realm=\"tidegate\", error=\"invalid_token\", error_description=\"the algorithm is "
	 "not known\""},
	{"expired", "{'signingSecret':'shared','realm':'shop'}", "HS256", 0, NULL, "{\"exp\":5}",
	 401,
	 "Bearer realm=\"shop\", error=\"invalid_token\", error_description=\"the token has "
	 "expired\""},
	{"another issuer", "{'signingSecret':'shared','issuers':['j']}", "HS256", 0, NULL, GOOD,
	 401,
	 "Bearer realm=\"tidegate\", error=\"invalid_token\", error_description=\"the issuer is "
	 "another one\""},
	{"a claim that is not enough",
	 "{'signingSecret':'shared','requiredClaims':[{'claim':'roles','contains':'c'}]}", "HS256",
	 0, NULL, GOOD, 403,
	 "Bearer realm=\"tidegate\", error=\"insufficient_scope\", error_description=\"a claim is "
	 "not what it must be\""},
};

static void only_valid_tokens_pass(void **state)
{
	EVP_PKEY *other = EVP_RSA_gen(2048);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		EVP_PKEY *keys[] = {other, NULL, rsa, ec};
		struct lab lab;
		int jobs = 0;

		print_message("  %s\n", rows[i].name);
		assert_int_equal(open_lab(&lab, rows[i].config), 0);
		struct str token =
			jwt_lab_token(&lab, rows[i].algorithm, keys[rows[i].key + 1],
				      STR(JWT_LAB_SECRET), rows[i].header, rows[i].claims);
		enum mw_verdict verdict = send_token(&lab, token, NULL, 1, &jobs);

		assert_int_equal(verdict, rows[i].status ? MW_REPLY : MW_NEXT);
		if (rows[i].status) {
			assert_int_equal(lab.call.reply.status, rows[i].status);
			lab_assert_header(&lab.call.reply.headers, "WWW-Authenticate",
					  rows[i].challenge);
		} else {
			lab_assert_str(lab.call.user, "ann");
			assert_int_equal(jobs, rows[i].key > 0);
		}
		assert_true(lab.mw.mw->explain(&lab.mw, &lab.request, &lab.arena).len > 0);
		end(&lab);
		lab_done(&lab);
	}
	EVP_PKEY_free(other);
}

static void requests_without_a_token_are_asked_for_one(void **state)
{
	struct lab lab;
	int jobs = 0;

	(void)state;
	open_lab(&lab, "{'signingSecret':'shared'}");
	lab_request(&lab, "GET http://a.test/", NULL);
	assert_int_equal(call(&lab, 1, &jobs, lab.mw.mw->on_request), MW_REPLY);
	assert_int_equal(lab.call.reply.status, 401);
	/* RFC 6750 3.1: no error code for who has said nothing. */
	lab_assert_header(&lab.call.reply.headers, "WWW-Authenticate", "Bearer realm=\"tidegate\"");
	lab_assert_str(lab.mw.mw->explain(&lab.mw, &lab.request, &lab.arena),
		       "refuses with 401: the request has no token");
	end(&lab);
	lab_done(&lab);
}

static void claims_become_headers_that_are_the_middlewares_own(void **state)
{
	struct lab lab;
	int jobs = 0;

	(void)state;
	open_lab(&lab, "{'signingSecret':'shared','removeToken':true,'headerField':'X-User',"
		       "'forwardHeaders':{'X-Roles':'roles','X-Mail':'email'}}");
	struct str token = jwt_lab_token(&lab, "HS256", NULL, STR(JWT_LAB_SECRET), NULL, GOOD);

	assert_int_equal(send_token(&lab, token,
				    "X-User: root\nx_roles: admin\nX-Mail: forged\nA: b", 1, &jobs),
			 MW_NEXT);
	assert_string_equal(lab_print(&lab, &lab.request.headers),
			    "A: b\nX-Roles: a,b\nX-User: ann\n");
	end(&lab);
	lab_done(&lab);
}

static void a_good_signature_is_remembered(void **state)
{
	struct lab lab;
	int jobs = 0;

	(void)state;
	open_lab(&lab, "{'publicKeySecret':'public'}");
	struct str token = jwt_lab_token(&lab, "RS256", rsa, (struct str){0}, NULL, GOOD);

	for (int i = 0; i < 3; i++) {
		assert_int_equal(send_token(&lab, token, NULL, 1, &jobs), MW_NEXT);
		end(&lab);
	}
	assert_int_equal(jobs, 1);
	assert_int_equal(send_token(&lab, token, NULL, 100, &jobs), MW_NEXT);
	end(&lab);
	assert_int_equal(jobs, 2);
	lab_done(&lab);
}

#define URL "{'jwksURL':'https://issuer.test/keys','jwksRefresh':'100s'}"

static struct str set_of(struct lab *lab, EVP_PKEY *key, const char *kid)
{
	return jwt_lab_jwks(
		lab, jwt_lab_jwk(lab, key, arena_printf(&lab->arena, ",\"kid\":\"%s\"", kid).at));
}

static enum mw_verdict answer(struct lab *lab, int error, uint16_t status, struct str body,
			      uint64_t now_s, int *jobs)
{
	struct mw_fetch *fetch = fetch_lab_question(lab);

	fetch->error = error;
	fetch->status = status;
	fetch->response_body = body;
	return call(lab, now_s, jobs, lab->mw.mw->on_resume);
}

static struct str token_with(struct lab *lab, EVP_PKEY *key, const char *kid)
{
	bool is_rsa = EVP_PKEY_is_a(key, "RSA");
	struct str header = arena_printf(&lab->arena, "{\"alg\":\"%s\",\"kid\":\"%s\"}",
					 is_rsa ? "RS256" : "ES256", kid);

	return jwt_lab_token(lab, is_rsa ? "RS256" : "ES256", key, (struct str){0}, header.at,
			     GOOD);
}

static void keys_are_fetched_once_and_refreshed(void **state)
{
	struct lab lab;
	int jobs = 0;

	(void)state;
	assert_int_equal(open_lab(&lab, URL), 0);
	lab_assert_str(lab.url, "https://issuer.test/keys");
	struct str token = token_with(&lab, rsa, "a");

	assert_int_equal(send_token(&lab, token, NULL, 1000, &jobs), MW_WAIT);
	lab_assert_str(fetch_lab_question(&lab)->path, "/keys");
	lab_assert_str(fetch_lab_question(&lab)->host, "issuer.test");
	assert_int_equal(answer(&lab, 0, 200, set_of(&lab, rsa, "a"), 1000, &jobs), MW_NEXT);
	end(&lab);
	/* Now they are here. */
	assert_int_equal(send_token(&lab, token, NULL, 1050, &jobs), MW_NEXT);
	end(&lab);
	/* Old: the first request asks, and goes on with the old ones when that fails. */
	assert_int_equal(send_token(&lab, token, NULL, 1100, &jobs), MW_WAIT);
	assert_int_equal(answer(&lab, -ECONNREFUSED, 0, STR(""), 1101, &jobs), MW_NEXT);
	end(&lab);
	assert_int_equal(send_token(&lab, token, NULL, 1110, &jobs), MW_NEXT);
	end(&lab);
	/* Later again; what is no set changes nothing. */
	assert_int_equal(send_token(&lab, token, NULL, 1140, &jobs), MW_WAIT);
	assert_int_equal(answer(&lab, 0, 200, STR("<html>"), 1140, &jobs), MW_NEXT);
	end(&lab);
	/* The key is replaced: its tokens are no longer good, cached or not. */
	assert_int_equal(send_token(&lab, token, NULL, 1180, &jobs), MW_WAIT);
	assert_int_equal(answer(&lab, 0, 200, set_of(&lab, ec, "b"), 1180, &jobs), MW_REPLY);
	assert_int_equal(lab.call.reply.status, 401);
	end(&lab);
	assert_int_equal(send_token(&lab, token_with(&lab, ec, "b"), NULL, 1181, &jobs), MW_NEXT);
	end(&lab);
	lab_done(&lab);
}

static void unknown_keys_are_asked_for_not_too_often(void **state)
{
	struct lab lab;
	int jobs = 0;

	(void)state;
	assert_int_equal(open_lab(&lab, URL), 0);
	assert_int_equal(send_token(&lab, token_with(&lab, rsa, "a"), NULL, 1000, &jobs), MW_WAIT);
	assert_int_equal(answer(&lab, 0, 200, set_of(&lab, rsa, "a"), 1000, &jobs), MW_NEXT);
	end(&lab);
	/* Within a minute of the last question: no. */
	assert_int_equal(send_token(&lab, token_with(&lab, ec, "b"), NULL, 1059, &jobs), MW_REPLY);
	assert_int_equal(lab.call.reply.status, 401);
	end(&lab);
	assert_int_equal(send_token(&lab, token_with(&lab, ec, "b"), NULL, 1060, &jobs), MW_WAIT);
	assert_int_equal(answer(&lab, 0, 200, set_of(&lab, ec, "b"), 1060, &jobs), MW_NEXT);
	end(&lab);
	lab_done(&lab);
}

static void without_keys_nobody_passes(void **state)
{
	struct lab lab;
	int jobs = 0;

	(void)state;
	assert_int_equal(open_lab(&lab, URL), 0);
	struct str token = token_with(&lab, rsa, "a");

	assert_int_equal(send_token(&lab, token, NULL, 1000, &jobs), MW_WAIT);
	assert_int_equal(answer(&lab, -ETIMEDOUT, 0, STR(""), 1001, &jobs), MW_REPLY);
	assert_int_equal(lab.call.reply.status, 503);
	end(&lab);
	/* A moment later without asking, then asking again. */
	assert_int_equal(send_token(&lab, token, NULL, 1002, &jobs), MW_REPLY);
	assert_int_equal(lab.call.reply.status, 503);
	end(&lab);
	assert_int_equal(send_token(&lab, token, NULL, 1006, &jobs), MW_WAIT);
	assert_non_null(lab.call.wait.fetch);
	/* Its client goes: the next one asks at once. */
	end(&lab);
	assert_int_equal(send_token(&lab, token, NULL, 1006, &jobs), MW_WAIT);
	assert_non_null(lab.call.wait.fetch);
	assert_int_equal(answer(&lab, 0, 404, set_of(&lab, rsa, "a"), 1006, &jobs), MW_REPLY);
	end(&lab);
	lab_done(&lab);
}

static void others_wait_for_the_one_who_fetches(void **state)
{
	struct lab lab;
	int jobs = 0;

	(void)state;
	assert_int_equal(open_lab(&lab, URL), 0);
	struct str token = token_with(&lab, rsa, "a");

	assert_int_equal(send_token(&lab, token, NULL, 1000, &jobs), MW_WAIT);
	struct mw_fetch *fetch = fetch_lab_question(&lab);
	char first_slot[LAB_SLOT_MAX];
	struct request first = lab.request;

	memcpy(first_slot, lab.slot, sizeof(first_slot));
	assert_int_equal(send_token(&lab, token, NULL, 1000, &jobs), MW_WAIT);
	assert_null(lab.call.wait.fetch);
	assert_true(lab.call.wait.until_ns > 1000 * NS_PER_SEC);
	char second_slot[LAB_SLOT_MAX];
	struct request second = lab.request;

	memcpy(second_slot, lab.slot, sizeof(second_slot));
	memcpy(lab.slot, first_slot, sizeof(first_slot));
	lab.request = first;
	fetch->status = 200;
	fetch->response_body = set_of(&lab, rsa, "a");
	assert_int_equal(call(&lab, 1000, &jobs, lab.mw.mw->on_resume), MW_NEXT);
	end(&lab);
	memcpy(lab.slot, second_slot, sizeof(second_slot));
	lab.request = second;
	assert_int_equal(call(&lab, 1001, &jobs, lab.mw.mw->on_resume), MW_NEXT);
	end(&lab);
	lab_done(&lab);
}

static void bad_settings_break_the_middleware(void **state)
{
	static const char *const configs[] = {
		"{'signingSecret':'missing'}",
		"{'signingSecret':'short'}",
		"{'publicKeySecret':'missing'}",
		"{'publicKeySecret':'no-pem'}",
		"{'jwksSecret':'missing'}",
		"{'jwksSecret':'useless'}",
		"{'jwksSecret':'no-pem'}",
		"{'publicKeySecret':'public','algorithms':['ES256']}",
		"{'jwksURL':'https://user@a/'}",
		"{'signingSecret':'shared','forwardHeaders':{'a b':'sub'}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(configs) / sizeof(*configs); i++) {
		struct lab lab;

		print_message("  %s\n", configs[i]);
		assert_int_equal(open_lab(&lab, configs[i]), -EINVAL);
		assert_int_equal(lab.sink.n_errors, 1);
		lab_done(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_valid_tokens_pass),
		cmocka_unit_test(requests_without_a_token_are_asked_for_one),
		cmocka_unit_test(claims_become_headers_that_are_the_middlewares_own),
		cmocka_unit_test(a_good_signature_is_remembered),
		cmocka_unit_test(keys_are_fetched_once_and_refreshed),
		cmocka_unit_test(unknown_keys_are_asked_for_not_too_often),
		cmocka_unit_test(without_keys_nobody_passes),
		cmocka_unit_test(others_wait_for_the_one_who_fetches),
		cmocka_unit_test(bad_settings_break_the_middleware),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
