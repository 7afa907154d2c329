/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_DUTY_H
#define KUBE_DUTY_H

/*
 * kube_duty: what is written to the API server: by one of the replicas, which a Lease says, status
 * and Events; by each for its own node whether its kernel plane works by our objects. Part of
 * kube_source.
 */

#include "source/kube_lease.h"
#include "source/kube_source.h"
#include "source/kube_write.h"

#define LEASE_NAME "tidegate-status"

/* What is known of one object. */
struct kube_row {
	struct str id;
	json_t *status;		 /* as the server has it; NULL: nothing */
	char version[64];	 /* its resourceVersion */
	int64_t generation;	 /* 0: not said */
	char *fault;		 /* of the object; NULL: none */
	char *node_fault;	 /* of this node; NULL: none */
	const char *node_reason; /* of the node_fault, in one word */
	bool is_conflict;	 /* the fault: another object has what this one asks for */
	uint64_t fault_hash;	 /* of both faults */
	/* What the server has is what is to be said: it need not be looked at before something
	 * changes. */
	bool is_settled, is_node_settled;
	uint64_t said_hash, said_ns; /* of the fault that was made an Event */
	uint64_t written_hash;	     /* of the status that was written and not seen yet */
	uint64_t node_hash;	     /* the same of what is said of this node */
	uint64_t changed_revision;   /* of the store, when the object last became another */
	unsigned n_writes;	     /* that run: they need it */
	bool is_gone;		     /* the object */
};

struct kube_duty {
	bool is_on;    /* faults were told: somebody serves */
	bool is_dirty; /* something may be to be written */
	struct kube_lease lease;
	struct rest_request *lease_request;
	struct table rows; /* by the id of an object */
	json_t *published; /* the service whose addresses are written */
	struct kube_writes writes;
	char instance[96]; /* who writes: the pod, or the machine */
	char node[256];	   /* the name of ours; "": not known */
	uint64_t pass_due_ns, review_ns, revision;
	uint64_t kernel_revision; /* of the store, up to which the kernel plane has everything */
	/* Why it has not what came later; NULL: it is to be had soon. */
	const struct kube_kernel_fault *kernel_fault;
	/* What is wrong with this node's interfaces; "": nothing. */
	char interfaces[KUBE_INTERFACES_BYTES];
	bool has_lost_interface;
	char told[16]; /* what kube_duty_tell() told */
	bool was_ours;
};

void kube_duty_init(struct kube_duty *duty);
/* Gives the Lease back, and ends. */
void kube_duty_end(struct kube_source *source);
void kube_duty_tick(struct kube_source *source);
/* An object as it is on the server; document NULL: it is gone. */
void kube_duty_seen(struct kube_source *source, const struct object *object,
		    const json_t *document);
/* The object in the store became another one. */
void kube_duty_changed(struct kube_source *source, struct str id);
/* What is known of an object; NULL: nothing, and make is false or memory is short. */
struct kube_row *kube_duty_row(struct kube_duty *duty, struct str id, bool make);
/* What is not there needs no row, unless a write for it still runs. */
void kube_duty_forget(struct kube_duty *duty, struct str id);
/* Faults of writing; returns a text that changes with them. */
const char *kube_duty_tell(struct kube_source *source, struct diag_sink *sink);
json_t *kube_duty_status(struct kube_source *source);

/* kube_duty_pass.c: begins what the budget allows; false: it is used up. */
bool kube_duty_pass(struct kube_source *source);
/* What every replica says of its own node. */
bool kube_duty_pass_node(struct kube_source *source);

#endif
