/* SPDX-License-Identifier: MIT */
/*
 * test_early.c - memory from before main() is memory like any other: from constructors of the
 * program and of another preloaded library, some of which run before the drop-in's own.
 */
#include <malloc.h>
#include <stdlib.h>

#include "check.h"
#include "early_lib.h"

static char *from_preinit, *from_constructor;

static void preinit(int argc, char **argv, char **envp)
{
	(void)argc;
	(void)argv;
	(void)envp;
	from_preinit = malloc(1000);
	if (from_preinit)
		pattern_fill(from_preinit, 1000, 1);
}

/* Runs before any library's constructor. */
__attribute__((section(".preinit_array"), used)) static void (*preinit_entry)(int, char **,
									      char **) = preinit;

__attribute__((constructor)) static void construct(void)
{
	from_constructor = calloc(10, 100);
}

int main(int argc, char **argv)
{
	struct early *left = dlsym(RTLD_DEFAULT, "early_left");

	require_drop_in(argc, argv);
	CHECK(left != NULL);
	CHECK(from_preinit && pattern_is(from_preinit, 1000, 1));
	CHECK(from_constructor && bytes_are(from_constructor, 1000, 0));
	from_preinit = realloc(from_preinit, 2000000);
	CHECK(from_preinit && pattern_is(from_preinit, 1000, 1));
	for (int i = 0; i < EARLY_OBJECTS; i++) {
		CHECK(left[i].p != NULL);
		CHECK(bytes_are(left[i].p, left[i].size, (unsigned char)i));
		CHECK(malloc_usable_size(left[i].p) >= left[i].size);
		if (i % 2) {
			left[i].p = realloc(left[i].p, 2 * left[i].size);
			CHECK(left[i].p && bytes_are(left[i].p, left[i].size, (unsigned char)i));
		}
		free(left[i].p);
	}
	free(from_preinit);
	free(from_constructor);
	puts("early start holds");
	return 0;
}
