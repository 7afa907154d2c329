// SPDX-License-Identifier: Apache-2.0
/* static_entry_point_test: addresses to listen on, and the options of an entry point. */
#include "model_help.h"

#include "model/static_entry_point.h"

static void addresses_are_parsed_or_refused(void **state)
{
	static const struct {
		const char *text, *want; /* NULL: refused */
		bool udp;
	} rows[] = {
		{":80", "[::]:80", false},
		{"0.0.0.0:80", "0.0.0.0:80", false},
		{"1.2.3.4:443/tcp", "1.2.3.4:443", false},
		{"[::]:443", "[::]:443", false},
		{"[::1]:53/udp", "[::1]:53", true},
		{"localhost:8080", "127.0.0.1:8080", false},
		{":0", "[::]:0", false},
		{"80", NULL, false},
		{"", NULL, false},
		{":", NULL, false},
		{":65536", NULL, false},
		{":080x", NULL, false},
		{"::1:80", NULL, false},
		{"[1.2.3.4]:80", NULL, false},
		{"[]:80", NULL, false},
		{"example.org:80", NULL, false},
		{":80/sctp", NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct listen_address address = {.port = 7};
		char text[ADDR_TEXT_MAX] = "";
		int error = listen_address_parse(str_of(rows[i].text), &address);

		if (!error)
			addr_print_port(&address.addr, address.port, text);
		if ((error == 0) != (rows[i].want != NULL) || (error && address.port != 7) ||
		    (!error && (strcmp(text, rows[i].want) != 0 || address.udp != rows[i].udp)))
			fail_msg("%s: %s", rows[i].text, text);
	}
}

static void options_are_checked(void **state)
{
	static const struct fault_row rows[] = {
		{"least", "{'address':':80'}", NULL, NULL},
		{"any case, as text",
		 "{'ADDRESS':':80','asdefault':'true','http':{'maxheaderbytes':'4096'}}", NULL,
		 NULL},
		{"no address", "{}", "address", "missing"},
		{"trusted", "{'address':':80','forwardedHeaders':{'trustedIPs':'10.0.0.0/8,x'}}",
		 "forwardedHeaders.trustedIPs[1]", "wrong value"},
		{"strategy", "{'address':':80','http':{'underscoreHeadersStrategy':'drop'}}",
		 "http.underscoreHeadersStrategy", "wrong value"},
		{"header bytes", "{'address':':80','http':{'maxHeaderBytes':5}}",
		 "http.maxHeaderBytes", "out of range"},
		{"timeout",
		 "{'address':':80','transport':{'respondingTimeouts':{'readTimeout':'x'}}}",
		 "transport.respondingTimeouts.readTimeout", "wrong value"},
		{"http3", "{'address':':80','http3':{}}", "http3", "not supported yet"},
		{"http2", "{'address':':80','http2':{'maxConcurrentStreams':5}}",
		 "http2.maxConcurrentStreams", "no effect"},
		{"http2 as it is", "{'address':':80','http2':{'maxConcurrentStreams':250}}", NULL,
		 NULL},
	};

	(void)state;
	CHECK_ROWS(&schema_static_entry_point, rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_parsed_or_refused),
		cmocka_unit_test(options_are_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
