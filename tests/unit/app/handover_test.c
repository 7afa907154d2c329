// SPDX-License-Identifier: Apache-2.0
/* handover_test: both sides in one process, over a real socket: what is given, refused, accepted.
 */
#include "app/handover.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "check.h"

static char folder[] = "/tmp/handover-test-XXXXXX", path[64];

static int begin(void **state)
{
	(void)state;
	log_init(LOG_ERROR, LOG_LOGFMT);
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/admin.sock", folder);
	return 0;
}

static int clean(void **state)
{
	(void)state;
	return rmdir(folder);
}

static void *ask_thread(void *ret)
{
	return (void *)(intptr_t)handover_ask(str_of(path), ret);
}

/* Asks from another thread while this one serves once. */
static int ask(struct handover *serving, struct handover_gift *ret_gift)
{
	pthread_t thread;
	void *rc;

	assert_int_equal(pthread_create(&thread, NULL, ask_thread, ret_gift), 0);
	for (int i = 0; i < 100 && serving; i++) {
		struct pollfd fd = {.fd = handover_fd(serving), .events = POLLIN};

		poll(&fd, 1, 1);
		assert_false(handover_serve(serving));
	}
	pthread_join(thread, &rc);
	return (int)(intptr_t)rc;
}

static struct handover *serving_with(int fd)
{
	struct handover *serving;

	assert_int_equal(handover_open(str_of(path), -1, &serving), 0);
	assert_int_equal(handover_offer(serving, HANDOVER_ENTRY_POINT, STR("web"), fd), 0);
	return serving;
}

static void nobody_is_there(void **state)
{
	struct handover_gift gift;

	(void)state;
	CHECK_INT("nobody", handover_ask(str_of(path), &gift), -ENOENT);
	CHECK_INT("no socket is configured", handover_ask((struct str){0}, &gift), -ENOENT);
	handover_refuse(&gift);
}

static void sockets_and_ticket_keys_are_given_and_then_it_is_left(void **state)
{
	int pair[2];
	char byte;
	struct stat file;
	struct handover_gift gift;
	struct tls_ticket_ring *ring = tls_ticket_ring_new(clock_mono_ns());
	struct tls_ticket_saved saved;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	struct handover *serving = serving_with(pair[0]);
	char name[80];

	snprintf(name, sizeof(name), "%s.next", path);
	assert_int_equal(stat(name, &file), 0);
	CHECK_INT("for its owner only", file.st_mode & 0777, 0600);
	handover_offer_tickets(serving, ring);
	assert_int_equal(ask(serving, &gift), 0);
	CHECK_INT("by", gift.pid, getpid());
	CHECK_INT("itself, and one", gift.n_sockets, 2);
	assert_string_equal(gift.sockets[1].name, "web");
	tls_ticket_ring_save(ring, &saved);
	assert_true(gift.has_tickets);
	assert_memory_equal(&gift.tickets, &saved, sizeof(saved));
	int given = handover_take(&gift, HANDOVER_ENTRY_POINT);

	assert_true(given >= 0);
	CHECK_INT("once", handover_take(&gift, HANDOVER_ENTRY_POINT), -1);
	assert_int_equal(write(given, "x", 1), 1);
	assert_int_equal(read(pair[1], &byte, 1), 1);
	int self = handover_take(&gift, HANDOVER_SELF);

	assert_int_equal(handover_accept(&gift), 0);
	assert_true(handover_serve(serving));
	handover_close(serving);
	/* The file stays: it is the next one's. */
	assert_int_equal(stat(name, &file), 0);
	assert_int_equal(handover_open(str_of(path), self, &serving), 0);
	assert_int_equal(ask(serving, &gift), 0);
	handover_refuse(&gift);
	handover_close(serving);
	assert_int_equal(stat(name, &file), -1);
	close(given);
	close(pair[0]);
	close(pair[1]);
	tls_ticket_ring_free(ring);
}

static void one_that_ends_before_it_serves_changes_nothing(void **state)
{
	struct handover_gift gift;
	struct handover *serving = serving_with(STDERR_FILENO);

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ask(serving, &gift), 0);
		handover_refuse(&gift);
		assert_false(handover_serve(serving));
	}
	handover_close(serving);
}

static void what_is_no_proxy_is_told_from_one(void **state)
{
	struct handover_gift gift;
	struct handover *serving;

	(void)state;
	assert_int_equal(handover_open(str_of(path), -1, &serving), 0);
	/* A descriptor that cannot be sent: the guest sees an end without the last message. */
	assert_int_equal(handover_offer(serving, HANDOVER_ENTRY_POINT, STR("bad"), 9999), 0);
	assert_true(ask(serving, &gift) < 0);
	CHECK_INT("closed", gift.peer, -1);
	handover_close(serving);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_is_there),
		cmocka_unit_test(sockets_and_ticket_keys_are_given_and_then_it_is_left),
		cmocka_unit_test(one_that_ends_before_it_serves_changes_nothing),
		cmocka_unit_test(what_is_no_proxy_is_told_from_one),
	};

	return cmocka_run_group_tests(tests, begin, clean);
}
