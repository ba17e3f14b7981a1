/* SPDX-License-Identifier: MIT */
/* module_find.h - the module of an address by the quick way, where the C library has one. */
#ifndef QY_MALLOC_MODULE_FIND_H
#define QY_MALLOC_MODULE_FIND_H

#include <dlfcn.h>
#include <stddef.h>

#include "malloc/module.h"

#if defined(__GLIBC__) && defined(DLFO_STRUCT_HAS_EH_DBASE)
/* *@known: there is such a way. */
/* Since glibc 2.35, without a lock. Weak: the library also runs where it was not built. */
extern __typeof__(_dl_find_object) _dl_find_object __attribute__((weak));

static inline bool find_object(uintptr_t addr, struct qy__module *module, bool *known)
{
	struct dl_find_object found;

	*known = _dl_find_object != NULL;
	if (!*known || _dl_find_object((void *)addr, &found) || !found.dlfo_link_map)
		return false;
	module->load = (uintptr_t)found.dlfo_link_map->l_addr;
	module->dynamic = found.dlfo_link_map->l_ld;
	return module->dynamic != NULL;
}
#else
static inline bool find_object(uintptr_t addr, struct qy__module *module, bool *known)
{
	(void)addr;
	(void)module;
	*known = false;
	return false;
}
#endif

#endif
