// SPDX-License-Identifier: Apache-2.0
/* fault: see fault.h. */
#include "fault.h"

#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <xdp/libxdp.h>

static bool is_verbose;
static char last_words[256];

int fault_set(struct loader_fault *fault, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (fault)
		vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
	return err;
}

static int on_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	if (is_verbose)
		return vfprintf(stderr, format, args);
	if (level == LIBBPF_WARN) {
		vsnprintf(last_words, sizeof(last_words), format, args);
		last_words[strcspn(last_words, "\n")] = 0;
	}
	return 0;
}

static int on_libxdp(enum libxdp_print_level level, const char *format, va_list args)
{
	return on_libbpf(level == LIBXDP_WARN ? LIBBPF_WARN : LIBBPF_INFO, format, args);
}

void fault_hush(bool verbose)
{
	is_verbose = verbose;
	last_words[0] = 0;
	libbpf_set_print(on_libbpf);
	libxdp_set_print(on_libxdp);
}

const char *fault_last_words(void)
{
	return last_words;
}
