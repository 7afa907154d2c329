// SPDX-License-Identifier: Apache-2.0
/* filter_test: spans through several middlewares, without a network. */

#include "proxy/filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "bare_worker.h"
#include "http/header.h"

static struct bare_worker *bare;
static struct arena arena;
static struct filter *filter;

/* Doubles each byte. */
static int twice(const struct mw_instance *self, struct mw_call *call, const struct mw_span *span,
		 struct mw_body_out *out)
{
	(void)self;
	(void)call;
	for (size_t i = 0; i < span->bytes.len; i++) {
		mw_body_append(out, str_n(span->bytes.at + i, 1));
		mw_body_append(out, str_n(span->bytes.at + i, 1));
	}
	if (span->is_last)
		mw_body_trailer(out, STR("X-T"), STR("1"));
	return 0;
}

/* Keeps all of it until it is told to let go. */
static char kept[64];
static size_t n_kept;

static int keep(const struct mw_instance *self, struct mw_call *call, const struct mw_span *span,
		struct mw_body_out *out)
{
	(void)self;
	(void)call;
	if (span->bytes.len)
		memcpy(kept + n_kept, span->bytes.at, span->bytes.len);
	n_kept += span->bytes.len;
	if (span->is_last || span->is_flush) {
		mw_body_append(out, STR("<"));
		mw_body_append(out, str_n(kept, n_kept));
		mw_body_append(out, STR(">"));
		n_kept = 0;
	}
	for (uint16_t i = 0; span->trailers && i < span->trailers->n; i++)
		mw_body_trailer(out, span->trailers->at[i].name, span->trailers->at[i].value);
	return 0;
}

static const struct mw mw_twice = {.on_response_body = twice};
static const struct mw mw_keep = {.on_response_body = keep};
static const struct mw_instance one = {.mw = &mw_twice}, two = {.mw = &mw_keep};

static int set_up(void **state)
{
	struct mw_call call = {0};

	(void)state;
	n_kept = 0;
	bare = bare_worker_new();
	arena_init(&arena, 65536, 0);
	filter = filter_new(&bare->worker, &arena, true);
	filter_add(filter, &one, &call);
	filter_add(filter, &two, &call);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	filter_done(filter);
	arena_done(&arena);
	bare_worker_free(bare);
	return 0;
}

static void expect(const struct mw_span *span, const char *wanted)
{
	struct str out;

	assert_int_equal(filter_push(filter, span, &out), 0);
	assert_true(str_eq(out, str_of(wanted)));
	/* There is room around it. */
	memset((char *)(uintptr_t)out.at - FILTER_ROOM_BYTES, 'x', FILTER_ROOM_BYTES);
	memset((char *)(uintptr_t)out.at + out.len, 'x', FILTER_END_BYTES);
}

static void spans_pass_one_after_the_other(void **state)
{
	struct str out;

	(void)state;
	expect(&(struct mw_span){.bytes = STR("ab")}, "");
	assert_true(filter->holds);
	expect(&(struct mw_span){.is_flush = true}, "<aabb>");
	assert_false(filter->holds);
	expect(&(struct mw_span){.bytes = STR("c"), .is_last = true}, "<cc>");
	assert_int_equal(filter->trailers.n, 1);
	assert_true(filter->has_ended);
	assert_int_equal(filter_push(filter, &(struct mw_span){.is_last = true}, &out), -EPROTO);
}

static void a_length_that_was_promised_is_kept(void **state)
{
	struct str out;

	(void)state;
	filter->length = 4;
	expect(&(struct mw_span){.bytes = STR("a")}, "");
	expect(&(struct mw_span){.is_last = true}, "<aa>");
	tear_down(state);
	set_up(state);
	filter->length = 5;
	expect(&(struct mw_span){.bytes = STR("a")}, "");
	assert_int_equal(filter_push(filter, &(struct mw_span){.is_last = true}, &out), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(spans_pass_one_after_the_other, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_length_that_was_promised_is_kept, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
