/* SPDX-License-Identifier: MIT */
/*
 * dl.c - stands in for dlopen() and dlmopen(), to take RTLD_DEEPBIND away.
 *
 * A module loaded with that flag prefers the libraries it needs to everybody's: its malloc and free
 * are the C library's, while what it calls - strdup(), getline(), the program itself - has the
 * drop-in's. Blocks cross, and are freed where nobody knows them. Without the flag there is one
 * malloc again. QUARRY_DEEPBIND=keep leaves the flag alone; see libc_block.c.
 *
 * dlopen() finds out by its return address who calls: whose RUNPATH and $ORIGIN hold, and in which
 * namespace. So the stand-in is no caller: it changes the flag in the register that it came in, and
 * jumps on (dl_<architecture>.c). Where that is not written, there is no stand-in.
 */
#include <dlfcn.h>
#include <string.h>

#include "malloc/deepbind.h"
#include "malloc/malloc_internal.h"
#include "util/atomic.h"
#include "util/compiler.h"

void *qy__real_dlopen;
void *qy__real_dlmopen;

static bool keeps_deepbind(void)
{
	static uint8_t known; /* 1: no, 2: yes */
	const char *value;

	if (!qy__load_relaxed(&known)) {
		value = qy__malloc_getenv("QUARRY_DEEPBIND");
		qy__store_relaxed(&known, (uint8_t)(value && !strcmp(value, "keep") ? 2 : 1));
	}
	return qy__load_relaxed(&known) == 2;
}

/* What is known of modules will be out of date: before the new one can call. */
int qy__malloc_before_dlopen(int mode)
{
	if (QY_CONFIG_DEBUG)
		qy__malloc_foreign_forget();
	if (unlikely(!qy__load_acquire(&qy__real_dlopen)))
		qy__malloc_dl_init();
	return keeps_deepbind() ? mode : mode & ~RTLD_DEEPBIND;
}

void qy__malloc_dl_init(void)
{
	qy__store_release(&qy__real_dlmopen, dlsym(RTLD_NEXT, "dlmopen"));
	qy__store_release(&qy__real_dlopen, dlsym(RTLD_NEXT, "dlopen"));
}
