// SPDX-License-Identifier: Apache-2.0
/* kube_duty_tell: what people are told of writing: rules that lack, and how much was written. */
#include "base/clock.h"
#include "source/kube_source_state.h"

static const struct {
	const char *what, *rule;
} writes[KUBE_WRITE__COUNT] = {
	[KUBE_WRITE_EVENT] = {"Events", "{apiGroups: [\"\"], resources: [\"events\"], verbs: "
					"[\"create\", \"patch\"]}"},
	[KUBE_WRITE_INGRESS] = {"the status of Ingresses",
				"{apiGroups: [\"networking.k8s.io\"], resources: "
				"[\"ingresses/status\"], verbs: [\"patch\"]}"},
	[KUBE_WRITE_ADDRESS] = {"the status of VirtualAddresses",
				"{apiGroups: [\"tidegate.io\"], resources: "
				"[\"virtualaddresses/status\"], verbs: [\"patch\"]}"},
};

const char *kube_duty_tell(struct kube_source *source, struct diag_sink *sink)
{
	/* One letter for each that is refused. */
	static const char *const keys[] = {"",	"e",  "i",  "ei",  "a",	 "ea",	"ia",  "eia",
					   "l", "el", "il", "eil", "al", "eal", "ial", "eial"};
	const char *lease_rule = "{apiGroups: [\"coordination.k8s.io\"], resources: [\"leases\"], "
				 "verbs: [\"get\", \"create\", \"update\"]}";
	size_t key = 0;

	for (size_t i = 0; i < KUBE_WRITE__COUNT; i++) {
		if (source->now_ns >= source->duty.refused_until_ns[i])
			continue;
		key |= (size_t)1 << i;
		diag_about(sink, STR("APIServer"), source->kube.origin, 0);
		diag_suggest(
			sink,
			diag_warning(sink, NULL, "RBAC does not allow to write %s", writes[i].what),
			"add to the ClusterRole: %s", writes[i].rule);
	}
	if (source->duty.lease.is_forbidden) {
		key |= 8;
		diag_about(sink, STR("APIServer"), source->kube.origin, 0);
		diag_suggest(sink,
			     diag_warning(sink, NULL,
					  "RBAC does not allow the Lease " LEASE_NAME
					  ": no status and no Events are written"),
			     "add to a Role in namespace %s: %s", source->duty.lease.namespace_,
			     lease_rule);
	}
	return keys[key];
}

json_t *kube_duty_status(struct kube_source *source)
{
	const struct kube_duty *duty = &source->duty;

	return json_pack("{s:b, s:s, s:I, s:I, s:I, s:I}", "elected",
			 kube_lease_is_ours(&duty->lease, clock_mono_ns()), "holder",
			 duty->lease.holder, "events",
			 (json_int_t)duty->n_written[KUBE_WRITE_EVENT], "ingressStatus",
			 (json_int_t)duty->n_written[KUBE_WRITE_INGRESS], "addressStatus",
			 (json_int_t)duty->n_written[KUBE_WRITE_ADDRESS], "failed",
			 (json_int_t)duty->n_failed);
}
