/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ATTACH_H
#define ATTACH_H

/* attach: one interface: which program runs there, putting ours there, taking it away. */

#include "loader.h"

struct attach_seen {
	uint32_t program_id; /* 0: none */
	bool is_native;
	char name[64]; /* of the program */
};

/* What runs on the interface now. */
int attach_look(uint32_t ifindex, struct attach_seen *ret_seen);
/* "link_eth0" */
void attach_pin_name(const char *ifname, char ret_name[64]);
/* Makes a link of the program, native or else generic as the mode allows, and pins it. */
int attach_link(const struct loader_options *options, int prog_fd,
		struct loader_attachment *attachment, struct loader_fault *ret_fault);
/* Switches every pinned link of the type in the folder to the program. */
int attach_switch_all(const struct loader_options *options, int prog_fd, uint32_t type,
		      struct loader_fault *ret_fault);
/* The interface of a pinned link; 0 when the interface is gone. ret_program_id may be NULL. */
uint32_t attach_link_ifindex(int link_fd, uint32_t *ret_program_id);
/* BPF_LINK_TYPE_XDP, TC_LINK_TYPE, or 0. */
uint32_t attach_link_type(int link_fd);
const char *attach_mode_name(const struct loader_attachment *attachment);
const char *attach_how_name(const struct loader_attachment *attachment);

#endif
