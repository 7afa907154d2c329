// SPDX-License-Identifier: Apache-2.0
/*
 * request_id: gives every request an id: to the service and the client in a header, and to the
 * access log. Ours.
 *
 * Ids are 128 bits that nobody can guess: SipHash of a number that grows, under the process's
 * random key; no system call. Numbers are counted per worker, so that none is used twice. The
 * default form is a UUID of version 7 (RFC 9562 5.7), which sorts by time.
 */

#include <errno.h>
#include <openssl/rand.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/hash.h"
#include "model/mw_conf_limit.h"
#include "mw/mw_list.h"

enum trust { TRUST_NEVER, TRUST_TRUSTED, TRUST_ALWAYS };

enum {
	COUNTERS = 64,
	LINE = 64,
	ID_BYTES = 16,
	UUID_TEXT = 36,
	GIVEN_MAX = 128, /* characters of an id that came */
};

struct request_id {
	struct str header;
	uint8_t trust; /* enum trust */
	bool uuid, echo;
};

struct id_state {
	struct mw_state state; /* first */
	uint64_t epoch;	       /* random: states of one process do not give the same ids */
	struct {
		_Alignas(LINE) _Atomic uint64_t next;
	} counters[COUNTERS];
};

struct slot {
	struct str id;
};

static int prepare(struct mw_prepare *prepare, const void *decoded, const void **ret_conf)
{
	const struct mwc_request_id *from = decoded;
	struct request_id *self = ARENA_NEW(prepare->arena, struct request_id);

	if (!self)
		return -ENOMEM;
	self->header = from->header_name;
	self->uuid = str_eq(from->format, STR("uuidv7"));
	self->echo = from->response.value;
	self->trust = str_eq(from->trust, STR("always"))  ? TRUST_ALWAYS
		      : str_eq(from->trust, STR("never")) ? TRUST_NEVER
							  : TRUST_TRUSTED;
	*ret_conf = self;
	return 0;
}

static void state_free(struct mw_state *state)
{
	free(state);
}

static size_t state_memory(const struct mw_state *state)
{
	(void)state;
	return sizeof(struct id_state);
}

static struct mw_state *state_new(const void *conf)
{
	struct id_state *state = aligned_alloc(LINE, sizeof(*state));

	(void)conf;
	if (!state)
		return NULL;
	memset(state, 0, sizeof(*state));
	if (RAND_bytes((unsigned char *)&state->epoch, sizeof(state->epoch)) != 1) {
		free(state);
		return NULL;
	}
	ref_init(&state->state.ref);
	state->state.free = state_free;
	state->state.memory_bytes = state_memory;
	return &state->state;
}

static void random_bytes(struct id_state *state, uint32_t worker, unsigned char *ret_bytes)
{
	struct {
		uint64_t epoch, number;
		uint32_t worker, half;
	} seed = {.epoch = state->epoch, .worker = worker % COUNTERS};

	seed.number = atomic_fetch_add_explicit(&state->counters[seed.worker].next, 1,
						memory_order_relaxed);
	for (; seed.half < 2; seed.half++) {
		uint64_t word = hash_keyed(str_n((const char *)&seed, sizeof(seed)));

		memcpy(ret_bytes + seed.half * sizeof(word), &word, sizeof(word));
	}
}

/* RFC 9562 5.7: milliseconds, version 7, and the rest random but for the variant. */
static struct str print_uuid(unsigned char *bytes, uint64_t wall_ns, struct arena *arena)
{
	uint64_t ms = wall_ns / NS_PER_MS;
	char hex[2 * ID_BYTES + 1], *text = arena_alloc(arena, UUID_TEXT, 1);

	if (!text)
		return (struct str){0};
	for (int i = 0; i < 6; i++)
		bytes[i] = (unsigned char)(ms >> (40 - 8 * i));
	bytes[6] = (unsigned char)(0x70 | (bytes[6] & 0x0f));
	bytes[8] = (unsigned char)(0x80 | (bytes[8] & 0x3f));
	codec_hex(bytes, ID_BYTES, hex);
	for (int in = 0, out = 0; out < UUID_TEXT; out++)
		text[out] = out == 8 || out == 13 || out == 18 || out == 23 ? '-' : hex[in++];
	return str_n(text, UUID_TEXT);
}

static struct str new_id(const struct request_id *self, struct mw_state *state,
			 const struct mw_call *call)
{
	struct arena *arena = call->request->arena;
	unsigned char bytes[ID_BYTES];
	char *text;

	random_bytes((struct id_state *)state, call->worker, bytes);
	if (self->uuid)
		return print_uuid(bytes, call->wall_ns, arena);
	text = arena_alloc(arena, 2 * ID_BYTES + 1, 1);
	if (!text)
		return (struct str){0};
	codec_hex(bytes, ID_BYTES, text);
	return str_n(text, 2 * ID_BYTES);
}

/* Letters, digits and what ids are joined by: nothing that could upset a log or a page. */
static bool is_id(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i], lower = ascii_lower(c);

		if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') &&
		    !(c && strchr("-_.:=+/@", c)))
			return false;
	}
	return text.len > 0 && text.len <= GIVEN_MAX;
}

/* The id that came and is kept, or {0}. */
static struct str given_id(const struct request_id *self, const struct request *request)
{
	const struct header *header =
		header_find_name((struct headers *)(uintptr_t)&request->headers, self->header);
	bool trusted = self->trust == TRUST_ALWAYS ||
		       (self->trust == TRUST_TRUSTED && request->peer_trusted);

	return header && trusted && is_id(header->value) ? header->value : (struct str){0};
}

static enum mw_verdict on_request(const struct mw_instance *instance, struct mw_call *call)
{
	const struct request_id *self = instance->conf;
	struct slot *slot = call->slot;

	slot->id = given_id(self, call->request);
	if (!slot->id.len)
		slot->id = new_id(self, instance->state, call);
	header_set(&call->request->headers, self->header, slot->id);
	call->request->id = slot->id;
	return MW_NEXT;
}

static enum mw_verdict on_response(const struct mw_instance *instance, struct mw_call *call)
{
	const struct request_id *self = instance->conf;
	const struct slot *slot = call->slot;

	if (self->echo && slot->id.len)
		header_set(&call->response->headers, self->header, slot->id);
	return MW_NEXT;
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	const struct request_id *self = instance->conf;
	struct str given = given_id(self, request);

	if (given.len)
		return arena_printf(arena, "keeps " STR_FMT ": " STR_FMT, STR_ARG(self->header),
				    STR_ARG(given));
	return arena_printf(arena, "sets " STR_FMT " to a new id", STR_ARG(self->header));
}

const struct mw request_id_mw = {
	.name = "requestId",
	.schema = &schema_mw_request_id,
	.prepare = prepare,
	.state_new = state_new,
	.on_request = on_request,
	.on_response = on_response,
	.slot_size = sizeof(struct slot),
	.explain = explain,
};
