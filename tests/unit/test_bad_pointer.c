/* SPDX-License-Identifier: MIT */
/*
 * test_bad_pointer.c - what is said about a pointer that is no live object's start; and that saying
 * it reads nothing beside the books: every report is also written out as text, under the address
 * sanitizer.
 */
#include "damage.h"
#include "fixture.h"

#include "debug/debug.h"

static char text[32768];
static size_t text_len;

/* The usual recorder, and the report's text: whatever the text shows must be there to be read. */
static void record_and_print(const struct qy_report *r, void *ctx)
{
	record_report(r, ctx);
	text_len = qy_report_text(r, text, sizeof(text));
}

static void make(const char *debug)
{
	instance_init(&in, 512);
	in.config.debug = debug;
	in.config.sink.fn = record_and_print;
	instance_create(&in);
}

static struct record bad(const void *p)
{
	struct qy__call call = {.caller = (uintptr_t)__builtin_return_address(0)};

	text_len = 0;
	qy__debug_bad_pointer(in.mm, QY_REPORT_INVALID_FREE, p, &call);
	assert_true(text_len > 0 && text_len < sizeof(text));
	return take_report(&in, QY_REPORT_INVALID_FREE);
}

static void foreign_pointer_is_named_as_such(void **state)
{
	char local, *heap = malloc(10);
	const void *const p[] = {
		&local, heap, (void *)1, (void *)UINTPTR_MAX, (void *)0x4141414141414141,
		bad,	text};

	(void)state;
	make("slab_debug");
	for (size_t i = 0; i < sizeof(p) / sizeof(p[0]); i++) {
		struct record r = bad(p[i]);
		char want[100];

		snprintf(want, sizeof(want),
			 "Invalid object pointer 0x%lx: not from this allocator",
			 (unsigned long)(uintptr_t)p[i]);
		assert_string_equal(r.title, want);
		assert_string_equal(r.cache, "unknown");
		assert_ptr_equal(r.object, p[i]);
		snprintf(want, sizeof(want), "Object at 0x%lx not freed",
			 (unsigned long)(uintptr_t)p[i]);
		assert_string_equal(r.fix, want);
	}
	free(heap);
}

static void pages_are_named_by_what_they_are(void **state)
{
	char *block;

	(void)state;
	make("slab_debug");
	block = qy_get_free_pages(in.mm, 0, 1);
	assert_non_null(strstr(bad(block).title, ": in a page block"));
	qy_free_pages_addr(in.mm, block, 1);
	assert_non_null(strstr(bad(block).title, ": in free or reserved pages"));
	assert_non_null(strstr(bad(block + PAGE_BYTES).title, ": in free or reserved pages"));
	assert_non_null(strstr(bad(in.buf).title, ": in free or reserved pages"));
	assert_non_null(strstr(bad(in.buf + in.size - 1).title, ": in "));
}

/* How far into, before or behind which object, and is that live? */
static void inside(char *want, size_t want_size, long off, size_t size, const void *object,
		   bool live)
{
	long by = off < 0 ? -off : off >= (long)size ? off - (long)size : off;
	const char *state = live ? "" : "free ";

	if (!off)
		snprintf(want, want_size, ": the start of a %s%zu-byte object", state, size);
	else
		snprintf(want, want_size, ": %ld byte%s %s the %s%zu-byte object 0x%lx", by,
			 by == 1 ? "" : "s",
			 off < 0	     ? "before"
			 : off >= (long)size ? "behind the end of"
					     : "into",
			 state, size, (unsigned long)(uintptr_t)object);
}

/* Every address of a slab, of a debug cache and of a plain one. */
static void each_address_of_a_slab_names_object_and_offset(void **state)
{
	static const char *const debug[] = {NULL, "slab_debug=F", "slab_debug=Z,c",
					    "slab_debug=FZPU", "slab_debug=FZPU red_zone=64"};

	(void)state;
	for (size_t d = 0; d < 5; d++)
		for (size_t size = 24; size < 2000; size = size * 5 + 1) {
			struct qy_cache *c;
			struct qy_page *slab;
			char *start, *p;

			make(debug[d]);
			c = qy_cache_create(in.mm, "c", size, 0, 0, NULL);
			p = hide(qy_cache_alloc(c, 0));
			slab = slab_of_object(in.mm, p);
			start = qy__page_addr(in.mm, slab);
			for (size_t off = 0; off < PAGE_BYTES << slab->order;
			     off += size < 100 ? 1 : 13) {
				size_t i = off / c->layout.slot;
				char *object = start + i * c->layout.slot + c->layout.red_left_pad;
				struct record r = bad(start + off);
				bool live = object == p || !qy__cache_is_debug(c);
				char want[100];

				inside(want, sizeof(want), start + off - object, size, object,
				       live);
				assert_string_equal(r.cache, "c");
				if (i < slab->slab.objects)
					assert_non_null(strstr(r.title, want));
				if (i < slab->slab.objects && qy__cache_is_debug(c)) {
					assert_ptr_equal(r.object, object);
					assert_int_equal(r.damage_offset, start + off - object);
				}
			}
			assert_clean(&in);
			instance_destroy(&in);
		}
}

/* The last slab of the arena: what lies behind its last object is not ours to read. */
static void pointer_near_the_arena_end_reads_nothing_beyond(void **state)
{
	static const char *const debug[] = {"slab_debug=F", "slab_debug=FZPU"};

	(void)state;
	for (int d = 0; d < 2; d++) {
		struct qy_page *last, *page;
		struct qy_cache *c;
		void *p;

		make(debug[d]);
		last = qy__pfn_page(in.mm, in.mm->end_pfn - 1);
		while ((page = qy_alloc_pages(in.mm, 0, 0)) && page != last)
			;
		assert_ptr_equal(page, last);
		qy_free_pages(in.mm, last, 0);
		c = qy_cache_create(in.mm, "edge", 1024, 0, 0, NULL);
		p = hide(qy_cache_alloc(c, 0));
		if (slab_of_object(in.mm, p) != last) {
			instance_destroy(&in);
			continue;
		}
		for (size_t off = 1; off <= PAGE_BYTES; off++)
			bad(in.buf + in.size - off);
		in.reports.nr = 0;
		assert_sound(in.mm);
		instance_destroy(&in);
	}
}

static void large_block_names_offset_and_size(void **state)
{
	const size_t size = 5 * PAGE_BYTES - 480;

	(void)state;
	for (int debug = 0; debug < 2; debug++) {
		char *p, want[100];

		make(debug ? "slab_debug=FZPU" : NULL);
		p = hide(qy_kmalloc(in.mm, size, 0));
		for (long off = debug ? -64 : 1; off < (long)(PAGE_BYTES * 6);
		     off += off % 5 ? 1 : 777) {
			if (!off)
				continue;
			inside(want, sizeof(want), off, size, p, true);
			assert_non_null(strstr(bad(p + off).title, want));
		}
		assert_string_equal(bad(p + 1).cache, "kmalloc-large");
		qy_kfree(in.mm, p);
		assert_clean(&in);
		instance_destroy(&in);
	}
}

/*
 * The start of a kmalloc block given to a cache: while it is live it has another owner, afterwards
 * that is a double free.
 */
static void large_block_given_to_a_cache_is_told_by_its_state(void **state)
{
	struct qy_cache *c;
	unsigned int n;
	char *p;

	(void)state;
	make("slab_debug=FZPU quarantine=1M");
	c = qy_cache_create(in.mm, "c", 100, 0, 0, NULL);
	p = hide(qy_kmalloc(in.mm, 3 * PAGE_BYTES, 0));
	n = in.reports.nr;
	assert_int_not_equal(qy_cache_free(c, p), 0);
	assert_int_equal(in.reports.at[n].kind, QY_REPORT_INVALID_FREE);
	assert_non_null(strstr(in.reports.at[n].title, "is one of kmalloc's"));
	qy_kfree(in.mm, p);
	assert_int_not_equal(qy_cache_free(c, p), 0);
	assert_int_equal(in.reports.at[n + 1].kind, QY_REPORT_DOUBLE_FREE);
	assert_string_equal(in.reports.at[n + 1].title, "Object already free");
	assert_int_equal(in.reports.nr, n + 2);
	assert_sound(in.mm);
}

/* A slab whose reference to its cache is damaged, or whose cache is gone. */
static void slab_with_a_wild_cache_reference_is_survived(void **state)
{
	static const uint32_t wild[] = {0, 1, 0x41414141, UINT32_MAX, 12345};
	struct qy_cache *c;
	struct qy_page *slab;
	uint32_t was;
	char *p;

	(void)state;
	make("slab_debug=FZPU");
	c = qy_cache_create(in.mm, "c", 100, 0, 0, NULL);
	p = hide(qy_cache_alloc(c, 0));
	slab = slab_of_object(in.mm, p);
	was = slab->slab.cache;
	for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		slab->slab.cache = wild[i];
		assert_string_equal(bad(p).title, "page slab pointer corrupt.");
		assert_int_equal(qy_cache_free(c, p), -22);
		take_report(&in, QY_REPORT_INVALID_FREE);
	}
	slab->slab.cache = was;
	assert_int_equal(qy_cache_free(c, p), 0);
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(foreign_pointer_is_named_as_such, tear_down),
		cmocka_unit_test_teardown(pages_are_named_by_what_they_are, tear_down),
		cmocka_unit_test_teardown(each_address_of_a_slab_names_object_and_offset,
					  tear_down),
		cmocka_unit_test_teardown(pointer_near_the_arena_end_reads_nothing_beyond,
					  tear_down),
		cmocka_unit_test_teardown(large_block_names_offset_and_size, tear_down),
		cmocka_unit_test_teardown(large_block_given_to_a_cache_is_told_by_its_state,
					  tear_down),
		cmocka_unit_test_teardown(slab_with_a_wild_cache_reference_is_survived, tear_down),
	};

	/* Of a build without some debug option there is nothing to say here: skipped. */
	if (strcmp(qy_build_debug_letters(), "FZPU") || !QY_CONFIG_QUARANTINE)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
