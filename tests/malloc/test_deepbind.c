/* SPDX-License-Identifier: MIT */
/*
 * test_deepbind.c - a plugin is loaded with RTLD_DEEPBIND, and blocks cross between it and us.
 *
 *   malloc-deepbind debug|release PLUGIN NEIGHBOUR [keep]
 *
 * Without the flag the plugin's malloc is the drop-in's. "keep" (QUARRY_DEEPBIND=keep is set): it
 * is the C library's, whose blocks come to our free(), realloc() and malloc_usable_size().
 * NEIGHBOUR is a library that only the plugin's own RUNPATH finds.
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

#include "check.h"

static void *(*plugin_malloc)(size_t size);
static void (*plugin_free)(void *p);
static char *(*plugin_strdup)(const char *s);
static void *(*plugin_open_neighbour)(const char *name);

static void find(void *handle, const char *name, void *to)
{
	void *at = dlsym(handle, name);

	CHECK(at != NULL);
	memcpy(to, &at, sizeof(at));
}

static void *load(const char *path, bool in_base_namespace)
{
	void *handle = in_base_namespace ? dlmopen(LM_ID_BASE, path, RTLD_NOW | RTLD_DEEPBIND)
					 : dlopen(path, RTLD_NOW | RTLD_DEEPBIND);

	if (!handle)
		puts(dlerror());
	CHECK(handle != NULL);
	find(handle, "plugin_malloc", &plugin_malloc);
	find(handle, "plugin_free", &plugin_free);
	find(handle, "plugin_strdup", &plugin_strdup);
	find(handle, "plugin_open_neighbour", &plugin_open_neighbour);
	return handle;
}

/* Theirs to us, by each way that a block can come. */
static void *blocks_come(void *unused)
{
	for (size_t size = 1; size < 3000000; size += size / 3 + 1) {
		char *p = plugin_malloc(size), *q = plugin_malloc(size), *r;

		CHECK(p && q && malloc_usable_size(p) >= size);
		pattern_fill(p, size, 1);
		pattern_fill(q, size, 2);
		errno = 4711;
		free(p);
		CHECK(errno == 4711);
		r = realloc(q, size * 2);
		CHECK(r && pattern_is(r, size, 2));
		pattern_fill(r, size * 2, 3);
		CHECK(pattern_is(r, size * 2, 3));
		free(r);
		CHECK(realloc(plugin_malloc(size), 0) == NULL);
	}
	return unused;
}

static void blocks_go(void)
{
	for (size_t size = 1; size < 3000000; size += size / 3 + 1) {
		char *p = malloc(size);

		pattern_fill(p, size, 1);
		plugin_free(p);
	}
	for (int i = 0; i < 1000; i++)
		plugin_free(
			plugin_strdup("a text that the C library copies, and the plugin frees"));
}

int main(int argc, char **argv)
{
	bool keep = argc > 4 && !strcmp(argv[4], "keep");
	pthread_t thread;

	require_drop_in(argc, argv);
	CHECK(argc > 3);
	if (getenv("LD_LIBRARY_PATH")) { /* with it everybody finds the neighbour */
		unsetenv("LD_LIBRARY_PATH");
		execv("/proc/self/exe", argv);
	}
	for (int i = 0; i < 2; i++) {
		load(argv[2], i == 1);
		blocks_come(NULL);
		CHECK(!pthread_create(&thread, NULL, blocks_come, NULL)); /* another arena's */
		CHECK(!pthread_join(thread, NULL));
		if (!keep)
			blocks_go();
		CHECK(i || dlopen(argv[3], RTLD_NOW) == NULL); /* not in our RUNPATH */
		CHECK(plugin_open_neighbour(argv[3]) != NULL);
	}
	CHECK(dlopen("/no such library", RTLD_NOW | RTLD_DEEPBIND) == NULL && dlerror());
	CHECK(dlopen(NULL, RTLD_NOW) != NULL);
	puts("blocks cross");
	return 0;
}
