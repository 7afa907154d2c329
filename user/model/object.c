// SPDX-License-Identifier: Apache-2.0
/*
 * object: one document -> one object, with all its faults.
 *
 * A document that is not ours (a Deployment among the manifests) is skipped without a word; one of
 * our API groups that we do not know is skipped with a warning, so that nobody waits for it to
 * work.
 */
#include "model/object.h"

#include <stdlib.h>

#include "base/hash.h"
#include "model/object_time.h"
#include "model/schema_format.h"
#include "model/schema_value.h"

enum {
	OBJECT_ARENA_BYTES = 64 << 20,
	OBJECT_BLOCK_BYTES = 768, /* a usual IngressRoute; there are thousands */
};

struct meta {
	struct str name, generate_name, namespace_, uid, resource_version, created;
	struct str_map labels, annotations;
};

static const struct field meta_fields[] = {
	FIELD(struct meta, name, .name = "name", .doc = "Name of the object."),
	FIELD(struct meta, generate_name, .name = "generateName",
	      .doc = "Beginning of its name, where it has none yet."),
	FIELD(struct meta, namespace_, .name = "namespace", .preset = "default",
	      .doc = "Its namespace."),
	FIELD(struct meta, uid, .name = "uid", .doc = "Its unique id."),
	FIELD(struct meta, resource_version, .name = "resourceVersion", .doc = "Its version."),
	FIELD(struct meta, created, .name = "creationTimestamp", .doc = "When it was made."),
	FIELD(struct meta, labels, .name = "labels", .doc = "Labels."),
	FIELD(struct meta, annotations, .name = "annotations", .doc = "Annotations."),
};

static const struct schema schema_meta = {
	.name = "metadata",
	.doc = "What every object has.",
	.size = sizeof(struct meta),
	SCHEMA_FIELDS(meta_fields),
	.flags = SCHEMA_LENIENT,
};

static struct str text_at(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_string(value) ? schema_value_text(value) : (struct str){0};
}

/* Groups whose kinds people expect to be obeyed: one that is not is told of. */
static bool is_our_group(struct str api_version, struct str kind)
{
	return str_starts(api_version, STR("traefik.io/")) ||
	       str_starts(api_version, STR("traefik.containo.us/")) ||
	       str_starts(api_version, STR("tidegate.io/")) ||
	       str_starts(api_version, STR("gateway.networking.k8s.io/")) ||
	       (str_starts(api_version, STR("networking.k8s.io/")) && str_eq(kind, STR("Ingress")));
}

/* Traefik's kinds that are known but not read: no typing errors. */
static const char later_kinds[] = "IngressRouteTCP|IngressRouteUDP|MiddlewareTCP|"
				  "ServersTransportTCP";

static void tell_unknown_kind(const json_t *document, struct str kind_name, struct diag_sink *sink)
{
	const json_t *metadata = json_object_get(document, "metadata");
	struct str name = text_at(metadata, "name"), namespace_ = text_at(metadata, "namespace");
	struct str names[KIND__COUNT], rest = str_of(later_kinds), later, near;
	struct diag *diag;

	diag_about(sink,
		   arena_printf(sink->arena, STR_FMT "/" STR_FMT "/" STR_FMT, STR_ARG(kind_name),
				STR_ARG(namespace_.len ? namespace_ : STR("default")),
				STR_ARG(name)),
		   sink->file, sink->line);
	diag = diag_warning(sink, DIAG_FIELD(NULL, "kind"),
			    "kind " STR_FMT " is not supported: no effect", STR_ARG(kind_name));
	diag->unsupported = true;
	while (str_next(&rest, '|', &later))
		if (str_eq(later, kind_name))
			return;
	for (int i = 0; i < KIND__COUNT; i++)
		names[i] = str_of(kind_infos[i].kind);
	near = str_nearest(kind_name, names, KIND__COUNT);
	if (near.len)
		diag_suggest(sink, diag, "did you mean " STR_FMT "?", STR_ARG(near));
}

/* The kind of a document, or KIND__COUNT with a diag when somebody should know. */
static enum kind document_kind(const json_t *document, struct diag_sink *sink)
{
	struct str kind_name = text_at(document, "kind"), version = text_at(document, "apiVersion");
	enum kind kind = kind_find(kind_name);
	struct diag *diag;

	if (!kind_name.len || !version.len) {
		diag = diag_error(sink, DIAG_FIELD(NULL, kind_name.len ? "apiVersion" : "kind"),
				  "missing: this is not an object");
		diag_expected(sink, diag, "apiVersion, kind and metadata");
		return KIND__COUNT;
	}
	if (kind != KIND__COUNT && str_eq(version, str_of(kind_infos[kind].api_version)))
		return kind;
	if (!is_our_group(version, kind_name))
		return KIND__COUNT;
	if (kind != KIND__COUNT) {
		diag = diag_error(sink, DIAG_FIELD(NULL, "apiVersion"), "unknown version");
		diag_expected(sink, diag, "%s", kind_infos[kind].api_version);
		diag_found(sink, diag, version);
		return KIND__COUNT;
	}
	tell_unknown_kind(document, kind_name, sink);
	return KIND__COUNT;
}

static void check_name(struct diag_sink *sink, const char *field, struct str text, bool ok,
		       const char *expected)
{
	if (ok)
		return;
	struct diag *diag = diag_error(sink, DIAG_FIELD(DIAG_FIELD(NULL, "metadata"), field),
				       "not a valid %s", field);

	diag_expected(sink, diag, "%s", expected);
	diag_found(sink, diag, text);
}

static void decode_meta(struct object *object, const json_t *document)
{
	struct diag_sink *sink = &object->diags;
	struct meta meta;

	schema_decode(&schema_meta, json_object_get(document, "metadata"), &object->arena, &meta,
		      sink, DIAG_FIELD(NULL, "metadata"));
	if (meta.name.len)
		check_name(sink, "name", meta.name, schema_format_is_subdomain(meta.name),
			   "lower-case letters, digits, '-' and '.', at most 253 (RFC 1123)");
	if (meta.namespace_.len)
		check_name(sink, "namespace", meta.namespace_,
			   schema_format_is_label(meta.namespace_),
			   "lower-case letters, digits and '-', at most 63 (RFC 1123)");
	else
		meta.namespace_ = STR("default");
	object->meta = (struct object_meta){
		.name = meta.name.len ? meta.name : meta.generate_name,
		.namespace_ = meta.namespace_,
		.uid = meta.uid,
		.resource_version = meta.resource_version,
		.labels = meta.labels,
		.annotations = meta.annotations,
	};
	if (meta.created.len && object_time_parse(meta.created, &object->meta.created_ns))
		diag_warning(sink, DIAG_FIELD(DIAG_FIELD(NULL, "metadata"), "creationTimestamp"),
			     "not a time (RFC 3339): counts as unknown");
}

static uint64_t hash_meta(const struct object_meta *meta)
{
	const struct str_map *maps[] = {&meta->labels, &meta->annotations};
	uint64_t hash = hash_mix64((uint64_t)meta->created_ns + 1);

	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++) {
		hash = hash_mix64(hash ^ maps[i]->n);
		for (size_t k = 0; k < maps[i]->n; k++) {
			hash = hash_mix64(hash ^ hash_keyed(maps[i]->at[k].key));
			hash = hash_mix64(hash ^ hash_keyed(maps[i]->at[k].value));
		}
	}
	return hash;
}

/* A broken object has no struct: its text tells whether it changed. */
static uint64_t hash_document(const json_t *document)
{
	char *text = json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);
	struct str all = str_of(text);
	uint64_t hash = all.len ? hash_keyed(all) : 0;

	if (text)
		explicit_bzero(text, all.len);
	free(text);
	return hash;
}

static void decode_content(struct object *object, const json_t *document)
{
	const struct kind_info *info = &kind_infos[object->kind];
	struct diag_sink *sink = &object->diags;
	json_t *content = json_copy((json_t *)(uintptr_t)document);
	void *spec = arena_zero(&object->arena, 1, info->schema->size);

	json_object_del(content, "apiVersion");
	json_object_del(content, "kind");
	json_object_del(content, "metadata");
	if (spec && content &&
	    schema_decode(info->schema, content, &object->arena, spec, sink, NULL) == 0 &&
	    info->finish)
		info->finish(spec, &object->arena, sink);
	json_decref(content);
	object->valid = spec && content && sink->n_errors == 0;
	object->spec = object->valid ? spec : NULL;
}

static struct str document_id(enum kind kind, struct str namespace_, struct str name,
			      struct arena *arena)
{
	return arena_printf(arena, "%s/" STR_FMT "/" STR_FMT, kind_infos[kind].kind,
			    STR_ARG(namespace_), STR_ARG(name));
}

/* reference a.0: generateName where there is no name. */
static struct str name_of(const json_t *metadata)
{
	struct str name = text_at(metadata, "name");

	return name.len ? name : text_at(metadata, "generateName");
}

static void tell_no_name(const json_t *metadata, enum kind kind, struct diag_sink *sink)
{
	const json_t *value = json_object_get(metadata, "name");
	const struct diag_path *path = DIAG_FIELD(DIAG_FIELD(NULL, "metadata"), "name");
	struct diag *diag;

	if (!value || json_is_null(value) || json_is_string(value)) {
		diag_error(sink, path, "missing: a %s without a name", kind_infos[kind].kind);
		return;
	}
	/* name: y, name: 1.0 */
	diag = diag_error(sink, path, "wrong type: a name is a string");
	diag_expected(sink, diag, "a string");
	diag_found(sink, diag,
		   json_is_boolean(value)  ? STR("a boolean")
		   : json_is_number(value) ? STR("a number")
					   : STR("no scalar"));
	diag_suggest(sink, diag, "put it in quotes");
}

static struct object *object_new(enum kind kind)
{
	struct object *object = calloc(1, sizeof(*object));

	if (!object)
		return NULL;
	ref_init(&object->ref);
	object->kind = kind;
	arena_init(&object->arena, OBJECT_ARENA_BYTES, OBJECT_BLOCK_BYTES);
	diag_init(&object->diags, &object->arena);
	return object;
}

static void object_place(struct object *object, struct str namespace_, struct str name,
			 struct str file, size_t line)
{
	object->id = document_id(object->kind, namespace_, name, &object->arena);
	object->file = arena_str(&object->arena, file);
	object->line = line;
	diag_about(&object->diags, object->id, file, line);
}

static void object_fill(struct object *object, const json_t *document)
{
	const struct kind_info *info = &kind_infos[object->kind];

	decode_content(object, document);
	object->content_hash = hash_mix64(hash_meta(&object->meta) ^
					  (object->valid ? schema_hash(info->schema, object->spec)
							 : ~hash_document(document)));
	if (info->has_raw)
		object->document = json_incref((json_t *)(uintptr_t)document);
}

struct object *object_decode(const json_t *document, struct str file, size_t line,
			     struct diag_sink *sink, bool *ret_skip)
{
	size_t complaints = sink->n_errors + sink->n_warnings;
	const json_t *metadata;
	struct str name, namespace_;
	struct object *object;
	enum kind kind;

	*ret_skip = false;
	diag_about(sink, (struct str){0}, file, line);
	if (!json_is_object(document)) {
		diag_expected(sink, diag_error(sink, NULL, "not an object"),
			      "apiVersion, kind and metadata");
		return NULL;
	}
	kind = document_kind(document, sink);
	if (kind == KIND__COUNT) {
		*ret_skip = sink->n_errors + sink->n_warnings == complaints;
		return NULL;
	}
	metadata = json_object_get(document, "metadata");
	name = name_of(metadata);
	namespace_ = text_at(metadata, "namespace");
	if (!name.len) {
		tell_no_name(metadata, kind, sink);
		return NULL;
	}
	object = object_new(kind);
	if (!object)
		return NULL;
	if (!namespace_.len)
		namespace_ = STR("default");
	object_place(object, namespace_, name, file, line);
	decode_meta(object, document);
	object_fill(object, document);
	return object;
}

struct object *object_make(enum kind kind, struct str namespace_, struct str name,
			   const json_t *content, struct str file, size_t line)
{
	struct object *object = object_new(kind);

	if (!object)
		return NULL;
	object_place(object, namespace_, name, file, line);
	object->meta.name = arena_str(&object->arena, name);
	object->meta.namespace_ = arena_str(&object->arena, namespace_);
	object_fill(object, content);
	return object;
}

static bool is_list(const json_t *document)
{
	struct str kind = text_at(document, "kind"), version = text_at(document, "apiVersion");

	if (!json_is_array(json_object_get(document, "items")))
		return false;
	if (str_eq(kind, STR("List")) && str_eq(version, STR("v1")))
		return true;
	return str_ends(kind, STR("List")) &&
	       kind_find(str_take(kind, kind.len - strlen("List"))) != KIND__COUNT;
}

size_t object_decode_each(const json_t *document, struct str file, size_t line,
			  struct diag_sink *sink,
			  void (*each)(void *context, struct object *object), void *context)
{
	const json_t *items = is_list(document) ? json_object_get(document, "items") : NULL;
	size_t n = items ? json_array_size(items) : 1, n_left_out = 0;

	for (size_t i = 0; i < n; i++) {
		bool skip;
		struct object *object = object_decode(items ? json_array_get(items, i) : document,
						      file, line, sink, &skip);

		if (object)
			each(context, object);
		else
			n_left_out++;
	}
	return n_left_out;
}

struct object *object_ref(struct object *object)
{
	ref_get(&object->ref);
	return object;
}

void object_unref(struct object *object)
{
	if (!object || !ref_put(&object->ref))
		return;
	json_decref(object->document);
	arena_done(&object->arena);
	free(object);
}
