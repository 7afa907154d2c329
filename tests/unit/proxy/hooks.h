/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HOOKS_H
#define HOOKS_H

/* hooks: one middleware whose hooks a test sets, in front of the scripted server. */

#include "proxy_fixture.h"

#include "http/header.h"
#include "plan/router.h"

#define UNUSED __attribute__((unused)) static

/*
 * Hooks run on the worker's thread; the test reads what they have noted once the answer is here.
 * That this is in order only the sockets know: HOOKS_SYNC in a hook, and asking, tell others.
 */
static pthread_mutex_t hooks_mutex = PTHREAD_MUTEX_INITIALIZER;

UNUSED void hooks_sync(const int *nothing)
{
	(void)nothing;
	pthread_mutex_lock(&hooks_mutex);
	pthread_mutex_unlock(&hooks_mutex);
}

#define HOOKS_SYNC                                         \
	__attribute__((cleanup(hooks_sync))) int sync = 0; \
	hooks_sync(&sync)

UNUSED const char *hooks_ask(const char *text)
{
	HOOKS_SYNC;
	return fixture_ask(text);
}

UNUSED const char *hooks_talk(int fd, const char *text, const char *until)
{
	HOOKS_SYNC;
	return fixture_talk(fd, text, until);
}

#define fixture_ask  hooks_ask
#define fixture_talk hooks_talk

enum { HOOKS_SLOT_BYTES = 1024 };

static struct mw hooks_mw = {.name = "test", .slot_size = HOOKS_SLOT_BYTES};
static struct mw_instance hooks_instance = {.mw = &hooks_mw, .name = {"test", 4}};
static _Atomic int hooks_ended, hooks_completed;

UNUSED void hooks_on_end(const struct mw_instance *self, struct mw_call *call)
{
	(void)self;
	hooks_ended++;
	hooks_completed += call->completed;
}

/* A proxy with the middleware, as hooks_mw says by now, and a server with those answers. */
UNUSED void hooks_start_edited(const char *const *answers,
			       void (*edit)(struct route *, struct snapshot *))
{
	struct loopback_route route = {
		.middlewares = &hooks_instance, .n_middlewares = 1, .edit = edit};

	hooks_ended = hooks_completed = 0;
	hooks_mw.on_end = hooks_on_end;
	fixture_prepare(answers);
	fixture_run_route(route, (struct proxy_hooks){0});
}

#define hooks_start(...) hooks_start_edited((const char *const[]){__VA_ARGS__, NULL}, NULL)

/* Every middleware that was reached was told the end once. */
UNUSED void hooks_end(int n_requests)
{
	fixture_end();
	assert_int_equal(hooks_ended, n_requests);
	hooks_mw = (struct mw){.name = "test", .slot_size = HOOKS_SLOT_BYTES};
}

#define POST_OF(length) \
	"POST /p HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: " #length "\r\n\r\n"

#endif
