// SPDX-License-Identifier: Apache-2.0
/*
 * kernel_plane: without options the program runs on the interfaces of the default routes: those
 * face the outside. With kernelPlane=auto a refusal is one warning, and the proxy serves L7 alone.
 */
#include "app/kernel_plane.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/log.h"

static size_t add_name(struct kernel_plane *plane, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(plane->names[i], name))
			return n;
	if (n == CONTROLLER_INTERFACES_MAX || !strcmp(name, "lo"))
		return n;
	snprintf(plane->names[n], IF_NAMESIZE, "%s", name);
	return n + 1;
}

/* Word number n of a line of /proc/net, or {0}. */
static struct str word_of(const char *line, int n)
{
	struct str rest = str_of(line), word = {0};

	for (int i = 0; i <= n; i++) {
		rest = str_trim_space(rest);
		size_t length = 0;

		while (length < rest.len && !strchr(" \t\n", rest.at[length]))
			length++;
		word = str_take(rest, length);
		rest = str_from(rest, length);
	}
	return word;
}

/* A number in hexadecimal that is zero, as default routes have for address and mask. */
static bool is_zero(struct str hex)
{
	for (size_t i = 0; i < hex.len; i++)
		if (hex.at[i] != '0')
			return false;
	return hex.len > 0;
}

/* Adds the interfaces of a route table in /proc: a route is a default one when all words of zero[]
 * are. */
static size_t add_default_routes(struct kernel_plane *plane, size_t n, const char *path,
				 const int *zero, size_t n_zero, int name)
{
	AUTO_FCLOSE FILE *file = fopen(path, "re");
	char line[512], text[IF_NAMESIZE];

	while (file && fgets(line, sizeof(line), file)) {
		bool is_default = true;

		for (size_t i = 0; i < n_zero; i++)
			is_default &= is_zero(word_of(line, zero[i]));
		snprintf(text, sizeof(text), STR_FMT, STR_ARG(word_of(line, name)));
		if (is_default)
			n = add_name(plane, n, text);
	}
	return n;
}

static size_t default_route_interfaces(struct kernel_plane *plane)
{
	static const int v4[] = {1, 7},
			 v6[] = {0, 1}; /* destination and mask; prefix and its length */
	size_t n = add_default_routes(plane, 0, "/proc/net/route", v4, 2, 0);

	return add_default_routes(plane, n, "/proc/net/ipv6_route", v6, 2, 9);
}

static size_t interfaces(const struct static_config *config, struct kernel_plane *plane)
{
	size_t n = 0;
	char name[IF_NAMESIZE];

	if (!config->interfaces.n)
		return default_route_interfaces(plane);
	for (size_t i = 0; i < config->interfaces.n; i++) {
		snprintf(name, sizeof(name), STR_FMT, STR_ARG(config->interfaces.at[i]));
		n = add_name(plane, n, name);
	}
	return n;
}

static void fill_facts(struct kernel_plane *plane, size_t n)
{
	struct control_kernel *facts = &plane->facts;

	facts->mode = "native";
	for (size_t i = 0; i < n; i++) {
		const struct loader_attachment *row = &plane->attachments[i];

		facts->interfaces[i] = row->ifname;
		if (!row->is_native) {
			facts->mode = "generic";
			facts->reason = row->why[0] ? row->why : NULL;
		}
		LOG(LOG_INFO, "kernel plane attached", LOG_C("interface", row->ifname),
		    LOG_C("mode", row->is_native ? "native" : "generic"),
		    LOG_C("by", row->how == LOADER_BY_LINK ? "link" : "libxdp dispatcher"),
		    LOG_C("why", row->why));
	}
	facts->n_interfaces = n;
}

int kernel_plane_open(const struct static_config *config, struct kernel_plane *plane,
		      struct dataplane **ret_dataplane)
{
	const char *ifnames[CONTROLLER_INTERFACES_MAX];
	char folder[256];
	struct loader_options options = {.mode = LOADER_AUTO, .folder = folder};
	struct loader_maps maps;

	*plane = (struct kernel_plane){.facts = {.mode = "off"}};
	*ret_dataplane = NULL;
	snprintf(folder, sizeof(folder), STR_FMT, STR_ARG(config->pin_folder));
	if (str_eq(config->kernel_plane, STR("off"))) {
		plane->facts.reason = "switched off by --kernelPlane=off";
		return 0;
	}
	bool is_auto = str_eq(config->kernel_plane, STR("auto"));

	if (!is_auto)
		options.mode = str_eq(config->kernel_plane, STR("native")) ? LOADER_NATIVE
									   : LOADER_GENERIC;
	size_t n = interfaces(config, plane);
	int rc = n ? 0 : -ENODEV;

	if (!n)
		snprintf(plane->fault.text, sizeof(plane->fault.text),
			 "there is no default route to tell which interface; name it with "
			 "--interfaces");
	for (size_t i = 0; i < n; i++)
		ifnames[i] = plane->names[i];
	if (rc == 0)
		rc = loader_run(&options, ifnames, n, plane->attachments, &maps, &plane->fault);
	if (rc == 0) {
		fill_facts(plane, n);
		rc = dataplane_open(&maps, ret_dataplane);
		if (rc < 0)
			snprintf(plane->fault.text, sizeof(plane->fault.text),
				 "the maps cannot be used: %s", log_strerror(rc));
	}
	if (rc == 0)
		return 0;
	plane->facts = (struct control_kernel){.mode = "off", .reason = plane->fault.text};
	LOG(is_auto ? LOG_WARN : LOG_ERROR,
	    is_auto ? "kernel plane is off, serving L7 only"
		    : "kernel plane cannot be had as asked for, ending",
	    LOG_C("reason", plane->fault.text));
	return is_auto ? 0 : rc;
}
