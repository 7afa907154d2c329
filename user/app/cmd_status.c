// SPDX-License-Identifier: Apache-2.0
/* cmd_status: what a running proxy does, on one screen, or as JSON. */
#include <stdio.h>

#include "app/ask.h"
#include "app/command.h"

enum { FLAG_JSON };

static const struct command_flag flags[] = {
	[FLAG_JSON] = {"--json", NULL, "print the proxy's answer as JSON"},
};

static long long number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void print_kernel(const json_t *kernel)
{
	const char *mode = ask_text(kernel, "mode");
	const char *reason;
	json_t *count, *interfaces = json_object_get(kernel, "interfaces");
	size_t i;
	json_t *name;

	printf("kernel plane  %s", mode);
	json_array_foreach(interfaces, i, name)
		printf("%s%s", i ? ", " : " on ", json_string_value(name));
	if (*ask_text(kernel, "reason"))
		printf(" (%s)", ask_text(kernel, "reason"));
	putchar('\n');
	if (*ask_text(kernel, "interfaceFault"))
		printf("  fault       %s\n", ask_text(kernel, "interfaceFault"));
	if (!json_object_get(kernel, "received"))
		return;
	printf("  received    %lld packets, passed %lld\n", number_of(kernel, "received"),
	       number_of(kernel, "passed"));
	json_object_foreach(json_object_get(kernel, "drops"), reason, count)
	{
		if (json_integer_value(count))
			printf("  dropped     %lld %s\n", (long long)json_integer_value(count),
			       reason);
	}
	printf("  bans        %lld in force; `tidegate drops` lists them\n",
	       number_of(kernel, "bans"));
}

static void print_status(const json_t *status)
{
	const json_t *ktls = json_object_get(status, "ktls");

	printf("tidegate      %s, up %lld s, %s\n", ask_text(status, "version"),
	       number_of(status, "uptimeSeconds"),
	       json_is_true(json_object_get(status, "draining")) ? "draining" : "serving");
	printf("configuration revision %lld: %lld routers (%lld disabled), %lld services, %lld "
	       "broken objects\n",
	       number_of(status, "revision"), number_of(status, "routers"),
	       number_of(status, "routersDisabled"), number_of(status, "services"),
	       number_of(status, "brokenObjects"));
	printf("traffic       %lld requests, %lld open connections, %lld workers\n",
	       number_of(status, "requests"), number_of(status, "connections"),
	       number_of(status, "workers"));
	printf("kTLS          tx %s, rx %s", ask_text(ktls, "tx"), ask_text(ktls, "rx"));
	printf(*ask_text(ktls, "reason") ? " (%s)\n" : "%s\n", ask_text(ktls, "reason"));
	print_kernel(json_object_get(status, "kernel"));
}

static int run(struct command_line *line)
{
	return ask(line, "/api/status", FLAG_JSON, print_status);
}

const struct command command_status = {
	.name = "status",
	.help = "what the running proxy serves, and how both planes are",
	.flags = flags,
	.n_flags = sizeof(flags) / sizeof(*flags),
	.run = run,
};
