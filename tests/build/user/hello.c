/* SPDX-License-Identifier: MIT */
/* A user's program: "debug" as argument says which library it expects to find. */
#include <stdio.h>
#include <string.h>

#include <quarry/quarry.h>

static int fail(const char *what)
{
	fprintf(stderr, "hello: %s\n", what);
	return 1;
}

int main(int argc, char **argv)
{
	struct qy_mm_config config = QY_MM_CONFIG_INIT;
	struct qy_cache *cache;
	struct qy_mm *mm;
	char *text;
	void *object;
	int debug = argc > 1 && !strcmp(argv[1], "debug");

	if (strcmp(qy_version(), QY_VERSION))
		return fail("the headers are of another version than the library");
	if (debug != !!strlen(qy_build_debug_letters()))
		return fail("not the library that was asked for");

	config.size = (size_t)64 << 20;
	mm = qy_mm_create(&config);
	if (!mm)
		return fail("no instance");
	text = qy_kmalloc(mm, 100, QY_GFP_KERNEL);
	if (!text)
		return fail("no memory");
	strcpy(text, "hello");
	text = qy_krealloc(mm, text, 1000, QY_GFP_KERNEL);
	if (!text || strcmp(text, "hello"))
		return fail("krealloc");
	qy_kfree(mm, text);

	cache = qy_cache_create(mm, "hello", 200, 0, QY_SLAB_HWCACHE_ALIGN, NULL);
	if (!cache)
		return fail("no cache");
	object = qy_cache_alloc(cache, QY_GFP_ZERO);
	if (!object || qy_cache_free(cache, object) || qy_cache_destroy(cache))
		return fail("cache");
	if (qy_mm_reports(mm))
		return fail("reports");
	qy_mm_destroy(mm);
	return 0;
}
