/* SPDX-License-Identifier: MIT */
/* deepbind.h - what the stand-ins for dlopen() and dlmopen() call, and jump to. */
#ifndef QY_MALLOC_DEEPBIND_H
#define QY_MALLOC_DEEPBIND_H

#include <dlfcn.h>

#ifndef RTLD_DEEPBIND
#define RTLD_DEEPBIND 0 /* musl has none */
#endif

extern void *qy__real_dlopen __attribute__((visibility("hidden")));
extern void *qy__real_dlmopen __attribute__((visibility("hidden")));
/* A module is about to be loaded with @mode. Return: the mode to use. */
int qy__malloc_before_dlopen(int mode) __attribute__((used, visibility("hidden")));

#endif
