// SPDX-License-Identifier: Apache-2.0
/*
 * registry: tables of counted entries, one for each kind.
 *
 * Every snapshot counts once in each entry it uses; releasing it counts down, which is all that
 * other threads ever do to an entry. Tables change only on the compiling thread. The registry
 * itself lives until it is freed and its last snapshot is gone.
 */

#include "plan/registry.h"

#include <errno.h>
#include <stdlib.h>

#include "base/table.h"

enum entry_kind {
	ENTRY_SERVICE,
	ENTRY_SERVER,
	ENTRY_MEMBER,
	ENTRY_RULE, /* one for each syntax */
	ENTRY_RULE_LAST = ENTRY_RULE + RULE_SYNTAX__COUNT - 1,
	ENTRY_MW_STATE,
	ENTRY_THING,
	ENTRY__COUNT
};

struct entry {
	enum entry_kind kind;
	_Atomic uint32_t uses; /* snapshots */
	uint64_t session;      /* the last compile that used it */
	uint32_t id;	       /* services and servers */
	union {
		struct balance_state balance;
		struct live_server server;
		struct live_member *member;
		struct mw_state *state;
		struct {
			const struct rule *root;
			struct arena arena;
		} rule;
		struct {
			void *at;
			void (*release)(void *thing);
		} thing;
	};
	struct str key; /* follows the entry */
};

/* Numbers given out: fresh ones, or the longest forgotten one when enough of them rest. */
struct ids {
	uint32_t *resting; /* ring */
	uint32_t first, n, room;
	uint32_t limit; /* every number given out is below */
};

/* The entries of one snapshot. */
struct uses {
	struct registry *registry;
	struct entry **at;
	size_t n, room;
};

struct registry {
	struct ref ref;
	struct table tables[ENTRY__COUNT];
	struct ids ids[ENTRY__COUNT]; /* of services and servers */
	struct metric_registry *metrics;
	struct tls_cache *tls;
	uint64_t session;
	struct snapshot *snapshot; /* being compiled */
	struct uses *uses;	   /* its entries */
};

/* -------------------------------------------------------------------- ids -- */

static uint32_t id_take(struct ids *ids)
{
	uint32_t id;

	if (ids->n <= REGISTRY_ID_REST)
		return ids->limit++;
	id = ids->resting[ids->first];
	ids->first = (ids->first + 1) % ids->room;
	ids->n--;
	return id;
}

/* Without memory the number is lost, nothing else. */
static void id_give_back(struct ids *ids, uint32_t id)
{
	if (ids->n == ids->room) {
		uint32_t room = ids->room ? ids->room * 2 : 64;
		uint32_t *resting = calloc(room, sizeof(*resting));

		if (!resting)
			return;
		for (uint32_t i = 0; i < ids->n; i++)
			resting[i] = ids->resting[(ids->first + i) % ids->room];
		free(ids->resting);
		ids->resting = resting;
		ids->first = 0;
		ids->room = room;
	}
	ids->resting[(ids->first + ids->n++) % ids->room] = id;
}

/* ---------------------------------------------------------------- entries -- */

static void entry_free(struct registry *registry, struct entry *entry)
{
	if (entry->kind == ENTRY_SERVICE || entry->kind == ENTRY_SERVER)
		id_give_back(&registry->ids[entry->kind], entry->id);
	if (entry->kind == ENTRY_SERVER)
		free(entry->server.addrs);
	if (entry->kind == ENTRY_MEMBER)
		free(entry->member);
	if (entry->kind >= ENTRY_RULE && entry->kind <= ENTRY_RULE_LAST) {
		rule_done(entry->rule.root);
		arena_done(&entry->rule.arena);
	}
	/* Snapshots hold the entry, the entry holds the state. */
	if (entry->kind == ENTRY_MW_STATE && entry->state && ref_put(&entry->state->ref))
		entry->state->free(entry->state);
	if (entry->kind == ENTRY_THING && entry->thing.at)
		entry->thing.release(entry->thing.at);
	free(entry);
}

static void forget_unused(struct registry *registry, enum entry_kind kind)
{
	TABLE_EACH (&registry->tables[kind], slot) {
		struct entry *entry = slot->value;

		if (atomic_load_explicit(&entry->uses, memory_order_acquire))
			continue;
		table_del(&registry->tables[kind], entry->key);
		entry_free(registry, entry);
	}
}

static int use(struct registry *registry, struct entry *entry)
{
	struct uses *uses = registry->uses;

	if (entry->session == registry->session)
		return 0;
	if (uses->n == uses->room) {
		size_t room = uses->room ? uses->room * 2 : 1024;
		struct entry **at = realloc(uses->at, room * sizeof(struct entry *));

		if (!at)
			return -ENOMEM;
		uses->at = at;
		uses->room = room;
	}
	uses->at[uses->n++] = entry;
	entry->session = registry->session;
	atomic_fetch_add_explicit(&entry->uses, 1, memory_order_relaxed);
	return 0;
}

/* A new entry with its key; in no table yet. */
static struct entry *entry_new(enum entry_kind kind, struct str key)
{
	struct entry *entry = calloc(1, sizeof(*entry) + key.len + 1);

	if (!entry)
		return NULL;
	entry->kind = kind;
	entry->key = str_n((char *)(entry + 1), key.len);
	if (key.len)
		memcpy(entry + 1, key.at, key.len);
	return entry;
}

static int entry_put(struct registry *registry, struct entry *entry)
{
	if (table_put(&registry->tables[entry->kind], entry->key, entry, NULL) < 0) {
		entry_free(registry, entry);
		return -ENOMEM;
	}
	return use(registry, entry);
}

/* --------------------------------------------------------------- lifetime -- */

static void registry_put(struct registry *registry)
{
	if (!ref_put(&registry->ref))
		return;
	for (int kind = 0; kind < ENTRY__COUNT; kind++) {
		forget_unused(registry, (enum entry_kind)kind);
		table_done(&registry->tables[kind]);
		free(registry->ids[kind].resting);
	}
	free(registry);
}

static void uses_release(void *thing)
{
	struct uses *uses = thing;

	for (size_t i = 0; i < uses->n; i++)
		atomic_fetch_sub_explicit(&uses->at[i]->uses, 1, memory_order_release);
	registry_put(uses->registry);
	free(uses->at);
	free(uses);
}

struct registry *registry_new(void)
{
	struct registry *registry = calloc(1, sizeof(*registry));

	if (!registry)
		return NULL;
	ref_init(&registry->ref);
	for (int kind = 0; kind < ENTRY__COUNT; kind++)
		table_init(&registry->tables[kind], NULL);
	return registry;
}

void registry_free(struct registry *registry)
{
	if (registry)
		registry_put(registry);
}

void registry_set_metrics(struct registry *registry, struct metric_registry *metrics)
{
	registry->metrics = metrics;
}

void registry_set_tls(struct registry *registry, struct tls_cache *tls)
{
	registry->tls = tls;
}

struct metric_registry *registry_metrics(const struct registry *registry)
{
	return registry->metrics;
}

struct tls_cache *registry_tls(const struct registry *registry)
{
	return registry->tls;
}

int registry_begin(struct registry *registry, struct snapshot *snapshot)
{
	struct uses *uses = calloc(1, sizeof(*uses));

	if (!uses)
		return -ENOMEM;
	for (int kind = 0; kind < ENTRY__COUNT; kind++)
		forget_unused(registry, (enum entry_kind)kind);
	ref_get(&registry->ref);
	uses->registry = registry;
	registry->uses = uses;
	registry->snapshot = snapshot;
	registry->session++;
	snapshot_own(snapshot, uses, uses_release);
	return snapshot->arena.failed ? -ENOMEM : 0;
}

void registry_end(struct registry *registry)
{
	registry->snapshot->max_service_id = registry->ids[ENTRY_SERVICE].limit;
	registry->snapshot->max_server_id = registry->ids[ENTRY_SERVER].limit;
	registry->snapshot = NULL;
	registry->uses = NULL;
}

/* ---------------------------------------------------------------- lookups -- */

static int find_or_number(struct registry *registry, enum entry_kind kind, struct str key,
			  struct entry **ret_entry)
{
	struct entry *entry = table_find(&registry->tables[kind], key);

	*ret_entry = entry;
	if (entry)
		return use(registry, entry);
	entry = entry_new(kind, key);
	if (!entry)
		return -ENOMEM;
	entry->id = id_take(&registry->ids[kind]);
	if (kind == ENTRY_SERVICE)
		ref_init(&entry->balance.ref);
	*ret_entry = entry;
	return entry_put(registry, entry);
}

int registry_service(struct registry *registry, struct str name, uint32_t *ret_id,
		     struct balance_state **ret_state)
{
	struct entry *entry;
	int status = find_or_number(registry, ENTRY_SERVICE, name, &entry);

	if (status < 0)
		return status;
	*ret_id = entry->id;
	*ret_state = &entry->balance;
	return 0;
}

int registry_server(struct registry *registry, struct str key, bool has_name, uint32_t *ret_id,
		    struct live_server **ret_live)
{
	struct entry *entry;
	int status = find_or_number(registry, ENTRY_SERVER, key, &entry);

	if (status < 0)
		return status;
	/* Only while no snapshot has it yet: the key says whether there is a name. */
	if (has_name && !entry->server.addrs) {
		entry->server.addrs = calloc(1, sizeof(*entry->server.addrs));
		if (!entry->server.addrs)
			return -ENOMEM;
	}
	*ret_id = entry->id;
	*ret_live = &entry->server;
	return 0;
}

int registry_member(struct registry *registry, struct str service, struct str url,
		    struct live_member **ret_member)
{
	/* No name holds a blank, so the parts cannot run into each other. */
	struct str key = arena_printf(&registry->snapshot->arena, STR_FMT " " STR_FMT,
				      STR_ARG(service), STR_ARG(url));
	struct entry *entry;
	int status;

	if (!key.at)
		return -ENOMEM;
	entry = table_find(&registry->tables[ENTRY_MEMBER], key);
	if (entry) {
		status = use(registry, entry);
	} else {
		entry = entry_new(ENTRY_MEMBER, key);
		if (!entry)
			return -ENOMEM;
		entry->member = calloc(1, sizeof(*entry->member));
		if (!entry->member) {
			entry_free(registry, entry);
			return -ENOMEM;
		}
		status = entry_put(registry, entry);
	}
	if (status == 0)
		*ret_member = entry->member;
	return status;
}

int registry_thing(struct registry *registry, struct str key, void *(*make)(void *context),
		   void *context, void (*release)(void *thing), void **ret_thing)
{
	struct entry *entry = table_find(&registry->tables[ENTRY_THING], key);
	int status;

	if (entry) {
		status = use(registry, entry);
	} else {
		entry = entry_new(ENTRY_THING, key);
		if (!entry)
			return -ENOMEM;
		entry->thing.release = release;
		entry->thing.at = make(context);
		if (!entry->thing.at) {
			entry_free(registry, entry);
			return -EINVAL;
		}
		status = entry_put(registry, entry);
	}
	if (status == 0)
		*ret_thing = entry->thing.at;
	return status;
}

int registry_rule(struct registry *registry, enum rule_syntax syntax, struct str text,
		  const struct rule **ret_rule, struct rule_fault *ret_fault)
{
	enum { RULE_CAP_BYTES = 16 << 20, RULE_BLOCK_BYTES = 512 };
	enum entry_kind kind = (enum entry_kind)(ENTRY_RULE + (int)syntax);
	struct entry *entry = table_find(&registry->tables[kind], text);
	int status;

	if (!entry) {
		entry = entry_new(kind, text);
		if (!entry)
			return -ENOMEM;
		arena_init(&entry->rule.arena, RULE_CAP_BYTES, RULE_BLOCK_BYTES);
		status = rule_parse_as(syntax, text, &entry->rule.arena, &entry->rule.root,
				       ret_fault);
		if (status < 0) {
			entry->rule.root = NULL;
			entry_free(registry, entry);
			return status;
		}
		status = entry_put(registry, entry);
	} else {
		status = use(registry, entry);
	}
	if (status == 0)
		*ret_rule = entry->rule.root;
	return status;
}

int registry_mw_state(struct registry *registry, struct str router, struct str middleware,
		      uint64_t conf_hash, const struct mw *mw, const void *conf,
		      struct mw_state **ret_state)
{
	struct str key;
	struct entry *entry;
	int status;

	*ret_state = NULL;
	if (!mw->state_new)
		return 0;
	/* No name holds a blank, so the parts cannot run into each other. */
	key = arena_printf(&registry->snapshot->arena, STR_FMT " " STR_FMT " %s %llx",
			   STR_ARG(router), STR_ARG(middleware), mw->name,
			   (unsigned long long)conf_hash);
	if (!key.at)
		return -ENOMEM;
	entry = table_find(&registry->tables[ENTRY_MW_STATE], key);
	if (entry) {
		status = use(registry, entry);
	} else {
		entry = entry_new(ENTRY_MW_STATE, key);
		if (!entry)
			return -ENOMEM;
		entry->state = mw->state_new(conf);
		if (!entry->state) {
			entry_free(registry, entry);
			return -ENOMEM;
		}
		status = entry_put(registry, entry);
	}
	if (status == 0)
		*ret_state = entry->state;
	return status;
}
