// SPDX-License-Identifier: Apache-2.0
/*
 * dataplane_shield: the line of the map "shield", which no generation stands behind: numbers alone.
 *
 * What cookies may offer depends on the network stack's own settings, since the stack completes the
 * handshake: they are read again every second.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "dataplane/dataplane_maps.h"
#include "gcra.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

enum {
	WINDOWS_SHIFT = 27, /* nanoseconds of a window, as the program has it */
	SYNS_PRESET = 10000,
	NEEDED = 2, /* of both settings */
	SCALE_MAX = 14,
	WINDOW_BITS = 15,
};

static long setting(const char *name)
{
	long value = 0, largest = 0, n;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	file = fopen(path, "re");
	/* Of three numbers the last is the largest. */
	while (file && fscanf(file, "%ld", &n) == 1) {
		value = n;
		largest = value > largest ? value : largest;
	}
	if (file)
		fclose(file);
	return largest;
}

/* The window scale that the stack takes for a socket (tcp_select_initial_window). */
static uint8_t window_scale(void)
{
	long most = setting("ipv4/tcp_rmem"), core = setting("core/rmem_max");
	uint8_t scale = 0;

	most = most > core ? most : core;
	while (scale < SCALE_MAX && most >> (WINDOW_BITS + scale + 1))
		scale++;
	return scale;
}

static uint64_t netns_cookie(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	if (fd < 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size))
		cookie = 0;
	close(fd);
	return cookie;
}

static uint32_t per_window(uint32_t per_second)
{
	uint64_t n = (uint64_t)per_second * (1ULL << WINDOWS_SHIFT) / NS_PER_SEC;

	return per_second && !n ? 1 : (uint32_t)n;
}

static void fragment_limit(struct abi_shield *row, uint32_t per_second, uint64_t tick_ns)
{
	uint64_t cost_ns = per_second ? NS_PER_SEC / per_second : 0;

	/* A second's worth at once. */
	row->fragment_ahead_ns = NS_PER_SEC > 2 * tick_ns ? NS_PER_SEC : 2 * tick_ns;
	row->fragment_cost_fp = cost_ns << 16;
}

static bool wants_cookies(const struct kernel_config *config)
{
	for (size_t i = 0; i < config->n_entries; i++)
		if (config->entries[i].proto == IPPROTO_TCP &&
		    config->entries[i].cookies != KERNEL_COOKIES_OFF && !config->entries[i].service)
			return true;
	return false;
}

/* Those with backends need no counting program. */
static bool wants_connections(const struct kernel_config *config)
{
	for (size_t i = 0; i < config->n_entries; i++)
		if (!config->entries[i].service && kernel_policy_counts(config->entries[i].policy))
			return true;
	return false;
}

/* Once each, when it begins to matter. */
static void tell(struct dataplane *dataplane, uint8_t flags)
{
	if (!(flags & ABI_SHIELD_COOKIES) && dataplane->wants_cookies && !dataplane->told_cookies) {
		dataplane->told_cookies = true;
		LOG(LOG_WARN,
		    "the kernel plane cannot answer SYN floods with cookies: it needs sysctl "
		    "net.ipv4.tcp_syncookies=2");
	}
	if (!(dataplane->shield->loaded & ABI_SHIELD_CONNECTIONS) && dataplane->wants_connections &&
	    !dataplane->told_connections) {
		dataplane->told_connections = true;
		LOG(LOG_WARN,
		    "limits of concurrent connections with this machine are not enforced: "
		    "this kernel does not let them be counted, see tidegate-loader doctor");
	}
}

void dataplane_shield_stack(struct dataplane *dataplane)
{
	struct abi_shield *row = dataplane->shield;
	uint8_t flags = 0;

	if (setting("ipv4/tcp_syncookies") == NEEDED)
		flags |= ABI_SHIELD_COOKIES;
	if (setting("ipv4/tcp_timestamps") == NEEDED)
		flags |= ABI_SHIELD_TIMES;
	row->netns = netns_cookie();
	row->wscale = window_scale();
	__atomic_store_n(&row->flags, flags, __ATOMIC_RELEASE);
	tell(dataplane, flags);
}

void dataplane_shield(struct dataplane *dataplane, const struct kernel_config *config)
{
	const struct kernel_shield *shield = &config->shield;
	struct abi_shield *row = dataplane->shield;

	dataplane->wants_cookies = wants_cookies(config);
	dataplane->wants_connections = wants_connections(config);
	row->syns = per_window(shield->syns ? shield->syns : SYNS_PRESET);
	row->strays = per_window(shield->strays);
	row->fragments = per_window(shield->fragments_total);
	fragment_limit(row, shield->fragments, dataplane->control->tick_ns);
	dataplane_shield_stack(dataplane);
}
