/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PCAPNG_H
#define PCAPNG_H

/*
 * pcapng: packets as a pcapng stream (draft-ietf-opsawg-pcapng), which tcpdump and Wireshark read:
 * the verdict stands in each packet's comment and in its epb_verdict option, the direction in
 * epb_flags.
 */

#include <stdio.h>

#include "dataplane/dataplane_capture.h"

enum { PCAPNG_INTERFACES_MAX = 64 };

struct pcapng {
	FILE *file;
	uint32_t ifindex[PCAPNG_INTERFACES_MAX];
	uint32_t n_interfaces;
};

/* Writes the section's head. 0 or a negative errno. */
int pcapng_begin(struct pcapng *pcapng, FILE *file);
/* ifname describes an ifindex that is new. */
int pcapng_write(struct pcapng *pcapng, const struct dataplane_seen *seen, const char *ifname);

#endif
