// SPDX-License-Identifier: Apache-2.0
/*
 * kube_split: looks at every byte once. Depth 0 is outside the list, 1 inside it, 2 inside items
 * (or any other value of the list), 3 inside an item.
 */
#include "source/kube_split.h"

/* ------------------------------------------------------------------- lines -- */

void kube_lines_init(struct kube_lines *lines, size_t max_bytes)
{
	*lines = (struct kube_lines){.max_bytes = max_bytes};
	buf_init(&lines->line, max_bytes + 1);
}

void kube_lines_done(struct kube_lines *lines)
{
	buf_done(&lines->line);
}

static void lines_add(struct kube_lines *lines, struct str bytes)
{
	if (lines->line.len + bytes.len > lines->max_bytes)
		lines->too_long = true;
	if (lines->too_long)
		buf_clear(&lines->line);
	else
		buf_add(&lines->line, bytes);
	lines->too_long |= lines->line.failed;
}

bool kube_lines_push(struct kube_lines *lines, struct str bytes, kube_piece_fn *each, void *context)
{
	while (bytes.len) {
		ptrdiff_t end = str_find(bytes, '\n');
		struct str piece = end < 0 ? bytes : str_take(bytes, (size_t)end);
		bool go_on = true;

		if (end < 0) {
			lines_add(lines, bytes);
			return true;
		}
		bytes = str_from(bytes, (size_t)end + 1);
		/* Most lines are whole in one chunk: they are not copied. */
		if (lines->line.len || lines->too_long || piece.len > lines->max_bytes) {
			lines_add(lines, piece);
			piece = buf_str(&lines->line);
		}
		if (lines->too_long)
			lines->n_dropped++;
		else if (str_trim_space(piece).len)
			go_on = each(context, piece);
		buf_clear(&lines->line);
		lines->line.failed = lines->too_long = false;
		if (!go_on)
			return false;
	}
	return true;
}

struct str kube_lines_rest(const struct kube_lines *lines)
{
	return buf_str(&lines->line);
}

/* ------------------------------------------------------------------- items -- */

void kube_items_init(struct kube_items *items, size_t max_bytes)
{
	*items = (struct kube_items){.max_bytes = max_bytes};
	buf_init(&items->item, max_bytes + 1);
	buf_init(&items->rest, KUBE_REST_MAX_BYTES);
	buf_init(&items->key, 256);
}

void kube_items_done(struct kube_items *items)
{
	buf_done(&items->item);
	buf_done(&items->rest);
	buf_done(&items->key);
}

static bool in_item(const struct kube_items *items)
{
	return items->in_items && items->depth >= 3;
}

static void keep(struct kube_items *items, struct str run)
{
	if (!run.len)
		return;
	if (!in_item(items)) {
		buf_add(&items->rest, run);
		items->broken |= items->rest.failed;
		return;
	}
	if (items->item.len + run.len > items->max_bytes)
		items->too_long = true;
	if (items->too_long)
		buf_clear(&items->item);
	else
		buf_add(&items->item, run);
}

static bool give_item(struct kube_items *items, struct str run, kube_piece_fn *each, void *context)
{
	bool go_on = true;

	/* Most items are whole in what came. */
	if (items->item.len || items->too_long || run.len > items->max_bytes) {
		keep(items, run);
		run = buf_str(&items->item);
	}
	if (items->too_long || items->item.failed)
		items->n_dropped++;
	else
		go_on = each(context, run);
	buf_clear(&items->item);
	items->item.failed = items->too_long = false;
	return go_on;
}

/* A byte of a key of the list itself. */
static void spell_key(struct kube_items *items, char c)
{
	if (items->in_key && items->in_string)
		buf_add_char(&items->key, c);
}

static void take_quote(struct kube_items *items)
{
	items->in_string = !items->in_string;
	if (items->depth != 1 || items->is_value)
		return;
	items->in_key = items->in_string;
	if (items->in_string)
		buf_clear(&items->key);
}

static void take_opening(struct kube_items *items, char c)
{
	items->depth++;
	if (items->depth == 1)
		items->broken |= c != '{' || items->ended;
	if (items->depth == 2 && c == '[' && str_eq(buf_str(&items->key), STR("items")))
		items->in_items = true;
	/* An array where an object should be. */
	if (items->depth == 3 && items->in_items)
		items->broken |= c != '{';
}

static void take_closing(struct kube_items *items)
{
	items->depth--;
	if (items->depth == 1)
		items->in_items = false;
	items->ended |= items->depth == 0;
	items->broken |= items->depth < 0;
}

/* What stands between items: the commas between them are not kept. */
static bool is_between(const struct kube_items *items)
{
	return items->in_items && items->depth == 2;
}

static void take_plain(struct kube_items *items, char c)
{
	if (items->depth == 1 && c == ':')
		items->is_value = true;
	if (items->depth == 1 && c == ',')
		items->is_value = false;
	if (c == ' ' || c == '\n' || c == '\r' || c == '\t')
		return;
	items->broken |= items->depth == 0 || (is_between(items) && c != ',');
}

/* Takes one byte; *run is where the bytes begin that are still to be kept. */
static bool take(struct kube_items *items, const char *at, const char **run, kube_piece_fn *each,
		 void *context)
{
	char c = *at;

	if (items->in_string) {
		if (items->escaped)
			items->escaped = false;
		else if (c == '\\')
			items->escaped = true;
		else if (c == '"')
			take_quote(items);
		spell_key(items, c);
		return true;
	}
	if (c == '"') {
		items->broken |= is_between(items) || items->depth == 0;
		take_quote(items);
	} else if (c == '{' || c == '[') {
		/* What is between items (commas, blanks) is not kept. */
		if (!in_item(items) && !is_between(items))
			keep(items, str_n(*run, (size_t)(at - *run)));
		if (!in_item(items))
			*run = at;
		take_opening(items, c);
		if (is_between(items)) {
			keep(items, str_n(at, 1));
			*run = at + 1;
		}
	} else if (c == '}' || c == ']') {
		if (items->in_items && items->depth == 3) {
			bool go_on = give_item(items, str_n(*run, (size_t)(at + 1 - *run)), each,
					       context);

			take_closing(items);
			*run = at + 1;
			return go_on;
		}
		if (is_between(items))
			*run = at;
		take_closing(items);
	} else {
		take_plain(items, c);
	}
	return true;
}

bool kube_items_push(struct kube_items *items, struct str bytes, kube_piece_fn *each, void *context)
{
	const char *run = bytes.at, *end = bytes.at + bytes.len;

	for (const char *at = bytes.at; at < end; at++) {
		/* The inside of a string, which is most of a Secret, in one go. */
		if (items->in_string && !items->escaped && !items->in_key) {
			while (at < end && *at != '"' && *at != '\\')
				at++;
			if (at == end)
				break;
		}
		if (!take(items, at, &run, each, context))
			return false;
		if (items->broken)
			return true;
	}
	if (!is_between(items))
		keep(items, str_n(run, (size_t)(end - run)));
	return true;
}

bool kube_items_complete(const struct kube_items *items)
{
	return items->ended && !items->broken;
}
