// SPDX-License-Identifier: Apache-2.0
/*
 * schema_doc: one table row of Markdown for each field row.
 */
#include "model/schema_doc.h"

#include <stdio.h>

#include "model/schema_walk.h"
#include "model/static_config.h"
#include "model/static_unsupported.h"

enum { ARENA_BYTES = 16 << 20 };

struct page {
	struct buf *buf;
	struct arena arena;
	const char *prefix; /* left out of the paths */
	bool skip_types;    /* middleware types have a page of their own */
};

static const char generated[] =
	"<!-- Generated from the tables in user/model by `make gen`: do not edit. -->\n";

static void cell(struct buf *buf, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '|')
			buf_add_char(buf, '\\');
		/* <name> would be taken for HTML. */
		if (text.at[i] == '<')
			buf_add(buf, STR("&lt;"));
		else
			buf_add_char(buf, text.at[i]);
	}
}

static const char *type_text(const struct field *field)
{
	switch ((enum field_type)field->type) {
	case FIELD_BOOL:
	case FIELD_OPT_BOOL:
		return "boolean";
	case FIELD_INT:
	case FIELD_OPT_INT:
		return "integer";
	case FIELD_DOUBLE:
		return "number";
	case FIELD_STR:
		return "string";
	case FIELD_STRS:
		return "list of strings";
	case FIELD_STR_MAP:
		return "map of strings";
	case FIELD_DURATION:
		return "duration";
	case FIELD_QUANTITY:
		return "bytes";
	case FIELD_INT_OR_STR:
		return "integer or string";
	case FIELD_RAW:
		return "anything";
	case FIELD_LIST:
		return "list";
	case FIELD_MAP:
		return "map";
	case FIELD_STRUCT:
	case FIELD_INLINE:
		return "object";
	}
	return "";
}

static void values(struct buf *buf, const struct field *field)
{
	struct str rest = str_of(field->choices), choice;
	bool first = true;

	/* A long list (cipher suites) is the table's and the checker's business. */
	if (rest.len > 200 || !rest.len)
		return;
	buf_add(buf, STR(" One of "));
	while (str_next(&rest, '|', &choice)) {
		buf_addf(buf, "%s`" STR_FMT "`", first ? "" : ", ", STR_ARG(choice));
		first = false;
	}
	buf_add_char(buf, '.');
}

static void support_text(struct buf *buf, const struct field *field)
{
	static const char *const words[] = {
		[SUPPORTED] = NULL,
		[DIFFERS] = "Differs from Traefik",
		[REFUSED] = "Not supported yet",
		[IGNORED] = "Has no effect",
		[UNSERVED] = "Not supported yet, a route with it is not served",
	};

	if (!words[field->support])
		return;
	buf_addf(buf, " **%s**", words[field->support]);
	if (field->note) {
		buf_add(buf, STR(": "));
		cell(buf, str_of(field->note));
	}
	buf_add_char(buf, '.');
}

static bool print_row(void *context, const struct schema_place *place)
{
	struct page *page = context;
	const struct field *field = place->field;
	struct buf *buf = page->buf;
	struct str path = place->path;

	if (page->prefix && str_starts(path, str_of(page->prefix)))
		path = str_from(path, strlen(page->prefix));
	buf_addf(buf, "| `" STR_FMT "` | %s | ", STR_ARG(path), type_text(field));
	if (field->required)
		buf_add(buf, STR("required"));
	else if (field->preset && field->preset[0] && field->preset[0] != '{')
		buf_addf(buf, "`%s`", field->preset);
	buf_add(buf, STR(" | "));
	cell(buf, str_of(field->doc));
	values(buf, field);
	support_text(buf, field);
	buf_add(buf, STR(" |\n"));
	if (field->support == REFUSED)
		return false;
	return !(page->skip_types && place->depth == 1);
}

static void print_table(struct page *page, const struct schema *schema)
{
	buf_add(page->buf, STR("| field | type | default | meaning |\n|---|---|---|---|\n"));
	arena_init(&page->arena, ARENA_BYTES, 0);
	schema_walk(schema, &page->arena, print_row, page);
	arena_done(&page->arena);
	buf_add_char(page->buf, '\n');
}

void schema_doc_kinds(struct buf *buf)
{
	struct page page = {.buf = buf};

	buf_addf(
		buf,
		"%s# Kinds\n\nObjects are Kubernetes manifests. Traefik's and Tidegate's own kinds "
		"are strict: an unknown field is a fault. Of Kubernetes' kinds only these fields "
		"are read.\n\n",
		generated);
	for (int i = 0; i < KIND__COUNT; i++) {
		const struct kind_info *kind = &kind_infos[i];

		buf_addf(buf, "## %s\n\n`apiVersion: %s`. %s\n\n", kind->kind, kind->api_version,
			 kind->schema->doc);
		page.skip_types = i == KIND_MIDDLEWARE;
		if (page.skip_types)
			buf_add(buf,
				STR("The types' fields are in [middlewares](middlewares.md).\n\n"));
		print_table(&page, kind->schema);
	}
}

void schema_doc_middlewares(struct buf *buf)
{
	const struct schema *spec = kind_infos[KIND_MIDDLEWARE].schema->fields[0].sub;
	struct page page = {.buf = buf};

	buf_addf(buf,
		 "%s# Middlewares\n\nA Middleware object has exactly one of these under `spec`. A "
		 "route that names a missing, broken or unsupported Middleware is not served.\n\n",
		 generated);
	for (size_t i = 0; i < spec->n_fields; i++) {
		const struct field *field = &spec->fields[i];

		buf_addf(buf, "## %s\n\n%s", field->name, field->doc);
		support_text(buf, field);
		buf_add(buf, STR("\n\n"));
		if (field->sub && field->support != REFUSED && field->sub->n_fields)
			print_table(&page, field->sub);
	}
}

static void print_unsupported(struct buf *buf)
{
	struct str last = {0};

	buf_add(buf, STR("## Options of Traefik without effect\n\nThey are known, so that a typing "
			 "error is told apart from them: using one is a warning, or an error where "
			 "requests would be treated otherwise than one would think.\n\n"
			 "| option | what happens |\n|---|---|\n"));
	for (size_t i = 0; i < static_unsupported_count; i++) {
		struct str path = str_of(static_unsupported_rows[i].path);
		const struct static_unsupported_group *group = static_unsupported_group(path);

		/* A group's members say nothing that it does not. */
		if (last.len && path.len > last.len && str_starts(path, last) &&
		    path.at[last.len] == '.')
			continue;
		last = path;
		buf_addf(buf, "| `" STR_FMT "` | %s", STR_ARG(path),
			 group->support == REFUSED ? "error" : "warning");
		if (group->note[0]) {
			buf_add(buf, STR(": "));
			cell(buf, str_of(group->note));
		}
		buf_add(buf, STR(" |\n"));
	}
}

void schema_doc_options(struct buf *buf)
{
	struct page page = {.buf = buf};

	buf_addf(buf,
		 "%s# Options\n\n"
		 "Given as flags (`--entryPoints.web.address=:8000`), in a YAML or TOML file "
		 "(`--configFile`), or in the environment (`TIDEGATE_ENTRYPOINTS_WEB_ADDRESS`; "
		 "`TRAEFIK_` works too). Flags override the environment, which overrides the file. "
		 "Names compare without case. `{name}` stands for a name of your choice. A "
		 "duration is `10s`, `1m30s`, or a number of seconds.\n\n",
		 generated);
	print_table(&page, &schema_static_config);
	print_unsupported(buf);
}

static bool print_difference(void *context, const struct schema_place *place)
{
	struct page *page = context;

	if (place->field->support == SUPPORTED)
		return true;
	buf_addf(page->buf, "| `" STR_FMT "` |", STR_ARG(place->path));
	support_text(page->buf, place->field);
	buf_add(page->buf, STR(" |\n"));
	return place->field->support == DIFFERS;
}

static void print_differences(struct page *page, const char *title, const struct schema *schema)
{
	buf_addf(page->buf, "## %s\n\n| field | what happens |\n|---|---|\n", title);
	arena_init(&page->arena, ARENA_BYTES, 0);
	schema_walk(schema, &page->arena, print_difference, page);
	arena_done(&page->arena);
	buf_add_char(page->buf, '\n');
}

void schema_doc_unsupported(struct buf *buf)
{
	struct page page = {.buf = buf};

	buf_addf(buf,
		 "%s# Fields and options that are not as in Traefik\n\n*Not supported yet* makes "
		 "an object invalid, so that nothing is served otherwise than it says; where it "
		 "says that a route is not served, only that route is not; *has no effect* is a "
		 "warning. `tidegate check` shows both. Differences of behaviour are in "
		 "[compatibility](compatibility.md), options without a row in Tidegate at the end "
		 "of [options](options.md).\n\n",
		 generated);
	for (int i = 0; i < KIND__COUNT; i++)
		if (str_starts(str_of(kind_infos[i].api_version), STR("traefik.io/")))
			print_differences(&page, kind_infos[i].kind, kind_infos[i].schema);
	print_differences(&page, "Options", &schema_static_config);
}

/* ------------------------------------------------------------ compatibility -- */

#define FIELDS_FROM \
	"<!-- Generated from here on, from the tables in user/model, by `make gen`. -->\n"

struct levels {
	struct buf *buf;
	struct str above; /* a field that is not supported: so is what is below it */
	const struct field *because;
	size_t n[UNSERVED + 1];
};

static bool is_below(struct str path, struct str above)
{
	return above.len && path.len > above.len && str_starts(path, above) &&
	       (path.at[above.len] == '.' || path.at[above.len] == '[');
}

static bool print_level(void *context, const struct schema_place *place)
{
	static const char *const words[] = {
		[SUPPORTED] = "supported",
		[DIFFERS] = "differs",
		[REFUSED] = "refused",
		[IGNORED] = "no effect",
		[UNSERVED] = "refused, the route is not served",
	};
	struct levels *levels = context;
	const struct field *field = place->field;
	bool is_unsupported = field->support != SUPPORTED && field->support != DIFFERS;

	if (is_below(place->path, levels->above)) {
		field = levels->because;
	} else {
		levels->above = is_unsupported ? place->path : (struct str){0};
		levels->because = field;
	}
	levels->n[field->support]++;
	if (levels->buf) {
		bool is_ours = field->note && !strcmp(field->note, "Tidegate only");

		buf_addf(levels->buf, "| `" STR_FMT "` | %s | ", STR_ARG(place->path),
			 is_ours ? "Tidegate only" : words[field->support]);
		if (field->note && !is_ours)
			cell(levels->buf, str_of(field->note));
		buf_add(levels->buf, STR(" |\n"));
	}
	return true;
}

static bool is_traefik(const struct kind_info *kind)
{
	return str_starts(str_of(kind->api_version), STR("traefik.io/"));
}

static void walk_levels(struct levels *levels, const struct schema *schema)
{
	struct arena arena;

	arena_init(&arena, ARENA_BYTES, 0);
	levels->above = (struct str){0};
	schema_walk(schema, &arena, print_level, levels);
	arena_done(&arena);
}

void schema_doc_compatibility(struct buf *buf)
{
	struct levels count = {0}, all = {.buf = buf};

	for (int i = 0; i < KIND__COUNT; i++)
		if (is_traefik(&kind_infos[i]))
			walk_levels(&count, kind_infos[i].schema);
	buf_addf(
		buf,
		FIELDS_FROM
		"\n## Fields, one by one\n\nEvery field of Traefik's kinds: %zu are supported, %zu "
		"differ, %zu have no effect, %zu are refused. *Refused* makes the object invalid, "
		"*no effect* is a warning of `tidegate check`; both are counted by kind in "
		"`tidegate_config_unsupported_fields`. All of Traefik's kinds are here.\n",
		count.n[SUPPORTED], count.n[DIFFERS], count.n[IGNORED],
		count.n[REFUSED] + count.n[UNSERVED]);
	for (int i = 0; i < KIND__COUNT; i++) {
		if (!is_traefik(&kind_infos[i]))
			continue;
		buf_addf(buf, "\n### %s\n\n| field | level | how, or why |\n|---|---|---|\n",
			 kind_infos[i].kind);
		walk_levels(&all, kind_infos[i].schema);
	}
}

const struct schema_doc_page schema_doc_pages[] = {
	{"docs/reference/kinds.md", schema_doc_kinds, NULL},
	{"docs/reference/middlewares.md", schema_doc_middlewares, NULL},
	{"docs/reference/options.md", schema_doc_options, NULL},
	{"docs/reference/unsupported.md", schema_doc_unsupported, NULL},
	{"docs/reference/compatibility.md", schema_doc_compatibility, FIELDS_FROM},
};
const size_t schema_doc_page_count = sizeof(schema_doc_pages) / sizeof(*schema_doc_pages);
