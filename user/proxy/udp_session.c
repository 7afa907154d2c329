// SPDX-License-Identifier: Apache-2.0
/* udp_session: see the header. */

#include "proxy/udp_session.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/hash.h"
#include "proxy/stream_dial.h"
#include "proxy/stream_record.h"
#include "proxy/worker.h"

enum {
	CHAINS_MIN = 1024,
	PER_SOURCE_SHARE = 8, /* a source gets an eighth of all sessions */
	PER_SOURCE_MIN = 16,
};

/* How many sessions a source has; there is one for each that has any. */
struct udp_source {
	struct udp_source *next;
	struct addr addr; /* IPv6: the network of /64, which is one client's */
	uint32_t n;
};

int udp_session_table_init(struct udp_entry *entry, uint32_t max_sessions)
{
	uint32_t n = CHAINS_MIN;

	while (n < max_sessions && n < 1u << 16)
		n *= 2;
	list_init(&entry->young);
	list_init(&entry->old);
	entry->n_chains = n;
	entry->max_sessions = max_sessions;
	entry->max_per_source = max_sessions / PER_SOURCE_SHARE;
	if (entry->max_per_source < PER_SOURCE_MIN)
		entry->max_per_source = PER_SOURCE_MIN;
	entry->chains = calloc(n, sizeof(struct udp_session *));
	entry->sources = calloc(n, sizeof(struct udp_source *));
	return entry->chains && entry->sources ? 0 : -ENOMEM;
}

void udp_session_table_done(struct udp_entry *entry)
{
	LIST_EACH (&entry->young, node)
		udp_session_end(LIST_OF(node, struct udp_session, node));
	LIST_EACH (&entry->old, node)
		udp_session_end(LIST_OF(node, struct udp_session, node));
	free(entry->chains);
	free(entry->sources);
}

/* ---------------------------------------------------------------- tables ----- */

static uint32_t chain_of(const struct udp_entry *entry, const struct addr *client, uint16_t port,
			 const struct addr *local)
{
	char key[2 * sizeof(struct addr) + sizeof(port)];

	memcpy(key, client, sizeof(*client));
	memcpy(key + sizeof(*client), local, sizeof(*local));
	memcpy(key + 2 * sizeof(*client), &port, sizeof(port));
	return (uint32_t)hash_keyed(str_n(key, sizeof(key))) & (entry->n_chains - 1);
}

static struct udp_source **source_at(struct udp_entry *entry, const struct addr *addr)
{
	uint32_t at = (uint32_t)hash_keyed(str_n((const char *)addr, sizeof(*addr))) &
		      (entry->n_chains - 1);
	struct udp_source **slot = &entry->sources[at];

	while (*slot && !addr_eq(&(*slot)->addr, addr))
		slot = &(*slot)->next;
	return slot;
}

/* Counts one more session of a source; NULL: it has too many. */
static struct udp_source *source_enter(struct udp_entry *entry, const struct addr *client)
{
	struct addr addr = addr_mask(client, 32, 64);
	struct udp_source **slot = source_at(entry, &addr);

	if (!*slot) {
		*slot = calloc(1, sizeof(**slot));
		if (!*slot)
			return NULL;
		(*slot)->addr = addr;
	}
	if ((*slot)->n >= entry->max_per_source)
		return NULL;
	(*slot)->n++;
	return *slot;
}

static void source_leave(struct udp_entry *entry, struct udp_source *source)
{
	struct udp_source **slot;

	if (--source->n)
		return;
	slot = source_at(entry, &source->addr);
	*slot = source->next;
	free(source);
}

static void free_later(struct loop_task *task)
{
	struct udp_session *session = LIST_OF(task, struct udp_session, freeing);

	slab_give(&session->worker->udp_sessions, session);
}

void udp_session_end(struct udp_session *session)
{
	struct udp_entry *entry = session->entry;
	struct worker *worker = entry->worker;
	uint32_t at = chain_of(entry, &session->client, session->client_port, &session->local);
	struct udp_session **slot = &entry->chains[at];
	int fd = session->io.fd;

	stream_record_udp(session);
	while (*slot != session)
		slot = &(*slot)->next;
	*slot = session->next;
	list_del(&session->node);
	entry->n_sessions--;
	source_leave(entry, session->source);
	loop_forget(&worker->loop, &session->io);
	close(fd);
	worker_drop_use(worker, session->use);
	session->freeing.run = free_later;
	loop_defer(&worker->loop, &session->freeing);
}

/* ------------------------------------------------------------------ making --- */

static int connect_to(const struct addr *addr, uint16_t port, int *ret_fd)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(addr, port, &sa);
	int one = 1, fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sa, len) < 0) {
		int error = -errno;

		close(fd);
		return error;
	}
	/* Comfort: without it datagrams come one by one. */
	(void)setsockopt(fd, SOL_UDP, UDP_GRO, &one, sizeof(one));
	*ret_fd = fd;
	return 0;
}

/* The address of a server, of the several that a name may have the next one. */
static bool address_of(struct udp_entry *entry, const struct stream_server *server,
		       struct addr *ret_addr)
{
	struct live_addrs *addrs = server->live ? server->live->addrs : NULL;
	struct addr known[LIVE_ADDRS_MAX];
	uint32_t n;

	*ret_addr = server->addr;
	if (!server->dns_name.len)
		return true;
	if (!addrs)
		return false;
	stream_dial_refresh(entry->worker, server, entry->worker->use);
	n = live_addrs_read(addrs, known);
	if (n)
		*ret_addr =
			known[atomic_fetch_add_explicit(&addrs->turn, 1, memory_order_relaxed) % n];
	return n > 0;
}

static const struct stream_service *service_of(const struct udp_entry *entry)
{
	const struct snapshot *snapshot = entry->worker->use->snapshot;

	return entry->conf->index < snapshot->n_entry_points
		       ? snapshot->entry_points[entry->conf->index].udp
		       : NULL;
}

/* A socket to a server; -1: none takes it. */
static int open_socket(struct udp_entry *entry, struct stream_pick *pick)
{
	uint64_t now_ns = entry->worker->loop.now_ns;
	const struct stream_service *service = service_of(entry);
	struct addr addr;
	int fd = -1;

	while (stream_pick_next(pick, service, now_ns))
		if (address_of(entry, pick->server, &addr) &&
		    connect_to(&addr, pick->server->port, &fd) == 0)
			return fd;
	return -1;
}

/* Room for one more: what nobody has vouched for goes first. */
static bool make_room(struct udp_entry *entry)
{
	const struct worker *worker = entry->worker;
	uint64_t open =
		atomic_load_explicit(&worker->counters.connections_open, memory_order_relaxed) +
		atomic_load_explicit(&worker->counters.udp_sessions, memory_order_relaxed);

	if (entry->n_sessions < entry->max_sessions && open < worker->shared->max_connections)
		return true;
	if (list_empty(&entry->young))
		return false;
	udp_session_end(LIST_OF(entry->young.next, struct udp_session, node));
	return true;
}

static void set_up(struct udp_session *session, struct udp_entry *entry, const struct udp_way *way)
{
	struct worker *worker = entry->worker;
	uint32_t at = chain_of(entry, &way->client, way->client_port, &way->local);
	const struct stream_service *service = session->pick.service;

	session->io.on_ready = udp_entry_on_server;
	session->entry = entry;
	session->worker = worker;
	session->client = way->client;
	session->client_port = way->client_port;
	session->local = way->local;
	session->interface = way->interface;
	session->begin_ns = session->last_ns = worker->loop.now_ns;
	session->begin_wall_ns = worker->loop.wall_ns;
	session->use = snapshot_use_get(worker->use);
	session->next = entry->chains[at];
	entry->chains[at] = session;
	list_add_back(&entry->young, &session->node);
	entry->n_sessions++;
	worker_count(&worker->counters.udp_sessions, 1);
	if (worker->metrics) {
		metric_add(worker->metrics, service->series, METRIC_STREAM_OPEN, 1);
		metric_add(worker->metrics, service->series, METRIC_STREAM_SESSIONS, 1);
	}
	if (!entry->timer.at_ns)
		timer_set(&worker->loop.timers, &entry->timer,
			  worker->loop.now_ns + entry->timeout_ns);
}

static struct udp_session *session_new(struct udp_entry *entry, const struct udp_way *way)
{
	struct worker *worker = entry->worker;
	struct udp_source *source;
	struct udp_session *session;

	if (entry->draining || !service_of(entry) || !make_room(entry))
		return NULL;
	source = source_enter(entry, &way->client);
	session = source ? slab_take(&worker->udp_sessions) : NULL;
	if (!session) {
		if (source)
			source_leave(entry, source);
		return NULL;
	}
	*session = (struct udp_session){.source = source};
	session->io.fd = open_socket(entry, &session->pick);
	if (session->io.fd < 0 || loop_add(&worker->loop, &session->io) < 0) {
		if (session->io.fd >= 0)
			close(session->io.fd);
		source_leave(entry, source);
		slab_give(&worker->udp_sessions, session);
		return NULL;
	}
	set_up(session, entry, way);
	return session;
}

struct udp_session *udp_session_find(struct udp_entry *entry, const struct udp_way *way)
{
	uint32_t at = chain_of(entry, &way->client, way->client_port, &way->local);

	for (struct udp_session *session = entry->chains[at]; session; session = session->next)
		if (session->client_port == way->client_port &&
		    addr_eq(&session->client, &way->client) &&
		    addr_eq(&session->local, &way->local))
			return session;
	return session_new(entry, way);
}

void udp_session_touch(struct udp_session *session, bool is_up, size_t bytes)
{
	struct udp_entry *entry = session->entry;
	struct worker *worker = entry->worker;

	session->last_ns = worker->loop.now_ns;
	if (is_up) {
		session->up_bytes += bytes;
		session->is_old |= session->answered;
	} else {
		session->down_bytes += bytes;
		session->answered = true;
	}
	list_del(&session->node);
	list_add_back(session->is_old ? &entry->old : &entry->young, &session->node);
	if (worker->metrics)
		metric_add(worker->metrics, session->pick.service->series,
			   is_up ? METRIC_STREAM_RECEIVED : METRIC_STREAM_SENT, (int64_t)bytes);
}

uint64_t udp_session_sweep(struct udp_entry *entry, uint64_t now_ns)
{
	struct list *lists[] = {&entry->young, &entry->old};
	uint64_t next_ns = 0;

	for (size_t i = 0; i < 2; i++) {
		while (!list_empty(lists[i])) {
			struct udp_session *session =
				LIST_OF(lists[i]->next, struct udp_session, node);
			uint64_t at_ns = session->last_ns + entry->timeout_ns;

			if (at_ns > now_ns) {
				next_ns = next_ns && next_ns < at_ns ? next_ns : at_ns;
				break;
			}
			udp_session_end(session);
		}
	}
	return next_ns;
}
