// SPDX-License-Identifier: Apache-2.0
/*
 * live: see the header.
 *
 * Numbers that several workers change at the same time may for a moment be one sample off; none of
 * them ever drifts: sums change by what was exchanged.
 */

#include "plan/live.h"

#include <string.h>

#include "base/clock.h"

enum {
	SET_ASIDE_FIRST_MS = 1000,
	SET_ASIDE_MAX_MS = 10000, /* doubled with every failure in a row, up to this */
};

#define LOAD(word)	   atomic_load_explicit(&(word), memory_order_relaxed)
#define STORE(word, value) atomic_store_explicit(&(word), (value), memory_order_relaxed)

/* -------------------------------------------------------------- addresses -- */

bool live_addrs_claim(struct live_addrs *addrs, uint64_t now_ns, uint64_t patience_ns)
{
	uint64_t asked = LOAD(addrs->asked_at_ns);

	if (asked && now_ns < asked + patience_ns)
		return false;
	return atomic_compare_exchange_strong_explicit(&addrs->asked_at_ns, &asked,
						       now_ns ? now_ns : 1, memory_order_acq_rel,
						       memory_order_relaxed);
}

void live_addrs_write(struct live_addrs *addrs, const struct addr *at, uint32_t n,
		      uint64_t until_ns)
{
	if (n > LIVE_ADDRS_MAX)
		n = LIVE_ADDRS_MAX;
	/* Only who holds the claim writes; should a late one meet its successor, it gives way. */
	uint32_t version = LOAD(addrs->version);

	if (n && !(version & 1) &&
	    atomic_compare_exchange_strong_explicit(&addrs->version, &version, version + 1,
						    memory_order_acq_rel, memory_order_relaxed)) {
		atomic_thread_fence(memory_order_release);
		for (uint32_t i = 0; i < n; i++) {
			uint64_t words[2];

			memcpy(words, at[i].byte, sizeof(words));
			STORE(addrs->words[i][0], words[0]);
			STORE(addrs->words[i][1], words[1]);
		}
		STORE(addrs->n, n);
		atomic_store_explicit(&addrs->version, version + 2, memory_order_release);
	}
	STORE(addrs->until_ns, until_ns);
	atomic_store_explicit(&addrs->asked_at_ns, 0, memory_order_release);
}

uint32_t live_addrs_read(const struct live_addrs *addrs,
			 struct addr ret_addrs[static LIVE_ADDRS_MAX])
{
	for (;;) {
		uint32_t version = atomic_load_explicit(&addrs->version, memory_order_acquire);
		uint32_t n = LOAD(addrs->n);

		/* Written within nanoseconds: reading once more is all the waiting there is. */
		if (version & 1)
			continue;
		for (uint32_t i = 0; i < n; i++) {
			uint64_t words[2] = {LOAD(addrs->words[i][0]), LOAD(addrs->words[i][1])};

			memcpy(ret_addrs[i].byte, words, sizeof(words));
		}
		atomic_thread_fence(memory_order_acquire);
		if (LOAD(addrs->version) == version)
			return n;
	}
}

/* ----------------------------------------------------------------- server -- */

void live_server_dial_failed(struct live_server *server, uint64_t now_ns)
{
	uint64_t ms = SET_ASIDE_FIRST_MS;
	uint32_t n;

	/* Many workers find out at the same time; that is one failure. */
	if (live_server_is_set_aside(server, now_ns))
		return;
	n = atomic_fetch_add_explicit(&server->n_failed, 1, memory_order_relaxed);
	while (n-- > 0 && ms < SET_ASIDE_MAX_MS)
		ms *= 2;
	if (ms > SET_ASIDE_MAX_MS)
		ms = SET_ASIDE_MAX_MS;
	STORE(server->set_aside_until_ns, now_ns + ms * NS_PER_MS);
}

/* ----------------------------------------------------------------- member -- */

bool live_member_failed(struct live_member *member, const struct live_passive *passive,
			uint64_t now_ns)
{
	uint32_t n = atomic_fetch_add_explicit(&member->n_failures, 1, memory_order_relaxed) + 1;
	uint32_t counted = n - LOAD(member->n_forgiven);
	uint64_t until = passive->is_probed ? LIVE_DOWN : now_ns + passive->window_ns;
	uint64_t was;

	STORE(member->failed_at_ns[(n - 1) % LIVE_FAILURES_MAX], now_ns);
	if (counted < passive->max_failures)
		return false;
	/* The oldest of as many as are too many. */
	uint64_t oldest =
		LOAD(member->failed_at_ns[(n - passive->max_failures) % LIVE_FAILURES_MAX]);

	if (oldest + passive->window_ns < now_ns)
		return false;
	was = atomic_exchange_explicit(&member->down_until_ns, until, memory_order_relaxed);
	/* A probe found it down before: only a probe may bring it back. */
	if (was == LIVE_DOWN)
		STORE(member->down_until_ns, LIVE_DOWN);
	return was <= now_ns;
}

bool live_member_succeeded(struct live_member *member)
{
	uint32_t n = LOAD(member->n_failures);

	if (LOAD(member->n_forgiven) == n)
		return false;
	STORE(member->n_forgiven, n);
	return true;
}

bool live_member_probed(struct live_member *member, bool is_up, uint64_t now_ns)
{
	uint64_t was = atomic_exchange_explicit(&member->down_until_ns, is_up ? 0 : LIVE_DOWN,
						memory_order_relaxed);

	if (is_up)
		live_member_succeeded(member);
	return is_up ? was > now_ns : was <= now_ns;
}

void live_member_ttfb(struct live_member *member, uint64_t ttfb_ns)
{
	uint64_t us = ttfb_ns / NS_PER_US;
	uint32_t sample = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
	uint64_t at = atomic_fetch_add_explicit(&member->n_ttfb, 1, memory_order_relaxed);
	uint32_t old = atomic_exchange_explicit(&member->ttfb_us[at % LIVE_TTFB_SAMPLES], sample,
						memory_order_relaxed);

	/* Wraps around below zero and back. */
	atomic_fetch_add_explicit(&member->ttfb_sum_us, (uint64_t)sample - old,
				  memory_order_relaxed);
}

uint64_t live_member_average_us(const struct live_member *member)
{
	uint64_t n = LOAD(member->n_ttfb), sum = LOAD(member->ttfb_sum_us);

	if (n > LIVE_TTFB_SAMPLES)
		n = LIVE_TTFB_SAMPLES;
	return n && sum < UINT64_MAX / 2 ? sum / n : 0;
}
