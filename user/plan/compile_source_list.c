// SPDX-License-Identifier: Apache-2.0
/*
 * compile_source_list: the lists that SourcePolicies name with denyFrom and allowFrom.
 *
 * A list stands in a text of a ConfigMap, or in a file of the operator's folder of lists, which its
 * source shows as ConfigMaps of a namespace that no object can have: so whoever may write a
 * SourcePolicy can name files of that folder and none else. A list with a line that is no address
 * is not taken: the one before stays in force.
 */

#include "model/config_map.h"
#include "model/source_policy.h"
#include "plan/compile_parts.h"
#include "plan/kept_list.h"
#include "source/list_folder.h"

struct naming {
	struct compile *compile;
	const struct source_list *list;
	const struct diag_path *path;
	struct str namespace_, name, key;
};

/* A file may be written with the folder before it. */
static struct str file_name(const struct static_config *config, struct str file)
{
	struct str folder = config->lists_directory;

	while (folder.len > 1 && folder.at[folder.len - 1] == '/')
		folder.len--;
	if (folder.len && str_starts(file, folder) && file.len > folder.len &&
	    file.at[folder.len] == '/')
		return str_from(file, folder.len + 1);
	return file;
}

static void tell_missing(const struct naming *naming, bool has_object)
{
	struct compile *c = naming->compile;
	struct str folder = c->config->lists_directory;

	if (naming->list->config_map && has_object)
		diag_error(c->sink, DIAG_FIELD(naming->path, "configMap"),
			   "ConfigMap " STR_FMT " has no key " STR_FMT, STR_ARG(naming->name),
			   STR_ARG(naming->key));
	else if (naming->list->config_map)
		diag_error(c->sink, DIAG_FIELD(naming->path, "configMap"),
			   "there is no ConfigMap " STR_FMT, STR_ARG(naming->name));
	else if (!folder.len)
		diag_error(c->sink, DIAG_FIELD(naming->path, "file"),
			   "no folder of lists is known: the option listsDirectory names it");
	else
		diag_found(c->sink,
			   diag_error(c->sink, DIAG_FIELD(naming->path, "file"),
				      "there is no such file in " STR_FMT, STR_ARG(folder)),
			   naming->list->file);
}

static void tell_fault(const struct naming *naming, const struct kept_list_fault *fault,
		       bool has_old)
{
	bool is_map = naming->list->config_map;
	struct compile *c = naming->compile;

	diag_found(c->sink,
		   diag_error(c->sink, DIAG_FIELD(naming->path, is_map ? "configMap" : "file"),
			      "line %zu of %s " STR_FMT "%s" STR_FMT
			      " is no address and no CIDR: %s",
			      fault->line, is_map ? "ConfigMap" : "file", STR_ARG(naming->name),
			      is_map ? ", key " : "", STR_ARG(is_map ? naming->key : STR("")),
			      has_old ? "the list before stays in force" : "the list is left out"),
		   str_of(fault->word));
}

static void add_list(const struct naming *naming, enum kernel_action action,
		     struct kernel_policy *policy)
{
	struct compile *c = naming->compile;
	const struct object *object =
		compile_find(c, KIND_CONFIG_MAP, naming->namespace_, naming->name);
	struct kept_list_text text = {
		.key = arena_printf(c->arena, "list %d " STR_FMT "/" STR_FMT "/" STR_FMT, action,
				    STR_ARG(naming->namespace_), STR_ARG(naming->name),
				    STR_ARG(naming->key)),
		.action = action,
	};
	struct kept_list_fault fault;
	const struct kernel_list *list;

	if (object && object->valid) {
		text.text = config_map_get(object->spec, naming->key);
		text.content_hash = object->content_hash;
	}
	list = kept_list(c->registry, c->part, &text, &fault);
	if (policy) {
		if (list && !kernel_policy_add_list(policy, list))
			diag_error(c->sink, naming->path,
				   "there is no room for more than %d prefixes and %d lists",
				   KERNEL_ACL_MAX, KERNEL_LISTS_MAX);
		return;
	}
	if (!text.text.at)
		tell_missing(naming, object);
	else if (fault.line)
		tell_fault(naming, &fault, list);
}

static void add_lists(struct compile *c, const struct object *object, const struct list_of *lists,
		      enum kernel_action action, struct kernel_policy *policy)
{
	const struct diag_path *path = DIAG_FIELD(
		DIAG_FIELD(NULL, "spec"), action == KERNEL_ALLOW ? "allowFrom" : "denyFrom");

	for (size_t i = 0; i < lists->n; i++) {
		const struct source_list *list = LIST_AT(*lists, const struct source_list, i);
		struct naming naming = {
			.compile = c,
			.list = list,
			.path = DIAG_INDEX(path, i),
			.namespace_ = list->config_map ? object->meta.namespace_
						       : STR(LIST_FOLDER_NAMESPACE),
			.name = list->config_map ? list->config_map->name
						 : file_name(c->config, list->file),
			.key = list->config_map ? list->config_map->key : STR(LIST_FOLDER_KEY),
		};

		add_list(&naming, action, policy);
	}
}

void compile_source_lists(struct compile *c, const struct object *object,
			  struct kernel_policy *policy)
{
	const struct source_policy *spec = object->spec;

	add_lists(c, object, &spec->allow_from, KERNEL_ALLOW, policy);
	add_lists(c, object, &spec->deny_from, KERNEL_DENY, policy);
}
