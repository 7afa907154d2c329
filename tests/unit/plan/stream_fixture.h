/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STREAM_FIXTURE_H
#define STREAM_FIXTURE_H

/* stream_fixture: compile_fixture with entry points of TCP and UDP, and questions about them. */

#include "compile_fixture.h"
#include "plan/stream_plan.h"
#include "plan/tcp_router.h"

#define STREAM_EPS                                                                               \
	"'entryPoints':{'web':{'address':':80'},'db':{'address':':5432'},'dns':{'address':':53/" \
	"udp'},'log':{'address':':514/udp'}}"

static inline int stream_setup(void **state)
{
	struct fixture *f = malloc(sizeof(*f));

	fixture_init(f);
	fixture_config(f, "{" STREAM_EPS "}");
	*state = f;
	return 0;
}

#define STREAM_TEST(name) cmocka_unit_test_setup_teardown(name, stream_setup, fixture_teardown)

/* A Service with port 5432 named db whose endpoints are ready. */
static inline void stream_backend(struct fixture *f, const char *name, const char *addresses)
{
	const char *slash = strchr(name, '/');
	const char *bare = slash ? slash + 1 : name;
	char ns[64] = "shop";

	if (slash)
		snprintf(ns, sizeof(ns), "%.*s", (int)(slash - name), name);
	fixture_expect_valid(
		f, fixture_add(
			   f, "Service", name,
			   "'spec':{'clusterIP':'10.96.0.1','ports':[{'name':'db','port':5432}]}"));
	fixture_expect_valid(
		f,
		fixture_put(f,
			    "{'apiVersion':'discovery.k8s.io/v1','kind':'EndpointSlice','metadata':"
			    "{'name':'%s-1','namespace':'%s','labels':{'kubernetes.io/service-name'"
			    ":'%s'}},'addressType':'IPv4','ports':[{'name':'db','port':15432}],"
			    "'endpoints':[{'addresses':[%s],'conditions':{'ready':true}}]}",
			    bare, ns, bare, addresses));
}

static inline const struct tcp_route *stream_route(const struct fixture *f, const char *object,
						   uint32_t index)
{
	for (uint32_t i = 0; i < f->snapshot->n_tcp_routes; i++)
		if (str_eq(f->snapshot->tcp_routes[i]->object, str_of(object)) &&
		    f->snapshot->tcp_routes[i]->route_index == index)
			return f->snapshot->tcp_routes[i];
	fail_msg("no route %u of %s", index, object);
	return NULL;
}

/* Name of the route that a connection takes, "" for none. */
static inline const char *stream_answer(struct fixture *f, const char *entry_point, bool is_tls,
					const char *sni, const char *from)
{
	const struct tcp_router *router = fixture_entry_point(f, entry_point)->tcp;
	struct tcp_facts facts = {.is_tls = is_tls, .sni = str_of(sni)};
	const struct tcp_route *route;

	addr_parse(str_of(from), &facts.source);
	route = router ? tcp_router_match(router, &facts) : NULL;
	return route ? route->name.at : "";
}

/* The entry of the kernel plane with this name, or NULL. */
static inline const struct kernel_entry *stream_entry(const struct fixture *f, const char *name)
{
	const struct kernel_config *config = f->snapshot->kernel;

	for (size_t i = 0; i < config->n_entries; i++)
		if (str_eq(config->entries[i].name, str_of(name)))
			return &config->entries[i];
	return NULL;
}

/* "10.0.0.1:80x3 10.0.0.2:80x1!": address, port, weight; ~ drains, ! is dead; sorted. */
static inline const char *stream_backends(const struct kernel_service *service)
{
	static char text[1024];
	char rows[16][ADDR_TEXT_MAX + 16];
	uint32_t n = service ? service->n_backends : 0;

	assert_true(n <= 16);
	for (uint32_t i = 0; i < n; i++) {
		const struct kernel_backend *backend = &service->backends[i];
		char address[ADDR_TEXT_MAX];

		addr_print_port(&backend->addr, backend->port, address);
		snprintf(rows[i], sizeof(rows[i]), "%sx%u%s", address, backend->weight,
			 backend->state == KERNEL_BACKEND_DRAIN	 ? "~"
			 : backend->state == KERNEL_BACKEND_DEAD ? "!"
								 : "");
	}
	qsort(rows, n, sizeof(rows[0]), (int (*)(const void *, const void *))strcmp);
	text[0] = 0;
	for (uint32_t i = 0; i < n; i++) {
		strcat(text, i ? " " : "");
		strcat(text, rows[i]);
	}
	return text;
}

#endif
