// SPDX-License-Identifier: Apache-2.0
/* kube_watch_test: what is asked next, after everything an API server may have answered. */
#include "source/kube_watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"

#define SEC (uint64_t) NS_PER_SEC
#define ROUTE(name)                                                                        \
	"{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"shop\",\"resourceVersion\":" \
	"\"9\"},\"spec\":{\"ports\":[{\"port\":80}]}}"
#define EVENT(type, name) "{\"type\":\"" type "\",\"object\":" ROUTE(name) "}\n"
#define END                                                                           \
	"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"7\"," \
	"\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}\n"

struct scene {
	struct kube_hub hub;
	struct kube_watch *watch;
	struct kube_ask ask;
	uint64_t now;
	char log[1024]; /* of the hub */
};

static void note(struct scene *s, const char *what, const struct object *object)
{
	size_t used = strlen(s->log);

	snprintf(s->log + used, sizeof(s->log) - used, "%s" STR_FMT " ", what,
		 STR_ARG(object->meta.name));
}

static void on_seen(void *context, struct kube_watch *watch, const struct object *object,
		    const json_t *document)
{
	(void)watch;
	assert_non_null(document);
	note(context, "?", object);
}

static void on_put(void *context, struct kube_watch *watch, struct object *object)
{
	(void)watch;
	note(context, "+", object);
}

static void on_remove(void *context, struct kube_watch *watch, struct object *object)
{
	(void)watch;
	note(context, "-", object);
}

static void scene_init(struct scene *s, bool streams)
{
	struct kube_watch_options options = {.kind = KIND_SERVICE};

	*s = (struct scene){.now = 100 * SEC};
	s->hub = (struct kube_hub){.on_seen = on_seen,
				   .on_put = on_put,
				   .on_remove = on_remove,
				   .context = s,
				   .no_streaming = !streams};
	s->watch = kube_watch_new(&options, &s->hub, 1);
	assert_non_null(s->watch);
}

static void scene_done(struct scene *s)
{
	kube_watch_free(s->watch);
}

/* The next question, however long it takes until it is due. */
static const char *next(struct scene *s)
{
	if (s->watch->due_ns > s->now)
		s->now = s->watch->due_ns;
	assert_true(kube_watch_next(s->watch, s->now, &s->ask));
	return s->ask.path;
}

static void done(struct scene *s, int status, const char *body)
{
	kube_watch_done(s->watch,
			&(struct rest_result){.status = status,
					      .message = status ? "" : "refused",
					      .is_network = !status,
					      .body = str_of(body)},
			s->now);
}

static bool data(struct scene *s, const char *bytes)
{
	return kube_watch_data(s->watch, str_of(bytes), s->now);
}

/* A watch that is up to date, over one Service named a. */
static void settle(struct scene *s)
{
	next(s);
	assert_true(data(s, EVENT("ADDED", "a") END));
	assert_true(s->watch->is_listed);
	s->log[0] = '\0';
}

static void a_streaming_list_goes_over_into_its_watch(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s, true);
	assert_non_null(strstr(next(&s), "sendInitialEvents=true&resourceVersionMatch="
					 "NotOlderThan&timeoutSeconds="));
	assert_true(data(&s, EVENT("ADDED", "a") EVENT("ADDED", "b")));
	assert_string_equal(s.log, "?a ?b ");
	assert_false(s.watch->is_listed);
	assert_true(data(&s, END));
	assert_true(s.watch->is_listed);
	assert_int_equal(s.watch->objects.n, 2);
	s.log[0] = '\0';
	assert_true(data(&s, EVENT("MODIFIED", "a") EVENT("DELETED", "b") EVENT("DELETED", "x")));
	assert_string_equal(s.log, "?a +a -b ");
	s.now += 400 * SEC;
	done(&s, 200, "");
	assert_non_null(strstr(next(&s), "watch=true&allowWatchBookmarks=true&resourceVersion=9&"));
	scene_done(&s);
}

static void a_server_without_streaming_lists_is_asked_for_pages(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s, true);
	next(&s);
	done(&s, 422, "{\"code\":422}");
	assert_true(s.hub.no_streaming);
	assert_string_equal(next(&s), "/api/v1/services?limit=500");
	assert_true(data(&s, "{\"metadata\":{\"resourceVersion\":\"5\",\"continue\":\"x/y\"},"
			     "\"items\":[" ROUTE("a") "]}"));
	done(&s, 200, "");
	assert_false(s.watch->is_listed);
	assert_string_equal(next(&s), "/api/v1/services?limit=500&continue=x%2Fy");
	assert_true(
		data(&s, "{\"metadata\":{\"resourceVersion\":\"5\"},\"items\":[" ROUTE("b") "]}"));
	done(&s, 200, "");
	assert_true(s.watch->is_listed);
	assert_int_equal(s.watch->objects.n, 2);
	assert_non_null(strstr(next(&s), "resourceVersion=5"));
	scene_done(&s);
}

static void what_has_expired_is_listed_anew_and_what_is_gone_is_removed(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s, true);
	settle(&s);
	assert_false(data(&s, "{\"type\":\"ERROR\",\"object\":{\"code\":410,\"reason\":\"Expired\"}"
			      "}\n"));
	done(&s, 200, "");
	assert_non_null(strstr(next(&s), "sendInitialEvents"));
	assert_true(data(&s, EVENT("ADDED", "b")));
	assert_int_equal(s.watch->objects.n, 1);
	assert_string_equal(s.log, "?b ");
	assert_true(data(&s, END));
	assert_string_equal(s.log, "?b -a +b ");
	done(&s, 410, "{\"code\":410}");
	assert_non_null(strstr(next(&s), "sendInitialEvents"));
	scene_done(&s);
}

static void nothing_that_goes_wrong_changes_what_is_known(void **state)
{
	static const char *const nonsense[] = {
		"{]\n",
		"1\n",
		"{\"type\":\"ADDED\"}\n",
		"{\"type\":\"ERROR\",\"object\":{\"code\":500}}\n",
	};
	static const int statuses[] = {0, 400, 401, 403, 404, 410, 429, 500, 502, 503, 504};
	struct scene s;

	(void)state;
	scene_init(&s, true);
	settle(&s);
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(*nonsense); i++) {
		assert_false(data(&s, nonsense[i]));
		done(&s, 200, "");
		assert_string_equal(s.log, "");
		assert_non_null(strstr(next(&s), "sendInitialEvents"));
		assert_true(data(&s, EVENT("ADDED", "a") END));
	}
	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		done(&s, statuses[i], "<html>");
		assert_string_equal(s.log, "");
		assert_true(s.watch->due_ns >= s.now);
		next(&s);
	}
	assert_int_equal(s.watch->objects.n, 1);
	scene_done(&s);
}

static void tries_come_later_and_later_and_as_the_server_asks(void **state)
{
	uint64_t waits[12];
	struct scene s;

	(void)state;
	scene_init(&s, true);
	for (size_t i = 0; i < 12; i++) {
		next(&s);
		done(&s, 503, "");
		waits[i] = s.watch->due_ns - s.now;
		assert_true(waits[i] <= KUBE_BACKOFF_MAX_S * SEC);
	}
	assert_true(waits[0] < SEC / 2 && waits[11] >= 10 * SEC);
	next(&s);
	kube_watch_done(s.watch,
			&(struct rest_result){.status = 429, .message = "", .retry_after_s = 3},
			s.now);
	assert_in_range(s.watch->due_ns - s.now, 3 * SEC, 4 * SEC);
	scene_done(&s);
}

static void a_forbidden_kind_counts_as_known_after_some_tries(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s, true);
	for (int i = 0; i < KUBE_FORBIDDEN_TRIES; i++) {
		assert_false(s.watch->is_listed);
		next(&s);
		done(&s, 403, "{\"message\":\"services is forbidden\",\"code\":403}");
	}
	assert_true(s.watch->is_listed);
	assert_int_equal(s.watch->state, KUBE_FORBIDDEN);
	assert_non_null(strstr(s.watch->problem, "services is forbidden"));
	scene_done(&s);
}

static void a_kind_whose_definition_went_loses_its_objects_after_a_while(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s, true);
	settle(&s);
	s.now += 400 * SEC;
	done(&s, 404, "404 page not found");
	uint64_t gone = s.now;

	while (s.watch->objects.n) {
		next(&s);
		done(&s, 404, "404 page not found");
	}
	assert_in_range(s.now - gone, KUBE_GONE_AFTER_S * SEC, (KUBE_GONE_AFTER_S + 5) * SEC);
	assert_string_equal(s.log, "-a ");
	assert_true(s.watch->due_ns - s.now > 30 * SEC);
	scene_done(&s);
}

static void versions_that_always_expire_are_not_a_storm_of_lists(void **state)
{
	struct scene s;
	uint64_t began;

	(void)state;
	scene_init(&s, true);
	settle(&s);
	began = s.now;
	for (int i = 0; i < 20; i++) {
		assert_false(data(&s, "{\"type\":\"ERROR\",\"object\":{\"code\":410,\"reason\":"
				      "\"Expired\"}}\n"));
		done(&s, 200, "");
		assert_true(s.watch->due_ns > s.now);
		next(&s);
	}
	assert_true(s.now - began > 20 * SEC / 10);
	scene_done(&s);
}

static void a_page_that_the_server_does_not_take_begins_the_list_anew(void **state)
{
	static const int statuses[] = {400, 410, 500, 504};

	(void)state;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		struct scene s;

		scene_init(&s, false);
		next(&s);
		data(&s,
		     "{\"items\":[],\"metadata\":{\"resourceVersion\":\"5\",\"continue\":\"x\"}}");
		done(&s, 200, "");
		assert_non_null(strstr(next(&s), "continue=x"));
		done(&s, statuses[i], "{}");
		assert_null(strstr(next(&s), "continue="));
		scene_done(&s);
	}
}

static void a_moment_without_rights_costs_no_list(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s, true);
	settle(&s);
	for (int i = 1; i < KUBE_FORBIDDEN_TRIES; i++) {
		done(&s, 403, "{\"code\":403}");
		assert_non_null(strstr(next(&s), "resourceVersion=7"));
	}
	done(&s, 403, "{\"code\":403}");
	assert_non_null(strstr(next(&s), "limit="));
	assert_false(kube_watch_is_settled(s.watch, s.now));
	scene_done(&s);
}

static void a_kind_whose_definition_was_seen_is_asked_for_often(void **state)
{
	struct scene s;
	uint64_t began;
	int n = 0;

	(void)state;
	scene_init(&s, true);
	next(&s);
	done(&s, 404, "404 page not found");
	assert_true(s.watch->due_ns - s.now > 30 * SEC);
	assert_false(kube_watch_is_settled(s.watch, s.now));
	assert_true(kube_watch_is_settled(s.watch, s.now + KUBE_GONE_AFTER_S * SEC));
	kube_watch_expect(s.watch, s.now);
	for (began = s.now; s.now < began + SEC; n++) {
		next(&s);
		done(&s, 404, "404 page not found");
	}
	assert_in_range(n, 4, 16);
	s.now = began + 11 * SEC;
	next(&s);
	done(&s, 404, "404 page not found");
	assert_true(s.watch->due_ns - s.now > 30 * SEC);
	scene_done(&s);
}

static void a_streaming_list_that_stays_silent_is_given_up(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s, true);
	for (int i = 0; i < 2; i++) {
		assert_non_null(strstr(next(&s), "sendInitialEvents"));
		s.watch->request = (void *)&s;
		assert_false(kube_watch_is_stuck(s.watch, s.now + 10 * SEC));
		s.now += (KUBE_SILENT_LIST_S + 1) * SEC;
		assert_true(kube_watch_is_stuck(s.watch, s.now));
		done(&s, 0, "");
	}
	assert_non_null(strstr(next(&s), "limit=500"));
	scene_done(&s);
}

/* Events go on and on, but the bookmark that ends the list never comes. */
static void a_streaming_list_without_an_end_gives_way_to_pages_too(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s, true);
	for (int i = 0; i < 2; i++) {
		assert_non_null(strstr(next(&s), "sendInitialEvents"));
		s.watch->request = (void *)&s;
		for (int k = 0; k < KUBE_STREAM_LIST_S; k++) {
			s.now += SEC;
			kube_watch_data(s.watch, STR("\n"), s.now);
			assert_false(kube_watch_is_stuck(s.watch, s.now));
		}
		s.now += SEC;
		assert_true(kube_watch_is_stuck(s.watch, s.now));
		done(&s, 0, "");
	}
	assert_non_null(strstr(next(&s), "limit=500"));
	scene_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_streaming_list_without_an_end_gives_way_to_pages_too),
		cmocka_unit_test(a_streaming_list_goes_over_into_its_watch),
		cmocka_unit_test(a_server_without_streaming_lists_is_asked_for_pages),
		cmocka_unit_test(what_has_expired_is_listed_anew_and_what_is_gone_is_removed),
		cmocka_unit_test(nothing_that_goes_wrong_changes_what_is_known),
		cmocka_unit_test(tries_come_later_and_later_and_as_the_server_asks),
		cmocka_unit_test(a_forbidden_kind_counts_as_known_after_some_tries),
		cmocka_unit_test(a_kind_whose_definition_went_loses_its_objects_after_a_while),
		cmocka_unit_test(versions_that_always_expire_are_not_a_storm_of_lists),
		cmocka_unit_test(a_page_that_the_server_does_not_take_begins_the_list_anew),
		cmocka_unit_test(a_moment_without_rights_costs_no_list),
		cmocka_unit_test(a_kind_whose_definition_was_seen_is_asked_for_often),
		cmocka_unit_test(a_streaming_list_that_stays_silent_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
