/* SPDX-License-Identifier: MIT */
/* osif_internal.h - the back ends, by name: for the files of this folder only. */
#ifndef QY_OSIF_INTERNAL_H
#define QY_OSIF_INTERNAL_H

#include "osif/osif.h"

extern const struct qy__osif_ops qy__osif_anon_ops;
extern const struct qy__osif_ops qy__osif_arena_ops;

#endif
