// SPDX-License-Identifier: Apache-2.0
/* kube_duty_tell: what people are told of writing: rules that lack, and how much was written. */
#include "base/clock.h"
#include "source/kube_source_state.h"

static const struct {
	const char *what, *rule;
} write_rules[KUBE_WRITE__COUNT] = {
	[KUBE_WRITE_EVENT] = {"Events", "{apiGroups: [\"\"], resources: [\"events\"], verbs: "
					"[\"create\", \"patch\"]}"},
	[KUBE_WRITE_INGRESS] = {"the status of Ingresses",
				"{apiGroups: [\"networking.k8s.io\"], resources: "
				"[\"ingresses/status\"], verbs: [\"patch\"]}"},
	[KUBE_WRITE_ADDRESS] = {"the status of VirtualAddresses",
				"{apiGroups: [\"tidegate.io\"], resources: "
				"[\"virtualaddresses/status\"], verbs: [\"patch\"]}"},
	[KUBE_WRITE_POLICY] = {"the status of SourcePolicies",
			       "{apiGroups: [\"tidegate.io\"], resources: "
			       "[\"sourcepolicies/status\"], verbs: [\"patch\"]}"},
	[KUBE_WRITE_NODE] = {"what this node says in the status of VirtualAddresses",
			     "{apiGroups: [\"tidegate.io\"], resources: "
			     "[\"virtualaddresses/status\"], verbs: [\"patch\"]}"},
	[KUBE_WRITE_NODE_POLICY] = {"what this node says in the status of SourcePolicies",
				    "{apiGroups: [\"tidegate.io\"], resources: "
				    "[\"sourcepolicies/status\"], verbs: [\"patch\"]}"},
};

const char *kube_duty_tell(struct kube_source *source, struct diag_sink *sink)
{
	char *told = source->duty.told;
	size_t n = 0;
	const char *lease_rule = "{apiGroups: [\"coordination.k8s.io\"], resources: [\"leases\"], "
				 "verbs: [\"get\", \"create\", \"update\"]}";

	for (size_t i = 0; i < KUBE_WRITE__COUNT; i++) {
		if (source->now_ns >= source->duty.writes.of[i].refused_until_ns)
			continue;
		told[n++] = (char)('a' + i);
		diag_about(sink, STR("APIServer"), source->kube.origin, 0);
		diag_suggest(sink,
			     diag_warning(sink, NULL, "RBAC does not allow to write %s",
					  write_rules[i].what),
			     "add to the ClusterRole: %s", write_rules[i].rule);
	}
	if (source->duty.lease.is_forbidden) {
		told[n++] = 'l';
		diag_about(sink, STR("APIServer"), source->kube.origin, 0);
		diag_suggest(sink,
			     diag_warning(sink, NULL,
					  "RBAC does not allow the Lease " LEASE_NAME
					  ": no status and no Events are written"),
			     "add to a Role in namespace %s: %s", source->duty.lease.namespace_,
			     lease_rule);
	}
	told[n] = '\0';
	return told;
}

json_t *kube_duty_status(struct kube_source *source)
{
	const struct kube_duty *duty = &source->duty;
	const struct kube_writes *writes = &duty->writes;
	json_t *status = json_pack(
		"{s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "elected",
		kube_lease_is_ours(&duty->lease, clock_mono_ns()), "holder", duty->lease.holder,
		"events", (json_int_t)writes->of[KUBE_WRITE_EVENT].n_written, "ingressStatus",
		(json_int_t)writes->of[KUBE_WRITE_INGRESS].n_written, "addressStatus",
		(json_int_t)writes->of[KUBE_WRITE_ADDRESS].n_written, "policyStatus",
		(json_int_t)writes->of[KUBE_WRITE_POLICY].n_written, "nodeStatus",
		(json_int_t)(writes->of[KUBE_WRITE_NODE].n_written +
			     writes->of[KUBE_WRITE_NODE_POLICY].n_written),
		"failed", (json_int_t)writes->n_failed);

	if (writes->problem[0])
		json_object_set_new(status, "problem", json_string(writes->problem));
	return status;
}
