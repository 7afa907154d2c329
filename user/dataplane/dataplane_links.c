// SPDX-License-Identifier: Apache-2.0
/* dataplane_links: see the header. */
#include "dataplane/dataplane_links.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
	DEVICES_MAX = 1 << 16,
	ROOM_FIRST = 64,
	MESSAGE_BYTES = 1 << 16,
	ASK_MS = 500, /* the kernel answers at once */
	VLAN_BITS = 0x0fff,
};

struct dataplane_links {
	int events_fd; /* tells of changes */
	bool is_read;
	struct dataplane_link *at;
	size_t n, room;
	struct abi_link_key keys[ABI_LINKS], old_keys[ABI_LINKS];
	struct abi_link values[ABI_LINKS];
	size_t n_old;
	char message[MESSAGE_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
};

static const struct dataplane_link *find(const struct dataplane_link *links, size_t n,
					 uint32_t ifindex)
{
	for (size_t i = 0; i < n; i++)
		if (links[i].ifindex == ifindex)
			return &links[i];
	return NULL;
}

size_t dataplane_links_map(const struct dataplane_link *links, size_t n, struct abi_link_key *keys,
			   struct abi_link *values, size_t room)
{
	size_t made = 0;

	for (size_t i = 0; i < n; i++) {
		const struct dataplane_link *vlan = &links[i];
		const struct dataplane_link *below = find(links, n, vlan->below);

		/* Of a VLAN in a VLAN frames need two tags: not sent by XDP. */
		if (!vlan->tag || !below || below->tag)
			continue;
		if (made < room) {
			keys[made] = (struct abi_link_key){vlan->ifindex, 0};
			values[made++] = (struct abi_link){below->ifindex, vlan->tag};
		}
		for (size_t k = 0; k < n && made < room; k++) {
			if (links[k].ifindex != below->ifindex && links[k].master != below->ifindex)
				continue;
			keys[made] = (struct abi_link_key){links[k].ifindex, vlan->tag};
			values[made++] = (struct abi_link){vlan->ifindex, 0};
		}
	}
	return made;
}

static uint32_t attribute_u32(const struct rtattr *attribute)
{
	uint32_t value = 0;

	if (RTA_PAYLOAD(attribute) >= sizeof(value))
		memcpy(&value, RTA_DATA(attribute), sizeof(value));
	return value;
}

static uint32_t attribute_u16(const struct rtattr *attribute)
{
	uint16_t value = 0;

	if (RTA_PAYLOAD(attribute) >= sizeof(value))
		memcpy(&value, RTA_DATA(attribute), sizeof(value));
	return value;
}

static uint32_t tag_of(const struct rtattr *data)
{
	int left = (int)RTA_PAYLOAD(data);
	uint32_t id = 0, proto = ETH_P_8021Q;

	for (const struct rtattr *at = RTA_DATA(data); RTA_OK(at, left); at = RTA_NEXT(at, left)) {
		if (at->rta_type == IFLA_VLAN_ID)
			id = attribute_u16(at);
		else if (at->rta_type == IFLA_VLAN_PROTOCOL)
			proto = ntohs((uint16_t)attribute_u16(at));
	}
	return proto << 16 | (id & VLAN_BITS);
}

/* What kind of device it is. */
static void read_info(const struct rtattr *info, struct dataplane_link *ret)
{
	static const char vlan[] = "vlan";
	int left = (int)RTA_PAYLOAD(info);
	bool is_vlan = false;

	for (const struct rtattr *at = RTA_DATA(info); RTA_OK(at, left); at = RTA_NEXT(at, left)) {
		if (at->rta_type == IFLA_INFO_KIND)
			is_vlan = RTA_PAYLOAD(at) >= sizeof(vlan) &&
				  !memcmp(RTA_DATA(at), vlan, sizeof(vlan));
		else if (at->rta_type == IFLA_INFO_DATA && is_vlan)
			ret->tag = tag_of(at);
	}
}

static void read_device(const struct nlmsghdr *header, struct dataplane_links *links)
{
	const struct ifinfomsg *about = NLMSG_DATA(header);
	int left = (int)header->nlmsg_len - (int)NLMSG_LENGTH(sizeof(*about));
	struct dataplane_link link = {.ifindex = (uint32_t)about->ifi_index};
	bool is_elsewhere = false;

	for (const struct rtattr *at = IFLA_RTA(about); RTA_OK(at, left); at = RTA_NEXT(at, left)) {
		if (at->rta_type == IFLA_LINK)
			link.below = attribute_u32(at);
		else if (at->rta_type == IFLA_MASTER)
			link.master = attribute_u32(at);
		else if (at->rta_type == IFLA_LINKINFO)
			read_info(at, &link);
		else if (at->rta_type == IFLA_LINK_NETNSID)
			is_elsewhere = true; /* what is below is another namespace's */
	}
	if (is_elsewhere)
		link.below = 0;
	if (links->n == links->room) {
		size_t room = links->room ? 2 * links->room : ROOM_FIRST;
		struct dataplane_link *grown =
			room <= DEVICES_MAX ? realloc(links->at, room * sizeof(*grown)) : NULL;

		if (!grown)
			return;
		links->at = grown;
		links->room = room;
	}
	links->at[links->n++] = link;
}

/* Reads what the kernel says of all devices; false when it was interrupted or there is no answer.
 */
static bool read_answer(struct dataplane_links *links, int fd)
{
	for (;;) {
		ssize_t n = recv(fd, links->message, sizeof(links->message), 0);
		int left = (int)n;

		if (n <= 0)
			return false;
		for (const struct nlmsghdr *header = (const void *)links->message;
		     NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
			if (header->nlmsg_type == NLMSG_DONE)
				return true;
			if (header->nlmsg_type == NLMSG_ERROR ||
			    header->nlmsg_flags & NLM_F_DUMP_INTR)
				return false;
			if (header->nlmsg_type == RTM_NEWLINK)
				read_device(header, links);
		}
	}
}

static bool ask(struct dataplane_links *links)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg about;
	} question = {
		.header = {.nlmsg_len = sizeof(question),
			   .nlmsg_type = RTM_GETLINK,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.about = {.ifi_family = AF_UNSPEC},
	};
	struct timeval limit = {.tv_usec = ASK_MS * 1000};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	bool is_read;

	if (fd < 0)
		return false;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	links->n = 0;
	is_read = send(fd, &question, sizeof(question), 0) == (ssize_t)sizeof(question) &&
		  read_answer(links, fd);
	close(fd);
	return is_read;
}

static void write_map(struct dataplane_links *links, int map_fd)
{
	size_t n = dataplane_links_map(links->at, links->n, links->keys, links->values, ABI_LINKS);
	struct abi_link_key key, next, *before = NULL;

	for (size_t i = 0; i < n; i++)
		bpf_map_update_elem(map_fd, &links->keys[i], &links->values[i], BPF_ANY);
	/* What is no more goes last: nothing is missing meanwhile. */
	links->n_old = 0;
	while (links->n_old < ABI_LINKS && !bpf_map_get_next_key(map_fd, before, &next)) {
		links->old_keys[links->n_old++] = next;
		key = next;
		before = &key;
	}
	for (size_t i = 0; i < links->n_old; i++) {
		bool is_there = false;

		for (size_t k = 0; k < n && !is_there; k++)
			is_there = !memcmp(&links->old_keys[i], &links->keys[k], sizeof(key));
		if (!is_there)
			bpf_map_delete_elem(map_fd, &links->old_keys[i]);
	}
}

static struct dataplane_links *new_links(void)
{
	struct sockaddr_nl group = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	struct dataplane_links *links = calloc(1, sizeof(*links));

	if (!links)
		return NULL;
	links->events_fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (links->events_fd >= 0 &&
	    !bind(links->events_fd, (struct sockaddr *)&group, sizeof(group)))
		return links;
	dataplane_links_free(links);
	return NULL;
}

/* Whether devices have changed since the last time; a queue that overflowed says so, too. */
static bool have_changed(struct dataplane_links *links)
{
	bool changed = false;
	ssize_t n;

	while ((n = recv(links->events_fd, links->message, sizeof(links->message), 0)) > 0 ||
	       (n < 0 && errno == ENOBUFS))
		changed = true;
	return changed;
}

void dataplane_links_refresh(struct dataplane_links **links, int map_fd)
{
	if (map_fd < 0)
		return;
	if (!*links)
		*links = new_links();
	if (!*links)
		return;
	if (have_changed(*links))
		(*links)->is_read = false;
	if ((*links)->is_read)
		return;
	(*links)->is_read = ask(*links);
	if ((*links)->is_read)
		write_map(*links, map_fd);
}

void dataplane_links_free(struct dataplane_links *links)
{
	if (!links)
		return;
	if (links->events_fd >= 0)
		close(links->events_fd);
	free(links->at);
	free(links);
}
