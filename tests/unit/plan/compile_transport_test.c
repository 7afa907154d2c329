// SPDX-License-Identifier: Apache-2.0
/* compile_transport_test: ServersTransport objects become transports (reference a.7, a.0). */
#include "compile_fixture.h"
#include "../tls/tls_lab.h"
#include "base/clock.h"
#include "plan/compile_services.h"
#include "plan/compile_unit.h"

/* A CA, as the inside of a JSON string, and a pair with its key. */
static char ca_json[8192], key_json[4096];

static void as_json(const char *pem, char *ret_text)
{
	for (; *pem; pem++)
		if (*pem == '\n') {
			*ret_text++ = '\\';
			*ret_text++ = 'n';
		} else {
			*ret_text++ = *pem;
		}
	*ret_text = 0;
}

/* One compile of its own, of ServersTransports alone. What earlier ones made stays to be compared.
 */
struct lab {
	struct fixture f;
	struct compile *c, *before[4];
	struct snapshot *snapshots[4];
	struct compile_scope outside;
	size_t n;
};

static void lab_begin(struct lab *lab)
{
	struct fixture *f = &lab->f;
	size_t n;

	lab->c = compile_state_new(&f->config, f->registry, &f->store);
	assert_non_null(lab->c);
	lab->c->snapshot = snapshot_new(1);
	assert_true(compile_unit_begin(lab->c, lab->c->common, &lab->outside));

	struct object **objects =
		store_sorted(&f->store, KIND_SERVERS_TRANSPORT, &lab->c->scratch, &n);

	for (size_t i = 0; i < n; i++)
		assert_non_null(compile_state_unit(lab->c, objects[i]));
}

static void lab_end(struct lab *lab)
{
	compile_unit_end(lab->c, lab->outside);
	registry_end(lab->f.registry, lab->c->snapshot);
	lab->snapshots[lab->n] = lab->c->snapshot;
	lab->before[lab->n++] = lab->c;
}

static int setup(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));
	struct lab_cert cert;

	fixture_init(&lab->f);
	lab_cert(&cert, &(struct lab_cert_spec){.cn = "ca", .ca = true});
	as_json(cert.cert, ca_json);
	as_json(cert.key, key_json);
	lab_cert_done(&cert);
	*state = lab;
	return 0;
}

static int teardown(void **state)
{
	struct lab *lab = *state;

	for (size_t i = 0; i < lab->n; i++) {
		compile_state_free(lab->before[i], NULL);
		snapshot_unref(lab->snapshots[i]);
	}
	fixture_done(&lab->f);
	free(lab);
	return 0;
}

static const struct transport *get(struct lab *lab, const char *name, enum transport_scheme scheme)
{
	return compile_transport(lab->c, str_of(name), STR("shop"), scheme, NULL);
}

static size_t count(const struct diag *at, size_t n, const char *field, const char *words)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += str_eq(at[i].field, str_of(field)) &&
			 memmem(at[i].message.at, at[i].message.len, words, strlen(words));
	return found;
}

/* By who asked, or by the transport itself. */
static bool is_told(const struct lab *lab, const char *field, const char *words)
{
	size_t n = count(lab->c->sink->at, lab->c->sink->n, field, words);

	for (size_t i = 0; i < lab->c->all.n; i++) {
		const struct compile_made *made = compile_unit_now(lab->c->all.at[i]);

		n += made ? count(made->diags, made->n_diags, field, words) : 0;
	}
	assert_in_range(n, 0, 1);
	return n;
}

static void settings_are_those_of_the_object(void **state)
{
	struct lab *lab = *state;
	const struct transport *t;

	fixture_add(&lab->f, "ServersTransport", "slow",
		    "'spec':{'maxIdleConnsPerHost':7,'disableHTTP2':true,'proxyProtocol':{},"
		    "'forwardingTimeouts':{'dialTimeout':'1s','responseHeaderTimeout':'2s',"
		    "'idleConnTimeout':'3s','readIdleTimeout':'4s','pingTimeout':'5s'}}");
	fixture_add(&lab->f, "ServersTransport", "plain", "'spec':{'maxIdleConnsPerHost':-1}");
	fixture_add(&lab->f, "ServersTransport", "bare", "'spec':{}");
	lab_begin(lab);
	t = get(lab, "slow", TRANSPORT_HTTP);
	assert_non_null(t);
	assert_null(t->tls);
	assert_int_equal(t->max_idle, 7);
	assert_int_equal(t->proxy_protocol, 2);
	assert_false(t->http2);
	assert_int_equal(t->dial_ns, 1 * NS_PER_SEC);
	assert_int_equal(t->response_header_ns, 2 * NS_PER_SEC);
	assert_int_equal(t->idle_ns, 3 * NS_PER_SEC);
	assert_int_equal(t->read_idle_ns, 4 * NS_PER_SEC);
	assert_int_equal(t->ping_ns, 5 * NS_PER_SEC);
	assert_int_equal(get(lab, "plain", TRANSPORT_HTTP)->max_idle, 0);
	t = get(lab, "bare", TRANSPORT_HTTPS);
	assert_int_equal(t->max_idle, 2);
	assert_true(t->http2);
	assert_int_equal(t->dial_ns, 30 * NS_PER_SEC);
	assert_int_equal(t->idle_ns, 90 * NS_PER_SEC);
	assert_non_null(t->tls);
	t = get(lab, "", TRANSPORT_HTTP);
	assert_true(str_eq(t->name, STR("default@internal")));
	assert_int_equal(t->max_idle, 200);
	assert_ptr_equal(t, get(lab, "default@internal", TRANSPORT_H2C));
	lab_end(lab);
}

static void names_are_looked_for_where_the_reference_says(void **state)
{
	struct lab *lab = *state;

	fixture_add(&lab->f, "ServersTransport", "a.b", "'spec':{}");
	fixture_add(&lab->f, "ServersTransport", "other/far", "'spec':{}");
	fixture_add(&lab->f, "ServersTransport", "broken", "'spec':{'noSuchField':1}");
	lab_begin(lab);
	assert_non_null(get(lab, "a.b", TRANSPORT_HTTP));
	assert_null(get(lab, "far", TRANSPORT_HTTP));
	assert_null(get(lab, "broken", TRANSPORT_HTTP));
	assert_true(is_told(lab, "", "does not exist"));
	assert_true(is_told(lab, "", "has errors"));
	assert_null(get(lab, "other-far@kubernetescrd", TRANSPORT_HTTP));
	lab_end(lab);
	fixture_config(&lab->f, "{" FIXTURE_EPS
				",'providers':{'kubernetesCRD':{'allowCrossNamespace':true}}}");
	lab_begin(lab);
	assert_non_null(get(lab, "other-far@kubernetescrd", TRANSPORT_HTTP));
	assert_ptr_equal(get(lab, "shop-a-b@kubernetescrd", TRANSPORT_HTTP),
			 get(lab, "a.b", TRANSPORT_HTTP));
	assert_null(get(lab, "nobody@file", TRANSPORT_HTTP));
	lab_end(lab);
}

static void what_does_not_change_stays_the_same(void **state)
{
	struct lab *lab = *state;
	const struct transport *before, *after, *plain;

	fixture_add(&lab->f, "Secret", "ca", "'stringData':{'ca.crt':'%s'}", ca_json);
	fixture_add(&lab->f, "ServersTransport", "t", "'spec':{'rootCAs':[{'secret':'ca'}]}");
	lab_begin(lab);
	before = get(lab, "t", TRANSPORT_HTTPS);
	plain = get(lab, "t", TRANSPORT_HTTP);
	assert_non_null(before);
	assert_ptr_not_equal(before, plain);
	assert_int_equal(lab->c->sink->n_errors, 0);
	lab_end(lab);
	lab_begin(lab);
	after = get(lab, "t", TRANSPORT_HTTPS);
	assert_ptr_equal(before, after);
	lab_end(lab);
	/* Another content of the Secret is another transport. */
	fixture_add(&lab->f, "Secret", "ca", "'stringData':{'ca.crt':'%s\\n'}", ca_json);
	lab_begin(lab);
	after = get(lab, "t", TRANSPORT_HTTPS);
	assert_ptr_not_equal(before, after);
	assert_true(before->id != after->id);
	lab_end(lab);
}

static void what_cannot_be_read_is_left_out_and_told_of(void **state)
{
	struct lab *lab = *state;

	fixture_add(&lab->f, "Secret", "ca", "'stringData':{'x':'%s'}", ca_json);
	fixture_add(&lab->f, "ConfigMap", "map", "'data':{'tls.ca':'%s'}", ca_json);
	fixture_add(&lab->f, "Secret", "junk", "'stringData':{'ca.crt':'junk\\n'}");
	fixture_add(&lab->f, "Secret", "pair", "'stringData':{'tls.crt':'%s','tls.key':'%s'}",
		    ca_json, key_json);
	fixture_add(&lab->f, "ServersTransport", "t",
		    "'spec':{'rootCAs':[{'secret':'none'},{'secret':'ca'},{'configMap':'map'},"
		    "{'secret':'junk'}],'certificatesSecrets':['nobody','pair'],"
		    "'cipherSuites':['TLS_NO_SUCH'],'minVersion':'TLS12'}");
	fixture_add(&lab->f, "ServersTransport", "order",
		    "'spec':{'minVersion':'VersionTLS13','maxVersion':'VersionTLS12'}");
	lab_begin(lab);
	assert_non_null(get(lab, "t", TRANSPORT_HTTPS));
	assert_true(is_told(lab, "spec.rootCAs[0]", "has no CA"));
	assert_false(is_told(lab, "spec.rootCAs[1]", "has no CA"));
	assert_true(is_told(lab, "spec", "CA number 3 is not readable"));
	assert_true(is_told(lab, "spec.certificatesSecrets[0]", "tls.crt"));
	assert_true(is_told(lab, "spec.cipherSuites[0]", "unknown cipher suite"));
	assert_true(is_told(lab, "spec.minVersion", "unknown TLS version"));
	assert_non_null(get(lab, "order", TRANSPORT_HTTPS));
	assert_true(is_told(lab, "spec.minVersion", "newer than maxVersion"));
	lab_end(lab);
}

static void one_that_nobody_names_is_looked_at(void **state)
{
	struct fixture *f = &((struct lab *)*state)->f;

	fixture_add(f, "ServersTransport", "t", "'spec':{'rootCAs':[{'secret':'none'}]}");
	fixture_add(f, "ServersTransport", "broken", "'spec':{'noSuchField':1}");
	fixture_compile(f);
	assert_told(f, "ServersTransport/shop/t", "has no CA");
	assert_int_equal(f->snapshot->diags.n_errors, 1);
}

static void a_url_has_the_tls_settings_that_are_given(void **state)
{
	struct lab *lab = *state;
	struct mw_url_tls tls = {.insecure_skip_verify = true};
	const struct transport *a, *b;

	lab_begin(lab);
	a = compile_transport_url(lab->c, NULL, TRANSPORT_HTTPS, NULL);
	b = compile_transport_url(lab->c, &tls, TRANSPORT_HTTPS, NULL);
	assert_non_null(a->tls);
	assert_non_null(b->tls);
	assert_ptr_not_equal(a, b);
	assert_ptr_equal(b, compile_transport_url(lab->c, &tls, TRANSPORT_HTTPS, NULL));
	lab_end(lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(settings_are_those_of_the_object, setup, teardown),
		cmocka_unit_test_setup_teardown(names_are_looked_for_where_the_reference_says,
						setup, teardown),
		cmocka_unit_test_setup_teardown(what_does_not_change_stays_the_same, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_read_is_left_out_and_told_of, setup,
						teardown),
		cmocka_unit_test_setup_teardown(one_that_nobody_names_is_looked_at, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_url_has_the_tls_settings_that_are_given, setup,
						teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
