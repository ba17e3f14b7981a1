/* SPDX-License-Identifier: MIT */
/* quarry/quarry.h - everything but the kernel's own names (those are in linux_compat.h). */
#ifndef QUARRY_QUARRY_H
#define QUARRY_QUARRY_H

#include <quarry/check.h>
#include <quarry/config.h>
#include <quarry/debug.h>
#include <quarry/early.h>
#include <quarry/info.h>
#include <quarry/kmalloc.h>
#include <quarry/page.h>
#include <quarry/slab.h>
#include <quarry/types.h>
#include <quarry/vmalloc.h>

QY_BEGIN_DECLS

/**
 * qy_version - "0.1.0", the library's own, to compare with QY_VERSION of the headers; a constant
 * string. Context: anywhere.
 */
QY_API const char *qy_version(void);

QY_END_DECLS

#endif
