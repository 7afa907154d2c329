// SPDX-License-Identifier: Apache-2.0
/*
 * compile_stream_transport: ServersTransportTCP objects, and what services say themselves, ->
 * transports (reference a.8).
 *
 * Without a transport of its own a service has the reference's quirk: a connection ends as soon as
 * one side does; and its deprecated terminationDelay counts nanoseconds.
 */

#include "plan/compile_stream.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/hash.h"
#include "model/servers_transport_tcp.h"

enum { DIAL_S = 30, KEEP_ALIVE_S = 15 };
#define NS_PER_S 1000000000LL

static struct str name_of(struct compile *c, const struct object *object)
{
	return names_qualified(object->meta.namespace_, object->meta.name, &c->scratch);
}

static const struct object *find(struct compile *c, const struct stream_transport_ask *ask,
				 const struct diag_path *path)
{
	struct object_ref ref = {.name = ask->reference};
	const struct object *object = NULL;
	struct object **objects;
	struct str unused;
	size_t n;

	if (str_find(ref.name, '@') < 0) {
		object = compile_find(c, KIND_SERVERS_TRANSPORT_TCP, ask->from, ref.name);
	} else {
		if (!compile_reference_middleware(c, ask->from, &ref, path, &unused))
			return NULL;
		objects = compile_sorted(c, KIND_SERVERS_TRANSPORT_TCP, &n);
		for (size_t i = 0; objects && i < n && !object; i++)
			if (str_eq(name_of(c, objects[i]), ref.name))
				object = objects[i];
	}
	if (object && object->valid)
		return object;
	if (object)
		diag_error(c->sink, path, STR_FMT " has errors", STR_ARG(object->id));
	else
		diag_suggest(c->sink,
			     diag_error(c->sink, path,
					"ServersTransportTCP " STR_FMT " does not exist",
					STR_ARG(ref.name)),
			     "it is looked for in the namespace of the route, " STR_FMT,
			     STR_ARG(ask->from));
	return NULL;
}

/* TLS settings, in the form that HTTP's have. */
static struct servers_transport tls_spec(const struct servers_transport_tcp_tls *tls)
{
	struct servers_transport spec = {.disable_http2 = true};

	if (!tls)
		return spec;
	spec.server_name = tls->server_name;
	spec.insecure_skip_verify = tls->insecure_skip_verify;
	spec.root_cas = tls->root_cas;
	spec.root_cas_secrets = tls->root_cas_secrets;
	spec.certificates_secrets = tls->certificates_secrets;
	spec.peer_cert_uri = tls->peer_cert_uri;
	spec.peer_cert_sans = tls->peer_cert_sans;
	return spec;
}

static void read_object(const struct servers_transport_tcp *spec, struct stream_transport *draft)
{
	if (spec->dial_timeout.ns > 0)
		draft->dial_ns = (uint64_t)spec->dial_timeout.ns;
	if (spec->dial_keep_alive.ns)
		draft->keep_alive_ns = spec->dial_keep_alive.ns;
	draft->termination_delay_ns = spec->termination_delay.ns;
	if (spec->proxy_protocol)
		draft->proxy_protocol = (uint8_t)spec->proxy_protocol->version;
}

/* For the registry: the content is new. */
static void *make(void *context)
{
	static _Atomic uint64_t ids;
	const struct stream_transport *draft = context;
	struct stream_transport *transport = malloc(sizeof(*transport));

	if (!transport)
		return NULL;
	*transport = *draft;
	transport->id = atomic_fetch_add_explicit(&ids, 1, memory_order_relaxed) + 1;
	return transport;
}

/* The same content gives the same transport. TLS and its problem are those of an HTTP transport,
 * which the registry keeps just as long. */
static const struct stream_transport *finish(struct compile *c, struct stream_transport *draft,
					     uint64_t tls_id)
{
	struct str key =
		arena_printf(&c->scratch, "tcp-transport %llu %lld %lld %u %llu",
			     (unsigned long long)draft->dial_ns, (long long)draft->keep_alive_ns,
			     (long long)draft->termination_delay_ns, draft->proxy_protocol,
			     (unsigned long long)tls_id);
	void *thing = NULL;

	if (!key.at || registry_thing(c->registry, key, make, draft, free, &thing) < 0) {
		c->arena->failed = true;
		return NULL;
	}
	return thing;
}

static const struct stream_transport *compile_one(struct compile *c, const struct object *object,
						  const struct stream_transport_ask *ask,
						  const struct diag_path *path)
{
	const struct servers_transport_tcp *spec = object ? object->spec : NULL;
	struct stream_transport draft = {.dial_ns = DIAL_S * NS_PER_S,
					 .keep_alive_ns = KEEP_ALIVE_S * NS_PER_S};
	const struct transport *tls = NULL;

	if (spec) {
		read_object(spec, &draft);
	} else {
		draft.termination_delay_ns =
			ask->termination_delay.set ? ask->termination_delay.value : 0;
		if (ask->proxy_protocol)
			draft.proxy_protocol = (uint8_t)ask->proxy_protocol->version;
	}
	if (ask->tls) {
		struct servers_transport settings = tls_spec(spec ? spec->tls : NULL);

		tls = compile_transport_tcp(
			c, object,
			object ? names_join(STR("tcp "), name_of(c, object), &c->scratch)
			       : STR("tcp default" NAMES_INTERNAL),
			&settings);
		if (!tls) {
			diag_error(c->sink, path,
				   "the settings of TLS towards servers have errors");
			return NULL;
		}
		draft.tls = tls->tls;
		draft.problem = tls->problem;
	}
	return finish(c, &draft, tls ? tls->id : 0);
}

const struct stream_transport *compile_stream_transport(struct compile *c,
							const struct stream_transport_ask *ask,
							const struct diag_path *path)
{
	const struct object *object = NULL;

	if (ask->reference.len && !str_eq(ask->reference, STR("default" NAMES_INTERNAL))) {
		object = find(c, ask, path);
		if (!object)
			return NULL;
	}
	return compile_one(c, object, ask, path);
}

void compile_stream_transports(struct compile *c)
{
	size_t n;
	struct object **objects = compile_sorted(c, KIND_SERVERS_TRANSPORT_TCP, &n);

	for (size_t i = 0; objects && i < n; i++) {
		struct stream_transport_ask ask = {.tls = true};
		struct compile_about before;

		if (!objects[i]->valid)
			continue;
		before = compile_about(c, objects[i]);
		compile_one(c, objects[i], &ask, DIAG_FIELD(NULL, "spec"));
		compile_about_end(c, before);
	}
}
