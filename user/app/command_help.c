// SPDX-License-Identifier: Apache-2.0
/*
 * command_help: help from the tables: a command's flags, then the static options with defaults, as
 * they are declared in model/. Options that stand for features not offered are left out.
 */
#include <stdio.h>

#include "app/command.h"

enum { DEPTH_MAX = 8, PREFIX_MAX = 256, NAME_COLUMNS = 46 };

static const char *placeholder(const struct field *field)
{
	switch (field->type) {
	case FIELD_BOOL:
	case FIELD_OPT_BOOL:
		return "true|false";
	case FIELD_INT:
	case FIELD_OPT_INT:
	case FIELD_DOUBLE:
		return "N";
	case FIELD_DURATION:
		return "DURATION";
	case FIELD_QUANTITY:
		return "BYTES";
	case FIELD_STRS:
		return "A,B,...";
	default:
		return field->choices ? field->choices : "TEXT";
	}
}

/* The first sentence is enough here; the reference page has the rest. */
static struct str first_sentence(const char *doc)
{
	struct str text = str_of(doc ? doc : "");

	for (size_t i = 0; i + 2 < text.len; i++)
		if (text.at[i] == '.' && text.at[i + 1] == ' ' && text.at[i + 2] >= 'A' &&
		    text.at[i + 2] <= 'Z')
			return str_take(text, i);
	return str_ends(text, STR(".")) ? str_take(text, text.len - 1) : text;
}

static void print_option(const char *prefix, const struct field *field)
{
	char name[PREFIX_MAX + 64];
	struct str doc = first_sentence(field->doc);
	int length =
		snprintf(name, sizeof(name), "--%s%s=%s", prefix, field->name, placeholder(field));

	/* A name that is too long for the column has a line of its own. */
	if (length > NAME_COLUMNS)
		printf("  %s\n  %*s ", name, NAME_COLUMNS, "");
	else
		printf("  %-*s ", NAME_COLUMNS, name);
	printf(STR_FMT, STR_ARG(doc));
	if (field->preset && *field->preset)
		printf(" (default %s)", field->preset);
	putchar('\n');
}

static void print_schema(const struct schema *schema, const char *prefix, int depth)
{
	for (size_t i = 0; depth < DEPTH_MAX && i < schema->n_fields; i++) {
		const struct field *field = &schema->fields[i];
		char inner[PREFIX_MAX];

		if (field->support == REFUSED || field->support == IGNORED)
			continue;
		switch (field->type) {
		case FIELD_STRUCT:
		case FIELD_INLINE:
			snprintf(inner, sizeof(inner), "%s%s.", prefix, field->name);
			print_schema(field->sub, inner, depth + 1);
			break;
		case FIELD_MAP:
			snprintf(inner, sizeof(inner), "%s%s.NAME.", prefix, field->name);
			print_schema(field->sub, inner, depth + 1);
			break;
		case FIELD_LIST:
			snprintf(inner, sizeof(inner), "%s%s[0].", prefix, field->name);
			print_schema(field->sub, inner, depth + 1);
			break;
		default:
			print_option(prefix, field);
		}
	}
}

void command_help(const struct command *command)
{
	printf("tidegate %s: %s\n\nusage: tidegate %s [options]%s%s\n\n", command->name,
	       command->help, command->name, command->words ? " " : "",
	       command->words ? command->words : "");
	for (size_t i = 0; i < command->n_flags; i++) {
		const struct command_flag *flag = &command->flags[i];
		char name[64];

		snprintf(name, sizeof(name), "%s %s", flag->name, flag->value ? flag->value : "");
		printf("  %-28s %s\n", name, flag->help);
	}
	if (command->n_flags)
		putchar('\n');
	if (command->more)
		puts(command->more);
	puts("static options (Traefik's names; case does not matter; also in --configFile and as "
	     "TIDEGATE_A_B):");
	print_schema(&schema_static_config, "", 0);
}
