/* SPDX-License-Identifier: MIT */
/*
 * test_kmalloc_borders.c - memory by size where the tables end: what is zeroed when an object comes
 * off the fast path, blocks that grow where they are, and instances whose largest block leaves the
 * larger classes out.
 */
#include "instance.h"

static struct instance in;

static int tear_down(void **state)
{
	(void)state;
	if (in.mm)
		instance_destroy(&in);
	return 0;
}

static void make(const char *debug, enum qy_classes classes, unsigned int max_order)
{
	instance_init(&in, 512);
	in.config.debug = debug;
	in.config.classes = classes;
	in.config.max_order = max_order;
	in.config.max_order_zero = !max_order;
	instance_create(&in);
}

static bool is_zero(const unsigned char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i])
			return false;
	return true;
}

typedef void *(*get_zeroed_fn)(size_t size);

static void *by_flag(size_t size)
{
	return qy_kmalloc(in.mm, size, QY_GFP_KERNEL | QY_GFP_ZERO);
}

static void *by_name(size_t size)
{
	return qy_kzalloc(in.mm, size, QY_GFP_KERNEL);
}

static void *by_array(size_t size)
{
	return qy_kcalloc(in.mm, size, 1, QY_GFP_KERNEL);
}

static void *by_aligned(size_t size)
{
	return qy_kmalloc_aligned(in.mm, size, 8, QY_GFP_KERNEL | QY_GFP_ZERO);
}

static void *by_realloc(size_t size)
{
	return qy_krealloc(in.mm, NULL, size, QY_GFP_KERNEL | QY_GFP_ZERO);
}

/*
 * All that may be used is zero, however the object was asked for: later krealloc() with ZERO may
 * not know where the request ended, and then relies on that.
 */
static void zeroed_objects_are_zero_as_far_as_they_may_be_used(void **state)
{
	static const get_zeroed_fn get[] = {by_flag, by_name, by_array, by_aligned, by_realloc};
	static const char *const debug[] = {NULL, "slab_debug=F", "slab_debug=Z",
					    "slab_debug=FZPU"};

	(void)state;
	for (size_t d = 0; d < (is_debug_build() ? 4 : 1); d++)
		for (size_t g = 0; g < sizeof(get) / sizeof(get[0]); g++) {
			make(debug[d], (enum qy_classes)(g % 2), 6);
			for (size_t size = 1; size < 3 * PAGE_BYTES; size += 1 + size / 7) {
				unsigned char *p[3];
				size_t usable;

				/* What lies there is dirty, and comes back at once. */
				for (int i = 0; i < 3; i++) {
					p[i] = hide(qy_kmalloc(in.mm, size, QY_GFP_KERNEL));
					memset(p[i], 0xff, qy_ksize(in.mm, p[i]));
				}
				for (int i = 0; i < 3; i++)
					qy_kfree(in.mm, p[i]);
				p[0] = hide(get[g](size));
				usable = qy_ksize(in.mm, p[0]);
				if (!is_zero(p[0], usable))
					fail_msg("%s, way %zu: %zu bytes, %zu usable", debug[d], g,
						 size, usable);
				p[0] = hide(qy_krealloc(in.mm, p[0], usable,
							QY_GFP_KERNEL | QY_GFP_ZERO));
				assert_true(is_zero(p[0], usable));
				qy_kfree(in.mm, p[0]);
			}
			assert_clean(&in);
			tear_down(NULL);
		}
}

/* A report about a block that was resized tells the size that it has now. */
static void resized_block_is_known_by_its_new_size(void **state)
{
	static const size_t sizes[] = {3 * PAGE_BYTES, 3 * PAGE_BYTES + 700, 3 * PAGE_BYTES - 700};

	(void)state;
	for (int d = 0; d < 2; d++) {
		char want[64], *p;

		make(d ? "slab_debug=FZPU" : "slab_debug=-", QY_CLASSES_KERNEL, 6);
		p = hide(qy_kmalloc(in.mm, sizes[0], QY_GFP_KERNEL));
		for (int i = 0; i < 3; i++) {
			struct record r;

			assert_ptr_equal(qy_krealloc(in.mm, p, sizes[i], QY_GFP_KERNEL), p);
			qy_kfree(in.mm, p + 16);
			r = take_report(&in, QY_REPORT_INVALID_FREE);
			assert_int_equal(r.object_size, sizes[i]);
			snprintf(want, sizeof(want), "16 bytes into the %zu-byte object", sizes[i]);
			assert_non_null(strstr(r.title, want));
		}
		qy_kfree(in.mm, p);
		assert_clean(&in);
		tear_down(NULL);
	}
}

/* The class that would hold it is left out: then it is pages, and that is what one can count on. */
static void size_roundup_follows_the_largest_block(void **state)
{
	(void)state;
	for (unsigned int order = 0; order < 4; order++)
		for (int classes = 0; classes < 2; classes++) {
			make("slab_debug=-", (enum qy_classes)classes, order);
			for (size_t size = 1; size <= PAGE_BYTES << order; size += 1 + size / 40) {
				void *p = qy_kmalloc(in.mm, size, QY_GFP_KERNEL);

				assert_non_null(p);
				if (qy_kmalloc_size_roundup(in.mm, size) != qy_ksize(in.mm, p))
					fail_msg("order %u: %zu bytes: %zu, not %zu", order, size,
						 qy_kmalloc_size_roundup(in.mm, size),
						 qy_ksize(in.mm, p));
				qy_kfree(in.mm, p);
			}
			assert_clean(&in);
			tear_down(NULL);
		}
}

static size_t roundup_pow2(size_t size)
{
	size_t n = 1;

	while (n < size)
		n *= 2;
	return n;
}

/* FINE, by the book: multiples of 16 up to 128, then four per doubling, and pages. */
static size_t fine_of(size_t size)
{
	size_t top = roundup_pow2(size), step = top <= 128 ? 16 : top / 8;

	return size > 2 * PAGE_BYTES ? top : (size + step - 1) / step * step;
}

static void each_fine_size_gets_its_class(void **state)
{
	(void)state;
	make("slab_debug=-", QY_CLASSES_FINE, 6);
	for (size_t size = 1; size <= 5 * PAGE_BYTES; size++)
		assert_int_equal(qy_kmalloc_size_roundup(in.mm, size), fine_of(size));
	for (size_t size = 1; size <= 5 * PAGE_BYTES; size += 1 + size / 50) {
		void *p = qy_kmalloc(in.mm, size, QY_GFP_KERNEL);

		assert_int_equal(qy_ksize(in.mm, p), fine_of(size));
		qy_kfree(in.mm, p);
	}
	assert_clean(&in);
}

/*
 * An alignment costs no more than it must: up to 16 nothing, beyond the next power of two; above
 * the classes, or for more than a page of alignment, pages.
 */
static void aligned_requests_get_the_smallest_that_will_do(void **state)
{
	(void)state;
	make("slab_debug=-", QY_CLASSES_FINE, 6);
	for (size_t align = 1; align <= 8 * PAGE_BYTES; align *= 2)
		for (size_t size = 1; size <= 5 * PAGE_BYTES; size += 1 + size / 30) {
			size_t want = align <= 16 ? fine_of(size) : roundup_pow2(size);
			void *p = qy_kmalloc_aligned(in.mm, size, align, QY_GFP_KERNEL);

			assert_non_null(p);
			assert_int_equal((uintptr_t)p % align, 0);
			if (align > 16 && want < align)
				want = align;
			if (qy_ksize(in.mm, p) != want)
				fail_msg("%zu bytes at a multiple of %zu: %zu, not %zu", size,
					 align, qy_ksize(in.mm, p), want);
			qy_kfree(in.mm, p);
		}
	assert_clean(&in);
}

/*
 * Debugging keeps records in the descriptors of a block's tails. Where blocks have so few pages
 * that there is no room, the request fails: it must not use the next block's.
 */
static void records_of_a_small_block_stay_in_its_own_descriptors(void **state)
{
	static const char *const debug[] = {"slab_debug=FZPU", "slab_debug=U",
					    "slab_debug=FZPU quarantine=1M"};

	(void)state;
	for (unsigned int order = 0; order < 4; order++)
		for (int d = 0; d < 3; d++) {
			struct qy_page *held[64];
			unsigned int nr = 0;

			make(debug[d], QY_CLASSES_KERNEL, order);
			/* Single pages, each third free again: neighbours of both kinds. */
			for (; nr < 64; nr++)
				held[nr] = qy_alloc_pages(in.mm, QY_GFP_KERNEL, 0);
			for (unsigned int i = 0; i < nr; i += 3)
				assert_int_equal(qy_free_pages(in.mm, held[i], 0), 0);
			for (size_t size = 64; size <= PAGE_BYTES << order; size += size / 5) {
				void *p[3];

				for (int i = 0; i < 3; i++)
					p[i] = hide(qy_kmalloc(in.mm, size,
							       QY_GFP_KERNEL | QY_GFP_NOWARN));
				assert_clean(&in);
				for (int i = 0; i < 3; i++) {
					qy_kfree(in.mm, p[i]);
					assert_clean(&in);
				}
			}
			for (unsigned int i = 0; i < nr; i++)
				if (i % 3)
					assert_int_equal(qy_free_pages(in.mm, held[i], 0), 0);
			assert_clean(&in);
			tear_down(NULL);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_teardown(name, tear_down)
		T(zeroed_objects_are_zero_as_far_as_they_may_be_used),
		T(resized_block_is_known_by_its_new_size),
		T(size_roundup_follows_the_largest_block),
		T(each_fine_size_gets_its_class),
		T(aligned_requests_get_the_smallest_that_will_do),
		T(records_of_a_small_block_stay_in_its_own_descriptors),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
