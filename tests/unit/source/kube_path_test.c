// SPDX-License-Identifier: Apache-2.0
/* kube_path_test: the paths of an API server. */
#include "source/kube_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void a_path_names_group_namespace_and_kind(void **state)
{
	bool is_first = true;
	struct buf buf;

	(void)state;
	buf_init(&buf, 1000);
	kube_path_of(&buf, KIND_INGRESS_ROUTE, STR("shop"));
	kube_path_query(&buf, "labelSelector", STR("a=b,c!=d e"), &is_first);
	kube_path_query(&buf, "limit", STR("1"), &is_first);
	assert_string_equal(buf.at, "/apis/traefik.io/v1alpha1/namespaces/shop/ingressroutes"
				    "?labelSelector=a%3Db%2Cc%21%3Dd%20e&limit=1");
	buf_clear(&buf);
	kube_path_of(&buf, KIND_SERVICE, (struct str){0});
	assert_string_equal(buf.at, "/api/v1/services");
	buf_clear(&buf);
	kube_path_group(&buf, "discovery.k8s.io/v1");
	assert_string_equal(buf.at, "/apis/discovery.k8s.io/v1");
	buf_done(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_names_group_namespace_and_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
