// SPDX-License-Identifier: Apache-2.0
/*
 * registry: tables of counted entries, one for each kind.
 *
 * Every part counts in each entry it uses; releasing it counts down, and puts what nobody uses any
 * more on a list, which is all that other threads ever do to an entry. Tables change only on the
 * compiling thread. The registry itself lives until it is freed and its last part is gone.
 */

#include "plan/registry.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/table.h"

enum { KEYS_MAX_BYTES = 1 << 20 };

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
	_Atomic uint32_t n_uses; /* by parts */
	uint64_t session;	 /* the last part that asked for it */
	/* Under the registry's lock: nobody used it at some time since the list was last looked
	 * through. */
	struct entry *next_idle;
	bool is_idle;
	uint32_t id;	/* services and servers */
	struct str key; /* follows the entry */
	/* An entry has memory for its kind's alone: there may be a hundred thousand servers. */
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
};

#define UP_TO(member) (offsetof(struct entry, member) + sizeof(((struct entry *)NULL)->member))

static const size_t entry_bytes[ENTRY__COUNT] = {
	[ENTRY_SERVICE] = UP_TO(balance), [ENTRY_SERVER] = UP_TO(server),
	[ENTRY_MEMBER] = UP_TO(member),	  [ENTRY_RULE... ENTRY_RULE_LAST] = UP_TO(rule),
	[ENTRY_MW_STATE] = UP_TO(state),  [ENTRY_THING] = UP_TO(thing),
};

/* Numbers given out: fresh ones, or the longest forgotten one when enough of them rest. */
struct ids {
	uint32_t *resting; /* ring */
	uint32_t first, n, room;
	uint32_t limit; /* every number given out is below */
};

/* The entries of one part. */
struct registry_uses {
	struct registry *registry;
	uint64_t session;
	struct entry **at;
	size_t n, room;
};

struct registry {
	struct ref ref;
	struct table tables[ENTRY__COUNT];
	struct ids ids[ENTRY__COUNT]; /* of services and servers */
	struct metric_registry *metrics;
	struct tls_cache *tls;
	uint64_t session, serial;
	struct registry_uses *uses; /* of the part that is being made */
	struct arena keys;	    /* while they are looked up */
	pthread_mutex_t lock;	    /* guards the list of idle entries */
	struct entry *idle;
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

/* Each is looked at under the lock for itself: threads that release parts must not wait. */
static void forget_unused(struct registry *registry)
{
	struct entry *idle, *next;

	pthread_mutex_lock(&registry->lock);
	idle = registry->idle;
	registry->idle = NULL;
	pthread_mutex_unlock(&registry->lock);
	for (struct entry *entry = idle; entry; entry = next) {
		bool is_unused;

		next = entry->next_idle;
		pthread_mutex_lock(&registry->lock);
		entry->is_idle = false;
		is_unused = !atomic_load_explicit(&entry->n_uses, memory_order_acquire);
		pthread_mutex_unlock(&registry->lock);
		if (!is_unused)
			continue;
		table_del(&registry->tables[entry->kind], entry->key);
		entry_free(registry, entry);
	}
}

static int use(struct registry *registry, struct entry *entry)
{
	enum { USES_FIRST = 8 };
	struct registry_uses *uses = registry->uses;

	if (entry->session == uses->session)
		return 0;
	if (uses->n == uses->room) {
		size_t room = uses->room ? uses->room * 2 : USES_FIRST;
		struct entry **at = realloc(uses->at, room * sizeof(struct entry *));

		if (!at)
			return -ENOMEM;
		uses->at = at;
		uses->room = room;
	}
	uses->at[uses->n++] = entry;
	entry->session = uses->session;
	atomic_fetch_add_explicit(&entry->n_uses, 1, memory_order_relaxed);
	return 0;
}

/* A new entry with its key; in no table yet. */
static struct entry *entry_new(enum entry_kind kind, struct str key)
{
	struct entry *entry = calloc(1, entry_bytes[kind] + key.len + 1);

	if (!entry)
		return NULL;
	char *text = (char *)entry + entry_bytes[kind];

	entry->kind = kind;
	entry->key = str_n(text, key.len);
	if (key.len)
		memcpy(text, key.at, key.len);
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
		TABLE_EACH (&registry->tables[kind], slot)
			entry_free(registry, slot->value);
		table_done(&registry->tables[kind]);
		free(registry->ids[kind].resting);
	}
	arena_done(&registry->keys);
	pthread_mutex_destroy(&registry->lock);
	free(registry);
}

static void uses_release(void *thing)
{
	struct registry_uses *uses = thing;
	struct registry *registry = uses->registry;

	pthread_mutex_lock(&registry->lock);
	for (size_t i = 0; i < uses->n; i++) {
		struct entry *entry = uses->at[i];

		if (atomic_fetch_sub_explicit(&entry->n_uses, 1, memory_order_release) != 1 ||
		    entry->is_idle)
			continue;
		entry->is_idle = true;
		entry->next_idle = registry->idle;
		registry->idle = entry;
	}
	pthread_mutex_unlock(&registry->lock);
	free(uses->at);
	free(uses);
	registry_put(registry);
}

struct registry *registry_new(void)
{
	struct registry *registry = calloc(1, sizeof(*registry));

	if (!registry)
		return NULL;
	ref_init(&registry->ref);
	pthread_mutex_init(&registry->lock, NULL);
	arena_init(&registry->keys, KEYS_MAX_BYTES, 0);
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

struct registry_uses *registry_begin(struct registry *registry, struct part *part)
{
	struct registry_uses *uses = calloc(1, sizeof(*uses));

	if (!uses)
		return NULL;
	forget_unused(registry);
	ref_get(&registry->ref);
	uses->registry = registry;
	uses->session = ++registry->session;
	registry->uses = uses;
	part_own(part, uses, uses_release);
	return part->arena->failed ? NULL : uses;
}

struct registry_uses *registry_go_on(struct registry *registry, struct registry_uses *uses)
{
	struct registry_uses *before = registry->uses;

	registry->uses = uses;
	return before;
}

void registry_end(struct registry *registry, struct snapshot *snapshot)
{
	snapshot->max_service_id = registry->ids[ENTRY_SERVICE].limit;
	snapshot->max_server_id = registry->ids[ENTRY_SERVER].limit;
	registry->uses = NULL;
}

/* Key memory lasts until the next lookup. */
static struct arena *key_arena(struct registry *registry)
{
	arena_reset(&registry->keys);
	return &registry->keys;
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
	if (kind == ENTRY_SERVER)
		entry->server.serial = ++registry->serial;
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
	/* Only while no part has it yet: the key says whether there is a name. */
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
	struct str key = arena_printf(key_arena(registry), STR_FMT " " STR_FMT, STR_ARG(service),
				      STR_ARG(url));
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
	key = arena_printf(key_arena(registry), STR_FMT " " STR_FMT " %s %llx", STR_ARG(router),
			   STR_ARG(middleware), mw->name, (unsigned long long)conf_hash);
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
