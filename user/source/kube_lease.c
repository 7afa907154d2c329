// SPDX-License-Identifier: Apache-2.0
/* kube_lease: see the header. */
#include "source/kube_lease.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "source/kube_json.h"

#define SEC   ((uint64_t)NS_PER_SEC)
#define GROUP "/apis/coordination.k8s.io/v1"

enum {
	PATH_MAX_BYTES = 512,
	BODY_MAX_BYTES = 4096,
	REPLICAS_A_SECOND = 40, /* that look, of very many */
};

void kube_lease_time(uint64_t wall_ns, char *ret_text, size_t size)
{
	time_t seconds = (time_t)(wall_ns / SEC);
	struct tm tm;
	char text[32];

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(ret_text, size, "%s.%06uZ", text, (unsigned)(wall_ns % SEC / NS_PER_US));
}

void kube_lease_init(struct kube_lease *lease, struct str namespace_, struct str name,
		     struct str identity)
{
	*lease = (struct kube_lease){.seconds = KUBE_LEASE_SECONDS, .look_s = KUBE_LEASE_RENEW_S};
	snprintf(lease->namespace_, sizeof(lease->namespace_), STR_FMT, STR_ARG(namespace_));
	snprintf(lease->name, sizeof(lease->name), STR_FMT, STR_ARG(name));
	snprintf(lease->identity, sizeof(lease->identity), STR_FMT, STR_ARG(identity));
}

void kube_lease_expect(struct kube_lease *lease, size_t n_replicas)
{
	size_t look_s = KUBE_LEASE_RENEW_S + n_replicas / REPLICAS_A_SECOND;

	lease->look_s = look_s < KUBE_LEASE_LOOK_MAX_S ? (uint32_t)look_s : KUBE_LEASE_LOOK_MAX_S;
}

static bool is_held_by_us(const struct kube_lease *lease)
{
	return lease->version[0] && strcmp(lease->holder, lease->identity) == 0;
}

bool kube_lease_is_ours(const struct kube_lease *lease, uint64_t now_ns)
{
	return is_held_by_us(lease) && lease->renewed_ns &&
	       now_ns < lease->renewed_ns + KUBE_LEASE_GIVE_UP_S * SEC;
}

static json_t *make(struct kube_lease *lease, uint64_t wall_ns, bool is_release)
{
	bool is_new = !is_held_by_us(lease);
	json_t *meta = json_pack("{s:s, s:s}", "name", lease->name, "namespace", lease->namespace_);
	char now[40];

	kube_lease_time(wall_ns, now, sizeof(now));
	if (is_new)
		snprintf(lease->acquired, sizeof(lease->acquired), "%.31s", now);
	if (lease->version[0])
		json_object_set_new(meta, "resourceVersion", json_string(lease->version));
	return json_pack("{s:s, s:s, s:o, s:{s:s, s:i, s:s, s:s, s:I}}", "apiVersion",
			 "coordination.k8s.io/v1", "kind", "Lease", "metadata", meta, "spec",
			 "holderIdentity", is_release ? "" : lease->identity,
			 "leaseDurationSeconds", is_release ? 1 : KUBE_LEASE_SECONDS, "acquireTime",
			 lease->acquired, "renewTime", now, "leaseTransitions",
			 (json_int_t)(lease->transitions + (is_new && lease->version[0])));
}

static void write_ask(struct kube_lease *lease, const char *method, json_t *body,
		      struct kube_lease_ask *ask)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;

	ask->method = method;
	buf_init(&ask->path, PATH_MAX_BYTES);
	buf_init(&ask->body, BODY_MAX_BYTES);
	buf_addf(&ask->path, GROUP "/namespaces/%s/leases", lease->namespace_);
	if (strcmp(method, "POST") != 0)
		buf_addf(&ask->path, "/%s", lease->name);
	buf_add(&ask->body, str_of(text));
	free(text);
	json_decref(body);
}

void kube_lease_ask_done(struct kube_lease_ask *ask)
{
	buf_done(&ask->path);
	buf_done(&ask->body);
}

bool kube_lease_next(struct kube_lease *lease, uint64_t now_ns, uint64_t wall_ns,
		     struct kube_lease_ask *ret_ask)
{
	if (lease->is_asked || now_ns < lease->due_ns)
		return false;
	lease->is_asked = true;
	if (lease->step == KUBE_LEASE_GET)
		write_ask(lease, "GET", NULL, ret_ask);
	else if (lease->step == KUBE_LEASE_CREATE)
		write_ask(lease, "POST", make(lease, wall_ns, false), ret_ask);
	else
		write_ask(lease, "PUT", make(lease, wall_ns, false), ret_ask);
	return true;
}

bool kube_lease_release(struct kube_lease *lease, uint64_t now_ns, uint64_t wall_ns,
			struct kube_lease_ask *ret_ask)
{
	if (!kube_lease_is_ours(lease, now_ns))
		return false;
	write_ask(lease, "PUT", make(lease, wall_ns, true), ret_ask);
	lease->renewed_ns = 0;
	return true;
}

static void copy_text(const json_t *object, const char *key, char *ret_text, size_t size)
{
	const char *text = json_string_value(json_object_get(object, key));

	snprintf(ret_text, size, "%s", text ? text : "");
}

/* What the server says the Lease is. */
static void take(struct kube_lease *lease, struct str body, uint64_t now_ns)
{
	json_t *said = kube_json_load(body);
	const json_t *spec = json_object_get(said, "spec");
	char version[sizeof(lease->version)];
	json_int_t seconds;

	copy_text(json_object_get(said, "metadata"), "resourceVersion", version, sizeof(version));
	if (strcmp(version, lease->version) != 0)
		lease->changed_ns = now_ns;
	memcpy(lease->version, version, sizeof(version));
	copy_text(spec, "holderIdentity", lease->holder, sizeof(lease->holder));
	lease->transitions = json_integer_value(json_object_get(spec, "leaseTransitions"));
	if (is_held_by_us(lease))
		copy_text(spec, "acquireTime", lease->acquired, sizeof(lease->acquired));
	seconds = json_integer_value(json_object_get(spec, "leaseDurationSeconds"));
	lease->seconds = seconds > 0 && seconds < 3600 ? (uint32_t)seconds : KUBE_LEASE_SECONDS;
	json_decref(said);
}

static void look_again(struct kube_lease *lease, uint64_t now_ns, uint32_t seconds)
{
	lease->step = KUBE_LEASE_GET;
	lease->due_ns = now_ns + seconds * SEC;
}

static void take_seen(struct kube_lease *lease, struct str body, uint64_t now_ns)
{
	take(lease, body, now_ns);
	bool is_free = !lease->holder[0] || is_held_by_us(lease) ||
		       now_ns >= lease->changed_ns + lease->seconds * SEC;

	if (!lease->version[0] || !is_free) {
		look_again(lease, now_ns, lease->look_s);
		return;
	}
	lease->step = KUBE_LEASE_UPDATE;
	lease->due_ns = now_ns;
}

/* After 2 s, 4 s, and so on. */
static void take_refused(struct kube_lease *lease, uint64_t now_ns)
{
	uint32_t wait_s = lease->n_refused < 5 ? 2U << lease->n_refused : KUBE_LEASE_FORBIDDEN_S;

	lease->n_refused += lease->n_refused < UINT32_MAX;
	lease->is_forbidden = lease->n_refused >= KUBE_LEASE_FORBIDDEN_TRIES;
	look_again(lease, now_ns, wait_s);
}

void kube_lease_done(struct kube_lease *lease, int status, struct str body, uint64_t now_ns)
{
	enum kube_lease_step step = lease->step;

	lease->is_asked = false;
	if (status == 403) {
		take_refused(lease, now_ns);
		return;
	}
	lease->is_forbidden = false;
	lease->n_refused = 0;
	if (step == KUBE_LEASE_GET && status == 404) {
		lease->version[0] = lease->holder[0] = '\0';
		lease->step = KUBE_LEASE_CREATE;
		lease->due_ns = now_ns;
	} else if (step == KUBE_LEASE_GET && status == 200) {
		take_seen(lease, body, now_ns);
	} else if (step != KUBE_LEASE_GET && status / 100 == 2) {
		take(lease, body, now_ns);
		lease->renewed_ns = now_ns;
		lease->step = KUBE_LEASE_UPDATE;
		lease->due_ns = now_ns + KUBE_LEASE_RENEW_S * SEC;
	} else {
		/* A conflict, an outage: look who has it. A write may have been done all the same.
		 */
		look_again(lease, now_ns, status == 409 ? 1 : 2);
	}
}
