// SPDX-License-Identifier: Apache-2.0
/* composite_test: failover by status, service-level middlewares, routes below routes. */

#include "proxy/composite.h"

#include "hooks.h"

#define BAD_ANSWER "HTTP/1.1 503 Bad\r\nContent-Length: 3\r\n\r\nbad"

static struct loopback_server other;
static uint16_t other_port;
static int64_t max_body;
static struct mw_chain main_chain, other_chain;
static struct mw_instance tag_instance[2];

static enum mw_verdict tag(const struct mw_instance *self, struct mw_call *call)
{
	HOOKS_SYNC;
	header_add(&call->request->headers, STR("X-Tag"), self->name);
	return MW_NEXT;
}

static enum mw_verdict tag_back(const struct mw_instance *self, struct mw_call *call)
{
	HOOKS_SYNC;
	header_add(&call->response->headers, STR("X-Back"), self->name);
	return MW_NEXT;
}

static const struct mw mw_tag = {
	.name = "tag", .on_request = tag, .on_response = tag_back, .on_end = hooks_on_end};

static struct service *child(struct snapshot *snapshot, const struct service *like, uint16_t port,
			     const struct mw_chain *chain)
{
	struct service *service = ARENA_NEW(&snapshot->arena, struct service);
	struct server *server = ARENA_NEW(&snapshot->arena, struct server);

	*service = *like;
	*server = like->servers[0];
	server->port = port;
	server->id = port;
	service->servers = server;
	service->n_servers = service->turns.n_order = 1;
	service->chain = chain && chain->n ? chain : NULL;
	return service;
}

/* The route's service becomes a failover of it and another. */
static void make_failover(struct route *route, struct snapshot *snapshot)
{
	static const struct status_range statuses[] = {{500, 504}};
	struct service *failover = ARENA_NEW(&snapshot->arena, struct service);
	struct service_child *children = ARENA_ARRAY(&snapshot->arena, struct service_child, 2);

	*failover = *route->service;
	failover->kind = SERVICE_FAILOVER;
	failover->n_servers = 0;
	failover->children = children;
	failover->n_children = 2;
	failover->statuses = statuses;
	failover->n_statuses = 1;
	failover->max_body_bytes = max_body;
	children[0] = (struct service_child){
		.service = child(snapshot, route->service, fixture_server.port, &main_chain),
		.weight = 1};
	children[1] = (struct service_child){
		.service = child(snapshot, route->service, other_port, &other_chain), .weight = 1};
	route->service = failover;
}

static void start(const char *const *answers, const char *const *others, size_t n_others)
{
	static struct mw_instance plain[2] = {{.mw = &mw_tag, .name = {"main", 4}},
					      {.mw = &mw_tag, .name = {"other", 5}}};

	memcpy(tag_instance, plain, sizeof(plain));
	max_body = -1;
	loopback_serve(&other, others, n_others);
	other_port = other.port;
	hooks_start_edited(answers, make_failover);
}

static void end(void)
{
	fixture_end();
	loopback_serve_done(&other);
	main_chain = other_chain = (struct mw_chain){0};
}

static void a_bad_answer_is_replaced_by_the_second_child(void **state)
{
	static const char *const fine[] = {OK_ANSWER};
	const char *got;

	(void)state;
	start((const char *const[]){BAD_ANSWER, OK_ANSWER, NULL}, fine, 1);
	got = fixture_ask("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
			  "Connection: close\r\n\r\nabc");
	assert_begins(got, "HTTP/1.1 200 OK\r\n");
	assert_has(fixture_server.last, "\r\n\r\nabc");
	assert_has(other.last, "\r\n\r\nabc");
	assert_has(other.last, "X-Forwarded-For: 127.0.0.1\r\n");
	/* A good one stays. */
	assert_begins(fixture_ask(GET_CLOSE), "HTTP/1.1 200 OK\r\n");
	assert_int_equal(other.n_requests, 1);
	end();
}

static void a_server_that_is_gone_counts_too(void **state)
{
	static const char *const bad[] = {BAD_ANSWER};

	(void)state;
	start((const char *const[]){"", NULL}, bad, 1);
	/* The second child's answer is the client's, whatever it is. */
	assert_begins(fixture_ask(GET_CLOSE), "HTTP/1.1 503 Bad\r\n");
	assert_int_equal(other.n_requests, 1);
	end();
}

static void middlewares_of_the_child_that_was_left_leave_no_trace(void **state)
{
	static const char *const fine[] = {OK_ANSWER};
	const char *got;

	(void)state;
	main_chain = (struct mw_chain){
		.at = &tag_instance[0], .n = 1, .has_response_hooks = true, .has_end_hooks = true};
	other_chain = (struct mw_chain){
		.at = &tag_instance[1], .n = 1, .has_response_hooks = true, .has_end_hooks = true};
	start((const char *const[]){BAD_ANSWER, OK_ANSWER, NULL}, fine, 1);
	got = fixture_ask(GET_CLOSE);
	assert_has(got, "X-Back: other\r\n");
	assert_lacks(got, "X-Back: main");
	assert_has(fixture_server.last, "X-Tag: main\r\n");
	assert_has(other.last, "X-Tag: other\r\n");
	assert_lacks(other.last, "X-Tag: main");
	got = fixture_ask(GET_CLOSE);
	assert_has(got, "X-Back: main\r\n");
	end();
	/* The route's, the child's, the other child's; the route's, the child's. */
	assert_int_equal(hooks_ended, 5);
}

static void a_body_too_large_to_repeat_is_refused(void **state)
{
	static const char *const fine[] = {OK_ANSWER};
	const char *got;

	(void)state;
	start((const char *const[]){OK_ANSWER, NULL}, fine, 1);
	end();
	max_body = 2;
	loopback_serve(&other, fine, 1);
	hooks_start_edited((const char *const[]){OK_ANSWER, NULL}, make_failover);
	got = fixture_ask(POST_OF(3) "abc");
	assert_begins(got, "HTTP/1.1 413 ");
	assert_has(got, "\r\n\r\nRequest body too large\n");
	assert_int_equal(fixture_server.n_accepted, 0);
	end();
}

/* ------------------------------------------------------------------- layers ---- */

static struct route below_route;

/* The route becomes a parent; its service goes to a route below it that wants what the parent's
 * middleware has added. */
static void make_layers(struct route *route, struct snapshot *snapshot)
{
	static struct route *list[1];
	struct rule_fault fault;

	below_route = (struct route){.name = STR("below@test"), .priority = 1};
	below_route.service = route->service;
	below_route.chain = (struct mw_chain){
		.at = &tag_instance[1], .n = 1, .has_response_hooks = true, .has_end_hooks = true};
	assert_int_equal(rule_parse(STR("Header(`X-Tag`, `main`)"), &snapshot->arena,
				    &below_route.rule, &fault),
			 0);
	snapshot_own(snapshot, (void *)(uintptr_t)below_route.rule,
		     (void (*)(void *))(uintptr_t)rule_done);
	list[0] = &below_route;
	route->service = NULL;
	route->below = router_new(list, 1, &snapshot->arena);
}

static enum mw_verdict tag_some(const struct mw_instance *self, struct mw_call *call)
{
	HOOKS_SYNC;
	(void)self;
	if (str_eq(call->request->path, STR("/a")))
		header_add(&call->request->headers, STR("X-Tag"), STR("main"));
	return MW_NEXT;
}

static void routes_below_see_what_the_middlewares_have_made(void **state)
{
	static struct mw_instance plain[2] = {{.mw = &mw_tag, .name = {"main", 4}},
					      {.mw = &mw_tag, .name = {"other", 5}}};
	const char *got;

	(void)state;
	memcpy(tag_instance, plain, sizeof(plain));
	hooks_mw.on_request = tag_some;
	hooks_mw.on_response = tag_back;
	hooks_start_edited((const char *const[]){OK_ANSWER, NULL}, make_layers);
	got = fixture_ask(GET_CLOSE);
	assert_begins(got, "HTTP/1.1 200 OK\r\n");
	assert_has(got, "X-Back: other\r\nX-Back: test\r\n");
	assert_has(fixture_server.last, "X-Tag: main\r\nX-Tag: other\r\n");
	got = fixture_ask("GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	assert_begins(got, "HTTP/1.1 404 ");
	assert_has(got, "X-Back: test\r\n");
	hooks_end(3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bad_answer_is_replaced_by_the_second_child),
		cmocka_unit_test(a_server_that_is_gone_counts_too),
		cmocka_unit_test(middlewares_of_the_child_that_was_left_leave_no_trace),
		cmocka_unit_test(a_body_too_large_to_repeat_is_refused),
		cmocka_unit_test(routes_below_see_what_the_middlewares_have_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
