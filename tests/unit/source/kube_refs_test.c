// SPDX-License-Identifier: Apache-2.0
/* kube_refs_test: a Secret is wanted as long as somebody names it. */
#include "source/kube_refs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void name(struct kube_refs *refs, const char *id, const char *secret)
{
	struct object object = {.kind = KIND_MIDDLEWARE, .id = str_of(id)};
	json_t *document = json_pack("{s:{s:s}, s:{s:{s:s}}}", "metadata", "namespace", "shop",
				     "spec", "basicAuth", "secret", secret ? secret : "");

	kube_refs_set(refs, &object, secret ? document : NULL);
	json_decref(document);
}

static void a_secret_is_wanted_as_long_as_it_is_named(void **state)
{
	struct kube_refs refs;
	struct kube_wanted *wanted;

	(void)state;
	kube_refs_init(&refs);
	name(&refs, "Middleware/shop/a", "users");
	name(&refs, "Middleware/shop/b", "users");
	wanted = table_find(&refs.wanted, STR("Secret/shop/users"));
	assert_non_null(wanted);
	assert_int_equal(wanted->n_owners, 2);
	assert_true(str_eq(wanted->namespace_, STR("shop")));
	assert_true(str_eq(wanted->name, STR("users")));
	uint64_t revision = refs.revision;

	name(&refs, "Middleware/shop/a", "users");
	assert_int_equal(wanted->n_owners, 2);
	assert_int_equal(refs.revision, revision);
	name(&refs, "Middleware/shop/a", "others");
	name(&refs, "Middleware/shop/b", NULL);
	assert_int_equal(wanted->n_owners, 0);
	assert_true(refs.revision > revision);
	kube_refs_sweep(&refs);
	assert_null(table_find(&refs.wanted, STR("Secret/shop/users")));
	assert_non_null(table_find(&refs.wanted, STR("Secret/shop/others")));
	kube_refs_done(&refs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_secret_is_wanted_as_long_as_it_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
