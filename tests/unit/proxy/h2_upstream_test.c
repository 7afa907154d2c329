// SPDX-License-Identifier: Apache-2.0
/* h2_upstream_test: a connection that many share: its limits, its end, and who may try again. */

#include "h2_peer.h"

#define GET "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

static void many_share_one_connection(void **state)
{
	struct owner *owners[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		owners[i] = owner_connect(100, 65535, true);
		owner_write(owners[i], GET);
	}
	go_on(5);
	assert_int_equal(peer.n_streams, 3);
	for (int i = 2; i >= 0; i--) {
		peer_answer(peer.streams[i].id, "200", NULL, NULL, 0, false);
		assert_non_null(strstr(owner_read(owners[i]), "200"));
		assert_int_equal(owners[i]->upstream->n_exchanges, i);
		owner_free(owners[i]);
	}
	/* Streams are no connections. */
	assert_int_equal(upstream_pool(worker, peer_server.id)->n_open, 1);
	assert_false(list_empty(&upstream_pool(worker, peer_server.id)->h2));
}

static void many_that_come_at_once_make_one_connection(void **state)
{
	struct owner *owners[5];

	(void)state;
	for (int i = 0; i < 5; i++) {
		owners[i] = owner_new();
		assert_int_equal(upstream_dial(worker, &peer_server, &owners[i]->owner,
					       &owners[i]->upstream),
				 0);
	}
	peer_accept(100, 65535, true);
	go_on(30);
	for (int i = 0; i < 5; i++)
		assert_int_equal(owners[i]->upstream->state, UPSTREAM_BUSY);
	assert_int_equal(upstream_pool(worker, peer_server.id)->n_open, 1);
	assert_int_equal(upstream_pool(worker, peer_server.id)->n_leaders, 0);
	for (int i = 0; i < 5; i++)
		owner_free(owners[i]);
	/* When the first one leaves before it has one, another makes it. */
	h2_upstream_retire_all(upstream_pool(worker, peer_server.id));
	go_on(3);
	nghttp2_session_del(peer.session);
	close(peer.fd);
	for (int i = 0; i < 2; i++) {
		owners[i] = owner_new();
		assert_int_equal(upstream_dial(worker, &peer_server, &owners[i]->owner,
					       &owners[i]->upstream),
				 0);
	}
	close(accept(peer.listener, NULL, NULL));
	upstream_release(owners[0]->upstream, false);
	owners[0]->upstream = NULL;
	go_on(5);
	peer_accept(100, 65535, true);
	go_on(20);
	assert_int_equal(owners[1]->upstream->state, UPSTREAM_BUSY);
	owner_free(owners[0]);
	owner_free(owners[1]);
}

static void the_server_s_limit_of_streams_holds(void **state)
{
	struct owner *a = owner_connect(1, 65535, true), other = {.owner.events = &owner_events};

	(void)state;
	assert_null(upstream_reuse(worker, &peer_server, &other.owner));
	owner_write(a, GET);
	go_on(5);
	peer_answer(peer.streams[0].id, "200", NULL, NULL, 0, false);
	owner_read(a);
	owner_free(a);
	other.upstream = upstream_reuse(worker, &peer_server, &other.owner);
	assert_non_null(other.upstream);
	upstream_release(other.upstream, true);
	go_on(3);
}

static void a_switch_of_protocols_needs_a_connection_of_its_own(void **state)
{
	struct owner *a = owner_connect(100, 65535, true), other = {.owner.events = &owner_events};

	(void)state;
	other.owner.wants_upgrade = true;
	assert_null(upstream_reuse(worker, &peer_server, &other.owner));
	owner_free(a);
}

static void a_refused_stream_was_not_processed(void **state)
{
	struct owner *owner = owner_connect(100, 65535, true);

	(void)state;
	owner_write(owner, GET);
	go_on(5);
	nghttp2_submit_rst_stream(peer.session, 0, peer.streams[0].id, NGHTTP2_REFUSED_STREAM);
	owner_read(owner);
	assert_int_equal(owner->last, -ECONNRESET);
	assert_true(owner->upstream->unprocessed);
	owner_free(owner);
}

static void a_reset_stream_may_have_been_processed(void **state)
{
	struct owner *owner = owner_connect(100, 65535, true);

	(void)state;
	owner_write(owner, GET);
	go_on(5);
	nghttp2_submit_rst_stream(peer.session, 0, peer.streams[0].id, NGHTTP2_INTERNAL_ERROR);
	owner_read(owner);
	assert_int_equal(owner->last, -ECONNRESET);
	assert_false(owner->upstream->unprocessed);
	assert_int_equal(link_write(&owner->upstream->link, "x", 1), -EPIPE);
	owner_free(owner);
}

static void goaway_ends_what_came_too_late_and_nothing_else(void **state)
{
	struct owner *first = owner_connect(100, 65535, true), *second, *third = owner_new();

	(void)state;
	owner_write(first, GET);
	go_on(5);
	second = owner_connect(100, 65535, true);
	owner_write(second, GET);
	go_on(5);
	nghttp2_submit_goaway(peer.session, 0, peer.streams[0].id, NGHTTP2_NO_ERROR, NULL, 0);
	owner_read(second);
	assert_int_equal(second->last, -ECONNRESET);
	assert_true(second->upstream->unprocessed);
	/* The first one goes on to its end; no new one begins there. */
	assert_null(upstream_reuse(worker, &peer_server, &third->owner));
	peer_answer(peer.streams[0].id, "200", NULL, NULL, 5, false);
	assert_non_null(strstr(owner_read(first), "bbbbb"));
	owner_free(first);
	owner_free(second);
	owner_free(third);
	assert_true(list_empty(&upstream_pool(worker, peer_server.id)->h2));
}

static void a_lost_connection_takes_its_streams(void **state)
{
	struct owner *a = owner_connect(100, 65535, true), *b;

	(void)state;
	b = owner_connect(100, 65535, true);
	owner_write(a, GET);
	owner_write(b, GET);
	go_on(5);
	peer_answer(peer.streams[0].id, "200", "content-length", "10", 4, false);
	go_on(5);
	close(peer.fd);
	peer.fd = -1;
	assert_non_null(strstr(owner_read(a), "HTTP/1.1 200"));
	assert_int_equal(a->last, -ECONNRESET);
	owner_read(b);
	assert_int_equal(b->last, -ECONNRESET);
	assert_false(b->upstream->unprocessed);
	owner_free(a);
	owner_free(b);
	assert_int_equal(upstream_pool(worker, peer_server.id)->n_open, 0);
}

static void a_silent_server_is_asked_and_given_up(void **state)
{
	struct owner *owner;

	(void)state;
	peer_transport.read_idle_ns = 20 * NS_PER_MS;
	peer_transport.ping_ns = 40 * NS_PER_MS;
	owner = owner_connect(100, 65535, true);
	owner_write(owner, GET);
	go_on(50);
	assert_true(peer.n_pings >= 1);
	assert_int_equal(owner->last, 0);
	peer.mute = true;
	for (int i = 0; i < 100 && owner->last != -ETIMEDOUT; i++)
		owner_read(owner);
	assert_int_equal(owner->last, -ETIMEDOUT);
	owner_free(owner);
}

static void an_idle_one_ends_after_its_time(void **state)
{
	char byte;

	(void)state;
	peer_transport.idle_ns = 30 * NS_PER_MS;
	owner_free(owner_connect(100, 65535, true));
	assert_false(list_empty(&upstream_pool(worker, peer_server.id)->h2));
	for (int i = 0; i < 100 && !list_empty(&upstream_pool(worker, peer_server.id)->h2); i++)
		go_on(1);
	assert_true(list_empty(&upstream_pool(worker, peer_server.id)->h2));
	go_on(3);
	while (recv(peer.fd, &byte, 1, 0) > 0)
		;
	assert_int_equal(recv(peer.fd, &byte, 1, 0), 0);
}

static void who_leaves_resets_the_stream(void **state)
{
	struct owner *owner = owner_connect(100, 65535, true);

	(void)state;
	owner_write(owner, GET);
	go_on(5);
	peer_answer(peer.streams[0].id, "200", NULL, NULL, 1 << 20, false);
	go_on(10);
	owner_free(owner);
	assert_int_equal(peer.streams[0].reset, NGHTTP2_CANCEL + 1);
	/* What was sent before does not use up the connection's window. */
	for (int i = 0; i < 12; i++) {
		owner = owner_connect(100, 65535, true);
		owner_write(owner, GET);
		go_on(5);
		peer_answer(peer.streams[peer.n_streams - 1].id, "200", NULL, NULL, 1 << 20, false);
		go_on(30);
		owner_free(owner);
	}
	assert_true(nghttp2_session_get_remote_window_size(peer.session) > 4 << 20);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, peer_set_up, peer_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(many_share_one_connection),
		TEST(many_that_come_at_once_make_one_connection),
		TEST(the_server_s_limit_of_streams_holds),
		TEST(a_switch_of_protocols_needs_a_connection_of_its_own),
		TEST(a_refused_stream_was_not_processed),
		TEST(a_reset_stream_may_have_been_processed),
		TEST(goaway_ends_what_came_too_late_and_nothing_else),
		TEST(a_lost_connection_takes_its_streams),
		TEST(a_silent_server_is_asked_and_given_up),
		TEST(an_idle_one_ends_after_its_time),
		TEST(who_leaves_resets_the_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
