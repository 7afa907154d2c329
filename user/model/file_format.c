// SPDX-License-Identifier: Apache-2.0
/*
 * file_format: each section's entries are rewritten into the content of an object, key by key; what
 * is not known stays where it is, so that the object's own field table complains about it.
 */
#include "model/file_format.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "model/file_entry.h"
#include "model/file_stream.h"

/* ---------------------------------------------------------------- routers -- */

static void router(struct file_entry *entry, json_t *conf)
{
	json_t *route = json_object(), *routes = json_array(), *spec = json_object(), *value;
	json_t *services = json_array();

	json_object_set_new(route, "kind", json_string("Rule"));
	if ((value = file_entry_take(conf, "rule")))
		json_object_set_new(route, "match", value);
	if ((value = file_entry_take(conf, "ruleSyntax")))
		json_object_set_new(route, "syntax", value);
	if ((value = file_entry_take(conf, "middlewares")))
		json_object_set_new(route, "middlewares", file_entry_refs(value, NULL));
	if ((value = file_entry_take(conf, "service")))
		json_array_append_new(services, file_entry_ref(value, "TraefikService"));
	json_object_set_new(route, "services", services);
	for (size_t i = 0; i < 2; i++) {
		static const char *const kept[] = {"entryPoints", "tls"};

		if ((value = file_entry_take(conf, kept[i])))
			json_object_set_new(spec, kept[i], value);
	}
	if ((value = file_entry_take(conf, "parentRefs")))
		json_object_set_new(spec, "parentRefs", file_entry_refs(value, NULL));
	value = json_object_get(spec, "tls");
	/* "tls: true" and an empty table mean the same. */
	if (json_is_true(value) || (json_is_null(value) && json_object_get(spec, "tls")))
		json_object_set_new(spec, "tls", json_object());
	value = json_object_get(json_object_get(spec, "tls"), "options");
	if (json_is_string(value))
		json_object_set_new(json_object_get(spec, "tls"), "options",
				    file_entry_ref(json_incref(value), NULL));
	json_object_update_missing(route, conf);
	json_array_append_new(routes, route);
	json_object_set_new(spec, "routes", routes);
	file_entry_emit(entry, KIND_INGRESS_ROUTE, spec);
}

/* --------------------------------------------------------------- services -- */

/* "service: a" -> the fields of a reference, in place. */
static void inline_ref(json_t *conf, const char *key)
{
	json_t *name = file_entry_take(conf, key);

	if (!name)
		return;
	json_object_set_new(conf, "name", name);
	json_object_set_new(conf, "kind", json_string("TraefikService"));
}

static void name_refs(json_t *list)
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item) if (json_is_object(item) && json_object_get(item, "name"))
		json_object_set_new(item, "kind", json_string("TraefikService"));
}

static void ref_in_place(json_t *conf, const char *key)
{
	json_t *name = file_entry_take(conf, key);

	if (name)
		json_object_set_new(conf, key, file_entry_ref(name, "TraefikService"));
}

/*
 * Services made of services take notice of what happens to their parts in any case, which is all
 * that their healthCheck asks for (reference a.6).
 */
static void drop_health_check(json_t *conf)
{
	json_decref(file_entry_take(conf, "healthCheck"));
}

/* reference d.2: a service is of one type. */
static bool is_of_one_type(struct file_entry *entry, json_t *conf)
{
	static const char *const types[] = {"loadBalancer", "weighted", "mirroring",
					    "highestRandomWeight", "failover"};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		n += file_entry_find(conf, types[i]) != NULL;
	if (n > 1)
		file_entry_fault(entry, NULL,
				 "more than one of loadBalancer, weighted, mirroring, "
				 "highestRandomWeight and failover");
	return n <= 1;
}

static void service(struct file_entry *entry, json_t *conf)
{
	json_t *balancer = file_entry_find(conf, "loadBalancer"), *part;

	if (!is_of_one_type(entry, conf))
		return;
	if (balancer) {
		json_object_set_new(balancer, "name", json_string("servers"));
		file_entry_emit(entry, KIND_FILE_SERVICE, json_incref(balancer));
		return;
	}
	if ((part = file_entry_find(conf, "weighted"))) {
		drop_health_check(part);
		name_refs(file_entry_find(part, "services"));
	}
	if ((part = file_entry_find(conf, "highestRandomWeight"))) {
		drop_health_check(part);
		name_refs(file_entry_find(part, "services"));
	}
	if ((part = file_entry_find(conf, "mirroring"))) {
		drop_health_check(part);
		inline_ref(part, "service");
		name_refs(file_entry_find(part, "mirrors"));
	}
	if ((part = file_entry_find(conf, "failover"))) {
		drop_health_check(part);
		ref_in_place(part, "service");
		ref_in_place(part, "fallback");
		if (!file_entry_find(part, "errors"))
			json_object_set_new(part, "errors", json_object());
	}
	file_entry_emit(entry, KIND_TRAEFIK_SERVICE, json_incref(conf));
}

/* ------------------------------------------------------------ middlewares -- */

/* users and usersFile -> a Secret with the lines. */
static void users(struct file_entry *entry, json_t *conf)
{
	json_t *list = file_entry_take(conf, "users"), *file = file_entry_take(conf, "usersFile");
	json_t *user, *data = json_object();
	struct buf lines;
	size_t i;

	buf_init(&lines, 16 << 20);
	json_array_foreach(list, i, user)
	{
		buf_add(&lines, file_entry_text(user));
		buf_add_char(&lines, '\n');
	}
	if (file)
		file_entry_read_lines(entry, file_entry_text(file), "usersFile", &lines);
	if (list || file) {
		json_object_set_new(data, "users", file_entry_json(buf_str(&lines)));
		json_object_set_new(conf, "secret", file_entry_secret(entry, "users", NULL, data));
		data = NULL;
	}
	json_decref(data);
	json_decref(list);
	json_decref(file);
	if (lines.at)
		explicit_bzero(lines.at, lines.len);
	buf_done(&lines);
}

/* tls{ca, cert, key}: texts or files -> tls{caSecret, certSecret}. */
static void tls_client(struct file_entry *entry, json_t *tls)
{
	json_t *ca = file_entry_take(tls, "ca"), *cert = file_entry_take(tls, "cert");
	json_t *key = file_entry_take(tls, "key"), *data;

	if (ca) {
		data = json_object();
		json_object_set_new(data, "tls.ca", file_entry_pem(entry, ca, "tls.ca"));
		json_object_set_new(tls, "caSecret", file_entry_secret(entry, "ca", NULL, data));
	}
	if (cert || key) {
		data = json_object();
		json_object_set_new(data, "tls.crt", file_entry_pem(entry, cert, "tls.cert"));
		json_object_set_new(data, "tls.key", file_entry_pem(entry, key, "tls.key"));
		json_object_set_new(tls, "certSecret",
				    file_entry_secret(entry, "cert", "kubernetes.io/tls", data));
	}
	json_decref(ca);
	json_decref(cert);
	json_decref(key);
}

static void redis(struct file_entry *entry, json_t *conf)
{
	json_t *name = file_entry_take(conf, "username"), *word = file_entry_take(conf, "password");
	json_t *data = json_object();

	if (name)
		json_object_set(data, "username", name);
	if (word)
		json_object_set(data, "password", word);
	if (name || word)
		json_object_set_new(conf, "secret",
				    file_entry_secret(entry, "redis", NULL, json_incref(data)));
	tls_client(entry, file_entry_find(conf, "tls"));
	json_decref(data);
	json_decref(name);
	json_decref(word);
}

static void middleware(struct file_entry *entry, json_t *conf)
{
	json_t *part, *value;

	users(entry, file_entry_find(conf, "basicAuth"));
	users(entry, file_entry_find(conf, "digestAuth"));
	if ((part = file_entry_find(conf, "forwardAuth")))
		tls_client(entry, file_entry_find(part, "tls"));
	if ((part = file_entry_find(conf, "rateLimit")) && (part = file_entry_find(part, "redis")))
		redis(entry, part);
	if ((part = file_entry_find(conf, "errors")))
		ref_in_place(part, "service");
	if ((part = file_entry_find(conf, "chain")) &&
	    (value = file_entry_take(part, "middlewares")))
		json_object_set_new(part, "middlewares", file_entry_refs(value, NULL));
	file_entry_emit(entry, KIND_MIDDLEWARE, json_incref(conf));
}

/* --------------------------------------------------------------------- tls -- */

static void transport(struct file_entry *entry, json_t *conf)
{
	file_entry_transport_files(entry, conf);
	file_entry_emit(entry, KIND_SERVERS_TRANSPORT, json_incref(conf));
}

/* defaultCertificate{certFile, keyFile} -> a Secret. */
static void tls_store(struct file_entry *entry, json_t *conf)
{
	json_t *files = file_entry_take(conf, "defaultCertificate");

	if (files)
		json_object_set_new(
			conf, "defaultCertificate",
			json_pack("{s:o}", "secretName",
				  file_entry_certificate(entry, "default-certificate", files)));
	json_decref(files);
	file_entry_emit(entry, KIND_TLS_STORE, json_incref(conf));
}

static void tls_options(struct file_entry *entry, json_t *conf)
{
	json_t *auth = file_entry_find(conf, "clientAuth"), *names = json_array(), *item;
	json_t *files = file_entry_take(auth, "caFiles");
	char suffix[32];
	size_t i;

	json_array_foreach(files, i, item)
	{
		json_t *data = json_object();

		snprintf(suffix, sizeof(suffix), "ca-%zu", i);
		json_object_set_new(data, "tls.ca",
				    file_entry_pem(entry, item, "clientAuth.caFiles"));
		json_array_append_new(names, file_entry_secret(entry, suffix, NULL, data));
	}
	if (files)
		json_object_set(auth, "secretNames", names);
	json_decref(names);
	json_decref(files);
	file_entry_emit(entry, KIND_TLS_OPTION, json_incref(conf));
}

/* ----------------------------------------------------------------- sections -- */

static void each_entry(const struct file_format *format, const char *kind, json_t *section,
		       void (*convert)(struct file_entry *entry, json_t *conf))
{
	const char *name;
	json_t *conf;

	json_object_foreach(section, name, conf)
	{
		struct file_entry entry = {.format = format, .kind = kind, .name = str_of(name)};

		if (json_is_object(conf))
			convert(&entry, conf);
		else
			file_entry_fault(&entry, NULL, "not a table of settings");
	}
}

static struct str base_name(struct str path)
{
	for (size_t i = path.len; i > 0; i--)
		if (path.at[i - 1] == '/')
			return str_from(path, i);
	return path;
}

static void certificates(const struct file_format *format, json_t *list)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		char name[320];
		struct file_entry entry = {.format = format, .kind = "certificate"};

		/* Each file of a folder counts from 0. */
		snprintf(name, sizeof(name), STR_FMT "-%zu",
			 STR_ARG(str_take(base_name(format->file), 256)), i);
		entry.name = str_of(name);
		json_decref(file_entry_certificate(&entry, NULL, item));
	}
}

struct section {
	const char *name;
	const char *kind;
	void (*convert)(struct file_entry *entry, json_t *conf);
};

/* Entries of a part of the file; what has no row is told of. */
static void each_section(const struct file_format *format, const char *part, json_t *conf,
			 const struct section *sections, size_t n)
{
	const char *name;
	json_t *value;

	json_object_foreach(conf, name, value)
	{
		size_t i = 0;

		while (i < n && strcasecmp(sections[i].name, name) != 0)
			i++;
		if (i < n && sections[i].convert)
			each_entry(format, sections[i].kind, value, sections[i].convert);
		else if (i == n && json_object_size(value))
			diag_warning(format->sink, DIAG_FIELD(DIAG_FIELD(NULL, part), name),
				     "is not supported: no effect");
	}
}

void file_format_decode(const struct file_format *format, json_t *document)
{
	static const struct section http[] = {
		{"routers", "router", router},
		{"services", "service", service},
		{"middlewares", "middleware", middleware},
		{"serversTransports", "transport", transport},
	};
	static const struct section tcp[] = {
		{"routers", "tcp-router", file_stream_tcp_router},
		{"services", "tcp-service", file_stream_tcp_service},
		{"middlewares", "tcp-middleware", file_stream_middleware},
		{"serversTransports", "tcp-transport", file_stream_transport},
	};
	static const struct section udp[] = {
		{"routers", "udp-router", file_stream_udp_router},
		{"services", "udp-service", file_stream_udp_service},
	};
	static const struct section tls[] = {
		{"options", "tls-option", tls_options},
		{"stores", "tls-store", tls_store},
		{"certificates", NULL, NULL},
	};
	const char *name;
	json_t *part;

	diag_about(format->sink, (struct str){0}, format->file, format->line);
	if (!json_is_object(document)) {
		diag_expected(format->sink,
			      diag_error(format->sink, NULL, "not Traefik's file format"),
			      "http, tcp, udp, tls");
		return;
	}
	json_object_foreach(document, name, part)
	{
		if (!strcasecmp(name, "http")) {
			each_section(format, "http", part, http, sizeof(http) / sizeof(*http));
		} else if (!strcasecmp(name, "tls")) {
			each_section(format, "tls", part, tls, sizeof(tls) / sizeof(*tls));
			certificates(format, file_entry_find(part, "certificates"));
		} else if (!strcasecmp(name, "tcp")) {
			each_section(format, "tcp", part, tcp, sizeof(tcp) / sizeof(*tcp));
		} else if (!strcasecmp(name, "udp")) {
			each_section(format, "udp", part, udp, sizeof(udp) / sizeof(*udp));
		} else {
			diag_expected(
				format->sink,
				diag_error(format->sink, DIAG_FIELD(NULL, name), "unknown section"),
				"http, tcp, udp, tls");
		}
	}
}

/* ---------------------------------------------------------------- FileService -- */

static const struct field server_fields[] = {
	FIELD(struct file_server, url, .name = "url", .required = true,
	      .doc = "Where the server is: scheme, host and port."),
	FIELD(struct file_server, weight, .name = "weight", .preset = "1", .min = INT32_MIN,
	      .max = INT32_MAX, .doc = "Its share; 0 gets no requests."),
	FIELD(struct file_server, fenced, .name = "fenced",
	      .doc = "Keeps its sticky clients, gets no new ones."),
	FIELD(struct file_server, preserve_path, .name = "preservePath",
	      .doc = "Puts the path of the URL before the request's."),
};

static const struct schema schema_server = {
	.name = "server",
	.doc = "A server.",
	.size = sizeof(struct file_server),
	SCHEMA_FIELDS(server_fields),
};

static const struct field service_fields[] = {
	FIELD(struct file_service, servers, .name = "servers", .sub = &schema_server,
	      .doc = "The servers."),
	FIELD_FLAT(struct file_service, ref, &schema_service_ref),
};

static const struct schema schema_service = {
	.name = "loadBalancer",
	.doc = "Servers by their URLs.",
	.size = sizeof(struct file_service),
	SCHEMA_FIELDS(service_fields),
};

static const struct field object_fields[] = {
	FIELD_DEEPER(&schema_service, .name = "spec", .required = true,
		     .doc = "Servers by their URLs."),
};

const struct schema schema_file_service = {
	.name = "FileService",
	.doc = "A load balancer of Traefik's file format.",
	.size = sizeof(struct file_service),
	SCHEMA_FIELDS(object_fields),
};
