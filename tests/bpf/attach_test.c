// SPDX-License-Identifier: Apache-2.0
/*
 * attach_test: the loader on real interfaces: a veth pair and lo in a network namespace of this
 * process, pins in a folder of its own. Floods are live frames that a generator program redirects
 * into one end of the pair.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "dataplane/dataplane.h"
#include "ingress_rows.h"
#include "loader.h"
#include "packet.h"

#ifndef BPF_F_XDP_HAS_FRAGS
#define BPF_F_XDP_HAS_FRAGS (1U << 5) /* Linux 5.18, newer than these headers */
#endif

enum { FLOOD_PORT = 4242, FLOOD_FRAMES = 1000000, REPLACES = 20 };

static char folder[64];
static struct loader_options options = {.folder = folder, .no_dispatcher = true};
static struct loader_fault fault;

static int ip(const char *arguments)
{
	char command[160];

	snprintf(command, sizeof(command), "ip %s", arguments);
	return system(command);
}

static int begin(void **state)
{
	struct loader_options probe = options;

	snprintf(folder, sizeof(folder), "/sys/fs/bpf/tg-test-%d", (int)getpid());
	if (loader_load(&probe, &fault)) {
		print_message("%s\n", fault.text);
		return 0;
	}
	assert_int_equal(loader_unload(&options, &fault), 0);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	/* No neighbour discovery: every packet on the pair is ours. */
	assert_int_equal(system("echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6 && "
				"echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6"),
			 0);
	assert_int_equal(ip("link set lo up"), 0);
	assert_int_equal(ip("link add tga type veth peer name tgb"), 0);
	assert_int_equal(ip("link set tga up"), 0);
	assert_int_equal(ip("link set tgb up"), 0);
	/* veth takes redirected frames only where the other end polls: native XDP does, and GRO. */
	assert_int_equal(system("ethtool -K tgb gro on"), 0);
	*state = &options;
	return 0;
}

static int clean(void **state)
{
	(void)state;
	options.mode = LOADER_AUTO;
	return loader_unload(&options, &fault);
}

/* Skips where BPF is refused; otherwise loads. */
static void need_loaded(void **state)
{
	if (!*state)
		skip();
	if (loader_load(&options, &fault))
		fail_msg("%s", fault.text);
}

static struct loader_attachment attach(const char *ifname)
{
	struct loader_attachment attachment;

	if (loader_attach(&options, ifname, &attachment, &fault))
		fail_msg("%s", fault.text);
	return attachment;
}

/* A program of two instructions, or one that redirects everything to an interface. */
static int make_program(const char *name, int verdict, uint32_t redirect_to, uint32_t flags)
{
	struct bpf_insn give[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = verdict},
		{.code = BPF_JMP | BPF_EXIT}};
	struct bpf_insn redirect[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 1, .imm = (int)redirect_to},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect},
		{.code = BPF_JMP | BPF_EXIT}};
	LIBBPF_OPTS(bpf_prog_load_opts, load, .expected_attach_type = BPF_XDP, .prog_flags = flags);
	int fd = redirect_to ? bpf_prog_load(BPF_PROG_TYPE_XDP, name, "GPL", redirect, 4, &load)
			     : bpf_prog_load(BPF_PROG_TYPE_XDP, name, "GPL", give, 2, &load);

	assert_true(fd >= 0);
	return fd;
}

static struct dataplane_totals totals_of(void)
{
	struct dataplane_totals totals;
	struct dataplane *dataplane;

	assert_int_equal(dataplane_open_pinned(folder, &dataplane), 0);
	assert_int_equal(dataplane_totals(dataplane, &totals), 0);
	dataplane_close(dataplane);
	return totals;
}

/* Waits until that many have been admitted, or none has come for a while; returns how many there
 * were. */
static uint64_t admitted(uint64_t want)
{
	uint64_t n = 0, last;
	int idle = 0;

	do {
		last = n;
		poll(NULL, 0, 10);
		n = totals_of().pass[ABI_PASS_ADMITTED];
		idle = n == last ? idle + 1 : 0;
	} while (n < want && idle < 20);
	return n;
}

/* An entry point for the flood's port, so that stray packets of the kernel are not counted with it.
 */
static void configure(void)
{
	struct dataplane_result result;
	struct dataplane *dataplane;
	struct arena arena;

	arena_init(&arena, 1 << 20, 0);
	struct kernel_config *config = kernel_config_new(&arena);

	ingress_rows_entry(config, "flood", NULL, FLOOD_PORT, IPPROTO_UDP, NULL);
	assert_int_equal(dataplane_open_pinned(folder, &dataplane), 0);
	assert_int_equal(dataplane_apply(dataplane, config, &result), 0);
	dataplane_close(dataplane);
	arena_done(&arena);
}

static uint32_t flood(const char *into, uint32_t n)
{
	uint8_t frame[PACKET_ROOM];
	size_t bytes = packet_build(
		&(struct packet_spec){.proto = IPPROTO_UDP, .dest_port = FLOOD_PORT}, frame);
	int fd = make_program("flood", 0, if_nametoindex(into), 0);
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = (__u32)bytes,
		    .repeat = (int)n, .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = 64);
	int err = bpf_prog_test_run_opts(fd, &run);

	close(fd);
	return err ? 0 : n;
}

static void native_on_veth_outlives_the_loader(void **state)
{
	need_loaded(state);
	struct loader_attachment tgb = attach("tgb"), rows[4];

	CHECK_INT("native", tgb.is_native, 1);
	CHECK_INT("by link", tgb.how, LOADER_BY_LINK);
	CHECK_INT("new", tgb.was_there, 0);
	assert_string_equal(tgb.why, "");
	configure();
	attach("tga"); /* the sending end counts too, but receives nothing */
	assert_int_equal(flood("tga", 10000), 10000);
	CHECK_INT("all arrived", admitted(10000), 10000);
	assert_int_equal(loader_attachments(&options, rows, 4, &fault), 2);
	assert_int_equal(loader_detach(&options, "tga", &fault), 0);
	CHECK_INT("twice", loader_detach(&options, "tga", &fault), -ENOENT);
	assert_non_null(strstr(fault.text, "tga"));
	assert_int_equal(loader_attachments(&options, rows, 4, &fault), 1);
	assert_string_equal(rows[0].ifname, "tgb");
	CHECK_INT("native", rows[0].is_native, 1);
}

static void generic_where_native_cannot_be_with_the_reason(void **state)
{
	need_loaded(state);
	struct loader_attachment lo = attach("lo");

	CHECK_INT("native", lo.is_native, 0);
	assert_non_null(strstr(lo.why, "no native XDP"));
	assert_int_equal(loader_detach(&options, "lo", &fault), 0);
	options.mode = LOADER_NATIVE;
	CHECK_INT("only native", loader_attach(&options, "lo", &lo, &fault), -EOPNOTSUPP);
	assert_non_null(strstr(fault.text, "--mode=generic"));
	options.mode = LOADER_GENERIC;
	CHECK_INT("veth, generic", attach("tgb").is_native, 0);
	configure();
	assert_int_equal(flood("tga", 10000), 10000);
	CHECK_INT("all arrived", admitted(10000), 10000);
}

/* Frames that reached the interface: a busy machine may lose some in the pair's ring, before any
 * program. */
static uint64_t arrived(const char *ifname)
{
	FILE *file = fopen("/proc/thread-self/net/dev", "re");
	char line[512], want[IF_NAMESIZE + 2];
	unsigned long n = 0;

	assert_non_null(file);
	snprintf(want, sizeof(want), "%s:", ifname);
	while (fgets(line, sizeof(line), file))
		if (strstr(line, want))
			sscanf(strchr(line, ':') + 1, "%*u %lu", &n);
	fclose(file);
	return n;
}

static void *flood_thread(void *ret)
{
	*(uint32_t *)ret = flood("tga", FLOOD_FRAMES);
	return NULL;
}

static void a_program_is_replaced_without_losing_a_packet(void **state)
{
	pthread_t thread;
	uint32_t sent = 0;

	need_loaded(state);
	uint32_t first = attach("tgb").program_id;

	configure();
	uint64_t before = arrived("tgb");

	assert_int_equal(pthread_create(&thread, NULL, flood_thread, &sent), 0);
	for (int i = 0; i < REPLACES; i++)
		if (loader_load(&options, &fault))
			fail_msg("%s", fault.text);
	pthread_join(thread, NULL);
	CHECK_INT("sent", sent, FLOOD_FRAMES);
	admitted(FLOOD_FRAMES);
	uint64_t reached = arrived("tgb") - before;

	assert_in_range(reached, FLOOD_FRAMES / 2, FLOOD_FRAMES);
	CHECK_INT("counted by all the programs", totals_of().pass[ABI_PASS_ADMITTED], reached);
	struct loader_attachment again = attach("tgb");

	assert_int_not_equal(again.program_id, first);
	CHECK_INT("was there", again.was_there, 1);
	print_message("%d replacements under %u packets, none lost\n", REPLACES, (unsigned)reached);
}

static void a_foreign_program_is_not_evicted(void **state)
{
	struct loader_attachment attachment;
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	need_loaded(state);
	int ifindex = (int)if_nametoindex("tgb"), fd = make_program("somebody", XDP_PASS, 0, 0);

	assert_int_equal(bpf_xdp_attach(ifindex, fd, XDP_FLAGS_DRV_MODE, NULL), 0);
	options.mode = LOADER_NATIVE;
	CHECK_INT("attach", loader_attach(&options, "tgb", &attachment, &fault), -EBUSY);
	assert_non_null(strstr(fault.text, "'somebody'"));
	assert_non_null(strstr(fault.text, "native"));
	assert_non_null(strstr(fault.text, "--mode=tc"));
	/* Unless XDP was asked for by name, ours goes behind it, and says so. */
	options.mode = LOADER_AUTO;
	attachment = attach("tgb");
	CHECK_INT("tc", attachment.is_tc, 1);
	assert_non_null(strstr(attachment.why, "'somebody'"));
	assert_int_equal(loader_detach(&options, "tgb", &fault), 0);
	assert_int_equal(bpf_xdp_query(ifindex, 0, &query), 0);
	assert_int_not_equal(query.prog_id, 0);
	assert_int_equal(bpf_xdp_detach(ifindex, XDP_FLAGS_DRV_MODE, NULL), 0);
	close(fd);
	attach("tgb");
	/* And ours cannot be evicted by others. */
	fd = make_program("somebody", XDP_PASS, 0, 0);
	CHECK_INT("ours stays", bpf_xdp_attach(ifindex, fd, XDP_FLAGS_DRV_MODE, NULL), -EBUSY);
	close(fd);
}

static int run_pinned(void)
{
	uint8_t frame[PACKET_ROOM];
	size_t n = packet_build(&(struct packet_spec){0}, frame);
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = (__u32)n);
	char path[96];

	snprintf(path, sizeof(path), "%s/prog_ingress", folder);
	int fd = bpf_obj_get(path);

	assert_int_equal(bpf_prog_test_run_opts(fd, &run), 0);
	close(fd);
	return (int)run.retval;
}

static void another_program_runs_behind_ours(void **state)
{
	char path[96], plain[96];

	need_loaded(state);
	int fd = make_program("behind", XDP_DROP, 0, BPF_F_XDP_HAS_FRAGS);
	int no_frags = make_program("plain", XDP_DROP, 0, 0);

	snprintf(path, sizeof(path), "%s_behind", folder);
	snprintf(plain, sizeof(plain), "%s_plain", folder);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
	assert_int_equal(bpf_obj_pin(no_frags, plain), 0);
	CHECK_INT("before", run_pinned(), XDP_PASS);
	CHECK_INT("set", loader_set_next(&options, path, &fault), 0);
	CHECK_INT("behind", run_pinned(), XDP_DROP);
	assert_int_equal(loader_load(&options, &fault), 0);
	CHECK_INT("it stays there when we are replaced", run_pinned(), XDP_DROP);
	CHECK_INT("clear", loader_set_next(&options, NULL, &fault), 0);
	CHECK_INT("after", run_pinned(), XDP_PASS);
	CHECK_INT("clear again", loader_set_next(&options, NULL, &fault), 0);
	assert_true(loader_set_next(&options, plain, &fault) < 0);
	assert_non_null(strstr(fault.text, "xdp.frags"));
	unlink(path);
	unlink(plain);
	close(fd);
	close(no_frags);
}

static void maps_of_another_layout_are_refused(void **state)
{
	struct abi_control control;
	char path[96];

	need_loaded(state);
	snprintf(path, sizeof(path), "%s/control", folder);
	int fd = bpf_obj_get(path);

	assert_int_equal(bpf_map_lookup_elem(fd, &(__u32){0}, &control), 0);
	control.abi_version = 99;
	assert_int_equal(bpf_map_update_elem(fd, &(__u32){0}, &control, BPF_ANY), 0);
	close(fd);
	CHECK_INT("load", loader_load(&options, &fault), -EPROTO);
	assert_non_null(strstr(fault.text, "version 99"));
	assert_non_null(strstr(fault.text, "unload"));
	assert_int_equal(loader_unload(&options, &fault), 0);
	CHECK_INT("afterwards", loader_load(&options, &fault), 0);
}

static uint32_t entries_of(const char *name)
{
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
	close(fd);
	return info.max_entries;
}

static void sizes_are_chosen_once(void **state)
{
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);
	struct loader_maps maps;

	if (!*state)
		skip();
	options.max_sources = 5000;
	options.max_bans = 100;
	options.max_flows = 40000;
	assert_int_equal(loader_load(&options, &fault), 0);
	options.max_sources = options.max_bans = options.max_flows = 0;
	assert_int_equal(loader_load(&options, &fault), 0);
	assert_int_equal(loader_maps_open(folder, &maps), 0);
	assert_int_equal(bpf_obj_get_info_by_fd(maps.fd[LOADER_MAP_RATE4], &info, &size), 0);
	CHECK_INT("lines for 5000 sources", info.max_entries, 2048);
	assert_int_equal(bpf_obj_get_info_by_fd(maps.fd[LOADER_MAP_BAN], &info, &size), 0);
	CHECK_INT("lines for 100 bans", info.max_entries, 64);
	CHECK_INT("translated flows", entries_of("flow"), 40000);
	CHECK_INT("new ones", entries_of("flow_new"), 10000);
	loader_maps_close(&maps);
}

static void pins_of_an_older_build_are_opened(void **state)
{
	struct loader_maps maps;
	char path[128];

	if (!*state)
		skip();
	assert_int_equal(loader_load(&options, &fault), 0);
	snprintf(path, sizeof(path), "%s/policy_object", folder);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(loader_maps_open(folder, &maps), 0);
	assert_int_equal(maps.fd[LOADER_MAP_POLICY_OBJECT], -1);
	loader_maps_close(&maps);
	snprintf(path, sizeof(path), "%s/entry", folder);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(loader_maps_open(folder, &maps), -ENOENT);
}

static void nothing_is_left_behind(void **state)
{
	struct loader_attachment attachment;

	if (!*state)
		skip();
	CHECK_INT("attach before load", loader_attach(&options, "tgb", &attachment, &fault),
		  -ENOENT);
	assert_non_null(strstr(fault.text, "load"));
	CHECK_INT("no such interface", loader_attach(&options, "tgz", &attachment, &fault),
		  -ENODEV);
	need_loaded(state);
	attach("tgb");
	assert_int_equal(loader_unload(&options, &fault), 0);
	assert_int_equal(access(folder, F_OK), -1);
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	assert_int_equal(bpf_xdp_query((int)if_nametoindex("tgb"), 0, &query), 0);
	CHECK_INT("program", query.prog_id, 0);
	assert_int_equal(loader_unload(&options, &fault), 0);
}

static void a_namesake_in_another_namespace_is_left_alone(void **state)
{
	struct loader_attachment rows[2], other;
	int ours, status;

	need_loaded(state);
	attach("lo");
	ours = fork();
	if (!ours) {
		struct loader_fault told;

		if (unshare(CLONE_NEWNET))
			_exit(1);
		_exit(loader_attach(&options, "lo", &other, &told) == -EEXIST &&
				      strstr(told.text, "another network namespace")
			      ? 0
			      : 2);
	}
	assert_int_equal(waitpid(ours, &status, 0), ours);
	CHECK_INT("refused", status, 0);
	assert_int_equal(loader_attachments(&options, rows, 2, &fault), 1);
	CHECK_INT("still here", rows[0].is_elsewhere, 0);
}

static void the_proxys_call_does_it_all(void **state)
{
	static const char *const ifnames[] = {"tgb", "lo"};
	struct loader_attachment attachments[2];
	struct dataplane *dataplane;
	struct loader_maps maps;

	if (!*state)
		skip();
	if (loader_run(&options, ifnames, 2, attachments, &maps, &fault))
		fail_msg("%s", fault.text);
	CHECK_INT("tgb", attachments[0].is_native, 1);
	CHECK_INT("lo", attachments[1].is_native, 0);
	assert_int_equal(dataplane_open(&maps, &dataplane), 0);
	dataplane_close(dataplane);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, clean)
	const struct CMUnitTest tests[] = {
		TEST(native_on_veth_outlives_the_loader),
		TEST(generic_where_native_cannot_be_with_the_reason),
		TEST(a_program_is_replaced_without_losing_a_packet),
		TEST(a_foreign_program_is_not_evicted),
		TEST(another_program_runs_behind_ours),
		TEST(maps_of_another_layout_are_refused),
		TEST(sizes_are_chosen_once),
		TEST(pins_of_an_older_build_are_opened),
		TEST(nothing_is_left_behind),
		TEST(a_namesake_in_another_namespace_is_left_alone),
		TEST(the_proxys_call_does_it_all),
	};

	return cmocka_run_group_tests(tests, begin, clean);
}
