// SPDX-License-Identifier: Apache-2.0
/* kube_follow_test: how many watches it costs that objects name things. */
#include "source/kube_source_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void seen(void *context, struct kube_watch *watch, const struct object *object,
		 const json_t *document)
{
	(void)context;
	(void)watch;
	(void)object;
	(void)document;
}

static void changed(void *context, struct kube_watch *watch, struct object *object)
{
	(void)context;
	(void)watch;
	(void)object;
}

static struct kube_source *begin(struct static_config *config)
{
	struct kube_source *source = calloc(1, sizeof(*source));

	*config = (struct static_config){.kubernetes.secrets = STR("named")};
	source->config = config;
	source->hub = (struct kube_hub){.on_seen = seen, .on_put = changed, .on_remove = changed};
	kube_refs_init(&source->refs);
	return source;
}

static void end(struct kube_source *source)
{
	while (source->slots)
		kube_source_remove_slot(source, source->slots);
	kube_refs_done(&source->refs);
	free(source);
}

/* An object of the namespace names n Secrets; n 0: it is gone. */
static void name(struct kube_source *source, const char *namespace_, int n)
{
	json_t *document = json_object(), *names = json_array();
	struct object owner = {.kind = KIND_MIDDLEWARE, .id = str_of(namespace_)};
	char text[32];

	for (int i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "s%d", i);
		json_array_append_new(names, json_string(text));
	}
	json_object_set_new(document, "metadata", json_pack("{s:s}", "namespace", namespace_));
	json_object_set_new(document, "spec", json_pack("{s:o}", "secretNames", names));
	kube_refs_set(&source->refs, &owner, n ? document : NULL);
	json_decref(document);
	kube_follow_refs(source);
}

static struct kube_slot *whole_of(const struct kube_source *source, const char *namespace_)
{
	for (struct kube_slot *slot = source->slots; slot; slot = slot->next)
		if (slot->is_whole && strcmp(slot->watch->namespace_, namespace_) == 0)
			return slot;
	return NULL;
}

/* The watch by type has been listed, and has none of what is named. */
static void list_types(struct kube_source *source)
{
	assert_non_null(source->by_type);
	source->by_type->watch->is_listed = true;
	kube_follow_refs(source);
}

static void few_names_are_watched_one_by_one(void **state)
{
	struct static_config config;
	struct kube_source *source = begin(&config);

	(void)state;
	name(source, "shop", 3);
	name(source, "blog", 2);
	assert_int_equal(source->n_named, 5);
	assert_int_equal(source->n_slots, 5);
	name(source, "shop", 1);
	assert_int_equal(source->n_slots, 3);
	name(source, "shop", 0);
	name(source, "blog", 0);
	assert_int_equal(source->n_slots, 0);
	end(source);
}

static void many_names_of_one_namespace_cost_one_watch(void **state)
{
	struct static_config config;
	struct kube_source *source = begin(&config);
	struct kube_slot *whole;

	(void)state;
	name(source, "evil", 3000);
	assert_int_equal(source->n_slots, KUBE_NAMED_IN_NAMESPACE_MAX + 1);
	assert_null(whole_of(source, "evil"));
	list_types(source);
	assert_int_equal(source->n_slots, KUBE_NAMED_IN_NAMESPACE_MAX + 2);
	whole = whole_of(source, "evil");
	assert_non_null(whole);
	assert_string_equal(whole->watch->label_selector, "owner!=helm");
	/* Others are watched as ever. */
	name(source, "shop", 2);
	assert_int_equal(source->n_named, KUBE_NAMED_IN_NAMESPACE_MAX + 2);
	/* What takes the place of the names has been listed: they end. */
	whole->watch->is_listed = true;
	kube_follow_refs(source);
	assert_int_equal(source->n_named, 2);
	assert_int_equal(source->n_slots, 4);
	name(source, "evil", 0);
	assert_int_equal(source->n_slots, 3);
	assert_null(whole_of(source, "evil"));
	end(source);
}

static void where_only_names_are_allowed_names_they_remain(void **state)
{
	struct static_config config;
	struct kube_source *source = begin(&config);

	(void)state;
	name(source, "shop", 40);
	list_types(source);
	struct kube_slot *whole = whole_of(source, "shop");

	assert_non_null(whole);
	whole->watch->is_listed = true;
	whole->watch->state = KUBE_FORBIDDEN;
	kube_follow_refs(source);
	assert_int_equal(source->n_named, 40);
	name(source, "shop", 4000);
	assert_int_equal(source->n_named, KUBE_NAMED_TOTAL_MAX);
	end(source);
}

static void very_many_namespaces_are_no_storm_of_names(void **state)
{
	struct static_config config;
	struct kube_source *source = begin(&config);
	char text[32];

	(void)state;
	for (int i = 0; i < 60; i++) {
		snprintf(text, sizeof(text), "n%d", i);
		name(source, text, 30);
		/* The watch by type has been listed, and has none of them. */
		if (source->by_type)
			source->by_type->watch->is_listed = true;
	}
	kube_follow_refs(source);
	assert_non_null(source->by_type);
	assert_true(source->n_named <= KUBE_NAMED_TOTAL_MAX);
	assert_non_null(whole_of(source, "n59"));
	end(source);
}

static void of_many_namespaces_the_last_is_read_too(void **state)
{
	enum { N = 300 };
	struct static_config config;
	struct kube_source *source = begin(&config);
	struct str names[N];
	char texts[N][16];

	(void)state;
	for (int i = 0; i < N; i++) {
		snprintf(texts[i], sizeof(texts[i]), "n%d", i);
		names[i] = str_of(texts[i]);
	}
	config.providers.kubernetes_crd.namespaces = (struct strs){names, N};
	config.providers.kubernetes_ingress.namespaces = (struct strs){names, N};
	name(source, "n299", 1);
	assert_int_equal(source->n_named, 1);
	name(source, "elsewhere", 1);
	assert_int_equal(source->n_named, 1);
	end(source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_names_are_watched_one_by_one),
		cmocka_unit_test(many_names_of_one_namespace_cost_one_watch),
		cmocka_unit_test(where_only_names_are_allowed_names_they_remain),
		cmocka_unit_test(of_many_namespaces_the_last_is_read_too),
		cmocka_unit_test(very_many_namespaces_are_no_storm_of_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
