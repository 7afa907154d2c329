// SPDX-License-Identifier: Apache-2.0
/*
 * kernel_plane: without options the program runs on the interfaces of the default routes: those face the outside.
 * With kernelPlane=auto a refusal is one warning, and the proxy serves L7 alone.
 */
#include "app/kernel_plane.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/log.h"

/* Interfaces of default routes in /proc/net/route and /proc/net/ipv6_route, each once. */
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

static size_t default_route_interfaces(struct kernel_plane *plane)
{
	AUTO_FCLOSE FILE *v4 = fopen("/proc/net/route", "re");
	AUTO_FCLOSE FILE *v6 = fopen("/proc/net/ipv6_route", "re");
	char line[512], name[64];
	unsigned long dest, mask;
	size_t n = 0;

	while (v4 && fgets(line, sizeof(line), v4))
		if (sscanf(line, "%63s %lx %*s %*s %*s %*s %*s %lx", name, &dest, &mask) == 3 && !dest && !mask)
			n = add_name(plane, n, name);
	while (v6 && fgets(line, sizeof(line), v6)) {
		char prefix[33], bits[3];

		if (sscanf(line, "%32s %2s %*s %*s %*s %*s %*s %*s %*s %63s", prefix, bits, name) == 3 &&
		    !strcmp(bits, "00") && strspn(prefix, "0") == 32)
			n = add_name(plane, n, name);
	}
	return n;
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
		    LOG_C("by", row->how == LOADER_BY_LINK ? "link" : "libxdp dispatcher"), LOG_C("why", row->why));
	}
	facts->n_interfaces = n;
}

int kernel_plane_open(const struct static_config *config, struct kernel_plane *plane, struct dataplane **ret_dataplane)
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
		options.mode = str_eq(config->kernel_plane, STR("native")) ? LOADER_NATIVE : LOADER_GENERIC;
	size_t n = interfaces(config, plane);
	int rc = n ? 0 : -ENODEV;

	if (!n)
		snprintf(plane->fault.text, sizeof(plane->fault.text),
			 "there is no default route to tell which interface; name it with --interfaces");
	for (size_t i = 0; i < n; i++)
		ifnames[i] = plane->names[i];
	if (rc == 0)
		rc = loader_run(&options, ifnames, n, plane->attachments, &maps, &plane->fault);
	if (rc == 0) {
		fill_facts(plane, n);
		rc = dataplane_open(&maps, ret_dataplane);
		if (rc < 0)
			snprintf(plane->fault.text, sizeof(plane->fault.text), "the maps cannot be used: %s",
				 log_strerror(rc));
	}
	if (rc == 0)
		return 0;
	plane->facts = (struct control_kernel){.mode = "off", .reason = plane->fault.text};
	LOG(is_auto ? LOG_WARN : LOG_ERROR,
	    is_auto ? "kernel plane is off, serving L7 only" : "kernel plane cannot be had as asked for, ending",
	    LOG_C("reason", plane->fault.text));
	return is_auto ? 0 : rc;
}
