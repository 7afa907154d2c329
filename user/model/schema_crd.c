// SPDX-License-Identifier: Apache-2.0
/*
 * schema_crd: OpenAPI v3, in the structural form that apiextensions.k8s.io/v1 wants. Defaults are
 * told in the descriptions only, so that the API server does not write them into objects.
 */
#include "model/schema_crd.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include "model/schema_format.h"

static void line(struct buf *buf, int indent, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void line(struct buf *buf, int indent, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	buf_addf(buf, "%*s%s\n", indent, "", text);
}

static void quoted(struct buf *buf, int indent, const char *key, struct str text)
{
	buf_addf(buf, "%*s%s: \"", indent, "", key);
	buf_add_json(buf, text);
	buf_add(buf, STR("\"\n"));
}

static void description(struct buf *buf, int indent, const struct field *field)
{
	static const char *const support[] = {
		[SUPPORTED] = "",
		[DIFFERS] = " Differs from Traefik",
		[REFUSED] = " Not supported yet",
		[IGNORED] = " Has no effect",
		[UNSERVED] = " Not supported yet, a route with it is not served",
	};
	struct buf text;

	buf_init(&text, 4096);
	buf_addf(&text, "%s", field->doc);
	if (field->preset && field->preset[0] && field->preset[0] != '{')
		buf_addf(&text, " Default: %s.", field->preset);
	if (field->support != SUPPORTED)
		buf_addf(&text, "%s%s%s.", support[field->support], field->note ? ": " : "",
			 field->note ? field->note : "");
	quoted(buf, indent, "description", buf_str(&text));
	buf_done(&text);
}

/* The range of a number or a length, under the names OpenAPI has for it. */
static void range(struct buf *buf, int indent, const struct field *field, const char *min,
		  const char *max)
{
	if (!field->min && !field->max)
		return;
	if (field->min != INT64_MIN)
		line(buf, indent, "%s: %lld", min, (long long)field->min);
	if (field->max != INT64_MAX)
		line(buf, indent, "%s: %lld", max, (long long)field->max);
}

static void string_rules(struct buf *buf, int indent, const struct field *field)
{
	const struct schema_format *format =
		field->format ? schema_format_find(field->format) : NULL;
	struct str rest = str_of(field->choices), choice;

	line(buf, indent, "type: string");
	if (format && format->pattern)
		quoted(buf, indent, "pattern", str_of(format->pattern));
	/* One of the formats that the API server itself checks. */
	if (format && strcmp(format->name, "date-time") == 0)
		line(buf, indent, "format: date-time");
	if (!field->choices || field->any_case)
		return;
	line(buf, indent, "enum:");
	while (str_next(&rest, '|', &choice))
		line(buf, indent, "- \"" STR_FMT "\"", STR_ARG(choice));
}

static void object_rules(struct buf *buf, int indent, const struct schema *schema);

static void scalar_rules(struct buf *buf, int indent, const struct field *field)
{
	switch ((enum field_type)field->type) {
	case FIELD_BOOL:
	case FIELD_OPT_BOOL:
		line(buf, indent, "type: boolean");
		break;
	case FIELD_INT:
	case FIELD_OPT_INT:
		line(buf, indent, "type: integer");
		line(buf, indent, "format: int64");
		range(buf, indent, field, "minimum", "maximum");
		break;
	case FIELD_DOUBLE:
		line(buf, indent, "type: number");
		range(buf, indent, field, "minimum", "maximum");
		break;
	case FIELD_STR:
		string_rules(buf, indent, field);
		range(buf, indent, field, "minLength", "maxLength");
		break;
	case FIELD_DURATION:
	case FIELD_QUANTITY:
	case FIELD_INT_OR_STR:
		line(buf, indent, "x-kubernetes-int-or-string: true");
		break;
	default:
		/* A map of anything: plugins. */
		line(buf, indent, "type: object");
		line(buf, indent, "x-kubernetes-preserve-unknown-fields: true");
		break;
	}
}

static void field_rules(struct buf *buf, int indent, const struct field *field)
{
	description(buf, indent, field);
	switch ((enum field_type)field->type) {
	case FIELD_STRS:
		line(buf, indent, "type: array");
		range(buf, indent, field, "minItems", "maxItems");
		line(buf, indent, "items:");
		string_rules(buf, indent + 2, field);
		break;
	case FIELD_STR_MAP:
		line(buf, indent, "type: object");
		line(buf, indent, "additionalProperties:");
		line(buf, indent + 2, "type: string");
		break;
	case FIELD_LIST:
		line(buf, indent, "type: array");
		range(buf, indent, field, "minItems", "maxItems");
		/* Several writers each apply their own items. */
		if (field->map_key) {
			line(buf, indent, "x-kubernetes-list-type: map");
			line(buf, indent, "x-kubernetes-list-map-keys:");
			line(buf, indent, "- %s", field->map_key);
		}
		line(buf, indent, "items:");
		object_rules(buf, indent + 2, field->sub);
		break;
	case FIELD_MAP:
		line(buf, indent, "type: object");
		line(buf, indent, "additionalProperties:");
		object_rules(buf, indent + 2, field->sub);
		break;
	case FIELD_STRUCT:
	case FIELD_INLINE:
		object_rules(buf, indent, field->sub);
		break;
	default:
		scalar_rules(buf, indent, field);
		break;
	}
}

static void required_names(struct buf *buf, int indent, const struct schema *schema, bool *begun)
{
	for (size_t i = 0; i < schema->n_fields; i++) {
		const struct field *field = &schema->fields[i];

		if (!field->name[0]) {
			required_names(buf, indent, field->sub, begun);
			continue;
		}
		if (!field->required)
			continue;
		if (!*begun)
			line(buf, indent, "required:");
		*begun = true;
		line(buf, indent, "- %s", field->name);
	}
}

static void properties(struct buf *buf, int indent, const struct schema *schema)
{
	for (size_t i = 0; i < schema->n_fields; i++) {
		const struct field *field = &schema->fields[i];

		if (!field->name[0]) {
			properties(buf, indent, field->sub);
			continue;
		}
		line(buf, indent, "%s:", field->name);
		field_rules(buf, indent + 2, field);
	}
}

static void object_rules(struct buf *buf, int indent, const struct schema *schema)
{
	bool begun = false;

	line(buf, indent, "type: object");
	required_names(buf, indent, schema, &begun);
	if (!schema->n_fields)
		return;
	line(buf, indent, "properties:");
	properties(buf, indent + 2, schema);
}

static bool has_status(const struct schema *schema)
{
	for (size_t i = 0; i < schema->n_fields; i++)
		if (strcmp(schema->fields[i].name, "status") == 0)
			return true;
	return false;
}

#define CONDITION(type) ".status.conditions[?(@.type==\"" type "\")].status"

/* What `kubectl get` shows beside the name; kinds without a row here have their age. */
static const struct {
	const char *kind, *name, *type, *path;
} columns[] = {
	{"VirtualAddress", "Addresses", "string", ".spec.addresses"},
	{"VirtualAddress", "Mode", "string", ".spec.mode"},
	{"VirtualAddress", "Accepted", "string", CONDITION("Accepted")},
	{"VirtualAddress", "Programmed", "string", CONDITION("Programmed")},
	{"VirtualAddress", "Age", "date", ".metadata.creationTimestamp"},
	{"SourcePolicy", "EntryPoints", "string", ".spec.entryPoints"},
	{"SourcePolicy", "Accepted", "string", CONDITION("Accepted")},
	{"SourcePolicy", "Programmed", "string", CONDITION("Programmed")},
	{"SourcePolicy", "Age", "date", ".metadata.creationTimestamp"},
};

static void column_rules(struct buf *buf, const struct kind_info *kind)
{
	bool begun = false;

	for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++) {
		if (strcmp(columns[i].kind, kind->kind) != 0)
			continue;
		if (!begun)
			line(buf, 4, "additionalPrinterColumns:");
		begun = true;
		line(buf, 4, "- name: %s", columns[i].name);
		line(buf, 6, "type: %s", columns[i].type);
		quoted(buf, 6, "jsonPath", str_of(columns[i].path));
	}
}

static void names(struct buf *buf, const struct kind_info *kind)
{
	char singular[64];
	size_t n = 0;

	for (const char *at = kind->kind; *at && n + 1 < sizeof(singular); at++)
		singular[n++] = (char)tolower((unsigned char)*at);
	singular[n] = '\0';
	line(buf, 2, "names:");
	line(buf, 4, "kind: %s", kind->kind);
	line(buf, 4, "listKind: %sList", kind->kind);
	line(buf, 4, "plural: %s", kind->plural);
	line(buf, 4, "singular: %s", singular);
	if (!kind->short_name)
		return;
	line(buf, 4, "shortNames:");
	line(buf, 4, "- %s", kind->short_name);
	line(buf, 4, "categories:");
	line(buf, 4, "- tidegate");
}

void schema_crd_print(const struct kind_info *kind, struct buf *buf)
{
	struct str version = str_of(kind->api_version), group;
	bool begun = false;

	str_next(&version, '/', &group);
	line(buf, 0, "# Generated from the tables in user/model by `make gen`: do not edit.");
	line(buf, 0, "apiVersion: apiextensions.k8s.io/v1");
	line(buf, 0, "kind: CustomResourceDefinition");
	line(buf, 0, "metadata:");
	line(buf, 2, "name: %s." STR_FMT, kind->plural, STR_ARG(group));
	line(buf, 0, "spec:");
	line(buf, 2, "group: " STR_FMT, STR_ARG(group));
	names(buf, kind);
	line(buf, 2, "scope: Namespaced");
	line(buf, 2, "versions:");
	line(buf, 2, "- name: " STR_FMT, STR_ARG(version));
	line(buf, 4, "served: true");
	line(buf, 4, "storage: true");
	column_rules(buf, kind);
	if (has_status(kind->schema)) {
		line(buf, 4, "subresources:");
		line(buf, 6, "status: {}");
	}
	line(buf, 4, "schema:");
	line(buf, 6, "openAPIV3Schema:");
	quoted(buf, 8, "description", str_of(kind->schema->doc));
	line(buf, 8, "type: object");
	line(buf, 8, "required:");
	line(buf, 8, "- metadata");
	begun = true;
	required_names(buf, 8, kind->schema, &begun);
	line(buf, 8, "properties:");
	line(buf, 10, "apiVersion:");
	line(buf, 12, "type: string");
	line(buf, 10, "kind:");
	line(buf, 12, "type: string");
	line(buf, 10, "metadata:");
	line(buf, 12, "type: object");
	properties(buf, 10, kind->schema);
}
