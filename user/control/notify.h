/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NOTIFY_H
#define NOTIFY_H

/*
 * notify: tells systemd how the service stands (sd_notify(3), Type=notify): one datagram a state to
 * the socket that NOTIFY_SOCKET names. Without one it does nothing.
 */

#include <stdint.h>
#include <sys/un.h>

struct notify {
	int fd; /* -1: nobody wants to know */
	struct sockaddr_un address;
	unsigned int address_bytes;
	uint64_t watchdog_ns; /* systemd kills who is silent for longer; 0: it does not watch */
};

/* From the environment. */
void notify_init(struct notify *notify);
void notify_done(struct notify *notify);
/* "READY=1\nSTATUS=..." */
void notify_send(const struct notify *notify, const char *state);

#endif
