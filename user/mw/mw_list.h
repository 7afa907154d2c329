/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MW_LIST_H
#define MW_LIST_H

/* mw_list: the middlewares there are, once: name X stands for `const struct mw X_mw` in mw/X.c. */

#include "mw/mw.h"

#define MW_LIST(X)         \
	X(basic_auth)      \
	X(chain)           \
	X(headers)         \
	X(ip_allow_list)   \
	X(rate_limit)      \
	X(redirect_scheme) \
	X(strip_prefix)

#define MW_DECLARE(name) extern const struct mw name##_mw;
MW_LIST(MW_DECLARE)
#undef MW_DECLARE

#endif
