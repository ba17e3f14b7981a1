/* SPDX-License-Identifier: MIT */
/*
 * operators.c - which forms of operator new and delete the program has replaced.
 *
 * Looked for among the libraries that the program was started with. Two ways they show:
 *
 *   program … ours … libstdc++      a lookup finds theirs first: callers reach it without us, and
 *                                   our other forms must call it
 *   ours … their library … libstdc++   we were preloaded: ours hide theirs, which would have been
 *                                   found without us. Ours hand the call on
 *
 * Another malloc's operators are not such: the drop-in stands in for all of that malloc. Nor is the
 * C++ runtime's own set. A library that is loaded later is not found by anybody's lookup that comes
 * to us; it can only call its own operators itself (foreign.c).
 */
#include "malloc/operators.h"

#include <dlfcn.h>
#include <string.h>

#include "malloc/module.h"
#include "util/atomic.h"
#include "util/compiler.h"

struct qy__op qy__op[QY__NR_OPS];
uint8_t qy__ops_state;

#define SIZE QY__OP_SIZE
#define ALIGN "St11align_val_t"
#define NOTHROW "RKSt9nothrow_t"

const char *qy__op_name(unsigned int form)
{
#define NEW_AND_ARRAY(flags, single, array)                                                        \
	[flags] = "_Zn" single, [(flags) | QY__OP_ARRAY] = "_Zn" array
#define DELETE_AND_ARRAY(flags, rest)                                                              \
	[QY__OP_DELETE | (flags)] = "_ZdlPv" rest,                                                 \
			 [QY__OP_DELETE | (flags) | QY__OP_ARRAY] = "_ZdaPv" rest
	static const char *const name[QY__NR_OPS] = {
		NEW_AND_ARRAY(0, "w" SIZE, "a" SIZE),
		NEW_AND_ARRAY(QY__OP_NOTHROW, "w" SIZE NOTHROW, "a" SIZE NOTHROW),
		NEW_AND_ARRAY(QY__OP_ALIGNED, "w" SIZE ALIGN, "a" SIZE ALIGN),
		NEW_AND_ARRAY(QY__OP_ALIGNED | QY__OP_NOTHROW, "w" SIZE ALIGN NOTHROW,
			      "a" SIZE ALIGN NOTHROW),
		DELETE_AND_ARRAY(0, ""),
		DELETE_AND_ARRAY(QY__OP_NOTHROW, NOTHROW),
		DELETE_AND_ARRAY(QY__OP_SIZED, SIZE),
		DELETE_AND_ARRAY(QY__OP_ALIGNED, ALIGN),
		DELETE_AND_ARRAY(QY__OP_ALIGNED | QY__OP_NOTHROW, ALIGN NOTHROW),
		DELETE_AND_ARRAY(QY__OP_ALIGNED | QY__OP_SIZED, SIZE ALIGN),
	};

	return form < QY__NR_OPS ? name[form] : NULL;
}

static bool module_of(const void *p, struct qy__module *m)
{
	return p && qy__elf_module_at((uintptr_t)p, m);
}

static bool is_ours(const void *p)
{
	struct qy__module here, there;

	return module_of(p, &there) && module_of(&qy__ops_state, &here) &&
	       here.dynamic == there.dynamic;
}

/* Is the form at @p one that somebody wrote for this program? */
static bool is_replacement(const void *p)
{
	static const char *const runtime[] = {"libstdc++.so", "libc++.so", "libc++abi.so"};
	struct qy__module m;

	if (!module_of(p, &m) || qy__module_defines(&m, "malloc"))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(runtime); i++)
		if (!strncmp(qy__module_soname(&m), runtime[i], strlen(runtime[i])))
			return false;
	return true;
}

/* What callers of each form reach: NULL is ours. @hidden: of them, those that ours hide. */
static bool look_up(void **reached, bool *hidden)
{
	bool any = false;

	for (unsigned int form = 0; form < QY__NR_OPS; form++) {
		const char *name = qy__op_name(form);
		void *first = name ? dlsym(RTLD_DEFAULT, name) : NULL;

		if (!first)
			continue;
		hidden[form] = is_ours(first);
		reached[form] = hidden[form] ? dlsym(RTLD_NEXT, name) : first;
		if (hidden[form] && !is_replacement(reached[form]))
			reached[form] = NULL;
		any |= reached[form] != NULL;
	}
	dlerror(); /* the failures are ours: the program shall not read them */
	return any;
}

void qy__ops_init(void)
{
	void *reached[QY__NR_OPS] = {NULL};
	bool hidden[QY__NR_OPS] = {false}, any = look_up(reached, hidden);

	for (unsigned int form = 0; form < QY__NR_OPS; form++) {
		unsigned int array = form & ~(unsigned int)(QY__OP_NOTHROW | QY__OP_SIZED);
		unsigned int single = array & ~(unsigned int)QY__OP_ARRAY;
		void *base = array != form ? reached[array] : NULL;

		if (!base && single != form)
			base = reached[single];
		qy__op[form].own = hidden[form] ? reached[form] : NULL;
		qy__op[form].base = base;
	}
	qy__store_release(&qy__ops_state, (uint8_t)(any ? QY__OPS_REPLACED : QY__OPS_OURS));
}

bool qy__ops_replaced_slow(void)
{
	if (unlikely(qy__load_acquire(&qy__ops_state) == QY__OPS_UNKNOWN))
		qy__ops_init();
	return qy__ops_state == QY__OPS_REPLACED;
}
