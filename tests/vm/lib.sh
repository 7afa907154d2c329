# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034 # the variables are for the script that sources this
#
# lib.sh: what boot-uml and boot-qemu share: options, the job folder, the exit code, the loud skip.
#
# A job is a folder on the host that the guest mounts writable at the same path. The guest finds its
# orders there (cwd, command) and leaves its result there (status). Everything else of the host is
# read-only for the guest: its root is an overlay whose upper half lives in the guest's memory.

VM_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
VM_CACHE=${VM_CACHE:-$(cd "$VM_HERE/../.." && pwd)/build/vm}
VM_SKIP=77 # the exit code that says "cannot be done on this machine"

# vm_skip REASON: says loudly that nothing was tested. Where CI is set that is a failure.
vm_skip() {
	echo "SKIP: ${0##*/}: $*" >&2
	if [ "${CI:-}" = true ]; then
		echo "FAIL: a skip is not accepted where CI=true" >&2
		exit 1
	fi
	exit "$VM_SKIP"
}

vm_need() {
	local tool
	for tool; do
		command -v "$tool" >/dev/null || vm_skip "$tool is not installed (run make deps)"
	done
}

# vm_options USAGE ARGS...: sets vm_memory, vm_timeout, vm_kernel, vm_scratch; leaves the command in vm_command.
vm_options() {
	local usage=$1 option
	shift
	vm_memory=1024 vm_timeout=300 vm_kernel='' vm_scratch=''
	while getopts k:m:t:w: option; do
		case $option in
		k) vm_kernel=$OPTARG ;;
		m) vm_memory=$OPTARG ;;
		t) vm_timeout=$OPTARG ;;
		w) vm_scratch=$(realpath "$OPTARG") ;;
		*) echo "$usage" >&2 && exit 64 ;;
		esac
	done
	shift $((OPTIND - 1))
	[ $# -gt 0 ] || { echo "$usage" >&2 && exit 64; }
	vm_command=("$@")
}

# vm_open_job: writes the guest's orders into a new folder, removed when the script ends.
vm_open_job() {
	vm_job=$(mktemp -d /tmp/tidegate-vm.XXXXXX)
	trap 'rm -rf "$vm_job"' EXIT
	pwd >"$vm_job/cwd"
	printf '%s\n' "$vm_scratch" >"$vm_job/scratch"
	if [ ${#vm_command[@]} = 1 ]; then
		printf '%s\n' "${vm_command[0]}" >"$vm_job/command"
	else
		printf '%q ' "${vm_command[@]}" >"$vm_job/command"
	fi
	vm_started=$(date +%s)
}

# vm_close_job EMULATOR_STATUS: prints what it took and exits as the command did.
vm_close_job() {
	local status
	status=$(cat "$vm_job/status" 2>/dev/null)
	echo "[${0##*/}] $(($(date +%s) - vm_started)) s, command: ${status:-no result}, emulator: $1" >&2
	[ -n "$status" ] && exit "$status"
	[ "$1" = 124 ] && exit 124
	exit 125
}
