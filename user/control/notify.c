// SPDX-License-Identifier: Apache-2.0
/* notify: the protocol is a datagram with lines of assignments, see sd_notify(3). */
#include "control/notify.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"

/* WATCHDOG_PID names whom it is for; without it whoever has the variable is meant. */
static uint64_t watchdog(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	int64_t number;

	if (pid && (num_int64(str_of(pid), &number) < 0 || number != getpid()))
		return 0;
	if (!usec || num_int64(str_of(usec), &number) < 0 || number <= 0)
		return 0;
	return (uint64_t)number * NS_PER_US;
}

void notify_init(struct notify *notify)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t n = path ? strlen(path) : 0;

	*notify = (struct notify){.fd = -1};
	if ((n < 2) || n >= sizeof(notify->address.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	notify->address.sun_family = AF_UNIX;
	memcpy(notify->address.sun_path, path, n);
	/* An abstract one begins with a NUL and has no end but its length. */
	if (path[0] == '@')
		notify->address.sun_path[0] = '\0';
	notify->address_bytes = (unsigned int)(offsetof(struct sockaddr_un, sun_path) + n);
	notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (notify->fd >= 0)
		notify->watchdog_ns = watchdog();
}

void notify_done(struct notify *notify)
{
	if (notify->fd >= 0)
		close(notify->fd);
	notify->fd = -1;
}

void notify_send(const struct notify *notify, const char *state)
{
	/* Whoever does not listen any more misses it. */
	if (notify->fd >= 0)
		(void)!sendto(notify->fd, state, strlen(state), MSG_NOSIGNAL,
			      (const struct sockaddr *)&notify->address, notify->address_bytes);
}
