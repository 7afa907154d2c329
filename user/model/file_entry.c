// SPDX-License-Identifier: Apache-2.0
/* file_entry: see the header. */
#include "model/file_entry.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/hash.h"
#include "model/schema_value.h"

enum { FILE_MAX_BYTES = 4 << 20, NAME_BYTES = 300 };

json_t *file_entry_find(json_t *conf, const char *key)
{
	const char *name;
	json_t *value, *found = json_object_get(conf, key);

	if (found)
		return found;
	json_object_foreach(conf, name, value) if (!strcasecmp(name, key)) return value;
	return NULL;
}

json_t *file_entry_take(json_t *conf, const char *key)
{
	const char *name;
	json_t *value;

	json_object_foreach(conf, name, value) if (!strcasecmp(name, key))
	{
		json_incref(value);
		json_object_del(conf, name);
		return value;
	}
	return NULL;
}

struct str file_entry_text(const json_t *value)
{
	return json_is_string(value) ? schema_value_text(value) : (struct str){0};
}

json_t *file_entry_json(struct str text)
{
	return json_stringn(text.len ? text.at : "", text.len);
}

json_t *file_entry_ref(json_t *value, const char *kind)
{
	json_t *ref = json_object();

	json_object_set_new(ref, "name", value);
	if (kind)
		json_object_set_new(ref, "kind", json_string(kind));
	return ref;
}

json_t *file_entry_refs(json_t *list, const char *kind)
{
	json_t *refs = json_array(), *item;
	size_t i;

	if (!json_is_array(list)) {
		/* The field table says what is expected. */
		json_decref(refs);
		return list;
	}
	json_array_foreach(list, i, item)
		json_array_append_new(refs, file_entry_ref(json_incref(item), kind));
	json_decref(list);
	return refs;
}

void file_entry_fault(struct file_entry *entry, const char *field, const char *text)
{
	const struct file_format *format = entry->format;

	diag_about(format->sink,
		   arena_printf(format->sink->arena, "%s " STR_FMT FILE_NAMESPACE, entry->kind,
				STR_ARG(entry->name)),
		   format->file, format->line);
	diag_error(format->sink, field ? DIAG_FIELD(NULL, field) : NULL, "%s", text);
}

static bool read_file(struct file_entry *entry, struct str path, const char *field,
		      struct buf *text)
{
	const struct file_format *format = entry->format;
	int error = format->read ? format->read(format->context, path, text) : -EPERM;
	char message[512];

	if (!error)
		return true;
	snprintf(message, sizeof(message), STR_FMT " cannot be read: %s",
		 STR_ARG(str_take(path, 256)), strerrordesc_np(-error));
	file_entry_fault(entry, field, message);
	return false;
}

void file_entry_read_lines(struct file_entry *entry, struct str path, const char *field,
			   struct buf *lines)
{
	struct buf text;
	struct str rest, line;

	buf_init(&text, FILE_MAX_BYTES);
	if (read_file(entry, path, field, &text)) {
		rest = buf_str(&text);
		while (str_next(&rest, '\n', &line)) {
			line = str_trim_space(line);
			if (!line.len || line.at[0] == '#')
				continue;
			buf_add(lines, line);
			buf_add_char(lines, '\n');
		}
	}
	if (text.at)
		explicit_bzero(text.at, text.len);
	buf_done(&text);
}

json_t *file_entry_pem(struct file_entry *entry, const json_t *value, const char *field)
{
	struct str text = file_entry_text(value);
	json_t *result = NULL;
	struct buf content;

	if (str_search(text, STR("-----BEGIN")) >= 0)
		return file_entry_json(text);
	buf_init(&content, FILE_MAX_BYTES);
	if (!text.len)
		file_entry_fault(entry, field, "missing: a file or a PEM text");
	else if (read_file(entry, text, field, &content))
		result = file_entry_json(buf_str(&content));
	if (content.at)
		explicit_bzero(content.at, content.len);
	buf_done(&content);
	return result ? result : json_string("");
}

static void emit(struct file_entry *entry, enum kind kind, struct str name, json_t *content)
{
	const struct file_format *format = entry->format;
	struct object *object = content ? object_make(kind, STR(FILE_NAMESPACE), name, content,
						      format->file, format->line)
					: NULL;

	json_decref(content);
	if (object)
		format->each(format->context, object);
}

/* A name such as Secrets have; one that had to be changed for it gets a number of its own. */
static void secret_name(const struct file_entry *entry, const char *suffix, char name[NAME_BYTES])
{
	unsigned char digest[32];
	bool changed = false;
	char number[9];

	snprintf(name, NAME_BYTES - sizeof(number) - 1, "%s-" STR_FMT "%s%s", entry->kind,
		 STR_ARG(str_take(entry->name, 200)), suffix ? "-" : "", suffix ? suffix : "");
	hash_sha256(str_of(name), digest);
	for (char *c = name; *c; c++) {
		if ((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '-' ||
		    (*c == '.' && c[1] != '.'))
			continue;
		*c = '-';
		changed = true;
	}
	codec_hex(digest, 4, number);
	if (changed)
		snprintf(name + strlen(name), sizeof(number) + 1, "-%s", number);
}

json_t *file_entry_secret(struct file_entry *entry, const char *suffix, const char *type,
			  json_t *data)
{
	char name[NAME_BYTES];
	json_t *content = json_object();

	secret_name(entry, suffix, name);
	json_object_set_new(content, "type", json_string(type ? type : "Opaque"));
	json_object_set_new(content, "stringData", data);
	emit(entry, KIND_SECRET, str_of(name), content);
	return json_string(name);
}

json_t *file_entry_certificate(struct file_entry *entry, const char *suffix, json_t *value)
{
	json_t *data = json_object();

	json_object_set_new(data, "tls.crt",
			    file_entry_pem(entry, file_entry_find(value, "certFile"), "certFile"));
	json_object_set_new(data, "tls.key",
			    file_entry_pem(entry, file_entry_find(value, "keyFile"), "keyFile"));
	return file_entry_secret(entry, suffix, "kubernetes.io/tls", data);
}

void file_entry_transport_files(struct file_entry *entry, json_t *conf)
{
	json_t *cas = file_entry_take(conf, "rootCAs");
	json_t *certs = file_entry_take(conf, "certificates"), *names = json_array(), *item;
	char suffix[32];
	size_t i;

	json_array_foreach(cas, i, item)
	{
		json_t *data = json_object();

		snprintf(suffix, sizeof(suffix), "ca-%zu", i);
		json_object_set_new(data, "tls.ca", file_entry_pem(entry, item, "rootCAs"));
		json_array_append_new(names, file_entry_secret(entry, suffix, NULL, data));
	}
	if (cas)
		json_object_set(conf, "rootCAsSecrets", names);
	json_decref(names);
	names = json_array();
	json_array_foreach(certs, i, item)
	{
		snprintf(suffix, sizeof(suffix), "cert-%zu", i);
		json_array_append_new(names, file_entry_certificate(entry, suffix, item));
	}
	if (certs)
		json_object_set(conf, "certificatesSecrets", names);
	json_decref(names);
	json_decref(cas);
	json_decref(certs);
}

/* Names as the field table spells them, since Traefik takes any case. */
static void spell(const struct schema *schema, json_t *json)
{
	for (size_t i = 0; schema && i < schema->n_fields; i++) {
		const struct field *field = &schema->fields[i];
		json_t *value, *item;
		size_t k;

		if (!field->name[0]) {
			spell(field->sub, json);
			continue;
		}
		value = json_object_get(json, field->name);
		if (!value && (value = file_entry_take(json, field->name)))
			json_object_set_new(json, field->name, value);
		if (field->sub && json_is_object(value) && field->type != FIELD_MAP)
			spell(field->sub, value);
		json_array_foreach(value, k, item) if (field->sub) spell(field->sub, item);
	}
}

void file_entry_emit(struct file_entry *entry, enum kind kind, json_t *spec)
{
	json_t *content = json_object();

	json_object_set_new(content, "spec", spec);
	spell(kind_infos[kind].schema, content);
	emit(entry, kind, entry->name, content);
}
