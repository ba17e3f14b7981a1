/* SPDX-License-Identifier: MIT */
/*
 * foreign.c - modules that carry an operator new of their own.
 *
 * A shared library may contain a C++ runtime and call its own operator new, which calls malloc,
 * while others that it hands the object to call operator delete - ours. That is no mismatch of the
 * program's making. Objects that such a module asks malloc for therefore belong to no family.
 * Looked for once, when our constructor runs: what is loaded later is not known.
 *
 * Debug build only; the release build compares no families.
 */
#include <dlfcn.h>
#include <link.h>
#include <stddef.h>

#include "malloc/malloc_internal.h"
#include "util/atomic.h"
#include "util/compiler.h"

#define MAX_MODULES 16

static struct module {
	uintptr_t start, end;
} module[MAX_MODULES];
static unsigned int nr_modules;

struct candidates {
	unsigned int nr;
	struct {
		const char *name;
		uintptr_t start, end;
	} list[512];
};

static int collect(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct candidates *c = arg;
	uintptr_t start = UINTPTR_MAX, end = 0;

	(void)size;
	for (unsigned int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];

		if (ph->p_type != PT_LOAD)
			continue;
		start = min(start, (uintptr_t)(info->dlpi_addr + ph->p_vaddr));
		end = max(end, (uintptr_t)(info->dlpi_addr + ph->p_vaddr + ph->p_memsz));
	}
	if (start >= end)
		return 0;
	c->list[c->nr].name = info->dlpi_name;
	c->list[c->nr].start = start;
	c->list[c->nr].end = end;
	return ++c->nr == ARRAY_SIZE(c->list);
}

/*
 * Where a lookup that starts in the module ends up; the names stay valid, the modules are not being
 * unloaded now.
 */
static uintptr_t lookup(const char *name, const char *symbol)
{
	void *handle = dlopen(name && name[0] ? name : NULL, RTLD_LAZY | RTLD_NOLOAD);
	void *at = handle ? dlsym(handle, symbol) : NULL;

	if (handle)
		dlclose(handle);
	return (uintptr_t)at;
}

void qy__malloc_foreign_init(void)
{
	static struct candidates c;
	unsigned int n = 0;

	dl_iterate_phdr(collect, &c);
	for (unsigned int i = 0; i < c.nr && n < MAX_MODULES; i++) {
		uintptr_t at = lookup(c.list[i].name, "_Znwm"),
			  self = (uintptr_t)qy__malloc_foreign_init;

		if (at < c.list[i].start || at >= c.list[i].end)
			continue;
		if (self >= c.list[i].start && self < c.list[i].end)
			continue;
		module[n].start = c.list[i].start;
		module[n].end = c.list[i].end;
		qy__store_release(&nr_modules, ++n);
	}
	dlerror(); /* the failures are ours: the program shall not read them */
}

bool qy__malloc_is_foreign(uintptr_t caller)
{
	unsigned int n = qy__load_acquire(&nr_modules);

	for (unsigned int i = 0; i < n; i++)
		if (caller >= module[i].start && caller < module[i].end)
			return true;
	return false;
}
