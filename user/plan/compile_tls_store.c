// SPDX-License-Identifier: Apache-2.0
/*
 * compile_tls_store: the TLSStore that counts (reference a.10): the one named default, if there is
 * just one of that name.
 */

#include "model/secret_object.h"
#include "model/tls_store.h"
#include "plan/compile_parts.h"

const struct object *compile_tls_store(struct compile *c, struct diag_sink *sink)
{
	size_t n;
	struct object **objects = compile_sorted(c, KIND_TLS_STORE, &n);
	const struct object *found = NULL;

	for (size_t i = 0; objects && i < n; i++) {
		diag_about(sink, objects[i]->id, objects[i]->file, objects[i]->line);
		if (!str_eq(objects[i]->meta.name, STR("default"))) {
			diag_warning(sink, DIAG_FIELD(DIAG_FIELD(NULL, "metadata"), "name"),
				     "has no effect: only the TLSStore named default counts");
		} else if (found) {
			diag_error(sink, DIAG_FIELD(NULL, "metadata"),
				   "there is another TLSStore named default, " STR_FMT
				   ", so neither is used",
				   STR_ARG(found->id));
			return NULL;
		} else {
			found = objects[i];
		}
	}
	return found && found->valid ? found : NULL;
}

size_t compile_tls_store_names(const struct object *store, struct str *names, size_t max)
{
	const struct tls_store *spec = store ? store->spec : NULL;
	size_t n = 0;

	for (size_t i = 0; spec && i < spec->certificates.n; i++, n++)
		if (n < max)
			names[n] =
				LIST_AT(spec->certificates, const struct tls_store_certificate, i)
					->secret_name;
	return n;
}

void compile_tls_store_default(struct compile *c, const struct object *store,
			       struct tls_builder *builder, struct diag_sink *sink)
{
	const struct tls_store *spec = store ? store->spec : NULL;
	const struct diag_path *path = DIAG_FIELD(
		DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "defaultCertificate"), "secretName");
	char message[TLS_MESSAGE_MAX] = "";
	const struct object *object;
	const struct secret *secret;

	if (!spec || !spec->default_certificate)
		return;
	diag_about(sink, store->id, store->file, store->line);
	object = compile_find(c, KIND_SECRET, store->meta.namespace_,
			      spec->default_certificate->secret_name);
	secret = object && object->valid ? object->spec : NULL;
	if (!secret) {
		diag_error(sink, path,
			   "Secret " STR_FMT "/" STR_FMT
			   " does not exist or has errors: a generated certificate is used",
			   STR_ARG(store->meta.namespace_),
			   STR_ARG(spec->default_certificate->secret_name));
		return;
	}
	if (tls_builder_default_certificate(builder, secret_get(secret, STR("tls.crt")),
					    secret_get(secret, STR("tls.key")), message) < 0)
		diag_error(sink, path, "Secret " STR_FMT ": %s: a generated certificate is used",
			   STR_ARG(object->id), message);
	else if (message[0])
		diag_warning(sink, path, "Secret " STR_FMT ": %s", STR_ARG(object->id), message);
}
