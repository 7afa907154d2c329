// SPDX-License-Identifier: Apache-2.0
/* sources: see the header. */
#include "source/sources.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "source/list_folder.h"

enum { SOURCES_MAX = 2 };

struct sources {
	struct folder *folders[SOURCES_MAX];
	size_t n;
	struct list_folder *lists; /* NULL: none */
	struct kube_source *kube;  /* NULL: none */
	bool is_read;
	int epoll_fd; /* over those that are watched */
};

bool sources_are_named(const struct static_config *config)
{
	const struct file_provider *file = &config->providers.file;

	return config->manifests.len || file->directory.len || file->filename.len ||
	       kube_source_is_named(config);
}

static int add(struct sources *sources, const struct folder_options *options, bool is_watched)
{
	struct epoll_event event = {.events = EPOLLIN};
	int error = 0;
	struct folder *folder = folder_open(options, &error);

	if (!folder)
		return error;
	sources->folders[sources->n++] = folder;
	if (is_watched &&
	    epoll_ctl(sources->epoll_fd, EPOLL_CTL_ADD, folder_fd(folder), &event) < 0)
		return -errno;
	return 0;
}

/* Texts of options are copied into an arena, so a NUL follows them. */
static int add_file(struct sources *sources, struct str filename, bool is_watched)
{
	const char *slash = strrchr(filename.at, '/');
	char *folder =
		slash ? strndup(filename.at, (size_t)(slash - filename.at) + (slash == filename.at))
		      : strdup(".");
	struct folder_options options = {
		.path = folder, .form = MANIFEST_TRAEFIK, .only = slash ? slash + 1 : filename.at};
	int error = folder ? add(sources, &options, is_watched) : -ENOMEM;

	free(folder);
	return error;
}

static int add_lists(struct sources *sources, const struct static_config *config,
		     struct str *ret_path)
{
	struct epoll_event event = {.events = EPOLLIN};
	int error = 0;

	*ret_path = config->lists_directory;
	sources->lists = list_folder_open(config->lists_directory.at, &error);
	if (sources->lists &&
	    epoll_ctl(sources->epoll_fd, EPOLL_CTL_ADD, list_folder_fd(sources->lists), &event) < 0)
		return -errno;
	return error;
}

static int add_kube(struct sources *sources, const struct static_config *config,
		    struct str *ret_path, char *ret_fault)
{
	struct epoll_event event = {.events = EPOLLIN};
	int error = 0;

	*ret_path = STR("API server");
	sources->kube = kube_source_open(config, ret_fault, &error);
	if (sources->kube &&
	    epoll_ctl(sources->epoll_fd, EPOLL_CTL_ADD, kube_source_fd(sources->kube), &event) < 0)
		return -errno;
	return error;
}

static int open_all(struct sources *sources, const struct static_config *config,
		    struct str *ret_path, char *ret_fault)
{
	const struct file_provider *file = &config->providers.file;
	int error = 0;

	if (config->lists_directory.len)
		error = add_lists(sources, config, ret_path);
	if (error)
		return error;
	if (kube_source_is_named(config))
		error = add_kube(sources, config, ret_path, ret_fault);
	if (error)
		return error;
	*ret_path = config->manifests;
	if (config->manifests.len)
		error = add(sources, &(struct folder_options){.path = config->manifests.at}, true);
	if (error || !(file->directory.len || file->filename.len))
		return error;
	/* Traefik: the directory counts when both are given. */
	*ret_path = file->directory.len ? file->directory : file->filename;
	return file->directory.len ? add(sources,
					 &(struct folder_options){.path = file->directory.at,
								  .form = MANIFEST_TRAEFIK},
					 file->watch)
				   : add_file(sources, file->filename, file->watch);
}

struct sources *sources_open(const struct static_config *config, struct str *ret_path,
			     char *ret_fault, int *ret_error)
{
	struct sources *sources = calloc(1, sizeof(*sources));

	*ret_path = config->manifests;
	ret_fault[0] = '\0';
	*ret_error = -ENOMEM;
	if (!sources)
		return NULL;
	sources->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	*ret_error =
		sources->epoll_fd < 0 ? -errno : open_all(sources, config, ret_path, ret_fault);
	if (!*ret_error)
		return sources;
	sources_close(sources);
	return NULL;
}

void sources_close(struct sources *sources)
{
	if (!sources)
		return;
	for (size_t i = 0; i < sources->n; i++)
		folder_close(sources->folders[i]);
	list_folder_close(sources->lists);
	kube_source_close(sources->kube);
	if (sources->epoll_fd >= 0)
		close(sources->epoll_fd);
	free(sources);
}

int sources_fd(const struct sources *sources)
{
	return sources->epoll_fd;
}

int sources_read(struct sources *sources, struct store *store, struct diag_sink *sink)
{
	int changed = 0;

	for (size_t i = 0; i < sources->n; i++)
		changed |= folder_read(sources->folders[i], store, sink);
	if (sources->lists)
		changed |= list_folder_read(sources->lists, store, sink);
	if (sources->kube)
		changed |= kube_source_read(sources->kube, store, sink);
	sources->is_read = true;
	return changed;
}

bool sources_listed(const struct sources *sources)
{
	return sources->is_read && (!sources->kube || kube_source_listed(sources->kube));
}

void sources_tell(struct sources *sources, const struct store *store, const struct diag_sink *diags)
{
	if (sources->kube)
		kube_source_tell(sources->kube, store, diags);
}

void sources_in_force(struct sources *sources, const struct store *store,
		      const struct kube_kernel_fault *fault)
{
	if (sources->kube)
		kube_source_in_force(sources->kube, store, fault);
}

void sources_interfaces(struct sources *sources, const char *message, bool is_lost)
{
	if (sources->kube)
		kube_source_interfaces(sources->kube, message, is_lost);
}

struct kube_source *sources_kube(const struct sources *sources)
{
	return sources->kube;
}

int sources_settle(struct sources *sources, struct store *store, struct diag_sink *sink,
		   uint64_t timeout_ns)
{
	uint64_t end = clock_mono_ns() + timeout_ns;
	bool is_silent;

	for (;;) {
		struct pollfd wait = {.fd = sources->epoll_fd, .events = POLLIN};
		struct arena arena;
		struct diag_sink passing;

		/* Of all that is told meanwhile only the end counts. */
		arena_init(&arena, 1 << 20, 0);
		diag_init(&passing, &arena);
		sources_read(sources, store, &passing);
		arena_done(&arena);
		is_silent = sources->kube && kube_source_is_silent(sources->kube);
		if (sources_listed(sources) || is_silent || clock_mono_ns() >= end)
			break;
		poll(&wait, 1, 100);
	}
	sources_read(sources, store, sink);
	if (sources_listed(sources))
		return 0;
	return is_silent ? -EHOSTUNREACH : -ETIMEDOUT;
}
