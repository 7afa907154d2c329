// SPDX-License-Identifier: Apache-2.0
/* secret_pem: see the header. */

#include "mw/secret_pem.h"

#include <errno.h>

static int fault(struct mw_prepare *prepare, const struct diag_path *path, struct str name,
		 const char *why)
{
	struct diag *diag = diag_error(prepare->sink, path, "%s", why);

	diag_found(prepare->sink, diag, name);
	return -EINVAL;
}

static struct str value_of(const struct str_map *data, struct str key)
{
	for (size_t i = 0; i < data->n; i++)
		if (str_eq(data->at[i].key, key))
			return data->at[i].value;
	return (struct str){0};
}

static bool find(struct mw_prepare *prepare, struct str name, struct str_map *ret_data)
{
	struct str type;

	return prepare->secret(prepare, name, &type, ret_data);
}

static int read_ca(struct mw_prepare *prepare, const struct diag_path *path, struct str name,
		   struct str *ret_pem)
{
	struct str_map data;

	if (!find(prepare, name, &data))
		return fault(prepare, path, name, "there is no such Secret in this namespace");
	*ret_pem = value_of(&data, STR("tls.ca"));
	if (!ret_pem->len)
		*ret_pem = value_of(&data, STR("ca.crt"));
	if (!ret_pem->len && data.n == 1)
		*ret_pem = data.at[0].value;
	return ret_pem->len ? 0
			    : fault(prepare, path, name,
				    "the Secret holds neither tls.ca nor ca.crt, nor a single key");
}

static int read_cert(struct mw_prepare *prepare, const struct diag_path *path, struct str name,
		     struct mw_url_tls *tls)
{
	struct str_map data;

	if (!find(prepare, name, &data))
		return fault(prepare, path, name, "there is no such Secret in this namespace");
	tls->cert_pem = value_of(&data, STR("tls.crt"));
	tls->key_pem = value_of(&data, STR("tls.key"));
	return tls->cert_pem.len && tls->key_pem.len
		       ? 0
		       : fault(prepare, path, name, "the Secret lacks tls.crt or tls.key");
}

int secret_pem_read(struct mw_prepare *prepare, const struct forward_auth_tls *from,
		    struct mw_url_tls *ret_tls)
{
	const struct diag_path *path = DIAG_FIELD(prepare->path, "tls");
	int ca = 0, cert = 0;

	*ret_tls = (struct mw_url_tls){.insecure_skip_verify = from->insecure_skip_verify};
	if (from->ca_secret.len)
		ca = read_ca(prepare, DIAG_FIELD(path, "caSecret"), from->ca_secret,
			     &ret_tls->ca_pem);
	if (from->cert_secret.len)
		cert = read_cert(prepare, DIAG_FIELD(path, "certSecret"), from->cert_secret,
				 ret_tls);
	return ca < 0 ? ca : cert;
}

int secret_pem_only(struct mw_prepare *prepare, const char *field, struct str name,
		    struct str *ret_value)
{
	const struct diag_path *path = DIAG_FIELD(prepare->path, field);
	struct str_map data;

	if (!find(prepare, name, &data))
		return fault(prepare, path, name, "there is no such Secret in this namespace");
	if (data.n != 1 || data.at[0].value.len == 0)
		return fault(prepare, path, name,
			     "the Secret must hold exactly one key, with a value");
	*ret_value = data.at[0].value;
	return 0;
}
