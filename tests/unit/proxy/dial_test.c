// SPDX-License-Identifier: Apache-2.0
/* dial_test: connections that cannot be made, and names with several addresses. */

#include "proxy/dial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bare_worker.h"
#include "net/resolver.h"
#include "proxy/loopback.h"
#include "tls/tls_client.h"

static struct bare_worker *bare;
static struct worker *worker;
static struct transport transport;
static struct server server;
static struct live_server live;
static int listener, n_ready, n_failed;
static enum fail last_fail;

static void on_ready(struct upstream_owner *owner)
{
	(void)owner;
	n_ready++;
}

static void on_failed(struct upstream_owner *owner, enum fail fail)
{
	(void)owner;
	n_failed++;
	last_fail = fail;
}

static const struct upstream_events events = {.on_ready = on_ready, .on_dial_failed = on_failed};
static struct upstream_owner owner;

static int set_up(void **state)
{
	(void)state;
	bare = bare_worker_new();
	worker = &bare->worker;
	transport = transport_plain;
	transport.id = 1;
	live = (struct live_server){0};
	server = (struct server){.id = 5, .transport = &transport, .live = &live};
	server.url = STR("http://127.0.0.1:1");
	server.url = STR("127.0.0.1:1");
	addr_parse(STR("127.0.0.1"), &server.addr);
	listener = loopback_listen(&server.port);
	owner = (struct upstream_owner){.events = &events};
	n_ready = n_failed = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	tls_client_unref(transport.tls);
	free(live.addrs);
	close(listener);
	bare_worker_free(bare);
	return 0;
}

static struct upstream *dial(void)
{
	struct upstream *upstream = NULL;

	if (upstream_dial(worker, &server, &owner, &upstream) < 0)
		return NULL;
	for (int i = 0; i < 300 && !n_ready && !n_failed; i++)
		loop_round(&worker->loop, 10 * NS_PER_MS);
	return upstream;
}

static void use_tls(void)
{
	char message[TLS_MESSAGE_MAX];

	server.scheme = TRANSPORT_HTTPS;
	assert_int_equal(tls_client_new(&(struct tls_client_options){.insecure_skip_verify = true},
					&transport.tls, message),
			 0);
}

static void nobody_there_is_told(void **state)
{
	(void)state;
	close(listener);
	dial();
	assert_int_equal(n_failed, 1);
	assert_int_equal(last_fail, FAIL_DIAL_FAILED);
	assert_true(live_server_is_set_aside(&live, worker->loop.now_ns));
	listener = loopback_listen(&server.port);
	n_failed = 0;
	upstream_release(dial(), false);
	assert_int_equal(n_ready, 1);
	assert_false(live_server_is_set_aside(&live, worker->loop.now_ns));
}

static void a_server_that_is_silent_in_the_handshake_is_given_up(void **state)
{
	(void)state;
	use_tls();
	transport.tls_handshake_ns = 50 * NS_PER_MS;
	dial();
	assert_int_equal(n_failed, 1);
	assert_int_equal(last_fail, FAIL_DIAL_TIMEOUT);
}

static void a_server_that_speaks_no_tls_is_a_fault_of_configuration(void **state)
{
	struct upstream *upstream;
	int fd;

	(void)state;
	use_tls();
	assert_int_equal(upstream_dial(worker, &server, &owner, &upstream), 0);
	fd = accept(listener, NULL, NULL);
	assert_int_equal(send(fd, "HTTP/1.1 400 Bad Request\r\n\r\n", 28, MSG_NOSIGNAL), 28);
	for (int i = 0; i < 300 && !n_failed; i++)
		loop_round(&worker->loop, 10 * NS_PER_MS);
	assert_int_equal(last_fail, FAIL_UPSTREAM_CERT);
	close(fd);
}

static void https_without_tls_settings_fails(void **state)
{
	(void)state;
	server.scheme = TRANSPORT_HTTPS;
	dial();
	assert_int_equal(last_fail, FAIL_UPSTREAM_TLS);
}

static void know_addresses(const char *const *texts, uint32_t n)
{
	struct addr addrs[LIVE_ADDRS_MAX] = {0};

	for (uint32_t i = 0; i < n; i++)
		addr_parse(str_of(texts[i]), &addrs[i]);
	live.addrs = calloc(1, sizeof(*live.addrs));
	live_addrs_write(live.addrs, addrs, n, worker->loop.now_ns + 60 * NS_PER_SEC);
	server.dns_name = STR("name.test");
	server.is_named = true;
}

static void every_address_of_a_name_is_tried(void **state)
{
	static const char *const texts[] = {"127.0.0.2", "127.0.0.3", "127.0.0.1"};
	struct upstream *upstream;

	(void)state;
	know_addresses(texts, 3);
	upstream = dial();
	assert_int_equal(n_failed, 0);
	assert_int_equal(n_ready, 1);
	upstream_release(upstream, true);
	/* A connection to what is no address of the name any more is not used again. */
	assert_non_null(upstream = upstream_reuse(worker, &server, &owner));
	upstream_release(upstream, true);
	live_addrs_write(live.addrs,
			 &(struct addr){{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 9}}, 1,
			 worker->loop.now_ns + 60 * NS_PER_SEC);
	assert_null(upstream_reuse(worker, &server, &owner));
}

static void a_name_without_addresses_fails(void **state)
{
	(void)state;
	know_addresses(NULL, 0);
	assert_null(dial());
	assert_int_equal(n_ready, 0);
}

static void names_are_asked_for_and_loopback_is_refused_to_them(void **state)
{
	struct upstream *upstream;

	(void)state;
	bare->shared.resolver = resolver_new();
	live.addrs = calloc(1, sizeof(*live.addrs));
	server.dns_name = STR("localhost");
	server.is_named = true;
	dial();
	assert_int_equal(n_failed, 1);
	assert_int_equal(last_fail, FAIL_DIAL_FAILED);
	bare->config.security.allow_loopback_backends = true;
	atomic_store(&live.addrs->until_ns, 0);
	n_failed = 0;
	upstream = dial();
	assert_int_equal(n_ready, 1);
	upstream_release(upstream, false);
	resolver_free(bare->shared.resolver);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(nobody_there_is_told),
		TEST(a_server_that_is_silent_in_the_handshake_is_given_up),
		TEST(a_server_that_speaks_no_tls_is_a_fault_of_configuration),
		TEST(https_without_tls_settings_fails),
		TEST(every_address_of_a_name_is_tried),
		TEST(a_name_without_addresses_fails),
		TEST(names_are_asked_for_and_loopback_is_refused_to_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
