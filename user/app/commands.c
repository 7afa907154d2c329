// SPDX-License-Identifier: Apache-2.0
/* commands: the list. */
#include "app/command.h"

const struct command *const commands[] = {
	&command_run,	  &command_upgrade, &command_check,   &command_explain,
	&command_plan,	  &command_status,  &command_drops,   &command_top,
	&command_capture, &command_trace,   &command_version,
};
const size_t n_commands = sizeof(commands) / sizeof(*commands);
