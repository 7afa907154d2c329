// SPDX-License-Identifier: Apache-2.0
/* cmd_version: what this build is made of. */
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>

#include "abi.h"
#include "app/command.h"

static int run(struct command_line *line)
{
	(void)line;
	printf("tidegate %s\n  kernel plane ABI %d\n  %s\n  jansson %s\n", TIDEGATE_VERSION,
	       ABI_VERSION, OpenSSL_version(OPENSSL_VERSION), jansson_version_str());
	return EXIT_OK;
}

const struct command command_version = {
	.name = "version",
	.help = "version, kernel-plane ABI and libraries",
	.run = run,
};
