// SPDX-License-Identifier: Apache-2.0
/*
 * redis: see the header.
 *
 *	IDLE -> RESOLVING -> CONNECTING -> HANDSHAKE -> READY -> IDLE
 *
 * Commands stand in client->pending in the order in which they are sent; the first n_sent of them
 * were put into out, which is what waits for the socket. The first n_greetings answers are those of
 * AUTH and SELECT. Whenever a connection ends, everything pending is either sent again or told of
 * it; nothing is lost silently.
 */

#include "net/redis.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "net/redis_wire.h"
#include "net/sock.h"

enum state { IDLE, RESOLVING, CONNECTING, HANDSHAKE, READY };

enum { READ_BYTES = 16 << 10, OUT_MAX_BYTES = 64 << 20 };

struct redis_pending {
	struct list node;
	char *bytes;
	size_t n_bytes;
	void (*done)(void *context, const struct redis_answer *answer); /* NULL: cancelled */
	void *context;
	uint64_t sent_ns;
	bool repeated;
};

/* A name that is being looked up; outlives a client that does not wait for it. */
struct lookup {
	struct resolve resolve; /* first */
	struct client *client;	/* NULL: gone */
};

struct client {
	struct list node;
	struct redis_clients *home;
	struct redis_target *target;
	struct loop_io io;
	struct loop_task flush;
	struct timer timer;
	SSL *ssl;
	redisReader *reader;
	redisReplyObjectFunctions functions; /* of the reader */
	struct lookup *lookup;
	struct buf out;
	size_t out_at; /* written */
	struct list pending;
	size_t n_pending, n_sent, n_greetings;
	size_t endpoint; /* which one is tried */
	uint64_t dial_until_ns;
	uint8_t state; /* enum state */
	bool flush_is_due, had_answers, dead;
};

static void connect_next(struct client *client, int error);

/* ---------------------------------------------------------------- answers -- */

static void tell(struct redis_pending *pending, const struct redis_answer *answer)
{
	if (pending->done)
		pending->done(pending->context, answer);
	free(pending->bytes);
	free(pending);
}

static struct redis_pending *first(struct client *client)
{
	return LIST_OF(client->pending.next, struct redis_pending, node);
}

static struct redis_pending *take_first(struct client *client)
{
	struct redis_pending *pending = first(client);

	list_del(&pending->node);
	client->n_pending--;
	return pending;
}

/* ------------------------------------------------------------------- end --- */

static void close_connection(struct client *client)
{
	if (client->ssl)
		SSL_free(client->ssl);
	client->ssl = NULL;
	if (client->io.fd >= 0) {
		int fd = client->io.fd;

		loop_forget(client->home->loop, &client->io);
		close(fd);
	}
	client->io.fd = -1;
	if (client->reader)
		redisReaderFree(client->reader);
	client->reader = NULL;
	if (client->lookup)
		client->lookup->client = NULL;
	client->lookup = NULL;
	buf_clear(&client->out);
	client->out_at = client->n_sent = client->n_greetings = 0;
	client->state = IDLE;
}

static void set_timer(struct client *client)
{
	uint64_t at_ns = client->home->loop->now_ns + REDIS_IDLE_S * (uint64_t)NS_PER_SEC;
	uint64_t limit_ns = client->target->read_ns;

	if (client->state == READY && client->n_sent > 0) {
		/* Bytes that the server does not even take are late too. */
		if (client->out_at < client->out.len && client->target->write_ns &&
		    (!limit_ns || client->target->write_ns < limit_ns))
			limit_ns = client->target->write_ns;
		if (limit_ns)
			at_ns = first(client)->sent_ns + limit_ns;
	} else if (client->state != IDLE && client->state != READY) {
		at_ns = client->dial_until_ns;
	}
	timer_set(&client->home->loop->timers, &client->timer, at_ns);
}

/* Everything that is pending ends with this error. */
static void fail_all(struct client *client, int error)
{
	const struct redis_answer answer = {.error = error};
	struct list failed;

	close_connection(client);
	/* done() may ask again: that is a new list. */
	list_init(&failed);
	LIST_EACH (&client->pending, node) {
		list_del(node);
		list_add_back(&failed, node);
	}
	client->n_pending = 0;
	set_timer(client);
	LIST_EACH (&failed, each) {
		list_del(each);
		tell(LIST_OF(each, struct redis_pending, node), &answer);
	}
}

/* The connection broke. What was sent is sent once more if it was not a new connection. */
static void on_broken(struct client *client, int error)
{
	bool repeat = client->state == READY && client->had_answers && client->n_pending > 0;
	size_t n = 0;

	if (client->state != READY) {
		connect_next(client, error);
		return;
	}
	LIST_EACH (&client->pending, node) {
		struct redis_pending *pending = LIST_OF(node, struct redis_pending, node);

		if (n++ < client->n_sent) {
			repeat = repeat && !pending->repeated;
			pending->repeated = true;
		}
	}
	if (client->n_pending && !repeat) {
		fail_all(client, error);
		return;
	}
	close_connection(client);
	client->endpoint = 0;
	if (client->n_pending)
		connect_next(client, 0);
	else
		set_timer(client);
}

/* --------------------------------------------------------------- writing --- */

/* Puts what is not sent yet behind out, and writes as much as the socket takes. */
static void flush(struct client *client)
{
	uint64_t now_ns = client->home->loop->now_ns;
	size_t n = 0;

	if (client->state != READY)
		return;
	LIST_EACH (&client->pending, node) {
		struct redis_pending *pending = LIST_OF(node, struct redis_pending, node);

		if (n++ < client->n_sent)
			continue;
		buf_add(&client->out, str_n(pending->bytes, pending->n_bytes));
		pending->sent_ns = now_ns;
		client->n_sent++;
	}
	if (client->out.failed) {
		fail_all(client, -ENOBUFS);
		return;
	}
	while (client->out_at < client->out.len) {
		ssize_t done = redis_wire_write(client->io.fd, client->ssl,
						client->out.at + client->out_at,
						client->out.len - client->out_at);

		if (done == -EAGAIN) {
			client->io.ready &= (uint8_t)~LOOP_WRITE;
			break;
		}
		if (done < 0) {
			on_broken(client, (int)done);
			return;
		}
		client->out_at += (size_t)done;
	}
	if (client->out_at == client->out.len) {
		buf_clear(&client->out);
		client->out_at = 0;
	}
	set_timer(client);
}

/* Connects, or sends what has gathered in this round. */
static void on_task(struct loop_task *task)
{
	struct client *client = LIST_OF(task, struct client, flush);

	client->flush_is_due = false;
	if (client->dead)
		free(client);
	else if (client->state == IDLE && client->n_pending)
		connect_next(client, 0);
	else
		flush(client);
}

static void go_on_soon(struct client *client)
{
	if (client->flush_is_due)
		return;
	client->flush_is_due = true;
	client->flush.run = on_task;
	loop_defer(client->home->loop, &client->flush);
}

static void greet(struct client *client, const struct str *args, uint32_t n_args)
{
	size_t n = 0;
	char *bytes = redis_wire_command(args, n_args, &n);

	if (bytes)
		buf_add(&client->out, str_n(bytes, n));
	else
		client->out.failed = true;
	free(bytes);
	client->n_greetings++;
}

/* The connection stands: who we are, which database, and then what waits. */
static void begin_commands(struct client *client)
{
	const struct redis_target *target = client->target;
	char number[24];

	client->state = READY;
	client->had_answers = false;
	client->reader = redis_wire_reader(&client->functions);
	if (!client->reader) {
		fail_all(client, -ENOMEM);
		return;
	}
	if (target->password && target->username)
		greet(client,
		      (struct str[]){STR("AUTH"), str_of(target->username),
				     str_of(target->password)},
		      3);
	else if (target->password)
		greet(client, (struct str[]){STR("AUTH"), str_of(target->password)}, 2);
	if (target->db) {
		snprintf(number, sizeof(number), "%lld", (long long)target->db);
		greet(client, (struct str[]){STR("SELECT"), str_of(number)}, 2);
	}
	flush(client);
}

/* --------------------------------------------------------------- reading --- */

/* False: the connection is gone. */
static bool on_reply(struct client *client, redisReply *reply)
{
	struct redis_answer answer = {0};

	if (client->n_greetings) {
		client->n_greetings--;
		if (reply->type != REDIS_REPLY_ERROR)
			return true;
		fail_all(client, -EACCES);
		return false;
	}
	if (!client->n_sent) {
		on_broken(client, -EPROTO); /* an answer to nothing */
		return false;
	}
	client->n_sent--;
	client->had_answers = true;
	redis_wire_answer(reply, &answer);
	tell(take_first(client), &answer);
	return client->state == READY;
}

/* False: the connection is gone. */
static bool feed(struct client *client, const char *bytes, size_t n)
{
	void *reply;

	if (!redis_wire_feed(client->reader, bytes, n)) {
		on_broken(client, -EPROTO);
		return false;
	}
	for (;;) {
		if (redisReaderGetReply(client->reader, &reply) != REDIS_OK) {
			fail_all(client, -EPROTO);
			return false;
		}
		if (!reply)
			return true;
		bool goes_on = on_reply(client, reply);

		freeReplyObject(reply);
		if (!goes_on)
			return false;
	}
}

static void read_all(struct client *client)
{
	char bytes[READ_BYTES];

	for (;;) {
		ssize_t n = redis_wire_read(client->io.fd, client->ssl, bytes, sizeof(bytes));

		if (n == -EAGAIN) {
			client->io.ready &= (uint8_t)~LOOP_READ;
			set_timer(client);
			return;
		}
		if (n <= 0) {
			on_broken(client, n < 0 ? (int)n : -ECONNRESET);
			return;
		}
		if (!feed(client, bytes, (size_t)n))
			return;
	}
}

/* ------------------------------------------------------------ connecting --- */

static void shake_hands(struct client *client)
{
	int done, why;

	ERR_clear_error();
	done = SSL_do_handshake(client->ssl);
	if (done == 1) {
		begin_commands(client);
		return;
	}
	why = SSL_get_error(client->ssl, done);
	if (why == SSL_ERROR_WANT_READ)
		client->io.ready &= (uint8_t)~LOOP_READ;
	else if (why == SSL_ERROR_WANT_WRITE)
		client->io.ready &= (uint8_t)~LOOP_WRITE;
	else
		on_broken(client, -EPROTO);
}

static void on_connected(struct client *client)
{
	int error = sock_error(client->io.fd);

	if (error) {
		on_broken(client, error);
		return;
	}
	if (!client->target->tls) {
		begin_commands(client);
		return;
	}
	client->ssl = redis_target_tls(client->target, &client->target->endpoints[client->endpoint],
				       client->io.fd);
	client->state = HANDSHAKE;
	if (client->ssl)
		shake_hands(client);
	else
		on_broken(client, -ENOMEM);
}

static void on_ready(struct loop_io *io)
{
	struct client *client = LIST_OF(io, struct client, io);

	if (client->state == CONNECTING && io->ready & (LOOP_WRITE | LOOP_ERROR))
		on_connected(client);
	else if (client->state == HANDSHAKE)
		shake_hands(client);
	if (client->state == READY && io->ready & (LOOP_READ | LOOP_EOF | LOOP_ERROR))
		read_all(client);
	if (client->state == READY && io->ready & LOOP_WRITE && client->out_at < client->out.len)
		flush(client);
}

static void dial(struct client *client, const struct addr *addr, uint16_t port)
{
	int fd = -1, error = sock_connect(addr, port, &fd);

	if (error && error != -EINPROGRESS) {
		on_broken(client, error);
		return;
	}
	client->io = (struct loop_io){.fd = fd, .on_ready = on_ready};
	client->state = CONNECTING;
	error = loop_add(client->home->loop, &client->io);
	if (error) {
		close(fd);
		client->io.fd = -1;
		on_broken(client, error);
	}
}

static void on_resolved(struct mail *mail)
{
	struct lookup *lookup = LIST_OF(mail, struct lookup, resolve.done);
	struct client *client = lookup->client;
	int error = lookup->resolve.error;
	struct addr addr = lookup->resolve.addrs[0];

	if (!error && lookup->resolve.n_addrs == 0)
		error = -ENOENT;
	free(lookup);
	if (!client)
		return;
	client->lookup = NULL;
	if (error)
		on_broken(client, error);
	else
		dial(client, &addr, client->target->endpoints[client->endpoint].port);
}

static bool look_up(struct client *client, const struct redis_endpoint *endpoint)
{
	struct lookup *lookup = client->home->resolver ? calloc(1, sizeof(*lookup)) : NULL;

	if (!lookup)
		return false;
	lookup->client = client;
	lookup->resolve.home = client->home->mailbox;
	lookup->resolve.done.run = on_resolved;
	memcpy(lookup->resolve.name, endpoint->host, sizeof(lookup->resolve.name));
	client->lookup = lookup;
	client->state = RESOLVING;
	resolver_ask(client->home->resolver, &lookup->resolve);
	return true;
}

/* The first endpoint (error 0), or the one behind that which failed so. */
static void connect_next(struct client *client, int error)
{
	const struct redis_endpoint *endpoint;

	close_connection(client);
	client->endpoint = error ? client->endpoint + 1 : 0;
	if (client->endpoint >= client->target->n_endpoints) {
		client->endpoint = 0;
		fail_all(client, error);
		return;
	}
	endpoint = &client->target->endpoints[client->endpoint];
	client->dial_until_ns = client->home->loop->now_ns +
				(client->target->dial_ns ? client->target->dial_ns
							 : REDIS_IDLE_S * (uint64_t)NS_PER_SEC);
	if (endpoint->is_addr)
		dial(client, &endpoint->addr, endpoint->port);
	else if (!look_up(client, endpoint))
		on_broken(client, -ENOENT);
	if (client->state != IDLE)
		set_timer(client);
}

/* ----------------------------------------------------------------- clients -- */

/* With nothing pending that anybody waits for. */
static void client_free(struct client *client)
{
	close_connection(client);
	timer_cancel(&client->home->loop->timers, &client->timer);
	LIST_EACH (&client->pending, node) {
		struct redis_pending *pending = LIST_OF(node, struct redis_pending, node);

		list_del(node);
		free(pending->bytes);
		free(pending);
	}
	list_del(&client->node);
	redis_target_unref(client->target);
	buf_done(&client->out);
	/* A task that is due still knows it. */
	if (client->flush_is_due)
		client->dead = true;
	else
		free(client);
}

static void on_timer(struct timer *timer)
{
	struct client *client = LIST_OF(timer, struct client, timer);

	if (client->n_pending == 0)
		client_free(client);
	else if (client->state == READY)
		fail_all(client, -ETIMEDOUT);
	else
		on_broken(client, -ETIMEDOUT);
}

static struct client *client_of(struct redis_clients *clients, struct redis_target *target)
{
	struct client *client;

	LIST_EACH (&clients->clients, node) {
		client = LIST_OF(node, struct client, node);
		if (client->target == target)
			return client;
	}
	client = calloc(1, sizeof(*client));
	if (!client)
		return NULL;
	client->home = clients;
	client->target = redis_target_ref(target);
	client->io.fd = -1;
	list_init(&client->pending);
	timer_init(&client->timer, on_timer);
	buf_init(&client->out, OUT_MAX_BYTES);
	list_add_back(&clients->clients, &client->node);
	return client;
}

void redis_init(struct redis_clients *clients, struct loop *loop, struct mailbox *mailbox,
		struct resolver *resolver)
{
	*clients = (struct redis_clients){.loop = loop, .mailbox = mailbox, .resolver = resolver};
	list_init(&clients->clients);
}

void redis_done(struct redis_clients *clients)
{
	LIST_EACH (&clients->clients, node)
		client_free(LIST_OF(node, struct client, node));
}

struct redis_pending *redis_ask(struct redis_clients *clients, struct redis_target *target,
				const struct str *args, uint32_t n_args,
				void (*done)(void *context, const struct redis_answer *answer),
				void *context)
{
	struct client *client = client_of(clients, target);
	struct redis_pending *pending;

	if (!client || client->n_pending >= REDIS_PENDING_MAX)
		return NULL;
	pending = calloc(1, sizeof(*pending));
	if (!pending)
		return NULL;
	pending->bytes = redis_wire_command(args, n_args, &pending->n_bytes);
	if (!pending->bytes) {
		free(pending);
		return NULL;
	}
	pending->done = done;
	pending->context = context;
	list_add_back(&client->pending, &pending->node);
	client->n_pending++;
	/* done() is never called from in here: connections begin at the end of the round too. */
	go_on_soon(client);
	return pending;
}

void redis_cancel(struct redis_pending *pending)
{
	if (pending)
		pending->done = NULL;
}
