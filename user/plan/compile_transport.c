// SPDX-License-Identifier: Apache-2.0
/*
 * compile_transport: ServersTransport objects and the static default -> transports (reference a.7).
 *
 * Each object is a unit, made for plain connections and for TLS; the registry gives back what was
 * before as long as its object, its Secrets and its ConfigMaps stay the same. A certificate that
 * cannot be read is left out and told of. When CAs were named and none can be read, nobody is
 * trusted: never more than was asked for (reference/security.md A2.5).
 */

#include <stdatomic.h>
#include <stdlib.h>

#include "base/hash.h"
#include "model/config_map.h"
#include "model/servers_transport.h"
#include "plan/compile_services.h"
#include "plan/compile_unit.h"
#include "tls/tls_client.h"
#include "tls/tls_suite.h"

enum { CIPHER_LIST_MAX = 2048 };

/* A transport on its way: what the registry makes it from. */
struct making {
	struct compile *compile;
	struct transport draft;
	struct tls_client_options tls;
	bool wants_tls;
	struct str namespace_;
	uint64_t hash; /* of everything that was read */
	const struct diag_path *path;
	struct str *cas;
	struct tls_client_pair *pairs;
	char ciphers[CIPHER_LIST_MAX];
};

static void read_bytes(struct making *making, struct str text)
{
	making->hash = hash_mix64(making->hash ^ hash_keyed(text));
}

/* --------------------------------------------------------- certificates ------ */

struct str compile_transport_ca(const struct secret *secret)
{
	struct str pem = secret_get(secret, STR("tls.ca"));

	if (!pem.at)
		pem = secret_get(secret, STR("ca.crt"));
	if (!pem.at && secret->data.n == 1)
		pem = secret->data.at[0].value;
	return pem;
}

static const struct object *find(struct making *making, enum kind kind, struct str name)
{
	const struct object *object = compile_find(making->compile, kind, making->namespace_, name);

	return object && object->valid ? object : NULL;
}

static void add_ca(struct making *making, enum kind kind, struct str name,
		   const struct diag_path *path)
{
	const struct object *object = find(making, kind, name);
	struct str pem = {0};

	making->tls.has_cas = true;
	if (object && kind == KIND_SECRET) {
		pem = compile_transport_ca(object->spec);
	} else if (object) {
		pem = config_map_get(object->spec, STR("tls.ca"));
		if (!pem.at)
			pem = config_map_get(object->spec, STR("ca.crt"));
	}
	if (!pem.len) {
		diag_error(making->compile->sink, path, "%s " STR_FMT " has no CA%s",
			   kind_infos[kind].kind, STR_ARG(name),
			   object ? "" : ", since it does not exist or has errors");
		return;
	}
	read_bytes(making, pem);
	making->cas[making->tls.n_cas++] = pem;
}

static void add_cas(struct making *making, const struct servers_transport *spec)
{
	const struct diag_path *path = DIAG_FIELD(making->path, "rootCAs");
	const struct diag_path *old = DIAG_FIELD(making->path, "rootCAsSecrets");

	making->cas = ARENA_ARRAY(&making->compile->scratch, struct str,
				  spec->root_cas.n + spec->root_cas_secrets.n + 1);
	if (!making->cas)
		return;
	making->tls.cas = making->cas;
	for (size_t i = 0; i < spec->root_cas.n; i++) {
		const struct root_ca *ca = LIST_AT(spec->root_cas, const struct root_ca, i);
		bool is_map = ca->config_map.len > 0;

		add_ca(making, is_map ? KIND_CONFIG_MAP : KIND_SECRET,
		       is_map ? ca->config_map : ca->secret, DIAG_INDEX(path, i));
	}
	for (size_t i = 0; i < spec->root_cas_secrets.n; i++)
		add_ca(making, KIND_SECRET, spec->root_cas_secrets.at[i], DIAG_INDEX(old, i));
}

static void add_pairs(struct making *making, const struct strs *names)
{
	const struct diag_path *path = DIAG_FIELD(making->path, "certificatesSecrets");

	making->pairs =
		ARENA_ARRAY(&making->compile->scratch, struct tls_client_pair, names->n + 1);
	for (size_t i = 0; making->pairs && i < names->n; i++) {
		const struct object *object = find(making, KIND_SECRET, names->at[i]);
		const struct secret *secret = object ? object->spec : NULL;
		struct tls_client_pair pair = {0};

		if (secret) {
			pair.cert_pem = secret_get(secret, STR("tls.crt"));
			pair.key_pem = secret_get(secret, STR("tls.key"));
		}
		if (!pair.cert_pem.len || !pair.key_pem.len) {
			diag_error(making->compile->sink, DIAG_INDEX(path, i),
				   "Secret " STR_FMT " has no tls.crt and tls.key%s",
				   STR_ARG(names->at[i]),
				   secret ? "" : ", since it does not exist or has errors");
			continue;
		}
		read_bytes(making, pair.cert_pem);
		read_bytes(making, pair.key_pem);
		making->pairs[making->tls.n_pairs++] = pair;
	}
	making->tls.pairs = making->pairs;
}

static void add_sans(struct making *making, const struct servers_transport *spec)
{
	struct tls_client_san *sans = ARENA_ARRAY(&making->compile->scratch, struct tls_client_san,
						  spec->peer_cert_sans.n + 1);

	if (!sans)
		return;
	making->tls.sans = sans;
	if (spec->peer_cert_uri.len)
		sans[making->tls.n_sans++] = (struct tls_client_san){true, spec->peer_cert_uri};
	for (size_t i = 0; i < spec->peer_cert_sans.n; i++) {
		const struct peer_cert_san *san =
			LIST_AT(spec->peer_cert_sans, const struct peer_cert_san, i);

		sans[making->tls.n_sans++] =
			(struct tls_client_san){str_eq(san->type, STR("URI")), san->value};
	}
}

/* ------------------------------------------------------------- protocol ------ */

/* reference a.7: one unknown name, and the whole list is dropped. */
static void read_ciphers(struct making *making, const struct strs *names)
{
	struct diag_sink *sink = making->compile->sink;
	const struct diag_path *path = DIAG_FIELD(making->path, "cipherSuites");
	size_t len = 0;

	for (size_t i = 0; i < names->n; i++) {
		const struct tls_suite *suite = tls_suite_find(names->at[i]);
		struct str nearest;

		if (suite && suite->openssl && !suite->is_tls13 && len < CIPHER_LIST_MAX - 64)
			len += (size_t)snprintf(making->ciphers + len, CIPHER_LIST_MAX - len,
						"%s%s", len ? ":" : "", suite->openssl);
		if (suite)
			continue;
		struct diag *diag = diag_warning(sink, DIAG_INDEX(path, i),
						 "unknown cipher suite: the default list is used");

		diag_found(sink, diag, names->at[i]);
		nearest = tls_suite_nearest(names->at[i]);
		if (nearest.len)
			diag_suggest(sink, diag, "did you mean " STR_FMT "?", STR_ARG(nearest));
		making->ciphers[0] = '\0';
		return;
	}
	if (len)
		making->tls.ciphers = making->ciphers;
	else if (names->n)
		/* Suites of TLS 1.3 alone rule TLS 1.2 out, as in Go. */
		making->tls.min_version = 0x0304;
}

static uint16_t version_of(struct making *making, struct str text, const char *field)
{
	struct diag_sink *sink = making->compile->sink;
	uint16_t version = tls_suite_version(text);

	if (text.len && !version)
		diag_found(sink,
			   diag_warning(sink, DIAG_FIELD(making->path, field),
					"unknown TLS version: the default is used"),
			   text);
	return version;
}

static void read_versions(struct making *making, const struct servers_transport *spec)
{
	uint16_t min = version_of(making, spec->min_version, "minVersion");
	uint16_t max = version_of(making, spec->max_version, "maxVersion");

	if (min && max && min > max) {
		diag_warning(making->compile->sink, DIAG_FIELD(making->path, "minVersion"),
			     "newer than maxVersion: neither of them counts");
		min = max = 0;
	}
	if (min > making->tls.min_version)
		making->tls.min_version = min;
	making->tls.max_version = max;
	/* An old maximum without a minimum means what the maximum is. */
	if (max && max < 0x0303 && !min)
		making->tls.min_version = max;
}

static uint64_t or_else(struct duration duration, uint64_t else_s)
{
	return duration.ns > 0 ? (uint64_t)duration.ns : else_s * 1000000000ULL;
}

/* reference a.7: 0 is Go's default, a negative number keeps none. */
static uint32_t max_idle(int64_t number)
{
	return number > 0 ? (uint32_t)number : number < 0 ? 0 : TRANSPORT_MAX_IDLE;
}

static void read_spec(struct making *making, const struct servers_transport *spec)
{
	const struct transport_timeouts *timeouts = spec->forwarding_timeouts;
	struct transport *draft = &making->draft;

	making->hash = schema_hash(&schema_servers_transport_object, spec);
	if (timeouts) {
		draft->dial_ns = or_else(timeouts->dial, TRANSPORT_DIAL_S);
		draft->response_header_ns = or_else(timeouts->response_header, 0);
		draft->idle_ns = or_else(timeouts->idle_conn, TRANSPORT_IDLE_S);
		draft->read_idle_ns = or_else(timeouts->read_idle, 0);
		draft->ping_ns = or_else(timeouts->ping, TRANSPORT_PING_S);
	}
	draft->max_idle = max_idle(spec->max_idle_conns_per_host);
	draft->http2 = !spec->disable_http2;
	if (spec->proxy_protocol)
		draft->proxy_protocol = (uint8_t)spec->proxy_protocol->version;
	making->tls.server_name = spec->server_name;
	making->tls.insecure_skip_verify = spec->insecure_skip_verify;
	add_cas(making, spec);
	add_pairs(making, &spec->certificates_secrets);
	add_sans(making, spec);
	read_ciphers(making, &spec->cipher_suites);
	read_versions(making, spec);
}

static void read_default(struct making *making)
{
	const struct static_servers_transport *conf = &making->compile->config->servers_transport;
	struct transport *draft = &making->draft;

	draft->dial_ns = or_else(conf->forwarding_timeouts.dial, TRANSPORT_DIAL_S);
	draft->response_header_ns = or_else(conf->forwarding_timeouts.response_header, 0);
	draft->idle_ns = or_else(conf->forwarding_timeouts.idle_conn, TRANSPORT_IDLE_S);
	draft->max_idle = max_idle(conf->max_idle_conns_per_host);
	draft->http2 = true;
	making->tls.insecure_skip_verify = conf->insecure_skip_verify;
	making->tls.has_cas = conf->root_cas.n > 0;
	making->tls.cas = conf->root_cas.at;
	making->tls.n_cas = conf->root_cas.n;
}

/* --------------------------------------------------------------- making ------ */

static struct str copy_behind(char **at, struct str text)
{
	struct str copy = {*at, text.len};

	if (text.len)
		memcpy(*at, text.at, text.len);
	*at += text.len;
	return copy;
}

/* For the registry: the content is new. */
static void *make(void *context)
{
	struct making *making = context;
	static _Atomic uint64_t ids;
	char message[TLS_MESSAGE_MAX] = "";
	struct tls_client *client = NULL;
	struct transport *transport;
	struct str name = making->draft.name;
	char *at;

	making->tls.offers_h2 = making->draft.http2;
	if (making->wants_tls && tls_client_new(&making->tls, &client, message) < 0) {
		diag_error(making->compile->sink, making->path, "%s",
			   message[0] ? message : "out of memory");
		return NULL;
	}
	transport = malloc(sizeof(*transport) + name.len + strlen(message));
	if (!transport) {
		tls_client_unref(client);
		return NULL;
	}
	*transport = making->draft;
	transport->id = atomic_fetch_add_explicit(&ids, 1, memory_order_relaxed) + 1;
	transport->tls = client;
	at = (char *)(transport + 1);
	transport->name = copy_behind(&at, name);
	transport->problem = copy_behind(&at, str_of(message));
	return transport;
}

static const struct transport *finish(struct making *making)
{
	struct compile *c = making->compile;
	struct str key = arena_printf(&c->scratch, "transport " STR_FMT " %016llx%s",
				      STR_ARG(making->draft.name), (unsigned long long)making->hash,
				      making->wants_tls ? " tls" : "");
	void *thing = NULL;

	if (!key.at || registry_thing(c->registry, key, make, making, transport_free, &thing) < 0)
		return NULL;
	const struct transport *transport = thing;

	if (transport->problem.len)
		diag_error(c->sink, making->path, STR_FMT, STR_ARG(transport->problem));
	return transport;
}

static struct making begin(struct compile *c, struct str name, enum transport_scheme scheme)
{
	struct making making = {
		.compile = c, .draft = transport_plain, .wants_tls = scheme == TRANSPORT_HTTPS};

	making.draft.name = name;
	return making;
}

void compile_transport_object(struct compile *c, const struct object *object)
{
	struct making making =
		begin(c, names_qualified(object->meta.namespace_, object->meta.name, &c->scratch),
		      TRANSPORT_HTTPS);

	if (!object->valid)
		return;
	making.path = DIAG_FIELD(NULL, "spec");
	making.namespace_ = object->meta.namespace_;
	read_spec(&making, object->spec);
	c->made->transports[1] = finish(&making);
	making.wants_tls = false;
	c->made->transports[0] = finish(&making);
}

const struct transport *compile_transport_tcp(struct compile *c, const struct object *object,
					      struct str name, const struct servers_transport *spec)
{
	struct making making = begin(c, name, TRANSPORT_HTTPS);
	struct compile_about before = compile_about(c, object);
	const struct transport *transport;

	making.path = DIAG_FIELD(DIAG_FIELD(NULL, "spec"), "tls");
	making.namespace_ = object ? object->meta.namespace_ : (struct str){0};
	read_spec(&making, spec);
	transport = finish(&making);
	compile_about_end(c, before);
	return transport;
}

static const struct transport *of_default(struct compile *c, enum transport_scheme scheme)
{
	struct making making = begin(c, STR("default" NAMES_INTERNAL), scheme);
	struct compile_about before = compile_about(c, NULL);
	const struct transport *transport;

	making.path = DIAG_FIELD(NULL, "serversTransport");
	read_default(&making);
	transport = finish(&making);
	compile_about_end(c, before);
	return transport;
}

/* When it is asked for first; for all units. */
static const struct transport *the_default(struct compile *c, enum transport_scheme scheme)
{
	bool is_tls = scheme == TRANSPORT_HTTPS;
	struct compile_scope before;

	if (c->has_default_transport[is_tls])
		return c->default_transports[is_tls];
	before = compile_unit_share(c);
	c->default_transports[is_tls] = of_default(c, scheme);
	c->has_default_transport[is_tls] = true;
	compile_unit_end(c, before);
	return c->default_transports[is_tls];
}

/* ----------------------------------------------------------- references ------ */

/* The object of a qualified name, "shop-mtls@kubernetescrd". */
static const struct object *find_named(struct compile *c, struct str name)
{
	size_t n;
	struct object **objects = compile_sorted(c, KIND_SERVERS_TRANSPORT, &n);

	for (size_t i = 0; objects && i < n; i++)
		if (str_eq(names_qualified(objects[i]->meta.namespace_, objects[i]->meta.name,
					   &c->scratch),
			   name))
			return objects[i];
	return NULL;
}

static const struct transport *of_unit(struct compile *c, const struct object *object,
				       enum transport_scheme scheme)
{
	const struct compile_made *made = compile_unit_of(c, object->id);

	return made ? made->transports[scheme == TRANSPORT_HTTPS] : NULL;
}

const struct transport *compile_transport(struct compile *c, struct str reference,
					  struct str service_namespace,
					  enum transport_scheme scheme,
					  const struct diag_path *path)
{
	const struct transport *transport = NULL;
	const struct object *object;

	if (!reference.len || str_eq(reference, STR("default" NAMES_INTERNAL))) {
		transport = the_default(c, scheme);
		if (!transport)
			diag_error(c->sink, path, "the default transport has errors");
		return transport;
	}
	if (str_find(reference, '@') >= 0) {
		struct object_ref ref = {.name = reference};
		struct str unused;

		/* reference a.0, rule 1: the same rules as for middlewares. */
		if (!compile_reference_middleware(c, service_namespace, &ref, path, &unused))
			return NULL;
		object = find_named(c, reference);
	} else {
		object = compile_find(c, KIND_SERVERS_TRANSPORT, service_namespace, reference);
	}
	if (!object) {
		diag_suggest(c->sink,
			     diag_error(c->sink, path,
					"ServersTransport " STR_FMT " does not exist",
					STR_ARG(reference)),
			     "it is looked for in the namespace of the Service, " STR_FMT,
			     STR_ARG(service_namespace));
		return NULL;
	}
	transport = of_unit(c, object, scheme);
	if (!transport)
		diag_error(c->sink, path, STR_FMT " has errors", STR_ARG(object->id));
	return transport;
}

const struct transport *compile_transport_url(struct compile *c, const struct mw_url_tls *tls,
					      enum transport_scheme scheme,
					      const struct diag_path *path)
{
	struct making making = begin(c, STR("url" NAMES_INTERNAL), scheme);
	struct tls_client_pair pair;

	if (!tls || scheme != TRANSPORT_HTTPS)
		return compile_transport(c, (struct str){0}, (struct str){0}, scheme, path);
	read_default(&making);
	making.path = path;
	making.tls.insecure_skip_verify = tls->insecure_skip_verify;
	making.tls.has_cas = tls->ca_pem.len > 0;
	making.tls.cas = &tls->ca_pem;
	making.tls.n_cas = making.tls.has_cas;
	read_bytes(&making, tls->ca_pem);
	read_bytes(&making, tls->cert_pem);
	read_bytes(&making, tls->key_pem);
	making.hash += tls->insecure_skip_verify;
	pair = (struct tls_client_pair){tls->cert_pem, tls->key_pem};
	making.tls.pairs = &pair;
	making.tls.n_pairs = tls->cert_pem.len > 0;
	return finish(&making);
}

struct str compile_transport_server_key(struct str url, const struct transport *transport,
					struct arena *arena)
{
	return arena_printf(arena, STR_FMT " %llu", STR_ARG(url),
			    transport ? (unsigned long long)transport->id : 0);
}
