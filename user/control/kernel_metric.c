// SPDX-License-Identifier: Apache-2.0
/* kernel_metric: one small function a metric. */
#include "control/kernel_metric.h"

#include <stdlib.h>

#include "control/controller_state.h"

enum { ROWS_MAX = KERNEL_ENTRIES_MAX, BANS_MAX = 10000 };

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

static void attached(const struct controller *self, struct metric_scrape *scrape)
{
	const struct control_kernel *facts = &self->options.kernel;

	for (size_t i = 0; i < facts->n_interfaces; i++) {
		const struct str labels[] = {str_of(facts->interfaces[i]), str_of(facts->mode)};

		metric_sample(scrape, labels, 1);
	}
}

void kernel_metric_collect(void *context, enum metric_id id, struct metric_scrape *scrape)
{
	struct controller *self = context;
	struct dataplane_totals all;

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
