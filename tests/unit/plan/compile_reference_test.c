// SPDX-License-Identifier: Apache-2.0
/* compile_reference_test: which object a reference means (reference a.0), row by row. */

#include "compile_fixture.h"
#include "plan/compile_parts.h"

static void references_resolve_by_the_rules(void **state)
{
	static const struct {
		const char *name, *config, *ref, *ref_namespace, *want; /* NULL: refused */
	} rows[] = {
		{"own namespace", "", "my.mw", "", "Middleware/shop/my.mw"},
		{"own namespace, written", "", "m", "shop", "Middleware/shop/m"},
		{"other namespace", "", "m", "other", NULL},
		{"other namespace, allowed", "'allowCrossNamespace':true", "m", "other",
		 "Middleware/other/m"},
		{"provider", "", "m@file", "", "m@file"},
		{"provider, namespace ignored", "", "m@file", "other", "m@file"},
		{"ours by full name", "", "shop-m@kubernetescrd", "", NULL},
		{"ours by full name, allowed", "'allowCrossNamespace':true",
		 "other-m@kubernetescrd", "", "other-m@kubernetescrd"},
		{"providers for nobody", "'crossProviderNamespaces':[]", "m@file", "", NULL},
		{"providers for others", "'crossProviderNamespaces':['x']", "m@file", "", NULL},
		{"providers for us", "'crossProviderNamespaces':['x','shop']", "m@file", "",
		 "m@file"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct compile c = {.config = &f->config, .arena = &f->arena, .sink = &f->sink};
		struct provider_rules rules;
		struct object_ref ref = {str_of(rows[i].ref), str_of(rows[i].ref_namespace)};
		size_t n_errors;
		struct str name;
		bool ok;

		fixture_config(f, "{" FIXTURE_EPS ",'providers':{'kubernetesCRD':{%s}}}",
			       rows[i].config);
		rules = compile_reference_rules(&f->config);
		c.rules = &rules;
		n_errors = f->sink.n_errors;
		ok = compile_reference_middleware(&c, STR("shop"), &ref, NULL, &name);
		if (ok != (rows[i].want != NULL) || ok != (f->sink.n_errors == n_errors))
			fail_msg("%s: %d", rows[i].name, ok);
		if (ok)
			assert_text(name, rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {FIXTURE_TEST(references_resolve_by_the_rules)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
