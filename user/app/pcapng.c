// SPDX-License-Identifier: Apache-2.0
/* pcapng: see the header. Everything is in the machine's byte order, which the magic number tells.
 */
#include "app/pcapng.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "app/packet_line.h"

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 6,
	MAGIC = 0x1a2b3c4d,
	LINK_ETHERNET = 1,
	OPT_END = 0,
	OPT_COMMENT = 1,
	OPT_APPLICATION = 4, /* of a section */
	OPT_IF_NAME = 2,
	OPT_IF_TSRESOL = 9,
	OPT_FLAGS = 2, /* of a packet */
	OPT_VERDICT = 7,
	VERDICT_XDP = 2,
	FLAG_IN = 1,
	FLAG_OUT = 2,
	NANOSECONDS = 9, /* 10^-9 s */
	ROOM = 4096,
};

struct block {
	uint8_t at[ROOM];
	size_t n;
};

static void add(struct block *block, const void *data, size_t n)
{
	size_t padded = (n + 3) & ~(size_t)3;

	if (block->n + padded + 8 > sizeof(block->at))
		return;
	memset(block->at + block->n, 0, padded);
	if (n)
		memcpy(block->at + block->n, data, n);
	block->n += padded;
}

static void add32(struct block *block, uint32_t value)
{
	add(block, &value, sizeof(value));
}

static void add_option(struct block *block, uint16_t code, const void *data, size_t n)
{
	const uint16_t head[2] = {code, (uint16_t)n};

	add(block, head, sizeof(head));
	add(block, data, n);
}

static struct block block_of(uint32_t type)
{
	struct block block;

	block.n = 0;
	add32(&block, type);
	add32(&block, 0); /* its length, once it is known */
	return block;
}

static int finish(struct block *block, FILE *file)
{
	uint32_t length = (uint32_t)block->n + 4;

	memcpy(block->at + 4, &length, sizeof(length));
	memcpy(block->at + block->n, &length, sizeof(length));
	return fwrite(block->at, 1, length, file) == length ? 0 : -EIO;
}

int pcapng_begin(struct pcapng *pcapng, FILE *file)
{
	const uint16_t version[2] = {1, 0};
	const int64_t unknown = -1;
	const char name[] = "tidegate " TIDEGATE_VERSION;
	struct block block = block_of(BLOCK_SECTION);

	*pcapng = (struct pcapng){.file = file};
	add32(&block, MAGIC);
	add(&block, version, sizeof(version));
	add(&block, &unknown, sizeof(unknown));
	add_option(&block, OPT_APPLICATION, name, sizeof(name) - 1);
	add_option(&block, OPT_END, NULL, 0);
	return finish(&block, file);
}

/* The number of the interface in the file; describes it first when it is new. */
static int interface_of(struct pcapng *pcapng, uint32_t ifindex, const char *ifname,
			uint32_t *ret_number)
{
	const uint16_t link[2] = {LINK_ETHERNET, 0};
	const uint8_t resolution = NANOSECONDS;
	uint32_t i = 0;

	while (i < pcapng->n_interfaces && pcapng->ifindex[i] != ifindex)
		i++;
	*ret_number = i < PCAPNG_INTERFACES_MAX ? i : 0;
	if (i < pcapng->n_interfaces || i == PCAPNG_INTERFACES_MAX)
		return 0;
	struct block block = block_of(BLOCK_INTERFACE);

	add(&block, link, sizeof(link));
	add32(&block, ABI_CAPTURE_SNAP);
	add_option(&block, OPT_IF_NAME, ifname, strlen(ifname));
	add_option(&block, OPT_IF_TSRESOL, &resolution, 1);
	add_option(&block, OPT_END, NULL, 0);
	pcapng->ifindex[pcapng->n_interfaces++] = ifindex;
	return finish(&block, pcapng->file);
}

static uint64_t action_of(enum abi_capture_verdict verdict)
{
	return verdict == ABI_CAPTURE_DROPPED  ? XDP_DROP
	       : verdict == ABI_CAPTURE_PASSED ? XDP_PASS
					       : XDP_TX;
}

int pcapng_write(struct pcapng *pcapng, const struct dataplane_seen *seen, const char *ifname)
{
	static const char *const words[] = {[ABI_CAPTURE_PASSED] = "passed",
					    [ABI_CAPTURE_DROPPED] = "dropped",
					    [ABI_CAPTURE_SENT] = "sent"};
	uint32_t number, flags = seen->verdict == ABI_CAPTURE_SENT ? FLAG_OUT : FLAG_IN;
	uint64_t action = action_of(seen->verdict);
	uint8_t verdict[1 + sizeof(action)] = {VERDICT_XDP};
	char whose[512], comment[640];
	int rc = interface_of(pcapng, seen->ifindex, ifname, &number);
	struct block block = block_of(BLOCK_PACKET);

	memcpy(verdict + 1, &action, sizeof(action));
	packet_line_whose(seen, whose, sizeof(whose));
	int n = snprintf(comment, sizeof(comment), "%s: %s%s", words[seen->verdict],
			 dataplane_capture_label(seen), whose);

	add32(&block, number);
	add32(&block, (uint32_t)(seen->wall_ns >> 32));
	add32(&block, (uint32_t)seen->wall_ns);
	add32(&block, seen->length);
	add32(&block, seen->bytes);
	add(&block, seen->data, seen->length);
	add_option(&block, OPT_FLAGS, &flags, sizeof(flags));
	add_option(&block, OPT_VERDICT, verdict, sizeof(verdict));
	add_option(&block, OPT_COMMENT, comment, (size_t)n);
	add_option(&block, OPT_END, NULL, 0);
	return rc ? rc : finish(&block, pcapng->file);
}
