// SPDX-License-Identifier: Apache-2.0
/*
 * kernel_plane: without options the program runs on the interfaces of the default routes: those
 * face the outside. With kernelPlane=auto a refusal is one warning, and the proxy serves L7 alone.
 */
#include "app/kernel_plane.h"

#include <errno.h>
#include <stdio.h>

#include "attach.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "default_route.h"

static size_t interfaces(const struct static_config *config, struct kernel_plane *plane)
{
	size_t n = 0;
	char name[IF_NAMESIZE];

	if (!config->interfaces.n)
		return default_route_add(plane->names, 0, CONTROLLER_INTERFACES_MAX);
	for (size_t i = 0; i < config->interfaces.n; i++) {
		snprintf(name, sizeof(name), STR_FMT, STR_ARG(config->interfaces.at[i]));
		n = default_route_add_name(plane->names, n, CONTROLLER_INTERFACES_MAX, name);
	}
	return n;
}

static void fill_facts(struct kernel_plane *plane, size_t n)
{
	struct control_kernel *facts = &plane->facts;

	facts->mode = "native";
	for (size_t i = 0; i < n; i++) {
		const struct loader_attachment *row = &plane->attachments[i];

		facts->interfaces[i] = (struct interface_given){
			.name = row->ifname,
			.ifindex = row->is_refused ? 0 : row->ifindex,
			.mode = attach_mode_name(row),
			.why = row->why,
		};
		if (row->is_refused) {
			LOG(LOG_WARN, "kernel plane does not run on an interface",
			    LOG_C("interface", row->ifname), LOG_C("why", row->why));
			continue;
		}
		/* Of several interfaces, the one that has it worst. */
		if (!row->is_native) {
			if (!str_eq(str_of(facts->mode), STR("tc")))
				facts->mode = attach_mode_name(row);
			facts->reason = row->why[0] ? row->why : NULL;
		}
		LOG(LOG_INFO, "kernel plane attached", LOG_C("interface", row->ifname),
		    LOG_C("mode", attach_mode_name(row)), LOG_C("by", attach_how_name(row)),
		    LOG_C("why", row->why));
	}
	facts->n_interfaces = n;
}

/* Loads, attaches and opens; the kernel plane is this process's doing. */
static int open_own(const struct static_config *config, struct loader_options *options,
		    struct kernel_plane *plane, struct loader_maps *ret_maps)
{
	const char *ifnames[CONTROLLER_INTERFACES_MAX];
	size_t n = interfaces(config, plane);

	if (str_eq(config->kernel_plane, STR("native")))
		options->mode = LOADER_NATIVE;
	else if (str_eq(config->kernel_plane, STR("generic")))
		options->mode = LOADER_GENERIC;
	else if (str_eq(config->kernel_plane, STR("tc")))
		options->mode = LOADER_TC;
	if (!n) {
		snprintf(plane->fault.text, sizeof(plane->fault.text),
			 "there is no default route to tell which interface; name it with "
			 "--interfaces");
		return -ENODEV;
	}
	for (size_t i = 0; i < n; i++)
		ifnames[i] = plane->names[i];
	TRY(loader_run(options, ifnames, n, plane->attachments, ret_maps, &plane->fault));
	fill_facts(plane, n);
	return 0;
}

/* Whoever loaded it was given the same names. */
static void fill_named(const struct static_config *config, struct kernel_plane *plane)
{
	struct control_kernel *facts = &plane->facts;
	size_t n = config->interfaces.n ? interfaces(config, plane) : 0;

	for (size_t i = 0; i < n; i++)
		facts->interfaces[i] = (struct interface_given){
			plane->names[i], if_nametoindex(plane->names[i]), "pinned", ""};
	facts->n_interfaces = n;
	facts->mode = "pinned";
}

/* Opens what a loader with privileges has left. Links cannot be read without them: then nothing is
 * known of the interfaces. */
static int open_pinned(const struct static_config *config, const struct loader_options *options,
		       struct kernel_plane *plane, struct loader_maps *ret_maps)
{
	int rc = loader_maps_open(options->folder, ret_maps);
	int n = rc ? 0
		   : loader_attachments(options, plane->attachments, CONTROLLER_INTERFACES_MAX,
					&plane->fault);

	if (rc == -ENOENT)
		snprintf(plane->fault.text, sizeof(plane->fault.text),
			 "nothing is pinned in %s: run `tidegate-loader up` first",
			 options->folder);
	else if (rc < 0)
		snprintf(plane->fault.text, sizeof(plane->fault.text),
			 "the maps in %s cannot be opened (%s): `tidegate-loader up --group=GROUP` "
			 "lets a group use them",
			 options->folder, log_strerror(rc));
	if (rc < 0)
		return rc;
	fill_facts(plane, n > 0 ? (size_t)n : 0);
	if (n <= 0)
		fill_named(config, plane);
	return 0;
}

static int turned_off(struct kernel_plane *plane, bool is_fatal, int rc)
{
	plane->facts = (struct control_kernel){
		.mode = "off", .reason = plane->fault.text, .is_missing = true};
	LOG(is_fatal ? LOG_ERROR : LOG_WARN,
	    is_fatal ? "kernel plane cannot be had as asked for, ending"
		     : "kernel plane is off, serving L7 only",
	    LOG_C("reason", plane->fault.text));
	return is_fatal ? rc : 0;
}

static void set_number(const char *path, const char *value)
{
	FILE *file = fopen(path, "we");

	if (!file || fputs(value, file) < 0 || fflush(file))
		LOG(LOG_WARN, "a setting of the network stack cannot be changed",
		    LOG_C("path", path), LOG_ERRNO(-errno));
	if (file)
		fclose(file);
}

/* What the listeners must know to take connections that begin with a cookie of the kernel plane. */
static void set_sysctls(const struct static_config *config)
{
	const struct static_flood_protection *flood = &config->flood_protection;

	if (!flood->set_sysctls || str_eq(flood->syn_cookies, STR("off")))
		return;
	set_number("/proc/sys/net/ipv4/tcp_syncookies", "2");
	set_number("/proc/sys/net/ipv4/tcp_timestamps", "2");
}

int kernel_plane_open(const struct static_config *config, struct kernel_plane *plane,
		      struct dataplane **ret_dataplane)
{
	char folder[256];
	struct loader_options options = {.mode = LOADER_AUTO, .folder = folder};
	struct loader_maps maps = LOADER_MAPS_NONE;
	bool is_pinned = str_eq(config->kernel_plane, STR("pinned"));

	*plane = (struct kernel_plane){.facts = {.mode = "off"}, .steer = SOCKET_STEER_NONE};
	*ret_dataplane = NULL;
	snprintf(folder, sizeof(folder), STR_FMT, STR_ARG(config->pin_folder));
	if (str_eq(config->kernel_plane, STR("off"))) {
		plane->facts.reason = "switched off by --kernelPlane=off";
		return 0;
	}
	int rc = is_pinned ? open_pinned(config, &options, plane, &maps)
			   : open_own(config, &options, plane, &maps);

	if (rc == 0 && !is_pinned)
		set_sysctls(config);
	if (rc == 0) {
		rc = dataplane_open(&maps, ret_dataplane);
		if (rc < 0)
			snprintf(plane->fault.text, sizeof(plane->fault.text),
				 "the maps cannot be used: %s", log_strerror(rc));
	}
	if (rc == 0) {
		socket_steer_open(folder, &plane->steer);
		return 0;
	}
	return turned_off(plane, !is_pinned && !str_eq(config->kernel_plane, STR("auto")), rc);
}
