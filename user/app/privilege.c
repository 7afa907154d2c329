// SPDX-License-Identifier: Apache-2.0
/*
 * privilege: drops capabilities, locks the way back, and filters system calls.
 *
 * The filter answers EPERM instead of killing: a library that tries something optional goes on
 * without it, and what is refused shows up as a normal error in the log of whoever asked.
 */
#include "app/privilege.h"

#include <errno.h>
#include <linux/securebits.h>
#include <seccomp.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <linux/bpf.h>

static const int allowed[] = {
	/* memory and threads */
	SCMP_SYS(brk),
	SCMP_SYS(mmap),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(mprotect),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),
	SCMP_SYS(clone),
	SCMP_SYS(clone3),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_setaffinity),
	SCMP_SYS(membarrier),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(getcpu),
	SCMP_SYS(set_tid_address),
	SCMP_SYS(arch_prctl),
	/* signals, time, identity */
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigtimedwait),
	SCMP_SYS(tgkill),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_getres),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
	SCMP_SYS(getppid),
	SCMP_SYS(uname),
	SCMP_SYS(sysinfo),
	SCMP_SYS(getrandom),
	SCMP_SYS(getrusage),
	SCMP_SYS(times),
	SCMP_SYS(capget),
	/* files: the manifests folder, logs, /proc */
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(readv),
	SCMP_SYS(writev),
	SCMP_SYS(pread64),
	SCMP_SYS(lseek),
	SCMP_SYS(close),
	SCMP_SYS(close_range),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(stat),
	SCMP_SYS(lstat),
	SCMP_SYS(statx),
	SCMP_SYS(access),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(open),
	SCMP_SYS(openat),
	SCMP_SYS(openat2),
	SCMP_SYS(getdents64),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(getcwd),
	SCMP_SYS(fcntl),
	SCMP_SYS(dup),
	SCMP_SYS(dup3),
	SCMP_SYS(fsync),
	SCMP_SYS(rename),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	SCMP_SYS(inotify_init1),
	SCMP_SYS(inotify_add_watch),
	SCMP_SYS(inotify_rm_watch),
	/* events */
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(select),
	SCMP_SYS(pselect6),
	SCMP_SYS(eventfd2),
	SCMP_SYS(timerfd_create),
	SCMP_SYS(timerfd_settime),
	SCMP_SYS(signalfd4),
	/* sockets: no listen(2); what listens was opened before */
	SCMP_SYS(connect),
	SCMP_SYS(accept),
	SCMP_SYS(accept4),
	SCMP_SYS(sendto),
	SCMP_SYS(recvfrom),
	SCMP_SYS(sendmsg),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(recvmmsg),
	SCMP_SYS(shutdown),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	SCMP_SYS(setsockopt),
	SCMP_SYS(getsockopt),
	SCMP_SYS(socketpair),
	SCMP_SYS(pipe),
	SCMP_SYS(pipe2),
	SCMP_SYS(splice),
	SCMP_SYS(sendfile),
};

static const int socket_families[] = {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK};
static const int ioctls[] = {FIONREAD, TIOCOUTQ, FIONBIO, TCGETS, TIOCGWINSZ};
static const int prctls[] = {PR_SET_NAME, PR_GET_NAME, PR_SET_VMA, PR_GET_DUMPABLE};
/* Elements of open maps, and BPF_PROG_TEST_RUN, by which the kernel plane's clock is read. */
static const int bpf_commands[] = {BPF_MAP_LOOKUP_ELEM,	 BPF_MAP_UPDATE_ELEM,  BPF_MAP_DELETE_ELEM,
				   BPF_MAP_GET_NEXT_KEY, BPF_MAP_LOOKUP_BATCH, BPF_MAP_UPDATE_BATCH,
				   BPF_MAP_DELETE_BATCH, BPF_PROG_TEST_RUN};

/* Allows call when its argument number arg is one of the values. */
static int allow_values(scmp_filter_ctx filter, int call, unsigned arg, const int *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct scmp_arg_cmp equal =
			SCMP_CMP(arg, SCMP_CMP_EQ, (scmp_datum_t)(unsigned)values[i]);
		int rc = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &equal);

		if (rc < 0)
			return rc;
	}
	return 0;
}

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static int install_filter(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int rc = filter ? 0 : -ENOMEM;

	for (size_t i = 0; rc >= 0 && i < COUNT(allowed); i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	if (rc >= 0)
		rc = allow_values(filter, SCMP_SYS(socket), 0, socket_families,
				  COUNT(socket_families));
	if (rc >= 0)
		rc = allow_values(filter, SCMP_SYS(ioctl), 1, ioctls, COUNT(ioctls));
	if (rc >= 0)
		rc = allow_values(filter, SCMP_SYS(prctl), 0, prctls, COUNT(prctls));
	if (rc >= 0)
		rc = allow_values(filter, SCMP_SYS(bpf), 0, bpf_commands, COUNT(bpf_commands));
	/* prlimit64 may read limits, not change them. */
	if (rc >= 0)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1,
				      SCMP_A2(SCMP_CMP_EQ, 0));
	if (rc >= 0)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	return rc;
}

static int drop_capabilities(void)
{
	/* The bounding set first: dropping from it needs CAP_SETPCAP. */
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (prctl(PR_CAPBSET_READ, cap) == 1 && prctl(PR_CAPBSET_DROP, cap) < 0 &&
		    errno != EPERM)
			return -errno;
	/* A root user id must not bring capabilities back. Without CAP_SETPCAP this is refused, and
	 * moot. */
	if (prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
					     SECBIT_NO_SETUID_FIXUP_LOCKED |
					     SECBIT_KEEP_CAPS_LOCKED) < 0 &&
	    errno != EPERM)
		return -errno;
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);

	cap_t none = cap_init();

	if (!none)
		return -ENOMEM;
	int rc = cap_set_proc(none) < 0 ? -errno : 0;

	cap_free(none);
	return rc;
}

int privilege_drop(bool with_seccomp, struct privilege_result *ret_result)
{
	struct privilege_result result = {0};
	int rc = drop_capabilities();

	if (rc < 0)
		result.problem = "capabilities could not be dropped";
	else
		result.capabilities_dropped = true;
	if (rc >= 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		rc = -errno;
		result.problem = "no_new_privs could not be set";
	}
	result.no_new_privs = rc >= 0;
	/* Keys are in memory: no core dump, no ptrace by the same user. Debuggers and sanitizers
	 * need both. */
	if (with_seccomp)
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (rc >= 0 && with_seccomp) {
		rc = install_filter();
		if (rc < 0)
			result.problem = "the seccomp filter was refused";
		result.seccomp = rc >= 0;
	}
	*ret_result = result;
	return rc < 0 ? rc : 0;
}

unsigned long privilege_raise_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1024;
	if (limit.rlim_cur < limit.rlim_max) {
		struct rlimit wanted = {limit.rlim_max, limit.rlim_max};

		if (setrlimit(RLIMIT_NOFILE, &wanted) == 0)
			limit = wanted;
	}
	return limit.rlim_cur;
}
