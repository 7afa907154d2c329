// SPDX-License-Identifier: Apache-2.0
/* loader_status: see loader_status.h. */
#include "loader_status.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "attach.h"
#include "pin.h"

enum { ATTACHMENTS_MAX = 64 };

struct counted {
	uint64_t received, pass[ABI_PASS__COUNT], drop[ABI_DROP__COUNT], passed, dropped;
};

static const char *const pass_labels[] = {
#define LABEL(id, label, text) label,
	ABI_PASSES(LABEL)};

static const char *const drop_labels[] = {ABI_DROPS(LABEL)};

int loader_status_version(void)
{
	printf("tidegate-loader %s, map layout %d, libbpf %s\n", TIDEGATE_VERSION, ABI_VERSION,
	       libbpf_version_string());
	return EXIT_SUCCESS;
}

void loader_status_json_string(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			printf("\\%c", *text);
		else if ((unsigned char)*text < ' ')
			printf("\\u%04x", *text);
		else
			putchar(*text);
	}
	putchar('"');
}

static int count(const struct loader_maps *maps, struct counted *ret)
{
	int n_cpus = libbpf_num_possible_cpus();
	struct abi_counter *rows = calloc(n_cpus > 0 ? (size_t)n_cpus : 1, sizeof(*rows));
	struct counted sum = {0};
	int err = rows && n_cpus > 0 ? 0 : -ENOMEM;

	for (__u32 entry = 0; entry < ABI_ENTRIES && !err; entry++) {
		if (bpf_map_lookup_elem(maps->fd[LOADER_MAP_COUNTER], &entry, rows)) {
			err = -errno;
			break;
		}
		for (int cpu = 0; cpu < n_cpus; cpu++) {
			sum.received += rows[cpu].received;
			for (int i = 0; i < ABI_PASS__COUNT; i++)
				sum.pass[i] += rows[cpu].pass[i];
			for (int i = 0; i < ABI_DROP__COUNT; i++)
				sum.drop[i] += rows[cpu].drop[i];
		}
	}
	for (int i = 0; i < ABI_PASS__COUNT; i++)
		sum.passed += sum.pass[i];
	for (int i = 0; i < ABI_DROP__COUNT; i++)
		sum.dropped += sum.drop[i];
	free(rows);
	*ret = sum;
	return err;
}

static void print_json(const struct loader_options *options, const struct abi_control *control,
		       const struct loader_attachment *rows, int n, const struct counted *counted)
{
	static const char *const how[] = {[LOADER_BY_LINK] = "link",
					  [LOADER_BY_DISPATCHER] = "dispatcher",
					  [LOADER_BY_TCX] = "tcx",
					  [LOADER_BY_FILTER] = "filter"};

	printf("{\"loaded\":true,\"folder\":");
	loader_status_json_string(pin_folder(options));
	printf(",\"layout\":%u,\"generation\":%u,\"interfaces\":[", control->abi_version,
	       control->generation);
	for (int i = 0; i < n; i++)
		printf("%s{\"name\":\"%s\",\"ifindex\":%u,\"mode\":\"%s\",\"how\":\"%s\","
		       "\"program\":%u}",
		       i ? "," : "", rows[i].ifname, rows[i].ifindex, attach_mode_name(&rows[i]),
		       how[rows[i].how], rows[i].program_id);
	printf("],\"received\":%" PRIu64 ",\"passed\":{", counted->received);
	for (int i = 0; i < ABI_PASS__COUNT; i++)
		printf("%s\"%s\":%" PRIu64, i ? "," : "", pass_labels[i], counted->pass[i]);
	printf("},\"dropped\":{");
	for (int i = 0; i < ABI_DROP__COUNT; i++)
		printf("%s\"%s\":%" PRIu64, i ? "," : "", drop_labels[i], counted->drop[i]);
	printf("}}\n");
}

static void print_text(const struct loader_options *options, const struct abi_control *control,
		       const struct loader_attachment *rows, int n, const struct counted *counted)
{
	printf("loaded in %s (layout %u, configuration %u)\n", pin_folder(options),
	       control->abi_version, control->generation);
	if (!n)
		printf("runs on no interface\n");
	for (int i = 0; i < n; i++)
		printf("%-12s %s, %s, program %u\n", rows[i].ifname, attach_mode_name(&rows[i]),
		       rows[i].is_elsewhere ? "another network namespace"
					    : attach_how_name(&rows[i]),
		       rows[i].program_id);
	printf("received     %" PRIu64 "\n", counted->received);
	printf("passed       %" PRIu64 "\n", counted->passed);
	for (int i = 0; i < ABI_PASS__COUNT; i++)
		if (counted->pass[i])
			printf("  %-16s %" PRIu64 "\n", pass_labels[i], counted->pass[i]);
	printf("dropped      %" PRIu64 "\n", counted->dropped);
	for (int i = 0; i < ABI_DROP__COUNT; i++)
		if (counted->drop[i])
			printf("  %-16s %" PRIu64 "\n", drop_labels[i], counted->drop[i]);
}

int loader_status_print(const struct loader_options *options, bool json)
{
	struct loader_attachment rows[ATTACHMENTS_MAX];
	struct abi_control control;
	struct loader_fault fault;
	struct loader_maps maps;
	struct counted counted;
	int n = loader_attachments(options, rows, ATTACHMENTS_MAX, &fault);
	int err = n < 0 ? n : loader_maps_open(pin_folder(options), &maps);

	if (err == -ENOENT) {
		printf(json ? "{\"loaded\":false}\n" : "nothing is loaded%s%s\n", " in ",
		       pin_folder(options));
		return EXIT_FAILURE;
	}
	if (err) {
		fprintf(stderr, "tidegate-loader: %s: %s\n", pin_folder(options),
			err == -EPROTO
				? "the maps have another layout version; `unload` removes them"
				: strerror(-err));
		return EXIT_FAILURE;
	}
	err = bpf_map_lookup_elem(maps.fd[LOADER_MAP_CONTROL], &(__u32){0}, &control);
	if (!err)
		err = count(&maps, &counted);
	loader_maps_close(&maps);
	if (err) {
		fprintf(stderr, "tidegate-loader: cannot read the maps: %s\n", strerror(-err));
		return EXIT_FAILURE;
	}
	(json ? print_json : print_text)(options, &control, rows, n, &counted);
	return EXIT_SUCCESS;
}
