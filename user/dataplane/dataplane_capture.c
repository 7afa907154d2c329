// SPDX-License-Identifier: Apache-2.0
/* dataplane_capture: see the header. */
#include "dataplane/dataplane_capture.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "dataplane/dataplane_maps.h"

enum { RENEW_MS = 3000 };

struct dataplane_capture {
	struct dataplane *dataplane;
	struct abi_capture *row; /* mapped */
	struct ring_buffer *ring;
	uint64_t wall_less_mono_ns;
	dataplane_seen_fn fn;
	void *user;
	bool is_enough;
};

static void set_net(const struct cidr *cidr, struct abi_addr *ret_net, struct abi_addr *ret_mask)
{
	uint8_t mask[16] = {0};

	for (int i = 0; i < cidr->bits; i++)
		mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
	memcpy(ret_mask, mask, sizeof(mask));
	memcpy(ret_net, cidr->addr.byte, sizeof(*ret_net));
}

static int on_row(void *context, void *data, size_t size)
{
	struct dataplane_capture *self = context;
	const struct abi_captured *row = data;

	if (size < sizeof(*row) || !self->fn || self->is_enough)
		return 0;
	struct dataplane_seen seen = {
		.wall_ns = row->time_ns + self->wall_less_mono_ns,
		.verdict = (enum abi_capture_verdict)row->verdict,
		.why = row->why,
		.entry_slot = row->entry,
		.policy_slot = row->policy,
		.ifindex = row->ifindex,
		.bytes = row->bytes,
		.length = row->length <= ABI_CAPTURE_SNAP ? row->length : 0,
		.data = row->data,
	};

	if (row->entry)
		memcpy(seen.entry, dataplane_entry(self->dataplane, row->entry)->name,
		       KERNEL_NAME_MAX);
	if (row->policy)
		memcpy(seen.policy, dataplane_policy(self->dataplane, row->policy)->name,
		       KERNEL_NAME_MAX);
	self->is_enough = !self->fn(self->user, &seen);
	return 0;
}

/* Somebody's capture that is not over, by a process that lives. */
static bool is_taken(const struct abi_capture *row)
{
	return __atomic_load_n(&row->until_ns, __ATOMIC_ACQUIRE) > clock_mono_ns() &&
	       row->owner != (uint32_t)getpid() && (!kill((pid_t)row->owner, 0) || errno != ESRCH);
}

static void begin(struct dataplane_capture *self, const struct dataplane_filter *filter)
{
	struct abi_capture *row = self->row;
	struct abi_capture want = {
		.owner = (uint32_t)getpid(),
		.verdicts = filter->verdicts,
		.port = htons(filter->port),
		.proto = filter->proto,
		.why = (uint32_t)(filter->why + 1),
	};

	set_net(&filter->source, &want.source, &want.source_mask);
	set_net(&filter->dest, &want.dest, &want.dest_mask);
	*row = want;
	/* What lies in the ring is another one's. */
	self->fn = NULL;
	ring_buffer__consume(self->ring);
	__atomic_store_n(&row->until_ns, clock_mono_ns() + RENEW_MS * NS_PER_MS, __ATOMIC_RELEASE);
}

int dataplane_capture_begin(struct dataplane *dataplane, const struct dataplane_filter *filter,
			    struct dataplane_capture **ret_capture, uint32_t *ret_owner)
{
	struct dataplane_capture *self = calloc(1, sizeof(*self));
	int rc = self ? 0 : -ENOMEM;

	if (rc < 0)
		return rc;
	self->dataplane = dataplane;
	self->wall_less_mono_ns = clock_wall_ns() - clock_mono_ns();
	self->row = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
			 dataplane->maps.fd[LOADER_MAP_CAPTURE], 0);
	if (self->row == MAP_FAILED)
		rc = -errno;
	if (!rc && is_taken(self->row)) {
		*ret_owner = self->row->owner;
		rc = -EBUSY;
	}
	if (!rc) {
		self->ring = ring_buffer__new(dataplane->maps.fd[LOADER_MAP_CAPTURED], on_row, self,
					      NULL);
		rc = self->ring ? 0 : -errno;
	}
	if (rc < 0) {
		if (self->row != MAP_FAILED)
			munmap(self->row, (size_t)sysconf(_SC_PAGESIZE));
		free(self);
		return rc;
	}
	begin(self, filter);
	*ret_capture = self;
	return 0;
}

int dataplane_capture_poll(struct dataplane_capture *self, int timeout_ms, dataplane_seen_fn fn,
			   void *user)
{
	__atomic_store_n(&self->row->until_ns, clock_mono_ns() + RENEW_MS * NS_PER_MS,
			 __ATOMIC_RELEASE);
	self->fn = fn;
	self->user = user;
	int n = ring_buffer__poll(self->ring, timeout_ms);

	self->fn = NULL;
	return self->is_enough ? 1 : n == -EINTR || n >= 0 ? 0 : n;
}

void dataplane_capture_end(struct dataplane_capture *self, uint64_t *ret_matched,
			   uint64_t *ret_lost)
{
	__atomic_store_n(&self->row->until_ns, 0, __ATOMIC_RELEASE);
	*ret_matched = self->row->matched;
	*ret_lost = self->row->lost;
	ring_buffer__free(self->ring);
	munmap(self->row, (size_t)sysconf(_SC_PAGESIZE));
	free(self);
}

const char *dataplane_capture_label(const struct dataplane_seen *seen)
{
	switch (seen->verdict) {
	case ABI_CAPTURE_DROPPED:
		return dataplane_drop_label((enum abi_drop)seen->why);
	case ABI_CAPTURE_PASSED:
		return dataplane_pass_label((enum abi_pass)seen->why);
	default:
		return dataplane_send_label((enum abi_send)seen->why);
	}
}

const char *dataplane_capture_text(const struct dataplane_seen *seen)
{
#define SENTENCE(id, label, text) text,
	static const char *const passes[] = {ABI_PASSES(SENTENCE)}, *const sends[] = {
									    ABI_SENDS(SENTENCE)};

	if (seen->verdict == ABI_CAPTURE_DROPPED)
		return dataplane_drop_text((enum abi_drop)seen->why);
	if (seen->verdict == ABI_CAPTURE_PASSED)
		return seen->why < ABI_PASS__COUNT ? passes[seen->why] : "";
	return seen->why < ABI_SEND__COUNT ? sends[seen->why] : "";
}

bool dataplane_capture_reason(struct str name, uint32_t *ret_verdict, int *ret_why)
{
	static const struct {
		uint32_t verdict, n;
	} tables[] = {{ABI_CAPTURE_DROPPED, ABI_DROP__COUNT},
		      {ABI_CAPTURE_PASSED, ABI_PASS__COUNT},
		      {ABI_CAPTURE_SENT, ABI_SEND__COUNT}};

	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		for (uint32_t why = 0; why < tables[i].n; why++) {
			struct dataplane_seen row = {.verdict = tables[i].verdict, .why = why};

			if (!str_eq(name, str_of(dataplane_capture_label(&row))))
				continue;
			*ret_verdict = tables[i].verdict;
			*ret_why = (int)why;
			return true;
		}
	}
	return false;
}
