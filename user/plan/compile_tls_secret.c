// SPDX-License-Identifier: Apache-2.0
/*
 * compile_tls_secret: which Secrets are wanted for their certificates, and what comes of them
 * (reference g.1, h.1). A Secret that cannot be read leaves the last good certificate in force.
 */

#include <stdlib.h>

#include "model/file_format.h"
#include "model/ingress_object.h"
#include "model/secret_object.h"
#include "obs/metric.h"
#include "plan/compile_stream.h"
#include "plan/compile_unit.h"
#include "plan/registry.h"
#include "tls/tls_builder.h"
#include "tls/tls_cert.h"

static int by_key(const void *a, const void *b)
{
	const struct str_pair *x = a, *y = b;
	int order = str_cmp(x->key, y->key);

	return order ? order : str_cmp(x->value, y->value);
}

/* How many Secrets an object may name for its certificates, and which. */
static size_t n_secrets(const struct object *object)
{
	if (!object)
		return 0;
	return object->kind == KIND_INGRESS ? ((const struct ingress *)object->spec)->tls.n : 1;
}

static struct str secret_of(const struct object *object, size_t index)
{
	const struct ingress_route *route = object->spec;
	const struct ingress *ingress = object->spec;

	if (object->kind == KIND_INGRESS)
		return LIST_AT(ingress->tls, const struct ingress_tls, index)->secret_name;
	return route->tls ? route->tls->secret_name : (struct str){0};
}

/* Those of TCP routes whose TLS ends here. */
static void add_stream_secrets(struct compile *c, struct str_map *wanted)
{
	const struct str none = {0};
	char room[600];

	compile_unit_depend(
		c, compile_unit_key(room, kind_infos[KIND_INGRESS_ROUTE_TCP].kind, none, none));
	for (size_t i = 0; wanted->at && i < compile_stream_n_tls(c); i++) {
		const struct tcp_draft *draft = compile_stream_tls(c, i);
		const struct ingress_route_tcp *spec = draft ? draft->object->spec : NULL;

		if (spec && spec->tls->common.secret_name.len)
			wanted->at[wanted->n++] = (struct str_pair){
				arena_printf(&c->scratch, STR_FMT "/" STR_FMT,
					     STR_ARG(draft->object->meta.namespace_),
					     STR_ARG(spec->tls->common.secret_name)),
				draft->object->id};
	}
}

/* The next Secret that is named, from *at on; {0}: no more. */
static struct str next_secret(const struct object *object, size_t *at)
{
	while (*at < n_secrets(object)) {
		struct str name = secret_of(object, (*at)++);

		if (name.len)
			return name;
	}
	return (struct str){0};
}

bool compile_tls_same_secrets(const struct object *a, const struct object *b)
{
	for (size_t of_a = 0, of_b = 0;;) {
		struct str name = next_secret(a, &of_a), other = next_secret(b, &of_b);

		if (!str_eq(name, other))
			return false;
		if (!name.len)
			return true;
	}
}

struct str_map compile_tls_secrets(struct compile *c, const struct object *store)
{
	size_t n_store = compile_tls_store_names(store, NULL, 0);
	struct str *names = ARENA_ARRAY(&c->scratch, struct str, n_store + 1);
	struct str_map wanted = {0};
	struct object **secrets;
	size_t n = 0, n_all;

	for (size_t i = 0; i < c->drafts.n; i++)
		n += n_secrets(c->drafts.at[i]->object);
	secrets = compile_sorted_in(c, KIND_SECRET, STR(FILE_NAMESPACE), &n_all);
	n += compile_stream_n_tls(c);
	wanted.at = ARENA_ARRAY(&c->scratch, struct str_pair, n + n_all + n_store + 1);
	n = 0;
	if (names)
		compile_tls_store_names(store, names, n_store);
	for (size_t i = 0; wanted.at && names && i < n_store; i++)
		wanted.at[wanted.n++] = (struct str_pair){
			arena_printf(&c->scratch, STR_FMT "/" STR_FMT,
				     STR_ARG(store->meta.namespace_), STR_ARG(names[i])),
			store->id};
	for (size_t i = 0; wanted.at && secrets && i < n_all; i++)
		if (str_starts(secrets[i]->meta.name, STR(FILE_CERTIFICATE)))
			wanted.at[wanted.n++] = (struct str_pair){
				str_from(secrets[i]->id, strlen("Secret/")), secrets[i]->id};
	for (size_t i = 0; wanted.at && i < c->drafts.n; i++) {
		const struct object *object = c->drafts.at[i]->object;

		for (size_t j = 0; j < n_secrets(object); j++)
			if (secret_of(object, j).len)
				wanted.at[wanted.n++] = (struct str_pair){
					arena_printf(&c->scratch, STR_FMT "/" STR_FMT,
						     STR_ARG(object->meta.namespace_),
						     STR_ARG(secret_of(object, j))),
					object->id};
	}
	add_stream_secrets(c, &wanted);
	if (wanted.n)
		qsort(wanted.at, wanted.n, sizeof(*wanted.at), by_key);
	for (size_t i = 0; i < wanted.n; i++)
		if (!n || !str_eq(wanted.at[i].key, wanted.at[n - 1].key))
			wanted.at[n++] = wanted.at[i];
	wanted.n = n;
	return wanted;
}

/* tls_certs_not_after (reference h.1). */
static void tell_metrics(struct compile *c, struct str cert_pem, struct str key_pem)
{
	struct metric_registry *metrics = registry_metrics(c->registry);
	struct tls_cache *cache = registry_tls(c->registry);
	char message[TLS_MESSAGE_MAX];
	struct tls_cert *cert;

	if (!metrics || tls_cache_cert(cache, cert_pem, key_pem, &cert, message) < 0)
		return;
	struct tls_cert_facts facts = tls_cert_facts(cert, &c->scratch);
	const struct str labels[] = {facts.cn, facts.serial, facts.sans};

	metric_gauge_set(metrics, compile_series_of(c, METRIC_OF_CERT, labels), facts.not_after_s);
	tls_cache_cert_put(cache, cert);
}

void compile_tls_certificate(struct compile *c, struct tls_builder *builder,
			     const struct str_pair *wanted, struct diag_sink *sink, bool is_first)
{
	const struct diag_path *path =
		DIAG_FIELD(DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "tls"), "secretName");
	ptrdiff_t slash = str_find(wanted->key, '/');
	const struct object *object =
		compile_find(c, KIND_SECRET, str_take(wanted->key, (size_t)slash),
			     str_from(wanted->key, (size_t)slash + 1));
	const struct secret *secret = object && object->valid ? object->spec : NULL;
	struct str cert = secret ? secret_get(secret, STR("tls.crt")) : (struct str){0};
	struct str key = secret ? secret_get(secret, STR("tls.key")) : (struct str){0};
	char message[TLS_MESSAGE_MAX] = "";
	int status;

	diag_about(sink, wanted->value, (struct str){0}, 0);
	if (!object) {
		tls_cache_cert_forget(registry_tls(c->registry), wanted->key);
		diag_error(sink, path, "Secret " STR_FMT " does not exist", STR_ARG(wanted->key));
		return;
	}
	status = tls_builder_certificate_of(builder, wanted->key, cert, key, message);
	if (status) {
		diag_error(sink, path, "Secret " STR_FMT ": %s%s", STR_ARG(wanted->key),
			   !secret		 ? "it has errors"
			   : cert.len && key.len ? message
						 : "it has no tls.crt and tls.key",
			   status > 0 ? ": the last good certificate is still used" : "");
	} else {
		if (message[0])
			diag_warning(sink, path, "Secret " STR_FMT ": %s", STR_ARG(wanted->key),
				     message);
		if (is_first)
			tell_metrics(c, cert, key);
	}
}
