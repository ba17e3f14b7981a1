/* SPDX-License-Identifier: MIT */
/* instance.h - the default instance with a configuration of the caller's, for the malloc drop-ins. */
#ifndef QY_INSTANCE_H
#define QY_INSTANCE_H

#include <quarry/page.h>

/* qy_mm_default(), made with @cfg if it does not stand yet. */
struct qy_mm *qy__mm_default_with(const struct qy_mm_config *cfg);

#endif
