// SPDX-License-Identifier: Apache-2.0
/* addr: strict texts, one form for both families, networks and sets of them. */

#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>

#include "check.h"
#include "guard.h"

static struct addr parsed(const char *text)
{
	struct addr addr = {0};

	CHECK_INT(text, addr_parse(str_of(text), &addr), 0);
	return addr;
}

static void texts_become_addresses_or_nothing(void **state)
{
	static const struct {
		const char *text, *printed; /* NULL: refused */
	} rows[] = {
		{"10.1.2.3", "10.1.2.3"},
		{"255.255.255.255", "255.255.255.255"},
		{"::1", "::1"},
		{"2001:DB8::1", "2001:db8::1"},
		{"2001:0db8:0:0:0:0:0:1", "2001:db8::1"},
		{"::ffff:10.1.2.3", "10.1.2.3"},
		{"::", "::"},
		{"", NULL},
		{"10.1.2", NULL},
		{"10.1.2.3.4", NULL},
		{"10.1.2.256", NULL},
		{"10.1.2.03", NULL},
		{"0x0a.1.2.3", NULL},
		{" 10.1.2.3", NULL},
		{"10.1.2.3 ", NULL},
		{"10.1.2.3:80", NULL},
		{"[::1]", NULL},
		{"fe80::1%eth0", NULL},
		{"1::2::3", NULL},
		{"12345::", NULL},
		{"2001:db8:0:0:0:0:0:0:1", NULL},
		{"a name that is longer than every address there can be", NULL},
	};
	struct addr addr;

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct str text = guard_copy(str_of(rows[i].text));
		char printed[ADDR_TEXT_MAX];

		CHECK_INT(rows[i].text, addr_parse(text, &addr), rows[i].printed ? 0 : -EINVAL);
		if (rows[i].printed)
			CHECK_STR(rows[i].text, str_n(printed, addr_print(&addr, printed)),
				  str_of(rows[i].printed));
		guard_free(text);
	}
	assert_int_equal(addr_parse(STR("1.2.3.4\0"), &addr), -EINVAL);
}

static void networks_lose_their_host_bits(void **state)
{
	static const struct {
		const char *text, *printed;
		int bits, is_v4;
	} rows[] = {
		{"10.1.2.3/8", "10.0.0.0/8", 104, 1},
		{"10.1.2.3", "10.1.2.3/32", 128, 1},
		{"0.0.0.0/0", "0.0.0.0/0", 96, 1},
		{"10.255.0.0/9", "10.128.0.0/9", 105, 1},
		{"2001:db8::1/32", "2001:db8::/32", 32, 0},
		{"2001:db8::1", "2001:db8::1/128", 128, 0},
		{"::/0", "::/0", 0, 0},
		{"::ffff:10.0.0.0/104", "10.0.0.0/8", 104, 1},
		{"10.0.0.0/33", NULL, 0, 0},
		{"10.0.0.0/", NULL, 0, 0},
		{"10.0.0.0/08", NULL, 0, 0},
		{"10.0.0.0/-1", NULL, 0, 0},
		{"10.0.0.0/8/8", NULL, 0, 0},
		{"::/129", NULL, 0, 0},
		{"/8", NULL, 0, 0},
		{"10/8", NULL, 0, 0},
		{"", NULL, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		char printed[ADDR_TEXT_MAX];
		struct cidr cidr;

		CHECK_INT(rows[i].text, cidr_parse(str_of(rows[i].text), &cidr),
			  rows[i].printed ? 0 : -EINVAL);
		if (!rows[i].printed)
			continue;
		CHECK_STR(rows[i].text, str_n(printed, cidr_print(&cidr, printed)),
			  str_of(rows[i].printed));
		CHECK_INT(rows[i].text, cidr.bits, rows[i].bits);
		CHECK_INT(rows[i].text, cidr.is_v4, rows[i].is_v4);
	}
}

static void a_network_contains_its_addresses(void **state)
{
	static const struct {
		const char *cidr, *addr;
		bool inside;
	} rows[] = {
		{"10.0.0.0/8", "10.255.255.255", true},
		{"10.0.0.0/8", "11.0.0.0", false},
		{"10.128.0.0/9", "10.127.255.255", false},
		{"10.128.0.0/9", "10.128.0.1", true},
		{"0.0.0.0/0", "203.0.113.9", true},
		{"0.0.0.0/0", "2001:db8::1", false},
		{"::/0", "10.0.0.1", true},
		{"2001:db8::/33", "2001:db8:8000::", false},
		{"2001:db8::/33", "2001:db8:7fff::", true},
		{"10.0.0.1", "10.0.0.1", true},
		{"10.0.0.1", "10.0.0.2", false},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct addr addr = parsed(rows[i].addr);
		struct cidr cidr;

		CHECK_INT(rows[i].cidr, cidr_parse(str_of(rows[i].cidr), &cidr), 0);
		CHECK_INT(rows[i].addr, cidr_contains(&cidr, &addr), rows[i].inside);
	}
}

static void masks_are_of_the_family_s_own_length(void **state)
{
	static const struct {
		const char *addr, *masked;
		uint8_t v4_bits, v6_bits;
	} rows[] = {
		{"10.1.2.3", "10.1.2.0", 24, 64},
		{"10.1.2.3", "10.1.2.3", 32, 64},
		{"10.1.2.3", "0.0.0.0", 0, 64},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", 24, 64},
		{"2001:db8:1:2:3:4:5:6", "::", 24, 0},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct addr addr = parsed(rows[i].addr), wanted = parsed(rows[i].masked);
		struct addr masked = addr_mask(&addr, rows[i].v4_bits, rows[i].v6_bits);

		CHECK_INT(rows[i].masked, addr_eq(&masked, &wanted), true);
	}
}

static void special_addresses_are_known(void **state)
{
	static const struct {
		const char *addr;
		bool loopback, link_local, unspecified;
	} rows[] = {
		{"127.0.0.1", true, false, false},  {"127.9.9.9", true, false, false},
		{"::1", true, false, false},	    {"169.254.1.1", false, true, false},
		{"fe80::1", false, true, false},    {"fec0::1", false, false, false},
		{"0.0.0.0", false, false, true},    {"::", false, false, true},
		{"128.0.0.1", false, false, false}, {"::2", false, false, false},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct addr addr = parsed(rows[i].addr);

		CHECK_INT(rows[i].addr, addr_is_loopback(&addr), rows[i].loopback);
		CHECK_INT(rows[i].addr, addr_is_link_local(&addr), rows[i].link_local);
		CHECK_INT(rows[i].addr, addr_is_unspecified(&addr), rows[i].unspecified);
	}
}

static void socket_addresses_go_there_and_back(void **state)
{
	static const struct {
		const char *addr, *with_port;
		int family;
	} rows[] = {
		{"10.1.2.3", "10.1.2.3:8443", AF_INET},
		{"2001:db8::1", "[2001:db8::1]:8443", AF_INET6},
	};
	struct sockaddr_storage sa = {.ss_family = AF_UNIX};
	struct addr back;

	(void)state;
	assert_false(addr_from_sockaddr(&sa, &back, NULL));
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct addr addr = parsed(rows[i].addr);
		char text[ADDR_TEXT_MAX];
		uint16_t port;

		addr_to_sockaddr(&addr, 8443, &sa);
		CHECK_INT(rows[i].addr, sa.ss_family, rows[i].family);
		assert_true(addr_from_sockaddr(&sa, &back, &port));
		assert_true(addr_eq(&addr, &back));
		assert_int_equal(port, 8443);
		CHECK_STR(rows[i].addr, str_n(text, addr_print_port(&addr, port, text)),
			  str_of(rows[i].with_port));
	}
}

static void a_set_finds_members_of_every_size(void **state)
{
	static const char *const texts[] = {"192.168.0.0/16", "10.0.0.0/8",  "10.1.0.0/16",
					    "2001:db8::/32",  "203.0.113.7", "10.0.0.0/8",
					    "0.0.0.0/32"};
	static const struct {
		const char *addr;
		bool inside;
	} rows[] = {
		{"10.1.2.3", true},	    {"10.2.3.4", true},	   {"11.0.0.0", false},
		{"192.168.1.1", true},	    {"203.0.113.7", true}, {"203.0.113.8", false},
		{"2001:db8::5", true},	    {"2001:db9::", false}, {"0.0.0.0", true},
		{"255.255.255.255", false}, {"::", false},
	};
	struct cidr cidrs[ROWS(texts)];
	struct cidr_set set = {cidrs, ROWS(texts)}, empty = {0};

	(void)state;
	for (size_t i = 0; i < ROWS(texts); i++)
		CHECK_INT(texts[i], cidr_parse(str_of(texts[i]), &cidrs[i]), 0);
	cidr_set_sort(&set);
	assert_int_equal(set.n, 5);
	cidr_set_sort(&empty);
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct addr addr = parsed(rows[i].addr);

		CHECK_INT(rows[i].addr, cidr_set_contains(&set, &addr), rows[i].inside);
		assert_false(cidr_set_contains(&empty, &addr));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_become_addresses_or_nothing),
		cmocka_unit_test(networks_lose_their_host_bits),
		cmocka_unit_test(a_network_contains_its_addresses),
		cmocka_unit_test(masks_are_of_the_family_s_own_length),
		cmocka_unit_test(special_addresses_are_known),
		cmocka_unit_test(socket_addresses_go_there_and_back),
		cmocka_unit_test(a_set_finds_members_of_every_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
