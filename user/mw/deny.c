// SPDX-License-Identifier: Apache-2.0
/*
 * deny: refuses requests from some addresses: a list in the Middleware, and sets in ConfigMaps and
 * Secrets, which change on their own. Ours; Traefik has no such thing.
 *
 * All sets of one Middleware become one index (mw/cidr_index.h), made once for its content and kept
 * over updates that do not change it. A line that is no network disables the middleware's routes
 * rather than let somebody in. A client whose address cannot be found is refused.
 */

#include <errno.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/hash.h"
#include "http/status.h"
#include "model/mw_conf_limit.h"
#include "mw/cidr_index.h"
#include "mw/client_source.h"
#include "mw/mw_list.h"

struct deny {
	struct client_source source;
	const struct cidr_index *index;
	uint16_t status;
};

/* What is kept: the index, and what could not be read. */
struct deny_set {
	struct cidr_index *index;
	size_t n_bad, bad_text, bad_line; /* the first one's place */
};

struct reading {
	struct str *texts; /* one network a line */
	struct str *names;
	size_t n, cap;
	struct arena *arena;
	struct cidr_set set;
	size_t set_cap;
};

static void set_free(void *thing)
{
	struct deny_set *set = thing;

	cidr_index_free(set->index);
	free(set);
}

static bool add(struct reading *reading, const struct cidr *cidr)
{
	if (reading->set.n == reading->set_cap) {
		size_t cap = reading->set_cap ? reading->set_cap * 2 : 64;
		struct cidr *at = realloc(reading->set.at, cap * sizeof(*at));

		if (!at)
			return false;
		reading->set.at = at;
		reading->set_cap = cap;
	}
	reading->set.at[reading->set.n++] = *cidr;
	return true;
}

static struct str without_comment(struct str line)
{
	ptrdiff_t hash = str_find(line, '#');

	return str_trim_space(hash < 0 ? line : str_take(line, (size_t)hash));
}

static bool read_text(struct reading *reading, size_t i, struct deny_set *set)
{
	struct str rest = reading->texts[i], line;
	struct cidr cidr;

	for (size_t n = 1; str_next(&rest, '\n', &line); n++) {
		line = without_comment(line);
		if (line.len == 0)
			continue;
		if (cidr_parse(line, &cidr) < 0) {
			if (set->n_bad++ == 0) {
				set->bad_text = i;
				set->bad_line = n;
			}
		} else if (!add(reading, &cidr)) {
			return false;
		}
	}
	return true;
}

static void *set_make(void *context)
{
	struct reading *reading = context;
	struct deny_set *set = calloc(1, sizeof(*set));

	for (size_t i = 0; set && i < reading->n; i++)
		if (!read_text(reading, i, set)) {
			free(set);
			set = NULL;
		}
	if (set) {
		cidr_set_sort(&reading->set);
		set->index = cidr_index_new(&reading->set);
		if (!set->index) {
			free(set);
			set = NULL;
		}
	}
	free(reading->set.at);
	reading->set.at = NULL;
	return set;
}

static bool add_text(struct reading *reading, struct str name, struct str text)
{
	if (reading->n == reading->cap) {
		size_t cap = reading->cap ? reading->cap * 2 : 8;
		struct str *texts = ARENA_ARRAY(reading->arena, struct str, cap);
		struct str *names = ARENA_ARRAY(reading->arena, struct str, cap);

		if (!texts || !names)
			return false;
		if (reading->n) {
			memcpy(texts, reading->texts, reading->n * sizeof(*texts));
			memcpy(names, reading->names, reading->n * sizeof(*names));
		}
		reading->texts = texts;
		reading->names = names;
		reading->cap = cap;
	}
	reading->texts[reading->n] = text;
	reading->names[reading->n++] = name;
	return true;
}

/* The texts of all ConfigMaps or Secrets that are named. */
static int gather(struct mw_prepare *prepare, struct reading *reading, const struct strs *names,
		  bool secret)
{
	const struct diag_path *path = DIAG_FIELD(prepare->path, secret ? "secrets" : "configMaps");
	int result = 0;

	for (size_t i = 0; i < names->n; i++) {
		struct str_map data;
		struct str type;

		if (!(secret ? prepare->secret(prepare, names->at[i], &type, &data)
			     : prepare->config_map(prepare, names->at[i], &data))) {
			diag_error(prepare->sink, DIAG_INDEX(path, i), "%s " STR_FMT " not found",
				   secret ? "Secret" : "ConfigMap", STR_ARG(names->at[i]));
			result = -EINVAL;
			continue;
		}
		for (size_t j = 0; j < data.n; j++)
			if (!add_text(reading,
				      arena_printf(reading->arena, STR_FMT ", key " STR_FMT,
						   STR_ARG(names->at[i]), STR_ARG(data.at[j].key)),
				      data.at[j].value))
				return -ENOMEM;
	}
	return result;
}

/* Sets with equal content are one. */
static struct str key_of(const struct reading *reading)
{
	unsigned char digest[32];
	char hex[2 * sizeof(digest) + 1];
	struct str key = STR("deny");

	for (size_t i = 0; i < reading->n; i++) {
		hash_sha256(reading->texts[i], digest);
		codec_hex(digest, sizeof(digest), hex);
		key = arena_printf(reading->arena, STR_FMT " %s", STR_ARG(key), hex);
	}
	return key;
}

static int read_sets(struct mw_prepare *prepare, const struct mwc_deny *from, struct deny *self)
{
	struct reading reading = {.arena = prepare->arena};
	struct str own = arena_str(prepare->arena, STR(""));
	int maps, secrets;

	for (size_t i = 0; i < from->cidrs.n; i++) {
		own = arena_join(prepare->arena, own, from->cidrs.at[i]);
		own = arena_join(prepare->arena, own, STR("\n"));
	}
	if (!add_text(&reading, STR("cidrs"), own))
		return -ENOMEM;
	maps = gather(prepare, &reading, &from->config_maps, false);
	secrets = gather(prepare, &reading, &from->secrets, true);
	if (maps < 0 || secrets < 0)
		return maps < 0 ? maps : secrets;

	const struct deny_set *set =
		prepare->keep(prepare, key_of(&reading), set_make, &reading, set_free);

	if (!set)
		return -ENOMEM;
	self->index = set->index;
	if (!set->n_bad)
		return 0;
	diag_error(prepare->sink, prepare->path,
		   "%zu lines are no networks, the first one is line %zu of " STR_FMT, set->n_bad,
		   set->bad_line, STR_ARG(reading.names[set->bad_text]));
	return -EINVAL;
}

static int prepare(struct mw_prepare *prepare, const void *decoded, const void **ret_conf)
{
	const struct mwc_deny *from = decoded;
	struct deny *self = ARENA_NEW(prepare->arena, struct deny);
	int source, sets;

	if (!self)
		return -ENOMEM;
	source = client_source_prepare(prepare, from->ip_strategy, &self->source);
	sets = read_sets(prepare, from, self);
	if (source < 0 || sets < 0)
		return source < 0 ? source : sets;
	self->status = (uint16_t)from->status_code;
	if (status_text(self->status).len == 0) {
		diag_error(prepare->sink, DIAG_FIELD(prepare->path, "statusCode"),
			   "%d is no known HTTP status", self->status);
		return -EINVAL;
	}
	*ret_conf = self;
	return 0;
}

static bool denies(const struct deny *self, const struct request *request)
{
	struct addr addr;

	return !client_source_addr(&self->source, request, &addr) ||
	       cidr_index_contains(self->index, &addr);
}

static enum mw_verdict on_request(const struct mw_instance *instance, struct mw_call *call)
{
	const struct deny *self = instance->conf;

	if (!denies(self, call->request))
		return MW_NEXT;
	call->reply.status = self->status;
	if (!status_is_bodiless(self->status))
		call->reply.body = status_text(self->status);
	return MW_REPLY;
}

static struct str explain(const struct mw_instance *instance, const struct request *request,
			  struct arena *arena)
{
	const struct deny *self = instance->conf;
	char room[CLIENT_SOURCE_TEXT_MAX];
	struct str source = client_source_text(&self->source, request, room);

	if (!denies(self, request))
		return arena_printf(arena,
				    "lets \"" STR_FMT "\" through: it is in none of %zu networks",
				    STR_ARG(source), cidr_index_count(self->index));
	return arena_printf(arena, "refuses \"" STR_FMT "\" with %d", STR_ARG(source),
			    self->status);
}

const struct mw deny_mw = {
	.name = "deny",
	.schema = &schema_mw_deny,
	.prepare = prepare,
	.on_request = on_request,
	.explain = explain,
};
