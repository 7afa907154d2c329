// SPDX-License-Identifier: Apache-2.0
/* mailbox_test: many senders, one loop. */

#include "net/mailbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

enum { SENDERS = 4, MAILS = 2000 };

struct numbered {
	struct mail mail;
	int sender, number;
};

static struct loop loop;
static struct mailbox mailbox;
static int last[SENDERS], n_received;
static struct numbered mails[SENDERS][MAILS];

static void receive(struct mail *mail)
{
	struct numbered *numbered = (struct numbered *)mail;

	assert_int_equal(numbered->number, last[numbered->sender] + 1);
	last[numbered->sender] = numbered->number;
	n_received++;
}

static void *send_all(void *arg)
{
	struct numbered *own = arg;

	for (int i = 0; i < MAILS; i++)
		mailbox_post(&mailbox, &own[i].mail);
	return NULL;
}

static void every_mail_arrives_in_its_senders_order(void **state)
{
	pthread_t threads[SENDERS];

	(void)state;
	assert_int_equal(loop_init(&loop), 0);
	assert_int_equal(mailbox_open(&mailbox, &loop), 0);
	for (int i = 0; i < SENDERS; i++) {
		last[i] = -1;
		for (int j = 0; j < MAILS; j++)
			mails[i][j] = (struct numbered){{.run = receive}, i, j};
		assert_int_equal(pthread_create(&threads[i], NULL, send_all, mails[i]), 0);
	}
	for (int i = 0; i < 100000 && n_received < SENDERS * MAILS; i++)
		assert_int_equal(loop_round(&loop, 100000000), 0);
	for (int i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(n_received, SENDERS * MAILS);
	mailbox_close(&mailbox, &loop);
	loop_done(&loop);
}

static void what_is_inside_runs_when_it_closes(void **state)
{
	struct numbered numbered = {{.run = receive}, 0, 0};

	(void)state;
	assert_int_equal(loop_init(&loop), 0);
	assert_int_equal(mailbox_open(&mailbox, &loop), 0);
	last[0] = -1;
	n_received = 0;
	mailbox_post(&mailbox, &numbered.mail);
	mailbox_close(&mailbox, &loop);
	mailbox_close(&mailbox, &loop);
	assert_int_equal(n_received, 1);
	loop_done(&loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mail_arrives_in_its_senders_order),
		cmocka_unit_test(what_is_inside_runs_when_it_closes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
