// SPDX-License-Identifier: Apache-2.0
/* kernel_metric: one small function a metric. */
#include "control/kernel_metric.h"

#include <stdlib.h>

#include "control/controller_state.h"

enum { ROWS_MAX = KERNEL_ENTRIES_MAX, BANS_MAX = 10000, BACKENDS_MAX = KERNEL_BACKENDS_MAX };

static void totals(const struct dataplane_totals *totals, const struct str *before, size_t n_before,
		   struct metric_scrape *scrape)
{
	struct str labels[METRIC_LABELS_MAX];

	for (size_t i = 0; i < n_before; i++)
		labels[i] = before[i];
	labels[n_before] = STR("pass");
	for (int i = 0; i < ABI_PASS__COUNT; i++) {
		labels[n_before + 1] = str_of(dataplane_pass_label((enum abi_pass)i));
		metric_sample(scrape, labels, (double)totals->pass[i]);
	}
	labels[n_before] = STR("send");
	for (int i = 0; i < ABI_SEND__COUNT; i++) {
		labels[n_before + 1] = str_of(dataplane_send_label((enum abi_send)i));
		metric_sample(scrape, labels, (double)totals->send[i]);
	}
	labels[n_before] = STR("drop");
	for (int i = 0; i < ABI_DROP__COUNT; i++) {
		labels[n_before + 1] = str_of(dataplane_drop_label((enum abi_drop)i));
		metric_sample(scrape, labels, (double)totals->drop[i]);
	}
}

static void entries(struct controller *self, struct metric_scrape *scrape)
{
	struct dataplane_entry_totals *rows = calloc(ROWS_MAX, sizeof(*rows));

	pthread_mutex_lock(&self->dataplane_lock);
	int n = rows ? dataplane_entries(self->options.dataplane, rows, ROWS_MAX) : 0;

	pthread_mutex_unlock(&self->dataplane_lock);
	for (int i = 0; i < n; i++) {
		char address[ADDR_TEXT_MAX];
		const struct str before[] = {
			str_of(rows[i].name), str_of(rows[i].policy),
			str_n(address, addr_print_port(&rows[i].addr, rows[i].port, address))};

		totals(&rows[i].totals, before, 3, scrape);
	}
	free(rows);
}

/* Bans by policy; "" stands for bans on every entry point. */
static void bans(struct controller *self, struct metric_scrape *scrape)
{
	struct dataplane_ban *rows = calloc(BANS_MAX, sizeof(*rows));

	pthread_mutex_lock(&self->dataplane_lock);
	int n = rows ? dataplane_bans(self->options.dataplane, rows, BANS_MAX) : 0;

	pthread_mutex_unlock(&self->dataplane_lock);
	for (int i = 0; i < n; i++) {
		size_t same = 0;
		bool first = true;

		for (int k = 0; k < n; k++) {
			bool equal = !strcmp(rows[k].policy, rows[i].policy);

			first &= !(equal && k < i);
			same += equal;
		}
		const struct str label = str_of(rows[i].policy);

		if (first)
			metric_sample(scrape, &label, (double)same);
	}
	free(rows);
}

static void service_row(const struct dataplane_service_totals *row, enum metric_id id,
			struct metric_scrape *scrape)
{
	struct str labels[2] = {str_of(row->name)};
	const struct {
		const char *label;
		uint64_t value;
	} states[] = {{"active", row->n_active},
		      {"draining", row->n_draining},
		      {"dead", row->n_dead}},
	  kept[] = {{"made", row->sticks}, {"refused", row->stick_limit}};

	switch (id) {
	case METRIC_KERNEL_SERVICE_PACKETS:
		metric_sample(scrape, labels, (double)row->packets);
		break;
	case METRIC_KERNEL_SERVICE_BYTES:
		metric_sample(scrape, labels, (double)row->bytes);
		break;
	case METRIC_KERNEL_SERVICE_CONNECTIONS:
		metric_sample(scrape, labels, (double)row->flows);
		break;
	case METRIC_KERNEL_SERVICE_BACKENDS:
		for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
			labels[1] = str_of(states[i].label);
			metric_sample(scrape, labels, (double)states[i].value);
		}
		break;
	default:
		for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
			labels[1] = str_of(kept[i].label);
			metric_sample(scrape, labels, (double)kept[i].value);
		}
		break;
	}
}

static void services(struct controller *self, enum metric_id id, struct metric_scrape *scrape)
{
	struct dataplane_service_totals *rows = calloc(KERNEL_SERVICES_MAX, sizeof(*rows));

	pthread_mutex_lock(&self->dataplane_lock);
	int n = rows ? dataplane_services(self->options.dataplane, rows, KERNEL_SERVICES_MAX) : 0;

	pthread_mutex_unlock(&self->dataplane_lock);
	for (int i = 0; i < n; i++)
		service_row(&rows[i], id, scrape);
	free(rows);
}

static void backends(struct controller *self, enum metric_id id, struct metric_scrape *scrape)
{
	struct dataplane_backend_totals *rows = calloc(BACKENDS_MAX, sizeof(*rows));

	pthread_mutex_lock(&self->dataplane_lock);
	int n = rows ? dataplane_backends(self->options.dataplane, rows, BACKENDS_MAX) : 0;

	pthread_mutex_unlock(&self->dataplane_lock);
	for (int i = 0; i < n; i++) {
		char address[ADDR_TEXT_MAX];
		size_t length = rows[i].port ? addr_print_port(&rows[i].addr, rows[i].port, address)
					     : addr_print(&rows[i].addr, address);
		const struct str labels[] = {str_of(rows[i].service), str_n(address, length)};
		uint64_t value = id == METRIC_KERNEL_BACKEND_PACKETS ? rows[i].packets
				 : id == METRIC_KERNEL_BACKEND_BYTES ? rows[i].bytes
								     : rows[i].faults;

		metric_sample(scrape, labels, (double)value);
	}
	free(rows);
}

static void attached(struct controller *self, struct metric_scrape *scrape)
{
	const struct control_kernel *facts = &self->options.kernel;

	pthread_mutex_lock(&self->lock);
	for (size_t i = 0; i < facts->n_interfaces; i++) {
		const struct interface_given *given = &facts->interfaces[i];
		const struct str labels[] = {str_of(given->name), str_of(given->mode)};

		metric_sample(scrape, labels,
			      !interface_watch_is_lost(given, &self->interfaces[i]));
	}
	pthread_mutex_unlock(&self->lock);
}

/* Asked for, and not there at all: without a row of its own nobody could be told of it. */
static void attached_nowhere(const struct controller *self, struct metric_scrape *scrape)
{
	const struct str labels[] = {STR(""), STR("off")};

	if (self->options.kernel.is_missing)
		metric_sample(scrape, labels, 0);
}

void kernel_metric_collect(void *context, enum metric_id id, struct metric_scrape *scrape)
{
	struct controller *self = context;
	struct dataplane_totals all;

	if (id == METRIC_CONFIG_READY)
		metric_sample(scrape, NULL, controller_ready(self));
	if (id == METRIC_KERNEL_ATTACHED && !self->options.dataplane)
		attached_nowhere(self, scrape);
	if (!controller_kernel_totals(self, &all))
		return;
	switch (id) {
	case METRIC_KERNEL_RECEIVED_PACKETS:
		metric_sample(scrape, NULL, (double)all.received);
		break;
	case METRIC_KERNEL_RECEIVED_BYTES:
		metric_sample(scrape, NULL, (double)all.received_bytes);
		break;
	case METRIC_KERNEL_PACKETS:
		totals(&all, NULL, 0, scrape);
		break;
	case METRIC_KERNEL_ENTRY_PACKETS:
		entries(self, scrape);
		break;
	case METRIC_KERNEL_BANS:
		bans(self, scrape);
		break;
	case METRIC_KERNEL_SERVICE_PACKETS:
	case METRIC_KERNEL_SERVICE_BYTES:
	case METRIC_KERNEL_SERVICE_CONNECTIONS:
	case METRIC_KERNEL_SERVICE_KEPT:
	case METRIC_KERNEL_SERVICE_BACKENDS:
		services(self, id, scrape);
		break;
	case METRIC_KERNEL_BACKEND_PACKETS:
	case METRIC_KERNEL_BACKEND_BYTES:
	case METRIC_KERNEL_BACKEND_UNREACHABLE:
		backends(self, id, scrape);
		break;
	case METRIC_KERNEL_GENERATION:
		metric_sample(scrape, NULL, (double)self->generation);
		break;
	case METRIC_KERNEL_ATTACHED:
		attached(self, scrape);
		break;
	default:
		break;
	}
}
