// SPDX-License-Identifier: Apache-2.0
/* pipeline_test: who runs when, there and back, with middlewares that only take notes. */

#include "proxy/pipeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bare_worker.h"

static char notes[256];
static struct bare_worker *bare;
static struct arena arena;
static struct request request;

static void note(const struct mw_instance *self, const char *what)
{
	strncat(notes, self->name.at, self->name.len);
	strcat(notes, what);
}

static enum mw_verdict pass(const struct mw_instance *self, struct mw_call *call)
{
	note(self, ">");
	assert_ptr_equal(call->request, &request);
	if (call->slot)
		assert_int_equal(*(char *)call->slot, 0);
	if (call->slot)
		*(char *)call->slot = self->name.at[0];
	return MW_NEXT;
}

static enum mw_verdict come_back(const struct mw_instance *self, struct mw_call *call)
{
	note(self, "<");
	if (call->slot)
		assert_int_equal(*(char *)call->slot, self->name.at[0]);
	assert_non_null(call->response);
	return MW_NEXT;
}

static enum mw_verdict come_back_too(const struct mw_instance *self, struct mw_call *call)
{
	(void)call;
	note(self, "<");
	return MW_NEXT;
}

static enum mw_verdict refuse(const struct mw_instance *self, struct mw_call *call)
{
	note(self, "!");
	call->refused = true;
	call->user = STR("bob");
	call->reply.status = 429;
	return MW_REPLY;
}

static enum mw_verdict wait(const struct mw_instance *self, struct mw_call *call)
{
	note(self, ".");
	call->wait.until_ns = 77;
	return MW_WAIT;
}

static void job(void *arg)
{
	(void)arg;
}

static enum mw_verdict work(const struct mw_instance *self, struct mw_call *call)
{
	note(self, "w");
	call->wait.run = job;
	call->wait.arg = call;
	return MW_WAIT;
}

static enum mw_verdict resume(const struct mw_instance *self, struct mw_call *call)
{
	(void)call;
	note(self, "r");
	return MW_NEXT;
}

static const struct mw mw_pass = {.on_request = pass, .on_response = come_back, .slot_size = 8};
static const struct mw mw_refuse = {.on_request = refuse, .on_response = come_back_too};
static const struct mw mw_wait = {.on_request = wait};
static const struct mw mw_work = {.on_request = work, .on_resume = resume};

static struct mw_instance instances[] = {
	{.mw = &mw_pass, .name = {"a", 1}, .slot_offset = 0},
	{.mw = &mw_pass, .name = {"b", 1}, .slot_offset = 8},
	{.mw = &mw_refuse, .name = {"c", 1}},
	{.mw = &mw_pass, .name = {"d", 1}, .slot_offset = 16},
};

static int set_up(void **state)
{
	(void)state;
	notes[0] = 0;
	bare = bare_worker_new();
	arena_init(&arena, 65536, 0);
	request = (struct request){.arena = &arena};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_done(&arena);
	bare_worker_free(bare);
	return 0;
}

static enum pipeline_result back(struct pipeline *pipeline, struct response *response)
{
	struct pipeline_facts facts = {.may_again = true};

	return pipeline_answer(pipeline, &bare->worker, &request, response, &facts);
}

static void the_answer_passes_those_whom_the_request_has_reached_in_reverse(void **state)
{
	struct mw_chain chain = {
		.at = instances, .n = 4, .slot_bytes = 24, .has_response_hooks = true};
	struct response response = {0};
	struct pipeline pipeline;

	(void)state;
	pipeline_init(&pipeline, &chain, 1);
	assert_int_equal(pipeline_run(&pipeline, &bare->worker, &request), PIPELINE_REPLY);
	assert_int_equal(pipeline.call.reply.status, 429);
	assert_true(pipeline.was_refused);
	assert_ptr_equal(pipeline.refused_by, &instances[2]);
	assert_true(str_eq(pipeline.user, STR("bob")));
	assert_int_equal(back(&pipeline, &response), PIPELINE_NEXT);
	assert_string_equal(notes, "a>b>c!c<b<a<");
	/* Once only. */
	assert_int_equal(back(&pipeline, &response), PIPELINE_NEXT);
	assert_string_equal(notes, "a>b>c!c<b<a<");
}

static void all_may_pass(void **state)
{
	struct mw_chain chain = {
		.at = instances, .n = 2, .slot_bytes = 16, .has_response_hooks = true};
	struct pipeline pipeline;

	(void)state;
	pipeline_init(&pipeline, &chain, 1);
	assert_int_equal(pipeline_run(&pipeline, &bare->worker, &request), PIPELINE_NEXT);
	assert_string_equal(notes, "a>b>");
	pipeline_init(&pipeline, NULL, 1);
	assert_int_equal(pipeline_run(&pipeline, &bare->worker, &request), PIPELINE_NEXT);
	assert_int_equal(back(&pipeline, NULL), PIPELINE_NEXT);
}

static void waiting_goes_on_where_it_stopped(void **state)
{
	struct mw_instance some[] = {{.mw = &mw_wait, .name = {"x", 1}},
				     {.mw = &mw_work, .name = {"y", 1}},
				     {.mw = &mw_pass, .name = {"z", 1}, .slot_offset = 0}};
	struct mw_chain chain = {.at = some, .n = 3, .slot_bytes = 8, .has_response_hooks = true};
	struct pipeline pipeline;

	(void)state;
	pipeline_init(&pipeline, &chain, 1);
	assert_int_equal(pipeline_run(&pipeline, &bare->worker, &request), PIPELINE_WAIT);
	assert_int_equal(pipeline.call.wait.until_ns, 77);
	assert_int_equal(pipeline_run(&pipeline, &bare->worker, &request), PIPELINE_WAIT);
	assert_ptr_equal(pipeline.call.wait.run, job);
	assert_int_equal(pipeline_run(&pipeline, &bare->worker, &request), PIPELINE_NEXT);
	assert_string_equal(notes, "x.ywyrz>");
}

static void no_memory_for_slots_is_a_failure(void **state)
{
	struct mw_chain chain = {
		.at = instances, .n = 2, .slot_bytes = 1 << 20, .has_response_hooks = true};
	struct pipeline pipeline;

	(void)state;
	pipeline_init(&pipeline, &chain, 1);
	assert_int_equal(pipeline_run(&pipeline, &bare->worker, &request), PIPELINE_FAILED);
	assert_string_equal(notes, "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_answer_passes_those_whom_the_request_has_reached_in_reverse),
		TEST(all_may_pass),
		TEST(waiting_goes_on_where_it_stopped),
		TEST(no_memory_for_slots_is_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
