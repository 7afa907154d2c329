/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KUBE_INTAKE_H
#define KUBE_INTAKE_H

/* kube_intake: the bytes of lists and watches -> the objects of a kube_watch. */

#include "source/kube_watch.h"

/* Bytes of a good answer; false ends the request (watch->is_broken, is_expired say why). */
bool kube_intake_take(struct kube_watch *watch, struct str bytes, uint64_t now_ns);
/* A list has ended: takes it over when it was the last page. False when it is no list. */
bool kube_intake_end_list(struct kube_watch *watch, bool *ret_has_more);
/* What the list said is all there is. */
void kube_intake_replace(struct kube_watch *watch);
/* Empties a table of objects. */
void kube_intake_forget(struct table *objects);

#endif
