// SPDX-License-Identifier: Apache-2.0
/*
 * compile_middleware: Middleware objects -> prepared middlewares, and chains of instances for
 * routers.
 *
 * Every object is prepared once; every router that names it gets an instance with the state that
 * belongs to (router, middleware, configuration), reference c.5. A chain is inlined where it is
 * named. Whatever is missing, broken or runs in a circle disables the routers that use it, never
 * the check it stands for (reference a.4, security.md A2.7).
 */

#include <errno.h>

#include "base/hash.h"
#include "model/config_map.h"
#include "model/file_format.h"
#include "model/secret_object.h"
#include "obs/metric.h"
#include "plan/compile_services.h"

enum {
	CHAIN_MAX = 256, /* instances of one router, chains inlined */
	CHAIN_DEPTH_MAX = 32,
};

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

/* By its object's id, and by its qualified name. */
static void file(struct compile *c, struct compiled_mw *mw, struct str key)
{
	struct compiled_mw *other = table_find(&c->middleware_names, mw->name);

	table_put(&c->middlewares, key, mw, NULL);
	if (!other) {
		table_put(&c->middleware_names, mw->name, mw, NULL);
		return;
	}
	/* reference a.0: the last one wins silently; here the name is refused as ambiguous */
	other->is_ambiguous = true;
	diag_warning(c->sink, DIAG_FIELD(NULL, "metadata"),
		     "has the same internal name, " STR_FMT ", as " STR_FMT
		     ": neither can be referred to by it",
		     STR_ARG(mw->name), STR_ARG(other->object->id));
}

static struct compiled_mw *find_mw(struct compile *c, struct str key)
{
	return table_find(
		str_starts(key, STR("Middleware/")) ? &c->middlewares : &c->middleware_names, key);
}

struct str compile_middleware_name(struct compile *c, struct str key)
{
	const struct compiled_mw *mw = find_mw(c, key);

	if (mw)
		return mw->name;
	if (!str_starts(key, STR("Middleware/")))
		return key;
	if (str_starts(key, STR("Middleware/" FILE_NAMESPACE "/")))
		return names_join(str_from(key, strlen("Middleware/" FILE_NAMESPACE "/")),
				  STR(NAMES_FILE), c->arena);
	return names_join(names_normalize(str_from(key, strlen("Middleware/")), c->arena),
			  STR(NAMES_CRD), c->arena);
}

static void file_object(struct compile *c, const struct object *object)
{
	struct compiled_mw *mw = ARENA_NEW(c->arena, struct compiled_mw);
	const struct middleware_object *spec = object->spec;

	if (!mw)
		return;
	mw->object = object;
	mw->name = names_qualified(object->meta.namespace_, object->meta.name, c->arena);
	file(c, mw, object->id);
	mw->type = object->valid ? middleware_object_type(spec) : NULL;
	if (!mw->type) {
		mw->type = "";
		mw->is_broken = mw->is_prepared = true;
		mw->problem = arena_printf(c->arena, STR_FMT " has errors", STR_ARG(object->id));
		return;
	}
	mw->decoded = middleware_object_conf(spec);
	mw->chain = spec->chain;
}

/* When it is needed first: another one may lead to a service that names it. False: it leads back to
 * itself. */
static bool prepare_object(struct compile *c, struct compiled_mw *mw)
{
	struct compile_about before;

	if (mw->is_prepared || mw->chain)
		return true;
	if (mw->is_open)
		return false;
	mw->is_open = true;
	before = compile_about(c, mw->object);
	prepare(c, mw, mw->object->meta.namespace_);
	compile_about_end(c, before);
	mw->is_open = false;
	mw->is_prepared = true;
	return true;
}

static void check_chain(struct compile *c, struct compiled_mw *mw);

void compile_middlewares(struct compile *c)
{
	size_t n;
	struct object **objects = compile_sorted(c, KIND_MIDDLEWARE, &n);

	for (size_t i = 0; i < n; i++) {
		struct compile_about before = compile_about(c, objects[i]);

		file_object(c, objects[i]);
		compile_about_end(c, before);
	}
	for (size_t i = 0; i < n; i++) {
		struct compiled_mw *mw = table_find(&c->middlewares, objects[i]->id);

		if (mw)
			prepare_object(c, mw);
	}
	for (size_t i = 0; i < n; i++) {
		struct compiled_mw *mw = table_find(&c->middlewares, objects[i]->id);

		if (mw)
			check_chain(c, mw);
	}
}

bool compile_middleware_internal(struct compile *c, struct str name, const char *type,
				 const void *decoded)
{
	struct compiled_mw *mw = ARENA_NEW(c->arena, struct compiled_mw);

	if (!mw)
		return false;
	*mw = (struct compiled_mw){
		.name = name, .type = type, .decoded = decoded, .is_prepared = true};
	prepare(c, mw, (struct str){0});
	table_put(&c->middlewares, name, mw, NULL);
	table_put(&c->middleware_names, name, mw, NULL);
	return !mw->is_broken;
}

/* ----------------------------------------------------------------- chains -- */

struct flat {
	struct compile *compile;
	struct compiled_mw *at[CHAIN_MAX];
	size_t n, depth;
	struct str problem;
};

static bool flatten(struct flat *flat, struct str key);

/* A chain is told of its fault once, whatever number of routes use it. */
static void tell_member(struct flat *flat, struct compiled_mw *mw, const struct diag_path *path)
{
	if (mw->is_broken)
		return;
	diag_error(flat->compile->sink, path, STR_FMT, STR_ARG(flat->problem));
	break_mw(flat->compile, mw);
}

static bool flatten_chain(struct flat *flat, struct compiled_mw *mw)
{
	struct compile *c = flat->compile;
	struct compile_about before = compile_about(c, mw->object);
	const struct diag_path *path =
		DIAG_FIELD(DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "chain"), "middlewares");
	bool ok = true;

	if (mw->is_open || flat->depth == CHAIN_DEPTH_MAX) {
		diag_error(c->sink, path, "the chain contains itself");
		break_mw(c, mw);
		flat->problem = mw->problem;
		ok = false;
	}
	mw->is_open = true;
	flat->depth++;
	for (size_t i = 0; ok && i < mw->chain->middlewares.n; i++) {
		const struct object_ref *ref =
			LIST_AT(mw->chain->middlewares, const struct object_ref, i);
		struct str key;

		ok = compile_reference_middleware(c, mw->object->meta.namespace_, ref,
						  DIAG_INDEX(path, i), &key);
		if (!ok) {
			break_mw(c, mw);
			flat->problem = mw->problem;
		}
		if (ok && !flatten(flat, key)) {
			ok = false;
			tell_member(flat, mw, DIAG_INDEX(path, i));
		}
	}
	flat->depth--;
	mw->is_open = false;
	compile_about_end(c, before);
	return ok;
}

static bool flatten(struct flat *flat, struct str key)
{
	struct compile *c = flat->compile;
	struct compiled_mw *mw = find_mw(c, key);
	const char *fault = NULL;

	if (!mw)
		fault = "does not exist";
	else if (mw->is_ambiguous && !str_starts(key, STR("Middleware/")))
		fault = "is the name of more than one object";
	else if (!prepare_object(c, mw))
		fault = "leads to a service that needs it";
	if (fault) {
		flat->problem = arena_printf(c->arena, "middleware " STR_FMT " %s",
					     STR_ARG(compile_middleware_name(c, key)), fault);
		return false;
	}
	if (mw->is_broken) {
		flat->problem = arena_printf(c->arena, "middleware " STR_FMT ": " STR_FMT,
					     STR_ARG(mw->name), STR_ARG(mw->problem));
		return false;
	}
	if (mw->chain)
		return flatten_chain(flat, mw);
	if (flat->n == CHAIN_MAX) {
		flat->problem = arena_printf(c->arena, "more than %d middlewares", CHAIN_MAX);
		return false;
	}
	flat->at[flat->n++] = mw;
	return true;
}

/* What is wrong with a chain is said, also while no route uses it. */
static void check_chain(struct compile *c, struct compiled_mw *mw)
{
	struct flat flat;

	flat.compile = c;
	flat.n = flat.depth = 0;
	if (mw->chain && !mw->is_broken)
		flatten_chain(&flat, mw);
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
	flat.n = flat.depth = 0;
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
