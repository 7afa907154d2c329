// SPDX-License-Identifier: Apache-2.0
// link: base model
/*
 * schema_fuzz: any bytes as YAML, its documents as objects and as options. What is valid prints to
 * JSON that decodes to the same.
 */
#include <stdlib.h>

#include "base/die.h"
#include "model/object.h"
#include "model/static_config.h"
#include "model/yaml_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void print_all(const struct diag_sink *sink)
{
	for (size_t i = 0; i < sink->n; i++) {
		struct buf buf;

		buf_init(&buf, 1 << 20);
		diag_print(&sink->at[i], &buf);
		json_decref(diag_to_json(&sink->at[i]));
		buf_done(&buf);
	}
}

static void take_object(void *context, struct object *object)
{
	const struct schema *schema = kind_infos[object->kind].schema;
	struct arena *arena = context;

	print_all(&object->diags);
	ASSERT(object->valid == (object->diags.n_errors == 0));
	if (object->valid && object->kind != KIND_SECRET) {
		json_t *printed = schema_to_json(schema, object->spec);
		void *again = arena_zero(arena, 1, schema->size);
		struct diag_sink sink;

		diag_init(&sink, arena);
		ASSERT(again);
		ASSERT(schema_decode(schema, printed, arena, again, &sink, NULL) == 0 ||
		       arena->failed);
		ASSERT(arena->failed ||
		       schema_hash(schema, again) == schema_hash(schema, object->spec));
		json_decref(printed);
	}
	object_unref(object);
}

static void take_options(const json_t *document, struct arena *arena)
{
	struct static_config config;
	struct diag_sink sink;

	diag_init(&sink, arena);
	if (static_config_from_json(document, arena, &sink, &config) == 0)
		json_decref(schema_to_json(&schema_static_config, &config));
	print_all(&sink);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_n((const char *)data, size);
	struct yaml_json yaml;
	struct arena arena;
	struct diag_sink sink;
	int error = yaml_json_load(&yaml, text, size > 0 && data[0] == '{');

	ASSERT((error == 0) == (yaml.message[0] == '\0'));
	for (size_t i = 0; i < yaml.n; i++) {
		arena_init(&arena, 16 << 20, 0);
		diag_init(&sink, &arena);
		object_decode_each(yaml.at[i].json, STR("fuzz.yaml"), yaml.at[i].line, &sink,
				   take_object, &arena);
		take_options(yaml.at[i].json, &arena);
		for (size_t k = 0; k < sink.n && k < 3; k++)
			yaml_json_line(text, yaml.at[i].line, sink.at[k].field);
		arena_done(&arena);
	}
	yaml_json_done(&yaml);
	return 0;
}
