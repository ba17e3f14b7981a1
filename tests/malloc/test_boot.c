/* SPDX-License-Identifier: MIT */
/*
 * test_boot.c - white box: memory of the boot arena is taken by every call that is given a pointer.
 * The program is linked with the drop-in's sources and the static library, so its malloc is
 * Quarry's without any preloading.
 */
#include <malloc.h>
#include <stdlib.h>

#include "check.h"
#include "malloc/malloc_internal.h"
#include "page/page.h"

static void arena_gives_zeroed_aligned_memory(void)
{
	char *last = NULL;

	for (size_t align = 1; align <= 4096; align *= 2) {
		char *p = qy__boot_alloc(100, align);

		CHECK(p && (uintptr_t)p % align == 0 && (uintptr_t)p % 16 == 0);
		CHECK(qy__boot_owns(p) && qy__boot_owns(p + 99));
		CHECK(bytes_are(p, 100, 0));
		CHECK(qy__boot_size(p) == 100);
		CHECK(!last || p >= last + 100);
		memset(p, 0xff, 100);
		last = p;
	}
	CHECK(qy__boot_alloc(0, 0) != qy__boot_alloc(0, 0));
	CHECK(qy__boot_alloc(SIZE_MAX, 0) == NULL);
	CHECK(qy__boot_alloc(10, SIZE_MAX / 2 + 1) == NULL);
	CHECK(!qy__boot_owns(NULL) && !qy__boot_owns(&last) && !qy__boot_owns(malloc(1)));
}

static void every_call_takes_its_pointers(void)
{
	uint64_t reports = qy_mm_reports(qy__malloc_mm);
	char *p = qy__boot_alloc(1000, 0), *q;

	pattern_fill(p, 1000, 4);
	CHECK(malloc_usable_size(p) == 1000);
	q = realloc(p, 5000);
	CHECK(q && q != p && !qy__boot_owns(q) && pattern_is(q, 1000, 4));
	free(q);
	q = realloc(p, 10);
	CHECK(q && !qy__boot_owns(q) && pattern_is(q, 10, 4));
	free(q);
	free(p);
	free(p); /* nothing is taken back */
	CHECK(realloc(qy__boot_alloc(10, 0), 0) == NULL);
	CHECK(qy_mm_reports(qy__malloc_mm) == reports);
}

static void the_end_is_null(void)
{
	size_t got = 0;

	while (qy__boot_alloc(1000, 0))
		got += 1000;
	CHECK(got > 100000 && got < 300000);
	CHECK(qy__boot_alloc(200000, 0) == NULL);
}

int main(void)
{
	CHECK(qy__malloc_mm != NULL);
	CHECK(qy__addr_page(qy__malloc_mm, malloc(100)) != NULL);
	arena_gives_zeroed_aligned_memory();
	every_call_takes_its_pointers();
	the_end_is_null();
	puts("the boot arena holds");
	return 0;
}
