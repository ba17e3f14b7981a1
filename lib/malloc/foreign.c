/* SPDX-License-Identifier: MIT */
/*
 * foreign.c - modules that carry an operator new or delete of their own.
 *
 * Such a module may call its own operator, which calls malloc, while others that it hands the
 * object to call operator delete - ours. That is no mismatch of the program's making. So what such
 * a module asks malloc for belongs to no family, and what it frees is not compared.
 *
 * Asked at each call, since modules come and go; the answers are kept, by the page that the caller
 * lies in, until the next dlopen(): only then can another module be there.
 *
 * Debug build only; the release build compares no families.
 */
#include <stddef.h>

#include "malloc/malloc_internal.h"
#include "malloc/module.h"
#include "malloc/operators.h"
#include "util/atomic.h"
#include "util/compiler.h"

#define KEPT 256 /* a power of two */
#define IS_FOREIGN ((uintptr_t)1)
#define PAGE ((uintptr_t)4096) /* no module shares one with another */

static uintptr_t kept[KEPT]; /* address of a page of code, with the answer in its lowest bit */

static bool is_ours(const struct qy__module *m)
{
	struct qy__module here;

	return qy__elf_module_at((uintptr_t)kept, &here) && here.dynamic == m->dynamic;
}

static QY_COLD bool has_operators(const struct qy__module *m)
{
	if (is_ours(m))
		return false;
	for (unsigned int form = 0; form < QY__NR_OPS; form++)
		if (qy__op_name(form) && qy__module_defines(m, qy__op_name(form)))
			return true;
	return false;
}

static QY_NOINLINE bool find_out(uintptr_t caller, uintptr_t *place)
{
	struct qy__module m;
	bool foreign;

	if (!qy__elf_module_at(caller, &m))
		return false;
	foreign = has_operators(&m);
	qy__store_relaxed(place, (caller & ~(PAGE - 1)) | (foreign ? IS_FOREIGN : 0));
	return foreign;
}

bool qy__malloc_is_foreign(uintptr_t caller)
{
	uintptr_t page = caller & ~(PAGE - 1);
	uintptr_t *place = &kept[(page / PAGE) % KEPT], old = qy__load_relaxed(place);

	if (likely((old & ~IS_FOREIGN) == page))
		return old & IS_FOREIGN;
	return find_out(caller, place);
}

void qy__malloc_foreign_forget(void)
{
	for (size_t i = 0; i < KEPT; i++)
		qy__store_relaxed(&kept[i], (uintptr_t)0);
}
