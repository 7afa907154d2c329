// SPDX-License-Identifier: Apache-2.0
/*
 * kube_object: see the header.
 *
 * References are found by the names of fields, wherever they stand: every kind that names a Secret
 * does so in a field called like one of these, and a name that is taken for one by mistake costs a
 * request in the namespace of whoever wrote it, no more.
 */
#include "source/kube_object.h"

#include "model/schema_format.h"

enum { DEPTH_MAX = 24 };

bool kube_object_is_cluster_scope(enum kind kind)
{
	return kind == KIND_NODE || kind == KIND_INGRESS_CLASS;
}

bool kube_object_has_status(enum kind kind)
{
	return kind == KIND_INGRESS || kind == KIND_VIRTUAL_ADDRESS || kind == KIND_SOURCE_POLICY;
}

struct str kube_object_meta(const json_t *document, const char *key)
{
	const json_t *value = json_object_get(json_object_get(document, "metadata"), key);

	return json_is_string(value) ? str_n(json_string_value(value), json_string_length(value))
				     : (struct str){0};
}

/* Annotations that are read here belong to Ingresses, Services and Traefik's kinds. */
static bool has_annotations(enum kind kind)
{
	return kind != KIND_ENDPOINT_SLICE && kind != KIND_NODE && kind != KIND_SECRET &&
	       kind != KIND_CONFIG_MAP;
}

void kube_object_prune(enum kind kind, json_t *document)
{
	static const char *const meta_fields[] = {"managedFields", "ownerReferences", "finalizers",
						  "selfLink", "generation"};
	json_t *meta = json_object_get(document, "metadata");

	for (size_t i = 0; i < sizeof(meta_fields) / sizeof(*meta_fields); i++)
		json_object_del(meta, meta_fields[i]);
	if (has_annotations(kind))
		json_object_del(json_object_get(meta, "annotations"),
				"kubectl.kubernetes.io/last-applied-configuration");
	else
		json_object_del(meta, "annotations");
	/* The status of others is not ours to obey; that of a Node holds its addresses. */
	if (kind != KIND_NODE && kind != KIND_SERVICE)
		json_object_del(document, "status");
	if (kind == KIND_SECRET)
		json_object_del(document, "immutable");
	if (kind != KIND_NODE)
		return;
	json_t *status = json_object_get(document, "status");

	json_object_del(document, "spec");
	json_object_del(status, "images");
	json_object_del(status, "conditions");
}

static bool says(const json_t *document, const char *key, const char *expected)
{
	const json_t *value = json_object_get(document, key);

	return json_is_string(value) && strcmp(json_string_value(value), expected) == 0;
}

struct object *kube_object_decode(enum kind kind, json_t *document, const char **ret_fault)
{
	const struct kind_info *info = &kind_infos[kind];
	struct object *object = NULL;
	struct diag_sink sink;
	struct arena arena;
	bool skip;

	*ret_fault = "not an object";
	if (!json_is_object(document))
		return NULL;
	/* Items of lists of built-in kinds do not say what they are. */
	if (!json_object_get(document, "kind"))
		json_object_set_new(document, "kind", json_string(info->kind));
	if (!json_object_get(document, "apiVersion"))
		json_object_set_new(document, "apiVersion", json_string(info->api_version));
	*ret_fault = "an object of another kind";
	if (!says(document, "kind", info->kind) || !says(document, "apiVersion", info->api_version))
		return NULL;
	*ret_fault = "an object without a name or namespace";
	if (!kube_object_meta(document, "name").len ||
	    (!kube_object_is_cluster_scope(kind) && !kube_object_meta(document, "namespace").len))
		return NULL;
	*ret_fault = "out of memory";
	kube_object_prune(kind, document);
	arena_init(&arena, 1 << 20, 0);
	diag_init(&sink, &arena);
	object = object_decode(document, (struct str){0}, 0, &sink, &skip);
	arena_done(&arena);
	return object;
}

/* --------------------------------------------------------------- references -- */

struct walk {
	struct str namespace_;
	kube_ref_fn *each;
	void *context;
};

/* "secretName", "rootCAsSecrets", "jwksSecret"; KIND__COUNT: no reference. */
static enum kind field_kind(const char *field)
{
	return strcasestr(field, "secret")	? KIND_SECRET
	       : strcasestr(field, "configMap") ? KIND_CONFIG_MAP
						: KIND__COUNT;
}

static void tell(const struct walk *walk, enum kind kind, const json_t *value)
{
	struct kube_ref ref = {.kind = kind, .namespace_ = walk->namespace_};

	if (!json_is_string(value))
		return;
	ref.name = str_n(json_string_value(value), json_string_length(value));
	if (schema_format_is_subdomain(ref.name))
		walk->each(walk->context, &ref);
}

static void look(const struct walk *walk, const json_t *value, int depth)
{
	const char *key;
	json_t *inner;
	size_t i;

	if (depth == DEPTH_MAX)
		return;
	json_array_foreach(value, i, inner) look(walk, inner, depth + 1);
	json_object_foreach((json_t *)(uintptr_t)value, key, inner)
	{
		enum kind kind = field_kind(key);
		json_t *name;

		if (kind != KIND__COUNT) {
			tell(walk, kind, inner);
			tell(walk, kind, json_object_get(inner, "name"));
			json_array_foreach(inner, i, name) tell(walk, kind, name);
		}
		look(walk, inner, depth + 1);
	}
}

void kube_object_refs(enum kind kind, const json_t *document, kube_ref_fn *each, void *context)
{
	struct walk walk = {kube_object_meta(document, "namespace"), each, context};

	if (kind == KIND_SERVICE || kind == KIND_ENDPOINT_SLICE || kind == KIND_SECRET ||
	    kind == KIND_CONFIG_MAP || kind == KIND_NODE || kind == KIND_INGRESS_CLASS)
		return;
	look(&walk, json_object_get(document, "spec"), 0);
}
