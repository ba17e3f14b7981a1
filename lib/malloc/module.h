/* SPDX-License-Identifier: MIT */
/*
 * module.h - the program's modules as the dynamic linker has mapped them: which one an address is
 * of, and what one defines. Nothing is allocated; with glibc 2.35 and later no lock is taken.
 */
#ifndef QY_MALLOC_MODULE_H
#define QY_MALLOC_MODULE_H

#include <link.h>
#include <stdbool.h>
#include <stdint.h>

struct qy__module {
	uintptr_t load; /* what is added to its addresses */
	const ElfW(Dyn) * dynamic;
};

/* The module that @addr lies in; false: none. It must not go away meanwhile. */
bool qy__elf_module_at(uintptr_t addr, struct qy__module *module);
/* Does it define and export @name, of whatever version? */
bool qy__module_defines(const struct qy__module *module, const char *name);
/* Its own name (DT_SONAME); "": it has none. */
const char *qy__module_soname(const struct qy__module *module);

#endif
