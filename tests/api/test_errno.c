/* SPDX-License-Identifier: MIT */
/*
 * test_errno.c - a call that has nothing to give says why: errno after every NULL, as the headers'
 * "Return:" lines have it.
 */
#include <errno.h>

#include "instance.h"

#define BLOCK (PAGE_BYTES << 6) /* the largest of the instances here */
#define MOST 4096

static struct instance in;
static void *held[MOST];

static int tear_down(void **state)
{
	(void)state;
	if (in.mm)
		instance_destroy(&in);
	return 0;
}

/* A sink that leaves its own error behind: what the caller reads is the library's all the same. */
static void rude_sink(const struct qy_report *r, void *ctx)
{
	record_report(r, ctx);
	errno = EIO;
}

static void make(void)
{
	instance_init(&in, 512);
	in.config.sink.fn = rude_sink;
	instance_create(&in);
	errno = 0;
}

/* @expr gives NULL and sets errno to @why, also for who clears errno first only once. */
#define assert_fails(expr, why)                                                                    \
	do {                                                                                       \
		errno = 0;                                                                         \
		assert_null(expr);                                                                 \
		assert_int_equal(errno, why);                                                      \
	} while (0)

static void kmalloc_too_large_is_enomem(void **state)
{
	(void)state;
	make();
	for (size_t size = BLOCK + 1; size; size = size > SIZE_MAX / 3 ? 0 : size * 3) {
		assert_fails(qy_kmalloc(in.mm, size, QY_GFP_KERNEL), ENOMEM);
		assert_fails(qy_kzalloc(in.mm, size, QY_GFP_KERNEL), ENOMEM);
		assert_fails(qy_kmalloc_array(in.mm, 1, size, QY_GFP_KERNEL), ENOMEM);
		assert_fails(qy_kvmalloc(in.mm, size, QY_GFP_KERNEL), ENOMEM);
		assert_fails(qy_vmalloc(in.mm, size), ENOMEM);
		assert_fails(qy_vzalloc(in.mm, size), ENOMEM);
	}
	assert_fails(qy_kmalloc(in.mm, SIZE_MAX, QY_GFP_NOWAIT), ENOMEM);
	assert_clean(&in);
}

static void product_that_overflows_is_eoverflow(void **state)
{
	(void)state;
	make();
	assert_fails(qy_kmalloc_array(in.mm, SIZE_MAX / 2, 3, QY_GFP_KERNEL), EOVERFLOW);
	assert_fails(qy_kcalloc(in.mm, 3, SIZE_MAX / 2, QY_GFP_KERNEL), EOVERFLOW);
	assert_clean(&in);
}

static void wrong_argument_is_einval(void **state)
{
	struct qy_page_frag_cache frag = {0};

	(void)state;
	make();
	assert_fails(qy_kmalloc_aligned(in.mm, 100, 24, QY_GFP_KERNEL), EINVAL);
	assert_fails(qy_kmalloc_aligned(in.mm, 100, 0, QY_GFP_KERNEL), EINVAL);
	assert_fails(qy_kmalloc_aligned(in.mm, 100, 2 * BLOCK, QY_GFP_KERNEL), EINVAL);
	assert_fails(qy_vmalloc(in.mm, 0), EINVAL);
	assert_fails(qy_alloc_pages(in.mm, QY_GFP_KERNEL, 7), EINVAL);
	assert_fails(qy_get_free_pages(in.mm, QY_GFP_KERNEL, 40), EINVAL);
	assert_fails(qy_alloc_pages_node(in.mm, 1, QY_GFP_KERNEL, 0), EINVAL);
	assert_fails(qy_alloc_pages_exact(in.mm, QY_GFP_KERNEL, 0), EINVAL);
	assert_fails(qy_alloc_pages_exact(in.mm, QY_GFP_COMP, 100), EINVAL);
	assert_fails(qy_alloc_contig_pages(in.mm, 0, QY_GFP_KERNEL, 0), EINVAL);
	assert_fails(qy_alloc_contig_pages(in.mm, 1, QY_GFP_KERNEL, 1), EINVAL);
	assert_fails(qy_page_frag_alloc(in.mm, &frag, 0, QY_GFP_KERNEL, 1), EINVAL);
	assert_fails(qy_page_frag_alloc(in.mm, &frag, 100, QY_GFP_KERNEL, 3), EINVAL);
	assert_fails(qy_cache_create(in.mm, "", 10, 0, 0, NULL), EINVAL);
	assert_clean(&in);
}

static void realloc_of_a_stranger_is_einval(void **state)
{
	char outside[64];

	(void)state;
	make();
	assert_fails(qy_krealloc(in.mm, hide(outside), 200, QY_GFP_KERNEL), EINVAL);
	take_report(&in, QY_REPORT_BAD_REALLOC);
	assert_fails(qy_kvrealloc(in.mm, hide(outside), 200, QY_GFP_KERNEL), EINVAL);
	take_report(&in, QY_REPORT_BAD_REALLOC);
	assert_clean(&in);
}

static void realloc_too_large_is_enomem(void **state)
{
	void *p, *block;

	(void)state;
	make();
	p = qy_kmalloc(in.mm, 100, QY_GFP_KERNEL);
	block = qy_kmalloc(in.mm, BLOCK / 4, QY_GFP_KERNEL);
	assert_non_null(p);
	assert_non_null(block);
	assert_fails(qy_krealloc(in.mm, p, 2 * BLOCK, QY_GFP_KERNEL), ENOMEM);
	assert_fails(qy_krealloc(in.mm, block, 2 * BLOCK, QY_GFP_KERNEL), ENOMEM);
	assert_fails(qy_kvrealloc(in.mm, p, 4 * BLOCK, QY_GFP_KERNEL), ENOMEM);
	qy_kfree(in.mm, p);
	qy_kfree(in.mm, block);
	assert_clean(&in);
}

/* Until there is nothing left; the next calls find nothing, each in its way. */
static void full_instance_is_enomem(void **state)
{
	struct qy_page_frag_cache frag = {0};
	struct qy_cache *cache;
	void *object[2];
	size_t n = 0;

	(void)state;
	make();
	cache = qy_cache_create(in.mm, "full", 3000, 0, 0, NULL);
	assert_non_null(cache);
	while (n < MOST && (held[n] = qy_get_free_pages(in.mm, QY_GFP_NOWAIT, 0)) != NULL)
		n++;
	assert_in_range(n, 10, MOST - 1);
	assert_int_equal(errno, ENOMEM);
	for (unsigned int order = 0; order <= 6; order++)
		assert_fails(qy_alloc_pages(in.mm, QY_GFP_KERNEL, order), ENOMEM);
	assert_fails(qy_get_zeroed_page(in.mm, QY_GFP_ATOMIC), ENOMEM);
	assert_fails(qy_alloc_pages_exact(in.mm, QY_GFP_KERNEL, 5 * PAGE_BYTES), ENOMEM);
	assert_fails(qy_alloc_contig_pages(in.mm, 3, QY_GFP_KERNEL, 0), ENOMEM);
	assert_fails(qy_page_frag_alloc(in.mm, &frag, 100, QY_GFP_KERNEL, 1), ENOMEM);
	assert_fails(qy_kmalloc(in.mm, 3 * PAGE_BYTES, QY_GFP_KERNEL), ENOMEM);
	assert_fails(qy_kvmalloc(in.mm, 3 * PAGE_BYTES, QY_GFP_KERNEL), ENOMEM);
	assert_fails(qy_cache_alloc(cache, QY_GFP_KERNEL), ENOMEM);
	errno = 0;
	assert_int_equal(qy_cache_alloc_bulk(cache, QY_GFP_KERNEL, 2, object), 0);
	assert_int_equal(errno, ENOMEM);
	while (n--)
		qy_free_pages_addr(in.mm, held[n], 0);
	assert_int_equal(qy_cache_destroy(cache), 0);
	assert_clean(&in);
}

static void address_space_that_ends_is_enomem(void **state)
{
	void *p;

	(void)state;
	in = (struct instance){.config = QY_MM_CONFIG_INIT};
	in.config.size = (size_t)64 << 20;
	in.config.policy = QY_POLICY_REPORT;
	in.config.sink = (struct qy_report_sink){rude_sink, &in.reports};
	instance_create(&in);
	assert_fails(qy_vmalloc(in.mm, PTRDIFF_MAX), ENOMEM);
	assert_fails(qy_vmalloc(in.mm, PTRDIFF_MAX / 2), ENOMEM);
	assert_fails(qy_kvmalloc(in.mm, PTRDIFF_MAX / 2, QY_GFP_KERNEL), ENOMEM);
	p = qy_vmalloc(in.mm, (size_t)16 << 20);
	assert_non_null(p);
	assert_fails(qy_kvrealloc(in.mm, p, PTRDIFF_MAX / 2, QY_GFP_KERNEL), ENOMEM);
	assert_fails(qy_kvrealloc(in.mm, (char *)p + 64, 100, QY_GFP_KERNEL), EINVAL);
	take_report(&in, QY_REPORT_BAD_REALLOC);
	qy_vfree(in.mm, p);
}

static void arena_without_a_buffer_is_einval(void **state)
{
	struct qy_mm_config config = QY_MM_CONFIG_INIT;
	static char few[64];

	(void)state;
	config.backing = QY_BACKING_ARENA;
	config.size = (size_t)1 << 20;
	assert_fails(qy_mm_create(&config), EINVAL);
	config.base = few;
	config.size = sizeof(few);
	assert_fails(qy_mm_create(&config), ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(kmalloc_too_large_is_enomem, tear_down),
		cmocka_unit_test_teardown(product_that_overflows_is_eoverflow, tear_down),
		cmocka_unit_test_teardown(wrong_argument_is_einval, tear_down),
		cmocka_unit_test_teardown(realloc_of_a_stranger_is_einval, tear_down),
		cmocka_unit_test_teardown(realloc_too_large_is_enomem, tear_down),
		cmocka_unit_test_teardown(full_instance_is_enomem, tear_down),
		cmocka_unit_test_teardown(address_space_that_ends_is_enomem, tear_down),
		cmocka_unit_test(arena_without_a_buffer_is_einval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
