// SPDX-License-Identifier: Apache-2.0
/*
 * mw: the list of middlewares.
 */

#include "mw/mw.h"

#include "mw/mw_list.h"

const struct mw *const mw_all[] = {
#define MW_POINTER(name) &name##_mw,
	MW_LIST(MW_POINTER)
#undef MW_POINTER
};

const size_t mw_count = sizeof(mw_all) / sizeof(*mw_all);

const struct mw *mw_find(struct str name)
{
	for (size_t i = 0; i < mw_count; i++)
		if (str_eq(name, str_of(mw_all[i]->name)))
			return mw_all[i];
	return NULL;
}
