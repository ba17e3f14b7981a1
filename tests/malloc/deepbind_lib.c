/* SPDX-License-Identifier: MIT */
/*
 * deepbind_lib.c - a plugin that is loaded with RTLD_DEEPBIND: its malloc and free are the C
 * library's, if the flag holds, and blocks cross.
 */
#include <dlfcn.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void *plugin_malloc(size_t size);
void plugin_free(void *p);
char *plugin_strdup(const char *s);
void *plugin_open_neighbour(const char *name);

void *plugin_malloc(size_t size)
{
	return malloc(size);
}

void plugin_free(void *p)
{
	free(p);
}

char *plugin_strdup(const char *s)
{
	return strdup(s); /* the C library calls whose malloc was bound for it */
}

/* By name alone: found by the RUNPATH of this module. */
void *plugin_open_neighbour(const char *name)
{
	void *handle = dlopen(name, RTLD_NOW | RTLD_DEEPBIND);

	__asm__ volatile("" : "+r"(handle)); /* no tail call: the caller is to be this module */
	return handle;
}
