// SPDX-License-Identifier: Apache-2.0
/*
 * tls_table: which certificate and which policy a name gets.
 */

#include "tls/tls_table.h"

#include <stdlib.h>

#include "tls/tls_cert.h"
#include "tls/tls_name.h"
#include "tls/tls_policy.h"
#include "tls/tls_table_lookup.h"

struct tls_table *tls_table_ref(struct tls_table *table)
{
	ref_get(&table->ref);
	return table;
}

void tls_table_unref(struct tls_table *table)
{
	if (!table || !ref_put(&table->ref))
		return;
	for (size_t i = 0; i < table->n_certs; i++)
		tls_cache_cert_put(table->cache, table->certs[i].cert);
	for (size_t i = 0; i < table->n_policies; i++)
		tls_cache_policy_put(table->cache, table->policies[i]);
	tls_cache_cert_put(table->cache, table->default_cert);
	free(table->certs);
	free(table->policies);
	arena_done(&table->arena);
	free(table);
}

const struct tls_policy *tls_table_lookup_policy(const struct tls_table *table, struct str host)
{
	char text[TLS_NAME_MAX + 1];
	const struct tls_policy *policy;
	struct str wildcard;

	if (host.len == 0)
		return table->default_policy;
	policy = table_find(&table->hosts, host);
	if (!policy && tls_name_wildcard(host, text, &wildcard))
		policy = table_find(&table->hosts, wildcard);
	return policy ? policy : table->default_policy;
}

const struct tls_policy *tls_table_policy_of(const struct tls_table *table, uint16_t id)
{
	if (table->default_policy->id == id)
		return table->default_policy;
	for (size_t i = 0; i < table->n_policies; i++)
		if (table->policies[i]->id == id)
			return table->policies[i];
	return table->broken_policy;
}

uint16_t tls_table_policy(const struct tls_table *table, struct str host)
{
	return tls_table_lookup_policy(table, host)->id;
}

const struct tls_cert *tls_table_lookup_cert(const struct tls_table *table, struct str sni,
					     const struct addr *local)
{
	char text[TLS_NAME_MAX + 1], ip[ADDR_TEXT_MAX];
	const struct tls_table_cert *exact, *wild = NULL;
	struct str wildcard;

	if (sni.len == 0 && local)
		sni = str_n(ip, addr_print(local, ip));
	if (sni.len == 0)
		return NULL;
	exact = table_find(&table->names, sni);
	if (tls_name_wildcard(sni, text, &wildcard))
		wild = table_find(&table->names, wildcard);
	if (exact && wild)
		return exact->order < wild->order ? exact->cert : wild->cert;
	if (exact)
		return exact->cert;
	return wild ? wild->cert : NULL;
}

const struct tls_cert *tls_table_default_cert(const struct tls_table *table)
{
	return table->default_cert;
}

struct str tls_table_certificate(const struct tls_table *table, struct str sni,
				 const struct addr *local)
{
	const struct tls_cert *cert = tls_table_lookup_cert(table, sni, local);

	return cert ? cert->joined : STR("default");
}
