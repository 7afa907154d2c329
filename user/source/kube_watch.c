// SPDX-License-Identifier: Apache-2.0
/*
 * kube_watch: asks, waits, asks again. What comes in is in kube_intake.c.
 *
 * A watch that ends cleanly means nothing: the next one goes on from the last resourceVersion, and
 * when that has expired everything is listed anew (410, as the status or inside the stream).
 */
#include "source/kube_watch.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "source/kube_intake.h"
#include "source/kube_path.h"
#include "source/kube_status_text.h"

#define SEC ((uint64_t)NS_PER_SEC)

enum {
	BACKOFF_FIRST_MS = 200,
	RETRY_AFTER_MAX_S = 60,
	SHORT_WATCH_S = 1, /* one that ends sooner, with nothing, is no success */
	SHORT_WATCH_WAIT_MS = 500,
	STREAM_TRIES = 2,
	EXPECTED_S = 10, /* from a CRD to its kind */
	EXPECTED_WAIT_MS = 150,
	SERVER_ERROR = 500,
	FORBIDDEN_WAIT_MS = 2500, /* at least, so that lists alone are no storm */
	UNPROCESSABLE = 422,
};

const char *const kube_watch_state_names[KUBE_STATE__COUNT] = {
	[KUBE_STARTING] = "starting", [KUBE_LISTING] = "listing", [KUBE_WATCHING] = "watching",
	[KUBE_WAITING] = "waiting",   [KUBE_ABSENT] = "absent",	  [KUBE_FORBIDDEN] = "forbidden",
};

/* ---------------------------------------------------------------------- life -- */

static char *copy(struct str text)
{
	return text.len ? strndup(text.at, text.len) : NULL;
}

struct kube_watch *kube_watch_new(const struct kube_watch_options *options, struct kube_hub *hub,
				  uint32_t seed)
{
	struct kube_watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return NULL;
	watch->hub = hub;
	watch->kind = options->kind;
	watch->namespace_ = copy(options->namespace_);
	watch->name = copy(options->name);
	watch->label_selector = copy(options->label_selector);
	watch->field_selector = copy(options->field_selector);
	watch->wants_list = true;
	watch->seed = seed ? seed : 1;
	table_init(&watch->objects, NULL);
	table_init(&watch->fresh, NULL);
	kube_lines_init(&watch->lines, KUBE_PIECE_MAX_BYTES);
	kube_items_init(&watch->items, KUBE_PIECE_MAX_BYTES);
	return watch;
}

void kube_watch_free(struct kube_watch *watch)
{
	if (!watch)
		return;
	kube_intake_forget(&watch->fresh);
	kube_intake_forget(&watch->objects);
	kube_lines_done(&watch->lines);
	kube_items_done(&watch->items);
	free(watch->page);
	free(watch->namespace_);
	free(watch->name);
	free(watch->label_selector);
	free(watch->field_selector);
	free(watch);
}

void kube_watch_title(const struct kube_watch *watch, char *ret_text, size_t size)
{
	snprintf(ret_text, size, "%s%s%s%s%s", kind_infos[watch->kind].kind,
		 watch->namespace_ ? "/" : "", watch->namespace_ ? watch->namespace_ : "",
		 watch->name ? "/" : "", watch->name ? watch->name : "");
}

/* --------------------------------------------------------------------- asking -- */

/* xorshift: spreads requests, guards nothing. */
static uint32_t jitter(struct kube_watch *watch, uint32_t below)
{
	watch->seed ^= watch->seed << 13;
	watch->seed ^= watch->seed >> 17;
	watch->seed ^= watch->seed << 5;
	return below ? watch->seed % below : 0;
}

static void add_selectors(const struct kube_watch *watch, struct buf *path, bool *is_first)
{
	char field[300];

	if (watch->label_selector)
		kube_path_query(path, "labelSelector", str_of(watch->label_selector), is_first);
	if (watch->name) {
		snprintf(field, sizeof(field), "metadata.name=%s", watch->name);
		kube_path_query(path, "fieldSelector", str_of(field), is_first);
	} else if (watch->field_selector) {
		kube_path_query(path, "fieldSelector", str_of(watch->field_selector), is_first);
	}
}

static void ask_list(struct kube_watch *watch, struct buf *path, struct kube_ask *ask)
{
	bool is_first = true;
	char page[16];

	snprintf(page, sizeof(page), "%d", KUBE_PAGE);
	add_selectors(watch, path, &is_first);
	/* The server's cache answers when etcd does not, and knows no pages. */
	kube_path_query(path, watch->is_cached_list ? "resourceVersion" : "limit",
			watch->is_cached_list ? STR("0") : str_of(page), &is_first);
	if (watch->page)
		kube_path_query(path, "continue", str_of(watch->page), &is_first);
	ask->gzip = true;
	ask->stall_s = KUBE_HEAD_S;
}

static void ask_watch(struct kube_watch *watch, struct buf *path, struct kube_ask *ask)
{
	uint32_t seconds = KUBE_WATCH_MIN_S + jitter(watch, KUBE_WATCH_MIN_S);
	bool is_first = true;
	char text[16];

	snprintf(text, sizeof(text), "%u", seconds);
	kube_path_query(path, "watch", STR("true"), &is_first);
	kube_path_query(path, "allowWatchBookmarks", STR("true"), &is_first);
	if (watch->is_streaming) {
		kube_path_query(path, "sendInitialEvents", STR("true"), &is_first);
		kube_path_query(path, "resourceVersionMatch", STR("NotOlderThan"), &is_first);
	} else {
		kube_path_query(path, "resourceVersion", str_of(watch->rv), &is_first);
	}
	kube_path_query(path, "timeoutSeconds", str_of(text), &is_first);
	add_selectors(watch, path, &is_first);
	ask->whole_s = seconds + 30;
}

bool kube_watch_next(struct kube_watch *watch, uint64_t now_ns, struct kube_ask *ret_ask)
{
	struct buf path;

	if (watch->request || watch->due_ns > now_ns)
		return false;
	*ret_ask = (struct kube_ask){.head_s = KUBE_HEAD_S};
	buf_init(&path, sizeof(ret_ask->path));
	kube_path_of(&path, watch->kind, str_of(watch->namespace_));
	watch->is_streaming = watch->wants_list && !watch->hub->no_streaming &&
			      watch->n_stream_failures < STREAM_TRIES && !watch->page;
	if (watch->wants_list && !watch->is_streaming)
		ask_list(watch, &path, ret_ask);
	else
		ask_watch(watch, &path, ret_ask);
	memcpy(ret_ask->path, path.at, path.len + 1);
	buf_done(&path);
	watch->is_initial = watch->wants_list;
	if (!watch->page)
		kube_intake_forget(&watch->fresh);
	kube_lines_done(&watch->lines);
	kube_lines_init(&watch->lines, KUBE_PIECE_MAX_BYTES);
	kube_items_done(&watch->items);
	kube_items_init(&watch->items, KUBE_PIECE_MAX_BYTES);
	watch->is_broken = watch->is_expired = watch->had_events = false;
	watch->began_ns = watch->last_byte_ns = now_ns;
	watch->counts.lists += watch->wants_list && !watch->page;
	watch->counts.watches += !watch->wants_list || watch->is_streaming;
	if (!watch->wants_list)
		watch->state = KUBE_WATCHING;
	else if (!watch->is_listed && watch->state != KUBE_FORBIDDEN && watch->state != KUBE_ABSENT)
		watch->state = KUBE_LISTING;
	return true;
}

bool kube_watch_is_stuck(const struct kube_watch *watch, uint64_t now_ns)
{
	return watch->request && watch->is_streaming && watch->is_initial &&
	       (now_ns > watch->last_byte_ns + KUBE_SILENT_LIST_S * SEC ||
		now_ns > watch->began_ns + KUBE_STREAM_LIST_S * SEC);
}

void kube_watch_kick(struct kube_watch *watch, bool relist, uint64_t now_ns)
{
	watch->due_ns = now_ns;
	if (!relist)
		return;
	watch->wants_list = true;
	free(watch->page);
	watch->page = NULL;
}

void kube_watch_expect(struct kube_watch *watch, uint64_t now_ns)
{
	watch->expected_until_ns = now_ns + EXPECTED_S * SEC;
	if (!watch->request && watch->state == KUBE_ABSENT)
		kube_watch_kick(watch, true, now_ns);
}

bool kube_watch_is_settled(const struct kube_watch *watch, uint64_t now_ns)
{
	if (!watch->is_listed || watch->state == KUBE_FORBIDDEN)
		return false;
	return watch->state != KUBE_ABSENT || now_ns >= watch->absent_ns + KUBE_GONE_AFTER_S * SEC;
}

/* ------------------------------------------------------------------- what came -- */

void kube_watch_answered(struct kube_watch *watch, int status)
{
	if (status / 100 != 2 || watch->wants_list)
		return;
	watch->problem[0] = '\0';
	watch->n_forbidden = 0;
	watch->state = KUBE_WATCHING;
}

bool kube_watch_data(struct kube_watch *watch, struct str bytes, uint64_t now_ns)
{
	watch->last_byte_ns = now_ns;
	return kube_intake_take(watch, bytes, now_ns);
}

static void again(struct kube_watch *watch, uint64_t now_ns, uint32_t wait_ms)
{
	watch->due_ns = now_ns + (uint64_t)wait_ms * NS_PER_MS;
}

/* Later and later, at most every KUBE_BACKOFF_MAX_S; half of it is chance. */
static void back_off(struct kube_watch *watch, uint64_t now_ns, uint32_t retry_after_s)
{
	uint32_t wait_ms = BACKOFF_FIRST_MS;

	for (unsigned i = 0; i < watch->n_failures && wait_ms < KUBE_BACKOFF_MAX_S * 1000; i++)
		wait_ms *= 2;
	if (wait_ms > KUBE_BACKOFF_MAX_S * 1000)
		wait_ms = KUBE_BACKOFF_MAX_S * 1000;
	wait_ms = wait_ms / 2 + jitter(watch, wait_ms / 2 + 1);
	if (retry_after_s) {
		retry_after_s =
			retry_after_s > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : retry_after_s;
		wait_ms = retry_after_s * 1000 + jitter(watch, 500);
	}
	watch->n_failures++;
	watch->counts.errors++;
	if (watch->state != KUBE_FORBIDDEN && watch->state != KUBE_ABSENT)
		watch->state = KUBE_WAITING;
	again(watch, now_ns, wait_ms);
}

static void tell(struct kube_watch *watch, const char *what, const char *message)
{
	snprintf(watch->problem, sizeof(watch->problem), "%.100s%s%.200s", what,
		 message && message[0] ? ": " : "", message ? message : "");
}

static void from_scratch(struct kube_watch *watch)
{
	watch->wants_list = true;
	free(watch->page);
	watch->page = NULL;
}

/* The server has no such kind: its CRD is not there, or not any more. */
static void take_absent(struct kube_watch *watch, uint64_t now_ns)
{
	from_scratch(watch);
	if (watch->state != KUBE_ABSENT)
		watch->absent_ns = now_ns;
	watch->state = KUBE_ABSENT;
	watch->n_failures = 0;
	tell(watch, "the API server does not have this kind; it is asked for again", NULL);
	/* One that restarts may say so for a moment. */
	if (now_ns - watch->absent_ns >= KUBE_GONE_AFTER_S * SEC)
		kube_intake_replace(watch);
	watch->is_listed |= watch->objects.n == 0;
	if (now_ns < watch->expected_until_ns)
		again(watch, now_ns, EXPECTED_WAIT_MS / 2 + jitter(watch, EXPECTED_WAIT_MS));
	else
		again(watch, now_ns,
		      watch->objects.n ? 2000 + jitter(watch, 1000)
				       : KUBE_ABSENT_S * 1000 + jitter(watch, 10000));
}

static void take_forbidden(struct kube_watch *watch, const struct kube_status *status,
			   uint64_t now_ns)
{
	watch->n_forbidden++;
	if (watch->n_forbidden >= KUBE_FORBIDDEN_TRIES) {
		watch->state = KUBE_FORBIDDEN;
		watch->is_listed = true;
		tell(watch, "RBAC does not allow this", status->message);
	}
	/* Whoever may only list is told so by the watch: then lists must do. A server that starts
	 * says it for a moment to everybody: that must not cost a list. */
	if (!watch->wants_list && watch->n_forbidden >= KUBE_FORBIDDEN_TRIES)
		from_scratch(watch);
	if (watch->is_streaming)
		watch->n_stream_failures = STREAM_TRIES;
	back_off(watch, now_ns, 0);
	if (watch->n_forbidden >= KUBE_FORBIDDEN_TRIES &&
	    watch->due_ns < now_ns + FORBIDDEN_WAIT_MS * (uint64_t)NS_PER_MS)
		again(watch, now_ns, FORBIDDEN_WAIT_MS + jitter(watch, FORBIDDEN_WAIT_MS));
}

static void take_refusal(struct kube_watch *watch, const struct rest_result *result,
			 uint64_t now_ns)
{
	struct kube_status status;
	char what[64];

	kube_status_text_parse(result->body, &status);
	if (result->status == 404) {
		take_absent(watch, now_ns);
		return;
	}
	if (result->status == 403) {
		take_forbidden(watch, &status, now_ns);
		return;
	}
	if (result->status == 410) {
		watch->counts.expired++;
		from_scratch(watch);
	}
	/* A token of a page that the server does not take (any more): 400, on older ones 500. */
	if (watch->page && (result->status == 400 || result->status == SERVER_ERROR))
		from_scratch(watch);
	if (watch->is_streaming && (result->status == UNPROCESSABLE || result->status == 400)) {
		/* A server before streaming lists: nothing is wrong. */
		watch->hub->no_streaming = true;
		again(watch, now_ns, 0);
		return;
	}
	if (watch->wants_list && result->status == 504) {
		/* The cache knows no pages. */
		from_scratch(watch);
		watch->is_cached_list = !watch->is_cached_list;
		watch->n_stream_failures = STREAM_TRIES;
	}
	if (!watch->wants_list &&
	    (status.is_version_ahead || result->status == 400 || result->status == SERVER_ERROR))
		from_scratch(watch);
	snprintf(what, sizeof(what), "the API server answers %d", result->status);
	tell(watch, what, status.message);
	back_off(watch, now_ns, result->retry_after_s);
}

static void end_list(struct kube_watch *watch, const struct rest_result *result, uint64_t now_ns)
{
	bool has_more = false;

	if (result->is_cut || !kube_intake_end_list(watch, &has_more)) {
		tell(watch,
		     result->is_cut ? "the list broke off" : "the API server's list is not one",
		     result->message);
		from_scratch(watch);
		back_off(watch, now_ns, 0);
		return;
	}
	again(watch, now_ns, 0);
	if (has_more)
		return;
	watch->is_cached_list = false;
}

/* A stream has ended: of itself, or it broke. */
static void end_watch(struct kube_watch *watch, const struct rest_result *result, uint64_t now_ns)
{
	if (watch->is_expired) {
		watch->counts.expired++;
		from_scratch(watch);
		/* A server whose versions expire faster than they are read must not be pressed. */
		back_off(watch, now_ns, 0);
		return;
	}
	if (watch->is_broken) {
		from_scratch(watch);
		back_off(watch, now_ns, 0);
		return;
	}
	if (watch->is_initial) {
		watch->n_stream_failures++;
		tell(watch, "the list broke off", result->message);
		back_off(watch, now_ns, 0);
		return;
	}
	if (result->is_network) {
		tell(watch, "the watch broke off", result->message);
		back_off(watch, now_ns, 0);
		return;
	}
	/* Watches that end at once, again and again, must not become a storm. */
	if (!watch->had_events && now_ns < watch->began_ns + SHORT_WATCH_S * SEC) {
		again(watch, now_ns, SHORT_WATCH_WAIT_MS / 2 + jitter(watch, SHORT_WATCH_WAIT_MS));
		return;
	}
	watch->n_failures = 0;
	again(watch, now_ns, jitter(watch, 50));
}

void kube_watch_done(struct kube_watch *watch, const struct rest_result *result, uint64_t now_ns)
{
	watch->request = NULL;
	if (result->status == 0) {
		tell(watch, "the API server cannot be reached", result->message);
		if (watch->is_streaming && watch->is_initial &&
		    now_ns > watch->began_ns + KUBE_SILENT_LIST_S * SEC)
			watch->n_stream_failures++;
		back_off(watch, now_ns, 0);
	} else if (result->status / 100 != 2) {
		take_refusal(watch, result, now_ns);
	} else if (watch->wants_list && !watch->is_streaming) {
		end_list(watch, result, now_ns);
	} else {
		end_watch(watch, result, now_ns);
	}
}
