// SPDX-License-Identifier: Apache-2.0
/* resolver: one thread, one c-ares channel, a list of questions behind a lock. */

#include "net/resolver.h"

#include <ares.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	TIMEOUT_MS = 2000, /* of one question to one server */
	TRIES = 2,
};

struct resolver {
	pthread_t thread;
	pthread_mutex_t lock;
	struct resolve *asked; /* newest first; under the lock */
	bool is_over;	       /* under the lock */
	int wake_fd;
	/* The thread's alone. */
	ares_channel channel;
	bool has_channel;
	unsigned int n_open;	/* questions in the channel */
	struct timespec config; /* when resolv.conf was changed last */
};

uint64_t resolver_keep_ns(const struct resolve *resolve)
{
	uint64_t keep_s = resolve->ttl_s;

	if (resolve->error || !resolve->n_addrs)
		keep_s = RESOLVER_KEEP_FAILED_S;
	else if (keep_s < RESOLVER_KEEP_MIN_S)
		keep_s = RESOLVER_KEEP_MIN_S;
	else if (keep_s > RESOLVER_KEEP_MAX_S)
		keep_s = RESOLVER_KEEP_MAX_S;
	return keep_s * NS_PER_SEC;
}

static void answer(struct resolve *resolve, int error)
{
	resolve->error = error;
	mailbox_post(resolve->home, &resolve->done);
}

static int errno_of(int status)
{
	switch (status) {
	case ARES_SUCCESS:
		return 0;
	case ARES_ENOTFOUND:
	case ARES_ENODATA:
	case ARES_ENONAME:
	case ARES_EBADNAME:
		return -ENOENT;
	case ARES_ETIMEOUT:
		return -ETIMEDOUT;
	case ARES_ENOMEM:
		return -ENOMEM;
	case ARES_ECANCELLED:
	case ARES_EDESTRUCTION:
		return -ECANCELED;
	default:
		return -EIO;
	}
}

static void take(struct resolve *resolve, const struct ares_addrinfo *info)
{
	const struct ares_addrinfo_node *node = info ? info->nodes : NULL;

	resolve->n_addrs = 0;
	resolve->ttl_s = UINT32_MAX;
	for (; node && resolve->n_addrs < RESOLVER_ADDRS_MAX; node = node->ai_next) {
		struct sockaddr_storage sa = {0};
		uint16_t port;

		if (node->ai_addrlen > sizeof(sa))
			continue;
		memcpy(&sa, node->ai_addr, node->ai_addrlen);
		if (!addr_from_sockaddr(&sa, &resolve->addrs[resolve->n_addrs], &port))
			continue;
		resolve->n_addrs++;
		if ((uint32_t)node->ai_ttl < resolve->ttl_s)
			resolve->ttl_s = (uint32_t)node->ai_ttl;
	}
}

static void on_answer(void *context, int status, int timeouts, struct ares_addrinfo *info)
{
	struct resolve *resolve = context;
	int error = errno_of(status);

	(void)timeouts;
	resolve->resolver->n_open--;
	take(resolve, error ? NULL : info);
	ares_freeaddrinfo(info);
	answer(resolve, error ? error : resolve->n_addrs ? 0 : -ENOENT);
}

/* A new one when there is none, or when resolv.conf has changed and nothing is in the old one. */
static bool open_channel(struct resolver *resolver)
{
	struct ares_options options = {.timeout = TIMEOUT_MS, .tries = TRIES};
	struct stat facts = {0};

	(void)stat("/etc/resolv.conf", &facts);
	if (resolver->has_channel && !resolver->n_open &&
	    memcmp(&facts.st_mtim, &resolver->config, sizeof(facts.st_mtim)) != 0) {
		ares_destroy(resolver->channel);
		resolver->has_channel = false;
	}
	if (resolver->has_channel)
		return true;
	resolver->config = facts.st_mtim;
	resolver->has_channel =
		ares_init_options(&resolver->channel, &options,
				  ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES) == ARES_SUCCESS;
	return resolver->has_channel;
}

static void ask(struct resolver *resolver, struct resolve *resolve)
{
	static const struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC,
							 .ai_socktype = SOCK_STREAM};

	if (!open_channel(resolver)) {
		answer(resolve, -EIO);
		return;
	}
	resolver->n_open++;
	/* May answer at once, from the hosts file. */
	ares_getaddrinfo(resolver->channel, resolve->name, NULL, &hints, on_answer, resolve);
}

/* The questions since the last time, oldest first; false: it is over. */
static bool take_asked(struct resolver *resolver, struct resolve **ret_first)
{
	struct resolve *newest, *first = NULL;
	bool is_over;

	pthread_mutex_lock(&resolver->lock);
	newest = resolver->asked;
	resolver->asked = NULL;
	is_over = resolver->is_over;
	pthread_mutex_unlock(&resolver->lock);
	while (newest) {
		struct resolve *next = newest->next;

		newest->next = first;
		first = newest;
		newest = next;
	}
	*ret_first = first;
	return !is_over;
}

static void wait_and_serve(struct resolver *resolver)
{
	struct pollfd fds[1 + ARES_GETSOCK_MAXNUM] = {{.fd = resolver->wake_fd, .events = POLLIN}};
	ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
	struct timeval most = {.tv_sec = 3600}, wait = most;
	unsigned int bits = 0;
	int n = 1;
	uint64_t woken;

	if (resolver->has_channel) {
		bits = (unsigned int)ares_getsock(resolver->channel, sockets, ARES_GETSOCK_MAXNUM);
		wait = *ares_timeout(resolver->channel, &most, &wait);
	}
	for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
		short events = 0;

		/* ARES_GETSOCK_READABLE and _WRITABLE, without their shift into the sign. */
		if (bits >> i & 1)
			events |= POLLIN;
		if (bits >> (i + ARES_GETSOCK_MAXNUM) & 1)
			events |= POLLOUT;
		if (events)
			fds[n++] = (struct pollfd){.fd = sockets[i], .events = events};
	}
	(void)poll(fds, (nfds_t)n, (int)(wait.tv_sec * 1000 + wait.tv_usec / 1000 + 1));
	if (fds[0].revents)
		(void)!read(resolver->wake_fd, &woken, sizeof(woken));
	if (!resolver->has_channel)
		return;
	for (int i = 1; i < n; i++)
		if (fds[i].revents)
			ares_process_fd(resolver->channel,
					fds[i].revents & ~POLLOUT ? fds[i].fd : ARES_SOCKET_BAD,
					fds[i].revents & POLLOUT ? fds[i].fd : ARES_SOCKET_BAD);
	ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* time-outs */
}

static void *run(void *arg)
{
	struct resolver *resolver = arg;
	struct resolve *first;

	while (take_asked(resolver, &first)) {
		while (first) {
			struct resolve *next = first->next;

			ask(resolver, first);
			first = next;
		}
		wait_and_serve(resolver);
	}
	for (; first; first = first->next)
		answer(first, -ECANCELED);
	if (resolver->has_channel)
		ares_destroy(resolver->channel);
	return NULL;
}

struct resolver *resolver_new(void)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));

	if (!resolver)
		return NULL;
	pthread_mutex_init(&resolver->lock, NULL);
	resolver->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (resolver->wake_fd < 0 || ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS ||
	    pthread_create(&resolver->thread, NULL, run, resolver) != 0) {
		if (resolver->wake_fd >= 0)
			close(resolver->wake_fd);
		pthread_mutex_destroy(&resolver->lock);
		free(resolver);
		return NULL;
	}
	return resolver;
}

static void wake(struct resolver *resolver)
{
	uint64_t one = 1;

	(void)!write(resolver->wake_fd, &one, sizeof(one));
}

void resolver_free(struct resolver *resolver)
{
	if (!resolver)
		return;
	pthread_mutex_lock(&resolver->lock);
	resolver->is_over = true;
	pthread_mutex_unlock(&resolver->lock);
	wake(resolver);
	pthread_join(resolver->thread, NULL);
	ares_library_cleanup();
	close(resolver->wake_fd);
	pthread_mutex_destroy(&resolver->lock);
	free(resolver);
}

void resolver_ask(struct resolver *resolver, struct resolve *resolve)
{
	resolve->resolver = resolver;
	pthread_mutex_lock(&resolver->lock);
	resolve->next = resolver->asked;
	resolver->asked = resolve;
	pthread_mutex_unlock(&resolver->lock);
	wake(resolver);
}
