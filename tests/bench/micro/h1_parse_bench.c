// SPDX-License-Identifier: Apache-2.0
/*
 * h1_parse_bench: nanoseconds per request for parsing a head, making it canonical, handling
 * X-Forwarded-* and writing the upstream head: what the proxy spends on HTTP itself. The best of
 * several rounds, since others share the machine.
 */

#include <stdio.h>

#include "base/clock.h"
#include "http/canon.h"
#include "http/forwarded.h"
#include "http/h1_parse.h"
#include "http/h1_write.h"
#include "http/header.h"

enum { LOOPS = 50000, ROUNDS = 20, SLOTS = 48 };

struct sample {
	const char *name, *head;
};

static const struct sample samples[] = {
	{"curl", "GET /api/v1/items?page=2 HTTP/1.1\r\nHost: www.example.com\r\n"
		 "User-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n"},
	{"browser",
	 "GET /assets/app.3f2a.js HTTP/1.1\r\nHost: www.example.com\r\nConnection: keep-alive\r\n"
	 "Cache-Control: max-age=0\r\nSec-Ch-Ua: \"Chromium\";v=\"124\", "
	 "\"Not-A.Brand\";v=\"99\"\r\n"
	 "Sec-Ch-Ua-Mobile: ?0\r\nSec-Ch-Ua-Platform: \"Linux\"\r\nUpgrade-Insecure-Requests: 1\r\n"
	 "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
	 "Chrome/124.0.0.0 Safari/537.36\r\nAccept: text/html,application/xhtml+xml,"
	 "application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\nSec-Fetch-Site: none\r\n"
	 "Sec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\nSec-Fetch-Dest: document\r\n"
	 "Referer: https://www.example.com/\r\nAccept-Encoding: gzip, deflate, br\r\n"
	 "Accept-Language: en-US,en;q=0.9\r\nCookie: session=0123456789abcdef0123456789abcdef; "
	 "theme=dark\r\n\r\n"},
};

static const struct h1_limits limits = {H1_MAX_HEAD_BYTES, H1_MAX_HEADERS};
static const struct forwarded_options forwarded = {.server = {"gateway-1", 9}};
static struct header slots[SLOTS];
static struct arena arena;
static char out[65536];

/* How far each step goes; the result keeps the compiler from dropping the work. */
enum step { PARSE, CANON, FORWARD, WRITE, STEPS };

static ssize_t pass(struct str head, struct request *request, enum step upto)
{
	enum fail fail;
	ssize_t n;

	request->headers = (struct headers){.at = slots, .cap = SLOTS, .arena = &arena};
	n = h1_parse_request(head, &limits, request, &fail);
	if (upto >= CANON)
		n += canon_request(request, &(const struct canon_options){0});
	if (upto >= FORWARD)
		n += forwarded_receive(request, &forwarded) + forwarded_send(request, &forwarded);
	if (upto >= WRITE)
		n += h1_write_request(request, NULL, out, sizeof(out));
	arena_reset(&arena);
	return n;
}

static double best_ns(struct str head, enum step upto)
{
	struct request request = {.arena = &arena};
	uint64_t best = UINT64_MAX;
	volatile ssize_t sink = 0;

	addr_parse(STR("10.1.2.3"), &request.peer);
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t from = clock_mono_ns(), spent;

		for (int i = 0; i < LOOPS; i++)
			sink = sink + pass(head, &request, upto);
		spent = clock_mono_ns() - from;
		best = spent < best ? spent : best;
	}
	return (double)best / LOOPS;
}

int main(void)
{
	static const char *const steps[STEPS] = {"parse", "+ canon", "+ forwarded", "+ write"};

	arena_init(&arena, 1 << 20, 0);
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		struct str head = str_of(samples[i].head);

		printf("%s, %zu bytes:", samples[i].name, head.len);
		for (int step = PARSE; step < STEPS; step++)
			printf("  %s %.0f ns", steps[step], best_ns(head, (enum step)step));
		printf("\n");
	}
	arena_done(&arena);
	return 0;
}
