// SPDX-License-Identifier: Apache-2.0
/*
 * compile_middleware: Middleware objects -> prepared middlewares, and chains of instances for
 * routers.
 *
 * Every object is a unit and prepared once; every router that names it gets an instance with the
 * state that belongs to (router, middleware, configuration), reference c.5. A chain is inlined
 * where it is named. Whatever is missing, broken or runs in a circle disables the routers that use
 * it, never the check it stands for (reference a.4, security.md A2.7).
 */

#include <errno.h>

#include "base/hash.h"
#include "model/config_map.h"
#include "model/file_format.h"
#include "model/secret_object.h"
#include "obs/metric.h"
#include "plan/compile_services.h"
#include "plan/compile_unit.h"

enum { CHAIN_MAX = 256 }; /* instances of one router, chains inlined */

/* mw_prepare with what its functions need to find their way back. */
struct preparing {
	struct mw_prepare prepare; /* first */
	struct compile *compile;
	const struct object *object; /* NULL: internal */
	uint64_t read_hash;	     /* of the Secrets and ConfigMaps that were read */
};

static bool prepare_secret(struct mw_prepare *prepare, struct str name, struct str *ret_type,
			   struct str_map *ret_data)
{
	struct preparing *preparing = (struct preparing *)prepare;
	struct compile *c = preparing->compile;
	const struct object *object = compile_find(c, KIND_SECRET, prepare->namespace_, name);
	const struct secret *secret = object && object->valid ? object->spec : NULL;

	if (!secret)
		return false;
	preparing->read_hash = hash_mix64(preparing->read_hash ^ object->content_hash);
	*ret_type = secret->type;
	*ret_data = secret->data;
	return true;
}

static bool prepare_config_map(struct mw_prepare *prepare, struct str name,
			       struct str_map *ret_data)
{
	struct preparing *preparing = (struct preparing *)prepare;
	const struct object *object =
		compile_find(preparing->compile, KIND_CONFIG_MAP, prepare->namespace_, name);
	const struct config_map *map = object && object->valid ? object->spec : NULL;

	if (!map)
		return false;
	preparing->read_hash = hash_mix64(preparing->read_hash ^ object->content_hash);
	*ret_data = map->data;
	return true;
}

/* reference a.0: Normalize(<ns>-<mw>)-errorpage-service */
static const struct service *prepare_service(struct mw_prepare *prepare,
					     const struct service_ref *ref,
					     const struct diag_path *path)
{
	struct preparing *preparing = (struct preparing *)prepare;
	const struct object *object = preparing->object;
	struct compile *c = preparing->compile;
	struct str name;

	if (!object) {
		diag_error(c->sink, path, "has no services of its own");
		return NULL;
	}
	name = names_join(names_object(object->meta.namespace_, object->meta.name, c->arena),
			  STR("-errorpage-service"), c->arena);
	return compile_service_of_middleware(c, object, ref, name, path);
}

static const struct service *prepare_url(struct mw_prepare *prepare, struct str url,
					 const struct mw_url_tls *tls, const struct diag_path *path)
{
	return compile_url(((struct preparing *)prepare)->compile, url, tls, path);
}

static void *prepare_keep(struct mw_prepare *prepare, struct str key, void *(*make)(void *context),
			  void *context, void (*release)(void *thing))
{
	struct compile *c = ((struct preparing *)prepare)->compile;
	void *thing = NULL;

	if (registry_thing(c->registry, key, make, context, release, &thing) < 0)
		return NULL;
	return thing;
}

static void prepare_own(struct mw_prepare *prepare, void *thing, void (*release)(void *))
{
	part_own(((struct preparing *)prepare)->compile->part, thing, release);
}

static void break_mw(struct compile *c, struct compiled_mw *mw)
{
	mw->is_broken = true;
	mw->mw = NULL;
	mw->problem = compile_problem(c);
}

static void prepare(struct compile *c, struct compiled_mw *mw, struct str namespace_)
{
	struct preparing preparing = {.compile = c, .object = mw->object};
	size_t n_errors = c->sink->n_errors;
	int status;

	mw->mw = mw_find(str_of(mw->type));
	if (!mw->mw) {
		diag_error(c->sink, DIAG_FIELD(NULL, "spec"), "%s is not supported yet", mw->type);
		break_mw(c, mw);
		return;
	}
	mw->conf = mw->decoded;
	mw->conf_hash = mw->mw->schema ? schema_hash(mw->mw->schema, mw->decoded) : 0;
	if (!mw->mw->prepare)
		return;
	preparing.prepare = (struct mw_prepare){
		.arena = c->arena,
		.sink = c->sink,
		.path = DIAG_FIELD(DIAG_FIELD(NULL, "spec"), mw->type),
		.namespace_ = namespace_,
		.secret = prepare_secret,
		.config_map = prepare_config_map,
		.service = prepare_service,
		.url = prepare_url,
		.keep = prepare_keep,
		.own = prepare_own,
	};
	status = mw->mw->prepare(&preparing.prepare, mw->decoded, &mw->conf);
	/* What a Secret holds is configuration too. */
	mw->conf_hash ^= preparing.read_hash;
	if (status == 0)
		return;
	if (c->sink->n_errors == n_errors)
		diag_error(c->sink, preparing.prepare.path, "cannot be used");
	break_mw(c, mw);
}

/* ------------------------------------------------------------------ names -- */

void compile_middleware_claim(struct compile *c, struct compile_unit *unit)
{
	const struct object_meta *meta = &unit->object->meta;

	compile_unit_claim(c, unit, &c->middleware_names,
			   names_qualified(meta->namespace_, meta->name, &c->scratch));
}

/* What stands on whoever has a name. */
static struct str name_key(char room[static 600], struct str name)
{
	return compile_unit_key(room, "middleware name", name, (struct str){0});
}

void compile_middleware_touch(struct compile *c, const struct object *object)
{
	char room[600];

	compile_unit_touch(c, name_key(room, names_qualified(object->meta.namespace_,
							     object->meta.name, &c->scratch)));
}

static bool is_id(struct str key)
{
	return str_starts(key, STR("Middleware/"));
}

struct str compile_middleware_name(struct compile *c, struct str key)
{
	struct str rest = key, namespace_;

	if (!is_id(key) || !str_next(&rest, '/', &namespace_) || !str_next(&rest, '/', &namespace_))
		return key;
	return names_qualified(namespace_, rest, c->arena);
}

/* reference a.0: the last one wins silently; here the name is refused as ambiguous */
static void check_name(struct compile *c, const struct compiled_mw *mw)
{
	const struct compile_unit *owner = compile_unit_named(&c->middleware_names, mw->name);

	if (owner && owner != c->unit)
		diag_warning(c->sink, DIAG_FIELD(NULL, "metadata"),
			     "has the same internal name, " STR_FMT ", as " STR_FMT
			     ": neither can be referred to by it",
			     STR_ARG(mw->name), STR_ARG(owner->id));
}

bool compile_middleware_internal(struct compile *c, struct str name, const char *type,
				 const void *decoded)
{
	struct compiled_mw *mw = ARENA_NEW(c->arena, struct compiled_mw);

	if (!mw)
		return false;
	*mw = (struct compiled_mw){.name = name, .type = type, .decoded = decoded};
	prepare(c, mw, (struct str){0});
	table_put(&c->internal_middlewares, name, mw, NULL);
	return !mw->is_broken;
}

/* ----------------------------------------------------------------- chains -- */

struct flat {
	struct compile *compile;
	const struct compiled_mw *at[CHAIN_MAX];
	size_t n;
	struct str problem;
};

/* *ret_fault says what is wrong with a name that leads to none. */
static const struct compile_made *find_made(struct compile *c, struct str key,
					    const char **ret_fault)
{
	const struct compile_unit *unit;
	char room[600];

	*ret_fault = " does not exist";
	if (is_id(key)) {
		compile_unit_depend(c, key);
		return compile_unit_of(c, key);
	}
	compile_unit_depend(c, name_key(room, key));
	unit = compile_unit_named(&c->middleware_names, key);
	if (unit && unit->has_rival)
		*ret_fault = " is the name of more than one object";
	return unit && !unit->has_rival ? compile_unit_of(c, unit->id) : NULL;
}

static const struct compiled_mw *find_mw(struct compile *c, struct str key, const char **ret_fault)
{
	const struct compiled_mw *mw = table_find(&c->internal_middlewares, key);
	const struct compile_made *made;

	if (mw)
		return mw;
	made = find_made(c, key, ret_fault);
	mw = made ? made->mw : NULL;
	if (!mw || !made->in_circle)
		return mw;
	*ret_fault =
		mw->chain ? ": the chain contains itself" : " leads to a service that needs it";
	return NULL;
}

static bool flatten(struct flat *flat, struct str key)
{
	struct compile *c = flat->compile;
	const char *fault = " cannot be used";
	const struct compiled_mw *mw = find_mw(c, key, &fault);
	size_t n = mw && mw->chain ? mw->n_members : 1;

	if (!mw) {
		flat->problem = arena_printf(c->arena, "middleware " STR_FMT "%s",
					     STR_ARG(compile_middleware_name(c, key)), fault);
		return false;
	}
	if (mw->is_broken) {
		flat->problem = arena_printf(c->arena, "middleware " STR_FMT ": " STR_FMT,
					     STR_ARG(mw->name), STR_ARG(mw->problem));
		return false;
	}
	if (n > CHAIN_MAX - flat->n) {
		flat->problem = arena_printf(c->arena, "more than %d middlewares", CHAIN_MAX);
		return false;
	}
	if (!mw->chain)
		flat->at[flat->n++] = mw;
	for (size_t i = 0; mw->chain && i < n; i++)
		flat->at[flat->n++] = mw->members[i];
	return true;
}

/* What is wrong with a chain is said, also while no route uses it. */
static void make_chain(struct compile *c, struct compiled_mw *mw)
{
	const struct diag_path *path =
		DIAG_FIELD(DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "chain"), "middlewares");
	struct flat flat;

	flat.compile = c;
	flat.n = 0;
	for (size_t i = 0; i < mw->chain->middlewares.n; i++) {
		const struct object_ref *ref =
			LIST_AT(mw->chain->middlewares, const struct object_ref, i);
		bool is_known;
		struct str key;

		is_known = compile_reference_middleware(c, mw->object->meta.namespace_, ref,
							DIAG_INDEX(path, i), &key);
		if (is_known && flatten(&flat, key))
			continue;
		if (is_known)
			diag_error(c->sink, DIAG_INDEX(path, i), STR_FMT, STR_ARG(flat.problem));
		break_mw(c, mw);
		return;
	}
	mw->members = ARENA_ARRAY(c->arena, const struct compiled_mw *, flat.n + 1);
	if (!mw->members)
		return;
	memcpy(mw->members, flat.at, flat.n * sizeof(*flat.at));
	mw->n_members = flat.n;
}

struct compiled_mw *compile_middleware_object(struct compile *c, const struct object *object)
{
	struct compiled_mw *mw = ARENA_NEW(c->arena, struct compiled_mw);
	const struct middleware_object *spec = object->spec;

	if (!mw)
		return NULL;
	/* Whom it leads to may ask for it. */
	c->made->mw = mw;
	mw->object = object;
	mw->name = names_qualified(object->meta.namespace_, object->meta.name, c->arena);
	check_name(c, mw);
	mw->type = object->valid ? middleware_object_type(spec) : NULL;
	if (!mw->type) {
		mw->type = "";
		mw->is_broken = true;
		mw->problem = arena_printf(c->arena, STR_FMT " has errors", STR_ARG(object->id));
		return mw;
	}
	mw->decoded = middleware_object_conf(spec);
	mw->chain = spec->chain;
	if (mw->chain)
		make_chain(c, mw);
	else
		prepare(c, mw, object->meta.namespace_);
	return mw;
}

static bool instantiate(struct compile *c, struct str router, const struct compiled_mw *from,
			struct mw_chain *chain)
{
	enum { SLOT_ALIGN = 16 };
	struct mw_instance *instance = &chain->at[chain->n];

	*instance = (struct mw_instance){
		.mw = from->mw,
		.conf = from->conf,
		.name = from->name,
		.slot_offset = chain->slot_bytes,
		.series = compile_series(c, METRIC_OF_MIDDLEWARE, from->name, (struct str){0}),
	};
	if (registry_mw_state(c->registry, router, from->name, from->conf_hash, from->mw,
			      from->conf, &instance->state) < 0)
		return false;
	chain->slot_bytes += (from->mw->slot_size + SLOT_ALIGN - 1) & ~(SLOT_ALIGN - 1U);
	chain->has_response_hooks = chain->has_response_hooks || from->mw->on_response;
	chain->has_end_hooks = chain->has_end_hooks || from->mw->on_end;
	chain->n++;
	return true;
}

bool compile_middleware_chain(struct compile *c, struct str router, const struct strs *keys,
			      struct mw_chain *ret_chain, struct str *ret_problem)
{
	struct flat flat;

	flat.compile = c;
	flat.n = 0;
	*ret_chain = (struct mw_chain){0};
	for (size_t i = 0; i < keys->n; i++)
		if (!flatten(&flat, keys->at[i])) {
			*ret_problem = flat.problem;
			return false;
		}
	if (!flat.n)
		return true;
	ret_chain->at = ARENA_ARRAY(c->arena, struct mw_instance, flat.n);
	for (size_t i = 0; i < flat.n; i++)
		if (!ret_chain->at || !instantiate(c, router, flat.at[i], ret_chain)) {
			*ret_problem = STR("out of memory");
			c->arena->failed = true;
			return false;
		}
	return true;
}

/* -------------------------------------------------------------------- list -- */

static int by_name(const void *a, const void *b)
{
	return str_cmp(((const struct mw_named *)a)->name, ((const struct mw_named *)b)->name);
}

static struct mw_named named(const struct compiled_mw *mw)
{
	return (struct mw_named){
		.name = mw->name,
		.type = mw->type,
		.broken = mw->is_broken,
		.object = mw->object ? mw->object->id : (struct str){0},
		.problem = mw->problem,
		.decoded = mw->decoded,
		.schema = mw->mw      ? mw->mw->schema
			  : mw->chain ? &schema_mw_chain
				      : NULL,
	};
}

void compile_middlewares_list(struct compile *c)
{
	struct snapshot *snapshot = c->snapshot;
	size_t room = c->internal_middlewares.n + 1;
	struct mw_named *list;
	uint32_t n = 0;

	/* They stand first. */
	for (size_t i = 0; i < c->all.n && c->all.at[i]->kind == UNIT_MIDDLEWARE; i++)
		room++;
	list = ARENA_ARRAY(c->arena, struct mw_named, room);
	if (!list)
		return;
	TABLE_EACH (&c->internal_middlewares, slot)
		list[n++] = named(slot->value);
	for (size_t i = 0; i < c->all.n && c->all.at[i]->kind == UNIT_MIDDLEWARE; i++) {
		const struct compile_made *made = compile_unit_now(c->all.at[i]);

		if (made && made->mw)
			list[n++] = named(made->mw);
	}
	qsort(list, n, sizeof(*list), by_name);
	snapshot->middlewares = list;
	snapshot->n_middlewares = n;
}
