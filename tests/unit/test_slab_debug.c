/* SPDX-License-Identifier: MIT */
/*
 * test_slab_debug.c - the way in and out of a debug cache: each check with its report and its
 * repair, double free through every path, pointers that are none, damaged free lists, and that
 * nothing damaged is used again.
 */
#include "damage.h"
#include "fixture.h"

#include <errno.h>

#include "debug/debug.h"

static struct qy_cache *c;

static void make(const char *debug, size_t size)
{
	instance_make(&in, 512, debug);
	c = qy_cache_create(in.mm, "things", size, 0, 0, NULL);
	assert_non_null(c);
}

static unsigned char *take(void)
{
	unsigned char *p = qy_cache_alloc(c, 0);

	assert_non_null(p);
	return hide(p);
}

/* No allocation of the cache gives @p again, however many there are. */
static void assert_never_again(const void *p)
{
	for (int i = 0; i < 2000; i++) {
		void *q = qy_cache_alloc(c, 0);

		assert_ptr_not_equal(p, q);
		if (!q)
			break;
	}
}

/* ---- damage found at free ---- */

static void free_with_overflow_is_reported_repaired_and_retired(void **state)
{
	(void)state;
	for (int len = 1; len <= 4; len++) {
		unsigned char *p;
		struct record r;

		make("slab_debug=FZPU", 100);
		p = take();
		memset(p + 100, 0x41, (size_t)len);
		assert_int_equal(qy_cache_free(c, p), 0);
		r = take_report(&in, QY_REPORT_OVERFLOW);
		assert_string_equal(r.title, "Right Redzone overwritten");
		assert_string_equal(r.cache, "things");
		assert_ptr_equal(r.object, p);
		assert_int_equal(r.object_size, 100);
		assert_int_equal(r.damage_offset, 100);
		assert_int_equal(r.damage_len, len);
		assert_int_equal(r.expected, QY_RED_ACTIVE);
		assert_int_equal(r.found, 0x41);
		assert_true(r.alloc_frames > 0);
		assert_int_equal(r.free_frames, 0);
		assert_non_null(strstr(r.fix, "Restoring Right Redzone 0x"));
		assert_non_null(strstr(r.fix, "=0xcc"));
		/* Repaired: validation is clean. Free: a second free is a double free. */
		assert_int_equal(qy_cache_validate(c), 0);
		assert_int_equal(qy_cache_free(c, p), -EINVAL);
		take_report(&in, QY_REPORT_DOUBLE_FREE);
		assert_never_again(p);
		assert_clean(&in);
		instance_destroy(&in);
	}
}

static void free_with_underwrite_is_reported_at_its_offset(void **state)
{
	unsigned char *p;
	struct record r;

	(void)state;
	make("slab_debug=FZPU", 100);
	p = take();
	p[-3] = 0;
	assert_int_equal(qy_cache_free(c, p), 0);
	r = take_report(&in, QY_REPORT_UNDERWRITE);
	assert_string_equal(r.title, "Left Redzone overwritten");
	assert_int_equal(r.damage_offset, -3);
	assert_int_equal(r.damage_len, 1);
	assert_never_again(p);
	assert_clean(&in);
}

/* Damage on several sides: one report each, all repaired. */
static void free_with_damage_all_around_reports_each_region(void **state)
{
	unsigned char *p;

	(void)state;
	make("slab_debug=FZPU", 100);
	p = take();
	p[-1] = p[100] = 1;
	p[c->layout.meta_end] = 1;
	assert_int_equal(qy_cache_free(c, p), 0);
	assert_int_equal(in.reports.nr, 3);
	assert_int_equal(in.reports.at[0].kind, QY_REPORT_UNDERWRITE);
	assert_int_equal(in.reports.at[1].kind, QY_REPORT_OVERFLOW);
	assert_int_equal(in.reports.at[2].kind, QY_REPORT_PADDING);
	in.reports.nr = 0;
	assert_clean(&in);
}

/* The overflow that runs on into the next object's left red zone belongs to both. */
static void long_overflow_is_found_from_both_objects(void **state)
{
	unsigned char *p, *q;

	(void)state;
	make("slab_debug=FZ", 96);
	p = take();
	q = take();
	assert_ptr_equal(q, p + c->layout.slot);
	memset(p + 96, 0x41, (size_t)(q - p) - 96);
	assert_int_equal(qy_cache_free(c, q), 0);
	take_report(&in, QY_REPORT_UNDERWRITE);
	assert_int_equal(qy_cache_free(c, p), 0);
	take_report(&in, QY_REPORT_OVERFLOW);
	assert_clean(&in);
}

/* Without F nothing is compared at free. On demand it is. */
static void free_without_consistency_checks_does_not_look(void **state)
{
	unsigned char *p;

	(void)state;
	make("slab_debug=ZP", 96);
	p = take();
	p[96] = 1;
	assert_int_equal(qy_cache_validate(c), 1);
	take_report(&in, QY_REPORT_OVERFLOW);
	p[96] = 1;
	assert_int_equal(qy_cache_free(c, p), 0);
	assert_clean(&in);
}

/* ---- use after free ---- */

static void alloc_of_a_written_free_object_gives_up_the_slab(void **state)
{
	unsigned char *p, *q;
	struct record r;

	(void)state;
	make("slab_debug=FZPU", 100);
	p = take();
	qy_cache_free(c, p);
	p[50] = 0x9a;
	q = take(); /* p's slab is given up, and another one taken */
	assert_ptr_not_equal(slab_of_object(in.mm, p), slab_of_object(in.mm, q));
	r = take_report(&in, QY_REPORT_USE_AFTER_FREE);
	assert_string_equal(r.title, "Poison overwritten");
	assert_int_equal(r.damage_offset, 50);
	assert_int_equal(r.expected, QY_POISON_FREE);
	assert_int_equal(r.found, 0x9a);
	assert_true(r.alloc_frames > 0);
	assert_true(r.free_frames > 0);
	assert_never_again(p);
	assert_int_equal(qy_cache_validate(c), 0);
	assert_clean(&in);
}

static void objects_of_a_given_up_slab_can_be_freed_and_never_come_back(void **state)
{
	unsigned char *p, *q, *r;
	struct qy_page *slab;

	(void)state;
	make("slab_debug=FZPU", 100);
	p = take();
	q = take();
	slab = slab_of_object(in.mm, p);
	assert_ptr_equal(slab_of_object(in.mm, q), slab);
	qy_cache_free(c, p);
	p[0] = 1;
	r = take();
	take_report(&in, QY_REPORT_USE_AFTER_FREE);
	assert_true(slab->flags & QY__PAGE_F_FROZEN);
	assert_int_equal(qy_cache_free(c, q), 0);
	assert_int_equal(qy_cache_free(c, q), -EINVAL);
	take_report(&in, QY_REPORT_DOUBLE_FREE);
	assert_clean(&in);
	assert_never_again(q);
	assert_int_equal(slab->type, QY__PAGE_SLAB);
	(void)r;
}

/* A given-up slab is no live object: the cache ends without a leak report. */
static void destroy_after_damage_reports_no_leak(void **state)
{
	unsigned char *p, *q;

	(void)state;
	make("slab_debug=FZPU", 100);
	p = take();
	qy_cache_free(c, p);
	p[0] = 1;
	q = take();
	take_report(&in, QY_REPORT_USE_AFTER_FREE);
	qy_cache_free(c, q);
	assert_int_equal(qy_cache_destroy(c), 0);
	assert_clean(&in);

	/* The same for an object that was damaged when it was freed. */
	c = qy_cache_create(in.mm, "again", 100, 0, 0, NULL);
	p = take();
	p[100] = 1;
	qy_cache_free(c, p);
	take_report(&in, QY_REPORT_OVERFLOW);
	assert_int_equal(qy_cache_destroy(c), 0);
	assert_clean(&in);
}

static void destroy_with_live_objects_reports_each_with_its_stack(void **state)
{
	unsigned char *p, *q;
	struct record r;

	(void)state;
	make("slab_debug=FZPU", 100);
	p = take();
	q = take();
	qy_cache_free(c, take());
	assert_int_equal(qy_cache_destroy(c), -EBUSY);
	assert_int_equal(in.reports.nr, 2);
	for (int i = 0; i < 2; i++) {
		r = in.reports.at[i];
		assert_int_equal(r.kind, QY_REPORT_LEAK);
		assert_true(r.alloc_frames > 0);
	}
	assert_ptr_equal(in.reports.at[0].object, p);
	assert_ptr_equal(in.reports.at[1].object, q);
	in.reports.nr = 0;
	assert_clean(&in);
	/* The memory is leaked: a late free is told, and harmless. */
	qy_kfree(in.mm, p);
	take_report(&in, QY_REPORT_INVALID_FREE);
	assert_clean(&in);
}

/* ---- double free ---- */

static void double_free_is_found_under_every_letter(void **state)
{
	static const char *const letters[] = {
		"slab_debug=F",
		"slab_debug=Z",
		"slab_debug=P",
		"slab_debug=U",
		"slab_debug",
		"slab_debug=ZP",
		"slab_debug=FZPU quarantine=1M",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		unsigned char *p, *q;

		make(letters[i], 64);
		p = take();
		q = take(); /* keeps the slab */
		assert_int_equal(qy_cache_free(c, p), 0);
		for (int n = 0; n < 3; n++) {
			struct record r;

			assert_int_equal(qy_cache_free(c, p), -EINVAL);
			r = take_report(&in, QY_REPORT_DOUBLE_FREE);
			assert_string_equal(r.title, "Object already free");
			assert_ptr_equal(r.object, p);
		}
		qy_kfree(in.mm, p);
		take_report(&in, QY_REPORT_DOUBLE_FREE);
		qy_cache_free_bulk(c, 1, (void **)&p);
		take_report(&in, QY_REPORT_DOUBLE_FREE);
		assert_int_equal(qy_cache_free(c, q), 0);
		assert_clean(&in);
		instance_destroy(&in);
	}
}

/* Not: two owners of one object after a double free. */
static void double_free_does_not_put_an_object_on_the_list_twice(void **state)
{
	unsigned char *p, *q, *r;

	(void)state;
	make("slab_debug=F", 64);
	p = take();
	qy_cache_free(c, p);
	qy_cache_free(c, p);
	take_report(&in, QY_REPORT_DOUBLE_FREE);
	q = take();
	r = take();
	assert_ptr_not_equal(q, r);
	assert_clean(&in);
}

/* The slab of the object went back to the page floor: nothing there is touched. */
static void double_free_into_a_discarded_slab_is_reported(void **state)
{
	unsigned char *p;

	(void)state;
	make("slab_debug=FZPU", 64);
	p = take();
	qy_cache_free(c, p);
	assert_int_equal(qy_cache_shrink(c), 0);
	assert_int_equal(qy_cache_free(c, p), -EINVAL);
	take_report(&in, QY_REPORT_INVALID_FREE);
	qy_kfree(in.mm, p);
	take_report(&in, QY_REPORT_INVALID_FREE);
	assert_clean(&in);
}

static void bulk_free_with_duplicates_and_null(void **state)
{
	void *p[6];

	(void)state;
	make("slab_debug=FZPU", 64);
	assert_int_equal(qy_cache_alloc_bulk(c, 0, 4, p), 4);
	p[4] = p[1];
	p[5] = NULL;
	qy_cache_free_bulk(c, 6, p);
	take_report(&in, QY_REPORT_DOUBLE_FREE);
	assert_clean(&in);
	assert_int_equal(qy_cache_destroy(c), 0);
}

/* ---- pointers that are none ---- */

static void free_of_bad_pointers_is_reported_and_frees_nothing(void **state)
{
	unsigned char *p, local[8], *heap = malloc(8);
	struct qy_cache *plain;

	(void)state;
	make("slab_debug=FZPU,things", 100);
	plain = qy_cache_create(in.mm, "plain", 100, 0, 0, NULL);
	p = take();
	const void *const bad[] = {
		p + 1,
		p + 8,
		p + 99,
		p + 100,
		p - 1,
		p - 8,
		p + c->layout.slot - 1,
		p + c->layout.inuse,
		local,
		heap,
		(void *)1,
		(void *)UINTPTR_MAX,
		in.buf,
		in.mm->pages,
		in.buf + in.size,
		in.buf - 1,
		in.buf + in.size - 1,
		(char *)qy__page_addr(in.mm, slab_of_object(in.mm, p)),
		(char *)qy__page_addr(in.mm, slab_of_object(in.mm, p)) + (PAGE_BYTES << c->order) -
			1,
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct record r;

		assert_int_equal(qy_cache_free(c, (void *)bad[i]), -EINVAL);
		r = take_report(&in, QY_REPORT_INVALID_FREE);
		assert_non_null(strstr(r.fix, "not freed"));
	}
	(void)plain;
	/* Untouched by all that. */
	assert_int_equal(qy_cache_free(c, p), 0);
	assert_clean(&in);
	free(heap);
}

/*
 * The report of an interior pointer names the object and the offset, also from its left red zone.
 */
static void free_of_interior_pointer_names_the_object(void **state)
{
	static const struct {
		long off;
		const char *where;
	} at[] = {
		{1, "1 byte into the"},
		{8, "8 bytes into the"},
		{50, "50 bytes into the"},
		{99, "99 bytes into the"},
		{100, "0 bytes behind the end of the"},
		{103, "3 bytes behind the end of the"},
		{-1, "1 byte before the"},
		{-8, "8 bytes before the"},
	};
	unsigned char *p;

	(void)state;
	make("slab_debug=FZPU", 100);
	p = take();
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		struct record r;
		char text[64];

		assert_int_equal(qy_cache_free(c, p + at[i].off), -EINVAL);
		r = take_report(&in, QY_REPORT_INVALID_FREE);
		assert_ptr_equal(r.object, p);
		assert_int_equal(r.object_size, 100);
		assert_int_equal(r.damage_offset, at[i].off);
		assert_true(r.alloc_frames > 0);
		snprintf(text, sizeof(text), "%s 100-byte object 0x%lx", at[i].where,
			 (unsigned long)(uintptr_t)p);
		assert_non_null(strstr(r.title, text));
	}
}

static void free_to_the_wrong_cache_leaks_the_object(void **state)
{
	struct qy_cache *other;
	unsigned char *p;
	struct record r;
	void *q;

	(void)state;
	make("slab_debug=FZPU", 100);
	other = qy_cache_create(in.mm, "others", 100, 0, 0, NULL);
	p = take();
	q = qy_cache_alloc(other, 0);
	assert_int_equal(qy_cache_free(other, p), -EINVAL);
	r = take_report(&in, QY_REPORT_WRONG_CACHE);
	assert_ptr_equal(r.object, p);
	assert_non_null(strstr(r.title, "belongs to different cache things"));
	assert_string_equal(r.cache, "others");
	/* It was not freed: its own cache takes it. */
	assert_int_equal(qy_cache_free(c, p), 0);
	assert_int_equal(qy_cache_free(other, q), 0);
	assert_clean(&in);
	/* A page block, a large object: of no cache. */
	p = qy_kmalloc(in.mm, 5 * PAGE_BYTES, 0);
	assert_int_equal(qy_cache_free(c, p), -EINVAL);
	take_report(&in, QY_REPORT_INVALID_FREE);
	qy_kfree(in.mm, p);
	p = qy_get_free_pages(in.mm, 0, 0);
	assert_int_equal(qy_cache_free(c, p), -EINVAL);
	take_report(&in, QY_REPORT_INVALID_FREE);
	qy_kfree(in.mm, p);
	take_report(&in, QY_REPORT_INVALID_FREE);
	assert_int_equal(qy_free_pages_addr(in.mm, p, 0), 0);
	assert_clean(&in);
}

/* ---- damaged free lists ---- */

/*
 * The free pointer of the head of a list of at least four free objects becomes @value; then
 * everything is allocated. Expect: a freelist report, no crash, and no object handed out twice or
 * from elsewhere.
 */
static void corrupt_freelist(void *(*value)(unsigned char *head, unsigned char *second))
{
	static void *got[3000];
	unsigned char *p[4];
	unsigned int n = 0, found = 0;

	make("slab_debug=FZPU", 200);
	for (int i = 0; i < 4; i++)
		p[i] = take();
	for (int i = 3; i >= 0; i--)
		qy_cache_free(c, p[i]);
	/* The list is p[0] → p[1] → … */
	qy__slub_set_free(c, p[0], value(p[0], p[1]));
	while (n < 3000 && (got[n] = qy_cache_alloc(c, 0))) {
		struct qy_page *slab = slab_of_object(in.mm, got[n]);

		assert_int_equal(slab->slab.cache, qy__cache_ref(c));
		assert_true(qy__slab_index(c, slab, got[n]) >= 0);
		memset(got[n], (int)n, 200);
		n++;
	}
	for (unsigned int i = 0; i < n; i++) {
		assert_int_equal(((unsigned char *)got[i])[0], i & 0xff);
		assert_int_equal(((unsigned char *)got[i])[199], i & 0xff);
	}
	for (unsigned int i = 0; i < in.reports.nr; i++)
		found += in.reports.at[i].kind == QY_REPORT_FREELIST;
	assert_true(found > 0);
	in.reports.nr = 0;
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(qy_cache_free(c, got[i]), 0);
	assert_int_equal(in.reports.nr, 0);
	assert_sound(in.mm);
	instance_destroy(&in);
}

static void *itself(unsigned char *head, unsigned char *second)
{
	(void)second;
	return head;
}

static void *misaligned(unsigned char *head, unsigned char *second)
{
	(void)head;
	return second + 4;
}

static void *beyond(unsigned char *head, unsigned char *second)
{
	(void)second;
	return head + (1 << 20);
}

static void *wild(unsigned char *head, unsigned char *second)
{
	(void)head, (void)second;
	return (void *)0x4141414141414141;
}

static void *low(unsigned char *head, unsigned char *second)
{
	(void)head, (void)second;
	return (void *)8;
}

static void *foreign(unsigned char *head, unsigned char *second)
{
	(void)head, (void)second;
	return in.mm->kmalloc;
}

static void freelist_corruption_of_every_kind_is_contained(void **state)
{
	(void)state;
	corrupt_freelist(itself);
	corrupt_freelist(misaligned);
	corrupt_freelist(beyond);
	corrupt_freelist(wild);
	corrupt_freelist(low);
	corrupt_freelist(foreign);
}

/* p[0] → p[1] → p[0]: a cycle of two. */
static void freelist_cycle_of_two_is_contained(void **state)
{
	unsigned char *p[4], *q[6];

	(void)state;
	make("slab_debug=FZPU", 200);
	for (int i = 0; i < 4; i++)
		p[i] = take();
	for (int i = 3; i >= 0; i--)
		qy_cache_free(c, p[i]);
	qy__slub_set_free(c, p[1], p[0]);
	for (int i = 0; i < 6; i++) {
		q[i] = take();
		for (int j = 0; j < i; j++)
			assert_ptr_not_equal(q[i], q[j]);
	}
	take_report(&in, QY_REPORT_FREELIST);
	for (int i = 0; i < 6; i++)
		assert_int_equal(qy_cache_free(c, q[i]), 0);
	assert_clean(&in);
}

/* A list that leads to an object that waits in quarantine must not hand it out a second time. */
static void freelist_cycle_with_quarantine_is_contained(void **state)
{
	unsigned char *p[4], *q[8];

	(void)state;
	make("slab_debug=FZPU", 200);
	for (int i = 0; i < 4; i++)
		p[i] = take();
	for (int i = 3; i >= 0; i--)
		qy_cache_free(c, p[i]);
	in.mm->debug->quarantine.limit = 1 << 20;
	qy__slub_set_free(c, p[1], p[0]);
	for (int i = 0; i < 8; i++) {
		q[i] = take();
		qy_cache_free(c, q[i]);
		for (int j = 0; j < i; j++)
			assert_ptr_not_equal(q[i], q[j]);
	}
	assert_true(in.reports.nr > 0);
	assert_int_equal(in.reports.at[0].kind, QY_REPORT_FREELIST);
	in.reports.nr = 0;
	qy__quarantine_reduce(in.mm, 0);
	assert_clean(&in);
}

/* Cut short: the objects behind the cut are lost, and that is told; nothing else happens. */
static void freelist_cut_by_null_is_contained(void **state)
{
	unsigned char *p[4], *q[40];

	(void)state;
	make("slab_debug=FZPU", 200);
	for (int i = 0; i < 4; i++)
		p[i] = take();
	for (int i = 3; i >= 0; i--)
		qy_cache_free(c, p[i]);
	qy__slub_set_free(c, p[0], NULL);
	for (int i = 0; i < 40; i++)
		q[i] = take();
	assert_true(in.reports.nr <= 1);
	in.reports.nr = 0;
	qy_cache_validate(c);
	in.reports.nr = 0;
	assert_int_equal(qy_cache_validate(c), 0);
	assert_clean(&in);
	for (int i = 0; i < 40; i++)
		assert_int_equal(qy_cache_free(c, q[i]), 0);
	assert_clean(&in);
	assert_int_equal(qy_cache_destroy(c), 0);
	assert_clean(&in);
}

/* ---- counters ---- */

static void forged_counters_are_reported_and_contained(void **state)
{
	static const struct {
		uint16_t objects, inuse;
	} forged[] = {{UINT16_MAX, 2}, {200, 2}, {0, 0}, {5, 2}, {0, 1000}, {0, UINT16_MAX}};

	(void)state;
	for (size_t i = 0; i < sizeof(forged) / sizeof(forged[0]); i++) {
		unsigned char *p, *q, *r;
		struct qy_page *slab;

		make("slab_debug=FZPU", 200);
		p = take();
		q = take();
		slab = slab_of_object(in.mm, p);
		if (forged[i].objects)
			slab->slab.objects = forged[i].objects;
		slab->slab.inuse = forged[i].inuse;
		if (i % 2) {
			assert_true(qy_cache_validate(c) > 0);
			in.reports.nr = 0;
			assert_int_equal(qy_cache_validate(c), 0);
		} else {
			r = take();
			if (forged[i].objects || forged[i].inuse > 100)
				assert_true(in.reports.nr > 0);
			assert_int_equal(qy_cache_free(c, r), 0);
		}
		in.reports.nr = 0;
		assert_int_equal(qy_cache_free(c, p), 0);
		assert_int_equal(qy_cache_free(c, q), 0);
		qy_cache_validate(c);
		in.reports.nr = 0;
		assert_int_equal(qy_cache_validate(c), 0);
		instance_destroy(&in);
	}
}

/* ---- letters, families, trace, policy ---- */

static void ctor_object_keeps_its_content_under_all_letters(void **state)
{
	(void)state;
	make("slab_debug=FZPU", 64);
	for (int i = 0; i < 100; i++) {
		unsigned char *p = qy_cache_alloc(c, QY_GFP_ZERO);

		for (int b = 0; b < 64; b++)
			assert_int_equal(p[b], 0);
		memset(p, 0xff, 64);
		qy_cache_free(c, p);
	}
	assert_clean(&in);
}

static void trace_writes_a_line_for_each_call_and_is_no_bug(void **state)
{
	unsigned char *p;
	char text[160];

	(void)state;
	make("slab_debug=T", 64);
	p = take();
	assert_int_equal(in.reports.nr, 1);
	assert_int_equal(in.reports.at[0].kind, QY_REPORT_TRACE);
	snprintf(text, sizeof(text), "TRACE things alloc 0x%lx inuse=1 fp=0x",
		 (unsigned long)(uintptr_t)p);
	assert_memory_equal(in.reports.at[0].title, text, strlen(text));
	qy_cache_free(c, p);
	assert_int_equal(in.reports.nr, 2);
	snprintf(text, sizeof(text), "TRACE things free 0x%lx inuse=", (unsigned long)(uintptr_t)p);
	assert_memory_equal(in.reports.at[1].title, text, strlen(text));
	assert_int_equal(qy_mm_reports(in.mm), 0);
	in.reports.nr = 0;
	assert_clean(&in);
}

/* Sizes 1 to 64 under every set of letters: no report of a legal use (74c1d3e08153 was one). */
static void legal_use_of_small_objects_is_never_reported(void **state)
{
	static const qy_slab_flags_t letter[] = {
		QY_SLAB_CONSISTENCY_CHECKS,
		QY_SLAB_RED_ZONE,
		QY_SLAB_POISON,
		QY_SLAB_STORE_USER,
	};

	(void)state;
	instance_make(&in, 512, NULL);
	for (unsigned int set = 1; set < 16; set++)
		for (size_t size = 1; size <= 64; size += size < 17 ? 1 : 5)
			for (size_t align = 0; align <= 128; align = align ? align * 4 : 8) {
				qy_slab_flags_t flags = 0;
				void *p[30];

				for (unsigned int i = 0; i < 4; i++)
					flags |= set >> i & 1 ? letter[i] : 0;
				c = qy_cache_create(in.mm, "small", size, align, flags, NULL);
				for (int round = 0; round < 2; round++) {
					for (int i = 0; i < 30; i++)
						memset(p[i] = qy_cache_alloc(c, 0), 0xff, size);
					for (int i = 0; i < 30; i++)
						qy_cache_free(c, p[i * 7 % 30]);
				}
				assert_int_equal(qy_cache_validate(c), 0);
				assert_int_equal(qy_cache_destroy(c), 0);
			}
	assert_clean(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_teardown(test, tear_down)
		T(free_with_overflow_is_reported_repaired_and_retired),
		T(free_with_underwrite_is_reported_at_its_offset),
		T(free_with_damage_all_around_reports_each_region),
		T(long_overflow_is_found_from_both_objects),
		T(free_without_consistency_checks_does_not_look),
		T(alloc_of_a_written_free_object_gives_up_the_slab),
		T(objects_of_a_given_up_slab_can_be_freed_and_never_come_back),
		T(destroy_after_damage_reports_no_leak),
		T(destroy_with_live_objects_reports_each_with_its_stack),
		T(double_free_is_found_under_every_letter),
		T(double_free_does_not_put_an_object_on_the_list_twice),
		T(double_free_into_a_discarded_slab_is_reported),
		T(bulk_free_with_duplicates_and_null),
		T(free_of_bad_pointers_is_reported_and_frees_nothing),
		T(free_of_interior_pointer_names_the_object),
		T(free_to_the_wrong_cache_leaks_the_object),
		T(freelist_corruption_of_every_kind_is_contained),
		T(freelist_cycle_of_two_is_contained),
		T(freelist_cycle_with_quarantine_is_contained),
		T(freelist_cut_by_null_is_contained),
		T(forged_counters_are_reported_and_contained),
		T(ctor_object_keeps_its_content_under_all_letters),
		T(trace_writes_a_line_for_each_call_and_is_no_bug),
		T(legal_use_of_small_objects_is_never_reported),
#undef T
	};

	/* Of a build without some debug option there is nothing to say here: skipped. */
	if (strcmp(qy_build_debug_letters(), "FZPU") || !QY_CONFIG_QUARANTINE)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
