// SPDX-License-Identifier: Apache-2.0
/*
 * compile_reference: from a reference to a name, with the rules on who may name what (reference
 * a.0).
 */

#include "plan/compile_parts.h"

struct provider_rules compile_reference_rules(const struct static_config *config)
{
	const struct kubernetes_crd_provider *crd = &config->providers.kubernetes_crd;

	return (struct provider_rules){
		.suffix = NAMES_CRD,
		.option = "kubernetesCRD",
		.allow_cross_namespace = crd->allow_cross_namespace,
		.allow_external_name_services = crd->allow_external_name_services,
		.allow_empty_services = crd->allow_empty_services,
		.native_lb_by_default = crd->native_lb_by_default,
		.cross_provider_namespaces = crd->cross_provider_namespaces,
	};
}

static bool may_cross_providers(const struct provider_rules *provider, struct str from)
{
	if (!provider->cross_provider_namespaces.at)
		return true;
	for (size_t i = 0; i < provider->cross_provider_namespaces.n; i++)
		if (str_eq(provider->cross_provider_namespaces.at[i], from))
			return true;
	return false;
}

bool compile_reference_namespace(struct compile *c, struct str from, struct str name,
				 struct str namespace_, const struct diag_path *path,
				 struct str *ret_namespace)
{
	struct diag *diag;

	*ret_namespace = namespace_.len ? namespace_ : from;
	if (str_eq(*ret_namespace, from) || c->rules->allow_cross_namespace)
		return true;
	diag = diag_error(c->sink, path,
			  STR_FMT " is in namespace " STR_FMT
				  ", and references across namespaces are not allowed",
			  STR_ARG(name), STR_ARG(namespace_));
	diag_suggest(c->sink, diag, "set providers.kubernetesCRD.allowCrossNamespace");
	return false;
}

/* Rule 1: a name with a provider is used as it is. */
static bool cross_provider(struct compile *c, struct str from, const struct object_ref *ref,
			   const struct diag_path *path)
{
	const struct provider_rules *provider = c->rules;

	if (ref->namespace_.len)
		diag_warning(c->sink, path,
			     "the namespace is ignored, since " STR_FMT " names a provider",
			     STR_ARG(ref->name));
	if (str_ends(ref->name, str_of(provider->suffix)) && !provider->allow_cross_namespace &&
	    !names_are_of_file(from)) {
		diag_suggest(
			c->sink,
			diag_error(c->sink, path,
				   STR_FMT
				   " could be in any namespace, and references across namespaces "
				   "are not allowed",
				   STR_ARG(ref->name)),
			"name the object and its namespace, without @kubernetescrd");
		return false;
	}
	if (!may_cross_providers(provider, from)) {
		diag_error(c->sink, path,
			   "objects of namespace " STR_FMT " may not refer to other providers",
			   STR_ARG(from));
		return false;
	}
	return true;
}

bool compile_reference_middleware(struct compile *c, struct str from, const struct object_ref *ref,
				  const struct diag_path *path, struct str *ret_key)
{
	struct str namespace_;

	if (str_find(ref->name, '@') >= 0) {
		*ret_key = ref->name;
		return cross_provider(c, from, ref, path);
	}
	if (!compile_reference_namespace(c, from, ref->name, ref->namespace_, path, &namespace_))
		return false;
	*ret_key = arena_printf(c->arena, "Middleware/" STR_FMT "/" STR_FMT, STR_ARG(namespace_),
				STR_ARG(ref->name));
	return true;
}
