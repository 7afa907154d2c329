// SPDX-License-Identifier: Apache-2.0
/* interface_watch: see the header. */
#include "control/interface_watch.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/cleanup.h"

enum {
	MESSAGE_BYTES = 1 << 15,
	ASK_MS = 200, /* the kernel answers at once */
};

/* ----------------------------------------------------------------------- asking -- */

static bool runs_xdp(const struct rtattr *xdp)
{
	int left = (int)RTA_PAYLOAD(xdp);

	for (const struct rtattr *at = RTA_DATA(xdp); RTA_OK(at, left); at = RTA_NEXT(at, left))
		if (at->rta_type == IFLA_XDP_ATTACHED)
			return *(const uint8_t *)RTA_DATA(at) != XDP_ATTACHED_NONE;
	return false;
}

static void read_device(const struct nlmsghdr *header, struct interface_seen *ret_seen)
{
	const struct ifinfomsg *about = NLMSG_DATA(header);
	int left = (int)header->nlmsg_len - (int)NLMSG_LENGTH(sizeof(*about));

	ret_seen->ifindex = (uint32_t)about->ifi_index;
	for (const struct rtattr *at = IFLA_RTA(about); RTA_OK(at, left); at = RTA_NEXT(at, left))
		if ((at->rta_type & NLA_TYPE_MASK) == IFLA_XDP)
			ret_seen->has_xdp = runs_xdp(at);
}

/* Without if_nametoindex(3), whose ioctl(2) is not allowed here. */
bool interface_watch_look(const char *name, struct interface_seen *ret_seen)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg about;
		struct rtattr name_header;
		char name[IF_NAMESIZE];
	} question = {
		.header = {.nlmsg_len = sizeof(question),
			   .nlmsg_type = RTM_GETLINK,
			   .nlmsg_flags = NLM_F_REQUEST},
		.about = {.ifi_family = AF_UNSPEC},
		.name_header = {.rta_len = RTA_LENGTH(IF_NAMESIZE), .rta_type = IFLA_IFNAME},
	};
	char message[MESSAGE_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct timeval limit = {.tv_usec = ASK_MS * 1000};
	const struct nlmsghdr *header = (const void *)message;
	AUTO_CLOSE int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	*ret_seen = (struct interface_seen){0};
	if (fd < 0)
		return false;
	snprintf(question.name, sizeof(question.name), "%s", name);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (send(fd, &question, sizeof(question), 0) != (ssize_t)sizeof(question))
		return false;
	ssize_t n = recv(fd, message, sizeof(message), 0);

	if (n <= 0 || !NLMSG_OK(header, (size_t)n))
		return false;
	if (header->nlmsg_type == NLMSG_ERROR)
		return ((const struct nlmsgerr *)NLMSG_DATA(header))->error == -ENODEV;
	if (header->nlmsg_type == RTM_NEWLINK)
		read_device(header, ret_seen);
	return true;
}

/* ---------------------------------------------------------------------- judging -- */

bool interface_watch_is_lost(const struct interface_given *given, const struct interface_seen *seen)
{
	bool is_xdp = !strcmp(given->mode, "native") || !strcmp(given->mode, "generic");

	if (!strcmp(given->mode, "unknown"))
		return false;
	if (!seen->ifindex || seen->has_xdp)
		return !seen->ifindex;
	return is_xdp || seen->ifindex != given->ifindex;
}

static const char *fault_of(const struct interface_given *given, const struct interface_seen *seen)
{
	if (!seen->ifindex)
		return "is not there";
	if (!given->ifindex && strcmp(given->mode, "pinned") != 0)
		return given->why[0] ? given->why : "does not run the kernel plane";
	if (seen->ifindex != given->ifindex)
		return "was made anew and does not run the kernel plane";
	return "does not run the kernel plane any more";
}

bool interface_watch_judge(const struct interface_given *given, const struct interface_seen *seen,
			   size_t n, char *ret_text, size_t size)
{
	bool any_lost = false;
	size_t length = 0;

	ret_text[0] = '\0';
	for (size_t i = 0; i < n && length < size; i++) {
		const char *between = length ? "; " : "";
		bool is_lost = interface_watch_is_lost(&given[i], &seen[i]);
		bool is_slow = !is_lost && given[i].why[0] && strcmp(given[i].mode, "native") != 0;

		any_lost |= is_lost;
		if (is_lost)
			length += (size_t)snprintf(ret_text + length, size - length,
						   "%sinterface %s: %s", between, given[i].name,
						   fault_of(&given[i], &seen[i]));
		else if (is_slow)
			length += (size_t)snprintf(ret_text + length, size - length,
						   "%sinterface %s runs it in mode %s: %s", between,
						   given[i].name, given[i].mode, given[i].why);
	}
	return any_lost;
}
