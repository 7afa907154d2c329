// SPDX-License-Identifier: Apache-2.0
/* cmd_status: what a running proxy does, on one screen, or as JSON. */
#include <stdio.h>

#include "app/admin_client.h"
#include "app/command.h"

enum { FLAG_JSON };

static const struct command_flag flags[] = {
	[FLAG_JSON] = {"--json", NULL, "print the proxy's answer as JSON"},
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static long long number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void print_kernel(const json_t *kernel)
{
	const char *mode = text_of(kernel, "mode");
	const char *reason;
	json_t *count, *interfaces = json_object_get(kernel, "interfaces");
	size_t i;
	json_t *name;

	printf("kernel plane  %s", mode);
	json_array_foreach(interfaces, i, name)
		printf("%s%s", i ? ", " : " on ", json_string_value(name));
	if (*text_of(kernel, "reason"))
		printf(" (%s)", text_of(kernel, "reason"));
	putchar('\n');
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

	printf("tidegate      %s, up %lld s, %s\n", text_of(status, "version"),
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
	printf("kTLS          tx %s, rx %s", text_of(ktls, "tx"), text_of(ktls, "rx"));
	printf(*text_of(ktls, "reason") ? " (%s)\n" : "%s\n", text_of(ktls, "reason"));
	print_kernel(json_object_get(status, "kernel"));
}

static int run(struct command_line *line)
{
	json_t *status = NULL;
	int rc = admin_client_get(line->config.admin.socket, "/api/status", &status);

	if (rc < 0) {
		fprintf(stderr, "tidegate status: " STR_FMT ": %s\n",
			STR_ARG(line->config.admin.socket), admin_client_advice(rc));
		return EXIT_FAULTS;
	}
	if (command_flag_set(line, FLAG_JSON)) {
		json_dumpf(status, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		print_status(status);
	}
	json_decref(status);
	return EXIT_OK;
}

const struct command command_status = {
	.name = "status",
	.help = "what the running proxy serves, and how both planes are",
	.flags = flags,
	.n_flags = sizeof(flags) / sizeof(*flags),
	.run = run,
};
