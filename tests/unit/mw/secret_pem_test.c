// SPDX-License-Identifier: Apache-2.0
/* secret_pem_test: reference/traefik.md a.4. forward_auth_test has the rows of tls. */

#include "mw_lab.h"

#include "mw/secret_pem.h"

static void a_secret_of_one_key_has_one_value(void **state)
{
	static const struct lab_secret secrets[] = {
		{"one", "Opaque", {{STR("k"), STR("value")}}, 1},
		{"empty", "Opaque", {{STR("k"), STR("")}}, 1},
		{"two", "Opaque", {{STR("k"), STR("v")}, {STR("l"), STR("w")}}, 2},
		{"none", "Opaque", {{STR("k"), STR("v")}}, 0},
	};
	static const struct {
		const char *name;
		int result;
	} rows[] = {{"one", 0},
		    {"empty", -EINVAL},
		    {"two", -EINVAL},
		    {"none", -EINVAL},
		    {"missing", -EINVAL}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab lab;
		struct lab_prepare prepare = {.lab = &lab};
		struct str value;

		lab_init(&lab);
		lab.secrets = secrets;
		lab.n_secrets = sizeof(secrets) / sizeof(*secrets);
		prepare.prepare = (struct mw_prepare){
			.arena = &lab.arena, .sink = &lab.sink, .secret = lab_find_secret};
		assert_int_equal(
			secret_pem_only(&prepare.prepare, "secret", str_of(rows[i].name), &value),
			rows[i].result);
		if (rows[i].result == 0)
			lab_assert_str(value, "value");
		else
			assert_int_equal(lab.sink.n_errors, 1);
		lab_done(&lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_secret_of_one_key_has_one_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
