// SPDX-License-Identifier: Apache-2.0
/*
 * tls_builder: makes one tls_table: add certificates and policies, bind hosts, finish.
 */

#include "tls/tls_builder.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "tls/tls_cert.h"
#include "tls/tls_policy.h"
#include "tls/tls_table_lookup.h"

enum { TABLE_BYTES_MAX = 1 << 30 };

struct tls_builder {
	struct tls_table *table;
	size_t cap_certs, cap_policies;
};

/* Makes room for one more element. */
static bool grow(void **array, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return true;
	size_t more = *cap ? *cap * 2 : 16;
	void *fresh = reallocarray(*array, more, size);

	if (!fresh)
		return false;
	*array = fresh;
	*cap = more;
	return true;
}

/* Takes the reference; NULL stays NULL. */
static struct tls_policy *keep_policy(struct tls_builder *builder, struct tls_policy *policy)
{
	struct tls_table *table = builder->table;
	void *array = table->policies;

	if (!policy)
		return NULL;
	if (!grow(&array, table->n_policies, &builder->cap_policies, sizeof(*table->policies))) {
		tls_cache_policy_put(table->cache, policy);
		return NULL;
	}
	table->policies = array;
	table->policies[table->n_policies++] = policy;
	return policy;
}

struct tls_builder *tls_builder_new(struct tls_cache *cache)
{
	struct tls_builder *builder = calloc(1, sizeof(*builder));
	struct tls_table *table = calloc(1, sizeof(*table));

	if (!builder || !table) {
		free(builder);
		free(table);
		return NULL;
	}
	builder->table = table;
	ref_init(&table->ref);
	table->cache = cache;
	arena_init(&table->arena, TABLE_BYTES_MAX, 0);
	table_init(&table->names, &table->arena);
	table_init(&table->hosts, &table->arena);
	struct diag_sink unheard;
	struct tls_policy *preset = NULL;

	diag_init(&unheard, &table->arena);
	if (tls_policy_make(STR("default"), NULL, NULL, 0, &unheard, NULL, &preset) == 0)
		preset = tls_cache_policy(cache, preset);
	table->default_policy = keep_policy(builder, preset);
	table->broken_policy =
		keep_policy(builder, tls_cache_policy(cache, tls_policy_make_broken()));
	if (!table->default_policy || !table->broken_policy) {
		tls_builder_free(builder);
		return NULL;
	}
	return builder;
}

void tls_builder_free(struct tls_builder *builder)
{
	if (!builder)
		return;
	tls_table_unref(builder->table);
	free(builder);
}

int tls_builder_policy(struct tls_builder *builder, struct str name,
		       const struct tls_option *option, const struct str *client_cas,
		       size_t n_client_cas, struct diag_sink *sink, const struct diag_path *path)
{
	struct tls_policy *policy = NULL;
	int result = tls_policy_make(name, option, client_cas, n_client_cas, sink, path, &policy);

	if (result < 0)
		return result;
	policy = keep_policy(builder, tls_cache_policy(builder->table->cache, policy));
	if (!policy)
		return -ENOMEM;
	if (str_eq(name, STR("default")))
		builder->table->default_policy = policy;
	return policy->id;
}

void tls_builder_break_default(struct tls_builder *builder)
{
	builder->table->default_policy = builder->table->broken_policy;
}

uint16_t tls_builder_default(const struct tls_builder *builder)
{
	return builder->table->default_policy->id;
}

/* Takes the reference. */
static int add_certificate(struct tls_builder *builder, struct tls_cert *cert)
{
	struct tls_table *table = builder->table;
	void *array = table->certs;

	if (!grow(&array, table->n_certs, &builder->cap_certs, sizeof(*table->certs))) {
		tls_cache_cert_put(table->cache, cert);
		return -ENOMEM;
	}
	table->certs = array;
	table->certs[table->n_certs] = (struct tls_table_cert){cert, table->n_certs};
	table->n_certs++;
	return 0;
}

int tls_builder_certificate(struct tls_builder *builder, struct str cert_pem, struct str key_pem,
			    char ret_message[TLS_MESSAGE_MAX])
{
	struct tls_cert *cert;

	TRY(tls_cache_cert(builder->table->cache, cert_pem, key_pem, &cert, ret_message));
	return add_certificate(builder, cert);
}

int tls_builder_certificate_of(struct tls_builder *builder, struct str secret, struct str cert_pem,
			       struct str key_pem, char ret_message[TLS_MESSAGE_MAX])
{
	struct tls_cert *cert;
	int result = tls_cache_cert_of(builder->table->cache, secret, cert_pem, key_pem, &cert,
				       ret_message);

	TRY(result);
	TRY(add_certificate(builder, cert));
	return result;
}

int tls_builder_default_certificate(struct tls_builder *builder, struct str cert_pem,
				    struct str key_pem, char ret_message[TLS_MESSAGE_MAX])
{
	struct tls_table *table = builder->table;
	struct tls_cert *cert;

	TRY(tls_cache_cert(table->cache, cert_pem, key_pem, &cert, ret_message));
	tls_cache_cert_put(table->cache, table->default_cert);
	table->default_cert = cert;
	return 0;
}

static struct tls_policy *policy_of(const struct tls_table *table, uint16_t id)
{
	/* The newest first: an option that is called "default" goes before the built-in one. */
	for (size_t i = table->n_policies; i > 0; i--)
		if (table->policies[i - 1]->id == id)
			return table->policies[i - 1];
	return NULL;
}

int tls_builder_bind(struct tls_builder *builder, struct str host, uint16_t policy)
{
	struct tls_table *table = builder->table;
	struct tls_policy *wanted = policy_of(table, policy);
	const struct tls_policy *bound = table_find(&table->hosts, host);
	int result = 0;

	ASSERT(wanted);
	if (bound && bound->id != policy) {
		/* reference b.5.6: options that contradict each other all give way to the default.
		 */
		wanted = table->default_policy;
		result = -EEXIST;
	}
	struct str key = arena_str(&table->arena, host);

	if (!key.at || table_put(&table->hosts, key, wanted, NULL) < 0)
		return -ENOMEM;
	return result;
}

/* Reverse lexicographic by key; of equal keys the one that was added first. */
static int compare_certs(const void *a, const void *b)
{
	const struct tls_table_cert *x = a, *y = b;
	int order = str_cmp(y->cert->joined, x->cert->joined);

	if (order == 0)
		order = x->order < y->order ? -1 : 1;
	return order;
}

static bool index_names(struct tls_table *table)
{
	if (table->n_certs)
		qsort(table->certs, table->n_certs, sizeof(*table->certs), compare_certs);
	for (size_t i = 0; i < table->n_certs; i++) {
		struct tls_table_cert *entry = &table->certs[i];
		const struct strs *names = &entry->cert->names;

		entry->order = i;
		for (size_t j = 0; j < names->n; j++)
			if (!table_find(&table->names, names->at[j]) &&
			    table_put(&table->names, names->at[j], entry, NULL) < 0)
				return false;
	}
	return true;
}

struct tls_table *tls_builder_finish(struct tls_builder *builder)
{
	struct tls_table *table = builder->table;

	free(builder);
	if (!table->default_cert)
		table->default_cert = tls_cache_default_cert(table->cache);
	if (!table->default_cert || !index_names(table)) {
		tls_table_unref(table);
		return NULL;
	}
	return table;
}
