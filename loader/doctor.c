// SPDX-License-Identifier: Apache-2.0
/*
 * doctor: a table of checks, each of which tries the thing itself rather than guessing from a
 * version.
 *
 * Interfaces are tried in a network namespace of the doctor's own, so nothing on the machine is
 * touched.
 */
#include "doctor.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/if_link.h>
#include <linux/magic.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/num.h"
#include "base/str.h"
#include "counting.h"
#include "dispatcher.h"
#include "fault.h"
#include "program.h"
#include "ingress.skel.h"
#include "loader_status.h"
#include "pin.h"
#include "socket_steer.h"

enum grade { GOOD, LESS, BAD };

struct finding {
	enum grade grade;
	char detail[320];
};

static enum grade found(struct finding *ret, enum grade grade, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static enum grade found(struct finding *ret, enum grade grade, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(ret->detail, sizeof(ret->detail), format, args);
	va_end(args);
	ret->grade = grade;
	return grade;
}

static long read_number(const char *path, long missing)
{
	FILE *file = fopen(path, "re");
	long value = missing;

	if (!file)
		return missing;
	if (fscanf(file, "%ld", &value) != 1)
		value = missing;
	fclose(file);
	return value;
}

static void check_kernel(struct finding *ret)
{
	struct str rest, major_text, minor_text;
	uint64_t major = 0, minor = 0;
	struct utsname name;

	uname(&name);
	rest = str_of(name.release);
	if (!str_next(&rest, '.', &major_text) || !str_next(&rest, '.', &minor_text) ||
	    num_uint64(major_text, &major) || num_uint64(minor_text, &minor))
		found(ret, LESS, "%s: cannot tell its version", name.release);
	else if (major > 5 || (major == 5 && minor >= 19))
		found(ret, GOOD, "%s", name.release);
	else
		found(ret, BAD,
		      "%s: 5.19 or later is needed (a proxy without privileges updates maps)",
		      name.release);
}

static void check_capabilities(struct finding *ret)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};
	static const struct {
		int number;
		const char *name;
	} needed[] = {{CAP_BPF, "CAP_BPF"},
		      {CAP_NET_ADMIN, "CAP_NET_ADMIN"},
		      {CAP_PERFMON, "CAP_PERFMON"}};
	char missing[128] = "";
	size_t n = 0;

	if (syscall(SYS_capget, &header, data)) {
		found(ret, LESS, "unknown: %m");
		return;
	}
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (!(data[needed[i].number / 32].effective >> needed[i].number % 32 & 1))
			n += (size_t)snprintf(missing + n, sizeof(missing) - n, " %s",
					      needed[i].name);
	if (n)
		found(ret, BAD, "missing:%s; run as root or grant them", missing);
	else
		found(ret, GOOD, "CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON");
}

static void check_bpffs(struct finding *ret)
{
	struct statfs fs;

	if (!statfs("/sys/fs/bpf", &fs) && fs.f_type == BPF_FS_MAGIC)
		found(ret, GOOD, "mounted at /sys/fs/bpf");
	else
		found(ret, LESS,
		      "not mounted at /sys/fs/bpf: `load` mounts it; inside `ip netns exec` it is "
		      "hidden, use `nsenter --net=` there");
}

static void check_jit(struct finding *ret)
{
	long on = read_number("/proc/sys/net/core/bpf_jit_enable", -1);

	if (on > 0)
		found(ret, GOOD, "on");
	else
		found(ret, LESS,
		      "off: programs are interpreted, several times slower; sysctl "
		      "net.core.bpf_jit_enable=1");
}

static void check_btf(struct finding *ret)
{
	if (!access("/sys/kernel/btf/vmlinux", R_OK))
		found(ret, GOOD, "the kernel describes its types; maps show named fields");
	else
		found(ret, LESS,
		      "no /sys/kernel/btf/vmlinux: bpftool shows bytes only "
		      "(CONFIG_DEBUG_INFO_BTF)");
}

/* The program with private maps of the least size: nothing is pinned, nothing stays. */
static struct ingress *load_private(bool is_tc)
{
	struct ingress *skel = program_object(is_tc);

	if (!skel)
		return NULL;
	bpf_map__set_max_entries(skel->maps.rate4, 64);
	bpf_map__set_max_entries(skel->maps.rate6, 64);
	bpf_map__set_max_entries(skel->maps.ban, 64);
	if (ingress__load(skel)) {
		int err = errno;

		ingress__destroy(skel);
		errno = err;
		return NULL;
	}
	return skel;
}

static void check_program(struct finding *ret)
{
	struct ingress *skel = load_private(false);

	if (skel)
		found(ret, GOOD, "the kernel accepts it");
	else
		found(ret, BAD, "refused: %s%s%s", strerror(errno), *fault_last_words() ? "; " : "",
		      fault_last_words());
	ingress__destroy(skel);
}

/* `ip link add tgd0 type veth peer name tgd1`, quietly. */
static int make_veth(void)
{
	int status, null = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t child = fork();

	if (!child) {
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		execlp("ip", "ip", "link", "add", "tgd0", "type", "veth", "peer", "name", "tgd1",
		       NULL);
		_exit(127);
	}
	if (null >= 0)
		close(null);
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
			       !WEXITSTATUS(status)
		       ? 0
		       : -1;
}

/* In a namespace of our own; 0 or an errno, 255 when it could not be tried. */
static int try_attach(bool with_veth, const char *ifname, unsigned flags)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return 255;
	if (!child) {
		struct ingress *skel;

		if (unshare(CLONE_NEWNET) || (with_veth && make_veth()))
			_exit(255);
		skel = load_private(false);
		if (!skel)
			_exit(255);
		LIBBPF_OPTS(bpf_link_create_opts, create, .flags = flags);
		int fd = bpf_link_create(bpf_program__fd(skel->progs.ingress),
					 (int)if_nametoindex(ifname), BPF_XDP, &create);

		_exit(fd < 0 ? errno : 0);
	}
	if (waitpid(child, &status, 0) < 0 || !WIFEXITED(status))
		return 255;
	return WEXITSTATUS(status);
}

static void check_native(struct finding *ret)
{
	int err = try_attach(true, "tgd0", XDP_FLAGS_DRV_MODE);

	if (!err)
		found(ret, GOOD,
		      "a pinned link on a veth pair works; real NICs depend on their driver");
	else if (err == 255)
		found(ret, LESS, "could not be tried (no veth, no `ip`, or not root)");
	else
		found(ret, LESS, "refused on veth (%s): generic mode remains", strerror(err));
}

static void check_generic(struct finding *ret)
{
	int err = try_attach(false, "lo", XDP_FLAGS_SKB_MODE);

	if (!err)
		found(ret, GOOD, "works on any interface, slower than native");
	else if (err == 255)
		found(ret, LESS, "could not be tried");
	else
		found(ret, BAD, "refused on lo: %s", strerror(err));
}

static void check_tc(struct finding *ret)
{
	struct ingress *skel = load_private(true);

	if (skel)
		found(ret, GOOD,
		      "the kernel accepts the program for tc, for interfaces whose XDP hook is "
		      "taken");
	else
		found(ret, LESS, "refused (%s): no way past another XDP program", strerror(errno));
	ingress__destroy(skel);
}

static void check_dispatcher(struct finding *ret)
{
	if (dispatcher_works())
		found(ret, GOOD, "programs of several makers can share an interface");
	else
		found(ret, LESS,
		      "the kernel refuses freplace programs (lockdown, or no BPF trampolines): one "
		      "program per interface; use `next` to run another behind ours");
}

static void check_sockets(struct finding *ret)
{
	int err = socket_steer_try();
	long migrates = read_number("/proc/sys/net/ipv4/tcp_migrate_req", 0);

	if (!err)
		found(ret, GOOD,
		      "virtual addresses reach the proxy unbound; waiting connections move to its "
		      "next generation");
	else
		found(ret, LESS, "the kernel refuses sk_lookup or sk_reuseport (%s)%s",
		      strerror(-err),
		      migrates ? ""
			       : ": sysctl net.ipv4.tcp_migrate_req=1 keeps connections that wait "
				 "when a proxy ends");
}

static void check_ringbuf(struct finding *ret)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "probe", 0, 0, 4096, NULL);

	if (fd >= 0) {
		close(fd);
		found(ret, GOOD, "drops can be sampled");
	} else {
		found(ret, BAD, "refused: %m");
	}
}

static void check_ktls(struct finding *ret)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* The module is loaded on demand, and then refuses a socket that is not connected. */
	if (fd >= 0 && setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", 4) && errno == ENOENT)
		found(ret, LESS,
		      "no kernel TLS: the proxy encrypts in user space; CONFIG_TLS or `modprobe "
		      "tls`");
	else if (fd < 0)
		found(ret, LESS, "could not be tried: %m");
	else
		found(ret, GOOD, "available");
	if (fd >= 0)
		close(fd);
}

static void check_syncookies(struct finding *ret)
{
	long value = read_number("/proc/sys/net/ipv4/tcp_syncookies", -1);

	if (value == 2)
		found(ret, GOOD, "net.ipv4.tcp_syncookies=2: the kernel plane can answer floods");
	else if (value > 0)
		found(ret, LESS,
		      "net.ipv4.tcp_syncookies=%ld: cookies of the kernel plane need 2 (`tidegate "
		      "run` sets it, unless floodProtection.setSysctls is off)",
		      value);
	else
		found(ret, LESS,
		      "off: a SYN flood fills the backlog; sysctl net.ipv4.tcp_syncookies=1");
}

static void check_timestamps(struct finding *ret)
{
	long value = read_number("/proc/sys/net/ipv4/tcp_timestamps", -1);

	if (value == 2)
		found(ret, GOOD, "net.ipv4.tcp_timestamps=2: cookies carry window scale and SACK");
	else
		found(ret, LESS,
		      "net.ipv4.tcp_timestamps=%ld: connections that begin with a cookie of the "
		      "kernel plane go without window scale and SACK; 2 gives them both",
		      value);
}

static void check_counting(struct finding *ret)
{
	int err = counting_try();

	if (!err)
		found(ret, GOOD, "open connections of each source can be counted");
	else
		found(ret, LESS,
		      "the kernel refuses the tracing program (%s): concurrentConnections of "
		      "SourcePolicies is not enforced",
		      strerror(-err));
}

static void check_unprivileged(struct finding *ret)
{
	long value = read_number("/proc/sys/kernel/unprivileged_bpf_disabled", -1);

	if (value > 0)
		found(ret, GOOD, "only privileged processes load programs (%ld)", value);
	else
		found(ret, LESS,
		      "anybody may load BPF programs: sysctl kernel.unprivileged_bpf_disabled=1");
}

static const struct {
	const char *name, *label;
	void (*check)(struct finding *ret);
} checks[] = {
	{"kernel", "kernel", check_kernel},
	{"capabilities", "capabilities", check_capabilities},
	{"bpffs", "BPF file system", check_bpffs},
	{"jit", "BPF compiler", check_jit},
	{"btf", "type information", check_btf},
	{"ringbuf", "ring buffer", check_ringbuf},
	{"program", "our program", check_program},
	{"sockets", "socket steering", check_sockets},
	{"native", "native XDP", check_native},
	{"generic", "generic XDP", check_generic},
	{"tc", "tc", check_tc},
	{"dispatcher", "libxdp dispatcher", check_dispatcher},
	{"unprivileged_bpf", "unprivileged BPF", check_unprivileged},
	{"syncookies", "SYN cookies", check_syncookies},
	{"timestamps", "TCP timestamps", check_timestamps},
	{"counting", "counting", check_counting},
	{"ktls", "kernel TLS", check_ktls},
};

int doctor_print(const struct loader_options *options, bool json)
{
	static const char *const grades[] = {[GOOD] = "ok", [LESS] = "limited", [BAD] = "missing"};
	enum grade worst = GOOD;

	fault_hush(options->verbose);
	if (json)
		printf("{\"checks\":[");
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
		struct finding finding = {0};

		checks[i].check(&finding);
		if (finding.grade > worst)
			worst = finding.grade;
		if (json) {
			printf("%s{\"check\":\"%s\",\"result\":\"%s\",\"detail\":", i ? "," : "",
			       checks[i].name, grades[finding.grade]);
			loader_status_json_string(finding.detail);
			putchar('}');
		} else {
			printf("%-8s %-18s %s\n", grades[finding.grade], checks[i].label,
			       finding.detail);
		}
	}
	if (json)
		printf("],\"usable\":%s}\n", worst == BAD ? "false" : "true");
	return worst == BAD ? EXIT_FAILURE : EXIT_SUCCESS;
}
