/* SPDX-License-Identifier: MIT */
/*
 * test_vmalloc.c - areas: found by address, kept apart by guards, checked at their edges; and
 * kvmalloc across the border between page blocks and areas. Built against both libraries; what only
 * the debug one can know is asked of it only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <quarry/quarry.h>

#include "util/align.h"
#include "util/rng.h"
#include "vmalloc/vmap_area.h"

#define DEBUG_STRING "slab_debug=FZPU quarantine=1M red_zone=64 policy=report"
#define KIND(r) ((int)(r).kind)

struct heard {
	unsigned int nr;
	struct qy_report last;
	enum qy_report_kind kind[64];
};

static struct heard heard;
static struct qy_mm *mm;
static bool has_debug;
static char arena[16 << 20] __attribute__((aligned(4096)));

static void hear(const struct qy_report *report, void *ctx)
{
	(void)ctx;
	if (report->kind == QY_REPORT_NOMEM)
		return;
	heard.last = *report;
	if (heard.nr < 64)
		heard.kind[heard.nr] = report->kind;
	heard.nr++;
}

static struct qy_mm *create(enum qy_backing backing)
{
	struct qy_mm_config cfg = QY_MM_CONFIG_INIT;

	cfg.backing = backing;
	cfg.base = backing == QY_BACKING_ARENA ? arena : NULL;
	cfg.size = backing == QY_BACKING_ARENA ? sizeof(arena) : (size_t)4 << 30;
	cfg.cpu_provider = QY_CPU_MANUAL;
	cfg.debug = DEBUG_STRING;
	cfg.policy = QY_POLICY_REPORT;
	cfg.sink.fn = hear;
	return qy_mm_create(&cfg);
}

static int set_up(void **state)
{
	(void)state;
	memset(&heard, 0, sizeof(heard));
	has_debug = qy_build_debug_letters()[0] != '\0';
	mm = create(QY_BACKING_ANON);
	return mm ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	qy_mm_destroy(mm);
	return 0;
}

static void fill(void *p, size_t size, unsigned int seed)
{
	uint8_t *b = p;

	for (size_t i = 0; i < size; i++)
		b[i] = (uint8_t)(i * 31 + seed + (i >> 8));
}

static bool is_filled(const void *p, size_t size, unsigned int seed)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < size; i++)
		if (b[i] != (uint8_t)(i * 31 + seed + (i >> 8)))
			return false;
	return true;
}

static bool is_all(const void *p, size_t size, uint8_t byte)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < size; i++)
		if (b[i] != byte)
			return false;
	return true;
}

/* The signal that one access to @p ends a process with; 0: none. */
static int signal_of_access(volatile char *p, bool write)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		signal(SIGBUS, SIG_DFL);
		if (write)
			*p = 1;
		else
			(void)*p;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void vmalloc_zero_or_impossible_size_returns_null(void **state)
{
	(void)state;
	assert_null(qy_vmalloc(mm, 0));
	assert_null(qy_vmalloc(mm, SIZE_MAX));
	assert_null(qy_vmalloc(mm, SIZE_MAX - 4096));
	assert_null(qy_vmalloc(mm, (size_t)PTRDIFF_MAX + 1));
	assert_null(qy_vmalloc(mm, (size_t)1 << 62));
	qy_vfree(mm, NULL);
	assert_int_equal(mm->vmap->nr_live, 0);
	assert_int_equal(heard.nr, 0);
}

static void vzalloc_gives_zeroed_pages_usable_to_the_last_byte(void **state)
{
	static const size_t sizes[] = {1, 100, 4095, 4096, 4097, 300000, (size_t)5 << 20};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *p = qy_vmalloc(mm, sizes[i]);

		memset(p, 0xee, sizes[i]);
		qy_vfree(mm, p);
		p = qy_vzalloc(mm, sizes[i]);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 4096, 0);
		assert_true(is_all(p, sizes[i], 0));
		fill(p, sizes[i], 3);
		assert_true(is_filled(p, sizes[i], 3));
		assert_int_equal(qy_validate(mm), 0);
		qy_vfree(mm, p);
	}
	assert_int_equal(mm->vmap->nr_live, 0);
	assert_int_equal(mm->vmap->live_bytes, 0);
	assert_int_equal(heard.nr, 0);
}

static void vmalloc_area_lies_between_guards(void **state)
{
	char *p = qy_vmalloc(mm, 10000);
	struct qy__vmap_area *a = qy__vmap_find_locked(mm->vmap, p);

	(void)state;
	assert_non_null(a);
	assert_int_equal(signal_of_access(a->start, false), 0);
	assert_int_equal(signal_of_access(a->start - 1, false), SIGSEGV);
	assert_int_equal(signal_of_access(a->start + a->len - 1, false), 0);
	assert_int_equal(signal_of_access(a->start + a->len, false), SIGSEGV);
	/* The left red zone is a page. */
	assert_int_equal(a->len, qy__align_up(10000, QY_PAGE_SIZE) +
					 (QY_CONFIG_SLAB_RED_ZONE ? QY_PAGE_SIZE : 0));
	qy_vfree(mm, p);
}

static void is_vmalloc_addr_knows_each_byte_and_forgets_the_freed(void **state)
{
	char *p = qy_vmalloc(mm, 8192), *other = qy_kmalloc(mm, 100, QY_GFP_KERNEL);

	(void)state;
	assert_true(qy_is_vmalloc_addr(mm, p));
	assert_true(qy_is_vmalloc_addr(mm, p + 4096));
	assert_true(qy_is_vmalloc_addr(mm, p + 8191));
	assert_false(qy_is_vmalloc_addr(mm, p + 8192 + 2 * 4096));
	assert_false(qy_is_vmalloc_addr(mm, other));
	assert_false(qy_is_vmalloc_addr(mm, &other));
	assert_false(qy_is_vmalloc_addr(mm, NULL));
	qy_vfree(mm, p);
	assert_false(qy_is_vmalloc_addr(mm, p));
	qy_kfree(mm, other);
}

/* Depth of the tree, checking order, heap and disjointness on the way. */
static unsigned int depth_of(const struct qy__vmap_area *a, const char *low, const char *high)
{
	unsigned int left, right;

	if (!a)
		return 0;
	assert_true(a->start >= low && a->start + a->len <= high);
	left = depth_of(a->left, low, a->start);
	right = depth_of(a->right, a->start + a->len, high);
	return 1 + (left > right ? left : right);
}

static void areas_random_order_are_all_found(void **state)
{
	enum { SLOTS = 300, STEPS = 3000 };
	static char *slot[SLOTS];
	static size_t size[SLOTS];
	struct qy__rng rng;
	size_t live = 0;

	(void)state;
	memset(slot, 0, sizeof(slot));
	qy__rng_seed(&rng, 99);
	for (unsigned int step = 0; step < STEPS; step++) {
		unsigned int i = qy__rng_below(&rng, SLOTS);

		if (slot[i]) {
			assert_true(is_filled(slot[i], 64, i));
			assert_true(is_filled(slot[i] + size[i] - 64, 64, i));
			qy_vfree(mm, slot[i]);
			slot[i] = NULL;
			live--;
		} else {
			size[i] = 128 + qy__rng_below(&rng, 20000);
			slot[i] = qy_vmalloc(mm, size[i]);
			assert_non_null(slot[i]);
			fill(slot[i], 64, i);
			fill(slot[i] + size[i] - 64, 64, i);
			live++;
		}
		assert_int_equal(mm->vmap->nr_live, live);
		if (step % 100)
			continue;
		assert_in_range(depth_of(mm->vmap->root, NULL, (char *)UINTPTR_MAX), 0, 40);
		for (i = 0; i < SLOTS; i++)
			if (slot[i])
				assert_ptr_equal(
					qy__vmap_find_locked(mm->vmap, slot[i] + size[i] / 2),
					qy__vmap_find_locked(mm->vmap, slot[i]));
	}
	for (unsigned int i = 0; i < SLOTS; i++)
		qy_vfree(mm, slot[i]);
	assert_int_equal(mm->vmap->nr_live, 0);
	assert_int_equal(heard.nr, 0);
}

static void dead_areas_are_bounded(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 300; i++) {
		qy_vfree(mm, qy_vmalloc(mm, 1 << 16));
		assert_in_range(mm->vmap->nr_dead, 0, QY__VMAP_MAX_DEAD);
	}
	assert_int_equal(mm->vmap->nr_dead, has_debug ? QY__VMAP_MAX_DEAD : 0);
	for (unsigned int i = 0; i < 20; i++) {
		qy_vfree(mm, qy_vmalloc(mm, (size_t)100 << 20));
		assert_in_range(mm->vmap->dead_bytes, 0, mm->vmap->dead_limit);
	}
	assert_int_equal(heard.nr, 0);
}

static void idle_areas_are_bounded_and_reused(void **state)
{
	struct qy__vmap_state *v = mm->vmap;
	char *p[40], *q;

	(void)state;
	if (has_debug)
		skip();
	for (int i = 0; i < 40; i++)
		p[i] = qy_vmalloc(mm, (size_t)(i + 1) << 18);
	for (int i = 0; i < 40; i++) {
		qy_vfree(mm, p[i]);
		assert_in_range(v->nr_idle, 0, QY__VMAP_MAX_IDLE);
		assert_in_range(v->idle_bytes, 0, v->idle_limit);
	}
	assert_true(v->nr_idle > 0);
	assert_int_equal(v->nr_live, 0);
	assert_false(qy_is_vmalloc_addr(mm, p[39]));
	q = qy_vmalloc(mm, v->idle->len);
	assert_true(qy_is_vmalloc_addr(mm, q));
	qy_vfree(mm, q);
	assert_true(qy__vmap_purge(mm) > 0);
	assert_int_equal(v->nr_idle, 0);
	assert_int_equal(v->idle_bytes, 0);
	/* A small request does not sit on a large area. */
	qy_vfree(mm, qy_vmalloc(mm, 1 << 20));
	q = qy_vmalloc(mm, 1 << 16);
	assert_int_equal(qy__vmap_find_locked(v, q)->len, 1 << 16);
	qy_vfree(mm, q);
	assert_int_equal(heard.nr, 0);
}

/* ---- threads ---- */

static void *churn(void *arg)
{
	enum { SLOTS = 16 };
	unsigned char *slot[SLOTS] = {NULL};
	size_t size[SLOTS];
	struct qy__rng rng;

	qy__rng_seed(&rng, (uintptr_t)arg);
	for (unsigned int step = 0; step < 2000; step++) {
		unsigned int i = qy__rng_below(&rng, SLOTS);
		size_t new_size = 1 + qy__rng_below(&rng, step % 4 ? 20000 : 200000);
		unsigned char *p = NULL;

		if (slot[i] && (slot[i][0] != i || slot[i][size[i] - 1] != i))
			return slot[i];
		if (qy__rng_below(&rng, 3)) {
			p = step % 2 ? qy_vmalloc(mm, new_size)
				     : qy_kvrealloc(mm, slot[i], new_size, QY_GFP_KERNEL);
			if (!p)
				return &heard;
			if (step % 2 == 0)
				slot[i] = NULL;
			p[0] = p[new_size - 1] = (unsigned char)i;
		}
		qy_kvfree(mm, slot[i]);
		slot[i] = p;
		size[i] = new_size;
		if (step % 500 == 0)
			qy_validate(mm);
		if (step % 700 == 0)
			qy__vmap_purge(mm);
	}
	for (unsigned int i = 0; i < SLOTS; i++)
		qy_kvfree(mm, slot[i]);
	return NULL;
}

static void threads_map_and_unmap_side_by_side(void **state)
{
	struct qy_mm_config cfg = QY_MM_CONFIG_INIT;
	struct qy_mm *single = mm;
	pthread_t t[4];
	void *bad = NULL;

	(void)state;
	cfg.size = (size_t)4 << 30;
	cfg.debug = DEBUG_STRING;
	cfg.sink.fn = hear;
	mm = qy_mm_create(&cfg);
	assert_non_null(mm);
	for (uintptr_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, churn, (void *)(i + 1)), 0);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(t[i], &bad), 0);
		assert_null(bad);
	}
	assert_int_equal(mm->vmap->nr_live, 0);
	assert_int_equal(mm->vmap->live_bytes, 0);
	assert_int_equal(heard.nr, 0);
	qy_mm_destroy(mm);
	mm = single;
}

/* ---- kvmalloc ---- */

static void kvmalloc_picks_by_size_kvfree_by_address(void **state)
{
	size_t most = qy__kmalloc_max(mm);
	char *small = qy_kvmalloc(mm, 100, QY_GFP_KERNEL);
	char *block = qy_kvmalloc(mm, most / 3, QY_GFP_KERNEL);
	char *area = qy_kvmalloc(mm, most + 1, QY_GFP_KERNEL);

	(void)state;
	assert_true(small && block && area);
	assert_non_null(qy__addr_page(mm, small));
	assert_non_null(qy__addr_page(mm, block));
	assert_null(qy__addr_page(mm, area));
	assert_true(qy_is_vmalloc_addr(mm, area));
	assert_ptr_equal(qy_kvmalloc(mm, 0, QY_GFP_KERNEL), QY_ZERO_SIZE_PTR);
	qy_kvfree(mm, small);
	qy_kvfree(mm, block);
	qy_kvfree(mm, area);
	qy_kvfree(mm, NULL);
	qy_kvfree(mm, QY_ZERO_SIZE_PTR);
	assert_int_equal(mm->vmap->nr_live, 0);
	assert_int_equal(heard.nr, 0);
}

static void kvrealloc_in_all_directions_keeps_contents(void **state)
{
	size_t most = qy__kmalloc_max(mm);
	size_t sizes[] = {1,	100,	  5000,	       70000,	 most - 100,
			  most, most + 1, most + 5000, most * 2, most * 3};
	size_t n = sizeof(sizes) / sizeof(sizes[0]);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++) {
			size_t kept = sizes[i] < sizes[j] ? sizes[i] : sizes[j];
			char *p = qy_kvmalloc(mm, sizes[i], QY_GFP_KERNEL), *q;

			assert_non_null(p);
			fill(p, sizes[i], 7);
			q = qy_kvrealloc(mm, p, sizes[j], QY_GFP_KERNEL);
			assert_non_null(q);
			assert_true(is_filled(q, kept, 7));
			memset(q, 1, sizes[j]);
			assert_int_equal(qy_validate(mm), 0);
			qy_kvfree(mm, q);
		}
	}
	assert_int_equal(mm->vmap->nr_live, 0);
	assert_int_equal(heard.nr, 0);
}

static void kvrealloc_with_zero_flag_clears_what_is_new(void **state)
{
	size_t most = qy__kmalloc_max(mm);
	char *p = qy_kvmalloc(mm, 5000, QY_GFP_KERNEL | QY_GFP_ZERO);

	(void)state;
	fill(p, 5000, 1);
	p = qy_kvrealloc(mm, p, most + 1, QY_GFP_KERNEL | QY_GFP_ZERO);
	assert_non_null(p);
	assert_true(is_filled(p, 5000, 1));
	assert_true(is_all(p + 8192, most + 1 - 8192, 0));
	p = qy_kvrealloc(mm, p, 3 * most, QY_GFP_KERNEL | QY_GFP_ZERO);
	assert_true(is_filled(p, 5000, 1));
	assert_true(is_all(p + most + 4096, 2 * most - 4096, 0));
	qy_kvfree(mm, p);
}

static void kvrealloc_of_an_empty_object_grows_past_kmalloc(void **state)
{
	struct qy__call empty = {.libc = true, .family = QY_FAMILY_MALLOC};
	struct qy__call large = {
		.libc = true, .family = QY_FAMILY_MALLOC, .size = qy__kmalloc_max(mm) + 1};
	void *p = qy__kvmalloc_call(mm, &empty, QY_GFP_KERNEL);

	(void)state;
	assert_non_null(p);
	assert_false(QY_ZERO_OR_NULL_PTR(p));
	p = qy__kvrealloc_call(mm, p, &large, QY_GFP_KERNEL);
	assert_non_null(p);
	assert_int_equal(qy__kvfree_call(mm, p, &empty), 0);
	assert_int_equal(heard.nr, 0);
}

static void kvmalloc_huge_alignment_is_kept(void **state)
{
	(void)state;
	for (size_t align = 16; align <= (size_t)1 << 26; align *= 2) {
		struct qy__call req = {
			.size = 1000, .align = align, .libc = true, .family = QY_FAMILY_MALLOC};
		char *p = qy__kvmalloc_call(mm, &req, QY_GFP_KERNEL);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % align, 0);
		memset(p, 1, 1000);
		assert_int_equal(qy_validate(mm), 0);
		assert_int_equal(qy__kvfree_call(mm, p, &req), 0);
	}
	assert_int_equal(heard.nr, 0);
}

static void arena_vmalloc_is_a_page_block(void **state)
{
	struct qy_mm *small = create(QY_BACKING_ARENA);
	char *p, *q;

	(void)state;
	assert_non_null(small);
	p = qy_vmalloc(small, 20000);
	q = qy_kvmalloc(small, 20000, QY_GFP_KERNEL);
	assert_true(p && q);
	assert_int_equal((uintptr_t)p % 4096, 0);
	assert_non_null(qy__addr_page(small, p));
	fill(p, 20000, 1);
	assert_null(qy_vmalloc(small, (size_t)64 << 20));
	assert_true(is_filled(p, 20000, 1));
	qy_vfree(small, p);
	qy_kvfree(small, q);
	assert_int_equal(heard.nr, 0);
	qy_mm_destroy(small);
}

/* ---- what is wrong ---- */

static void vfree_twice_is_named_a_double_free(void **state)
{
	char *p = qy_vmalloc(mm, 50000);

	(void)state;
	qy_vfree(mm, p);
	assert_int_equal(heard.nr, 0);
	qy_vfree(mm, p);
	assert_int_equal(heard.nr, 1);
	if (!has_debug) { /* the release build keeps no dead areas */
		assert_int_equal(KIND(heard.last), QY_REPORT_INVALID_FREE);
		return;
	}
	assert_int_equal(KIND(heard.last), QY_REPORT_DOUBLE_FREE);
	assert_ptr_equal(heard.last.object, p);
	assert_int_equal(heard.last.object_size, 50000);
	assert_true(heard.last.alloc.nr > 0);
	assert_true(heard.last.free.nr > 0);
	assert_true(heard.last.here.nr > 0);
	assert_string_equal(heard.last.cache, "vmalloc");
}

static void stale_access_to_an_area_traps(void **state)
{
	char *p = qy_vmalloc(mm, 50000);

	(void)state;
	assert_int_equal(signal_of_access(p + 100, true), 0);
	qy_vfree(mm, p);
	if (!has_debug) { /* it may be idle, for the next one */
		qy__vmap_purge(mm);
		assert_int_equal(mm->vmap->nr_idle, 0);
	}
	assert_int_equal(signal_of_access(p + 100, true), SIGSEGV);
	assert_int_equal(signal_of_access(p + 49999, false), SIGSEGV);
}

static void vfree_inside_an_area_is_an_invalid_free(void **state)
{
	char *p = qy_vmalloc(mm, 50000);

	(void)state;
	qy_vfree(mm, p + 4096);
	assert_int_equal(heard.nr, 1);
	assert_int_equal(KIND(heard.last), QY_REPORT_INVALID_FREE);
	assert_int_equal(heard.last.damage_offset, 4096);
	fill(p, 50000, 2); /* still there */
	qy_vfree(mm, p);
	assert_int_equal(heard.nr, 1);
	assert_int_equal(mm->vmap->nr_live, 0);
}

static void vfree_of_a_stranger_is_an_invalid_free(void **state)
{
	int local = 0;
	void *object = qy_kmalloc(mm, 100, QY_GFP_KERNEL);

	(void)state;
	qy_vfree(mm, &local);
	assert_int_equal(heard.nr, 1);
	assert_int_equal(KIND(heard.last), QY_REPORT_INVALID_FREE);
	qy_vfree(mm, object);
	assert_int_equal(heard.nr, 2);
	assert_int_equal(KIND(heard.last), QY_REPORT_INVALID_FREE);
	qy_kvfree(mm, &local);
	assert_int_equal(heard.nr, 3);
	qy_kfree(mm, object);
	assert_int_equal(heard.nr, 3);
}

static void red_zone_writes_are_found_to_the_byte(void **state)
{
	static const size_t sizes[] = {1, 4000, 4096, 300000, ((size_t)4 << 20) + 3};

	(void)state;
	if (!QY_CONFIG_SLAB_RED_ZONE)
		skip();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (int n = 1; n <= 32; n++) {
			char *p = qy_vmalloc(mm, sizes[i]);

			memset(p + sizes[i], 0x41, (size_t)n);
			memset(&heard, 0, sizeof(heard));
			qy_vfree(mm, p);
			assert_int_equal(heard.nr, 1);
			assert_int_equal(KIND(heard.last), QY_REPORT_OVERFLOW);
			assert_int_equal(heard.last.damage_offset, sizes[i]);
			assert_int_equal(heard.last.damage_len, n);
			assert_int_equal(heard.last.expected, QY_RED_ACTIVE);
			assert_int_equal(heard.last.found, 0x41);
			assert_int_equal(heard.last.object_size, sizes[i]);

			p = qy_vmalloc(mm, sizes[i]);
			memset(p - n, 0x42, (size_t)n);
			assert_int_equal(qy_validate(mm), 1);
			assert_int_equal(KIND(heard.last), QY_REPORT_UNDERWRITE);
			assert_int_equal(heard.last.damage_offset, -n);
			assert_int_equal(heard.last.damage_len, n);
			assert_int_equal(qy_validate(mm), 0); /* repaired */
			qy_vfree(mm, p);
			assert_int_equal(heard.nr, 2);
		}
	}
}

static void kvrealloc_checks_edges_before_it_moves(void **state)
{
	size_t size = qy__kmalloc_max(mm) + 5;
	char *p = qy_kvmalloc(mm, size, QY_GFP_KERNEL);

	(void)state;
	if (!QY_CONFIG_SLAB_RED_ZONE) {
		qy_kvfree(mm, p);
		skip();
	}
	p[size] = 0;
	p = qy_kvrealloc(mm, p, size + 10, QY_GFP_KERNEL);
	assert_non_null(p);
	assert_int_equal(heard.nr, 1);
	assert_int_equal(KIND(heard.last), QY_REPORT_OVERFLOW);
	memset(p, 0, size + 10);
	qy_kvfree(mm, p);
	assert_int_equal(heard.nr, 1);
}

/*
 * Take an area as @req says, give it back with changes: what is heard? The area is gone either way.
 */
static int kind_of_mismatch(enum qy_family family, bool sized, size_t size, bool aligned,
			    size_t align)
{
	struct qy__call req = {.size = qy__kmalloc_max(mm) + 5,
			       .align = 64,
			       .libc = true,
			       .family = QY_FAMILY_NEW};
	void *p = qy__kvmalloc_call(mm, &req, QY_GFP_KERNEL);

	assert_non_null(p);
	req = (struct qy__call){.size = size,
				.align = align,
				.libc = true,
				.family = family,
				.sized = sized,
				.aligned = aligned};
	memset(&heard, 0, sizeof(heard));
	assert_int_equal(qy__kvfree_call(mm, p, &req), 0);
	assert_int_equal(mm->vmap->nr_live, 0);
	return heard.nr == 1 ? KIND(heard.last) : -(int)heard.nr;
}

static void kvfree_of_another_family_or_size_is_reported(void **state)
{
	size_t size = qy__kmalloc_max(mm) + 5;

	(void)state;
	if (!has_debug)
		skip();
	assert_int_equal(kind_of_mismatch(QY_FAMILY_NEW, false, 0, true, 64), 0);
	assert_int_equal(kind_of_mismatch(QY_FAMILY_NEW, true, size, true, 64), 0);
	/* The plain delete does not fit the aligned new. */
	assert_int_equal(kind_of_mismatch(QY_FAMILY_NEW, false, 0, false, 0),
			 QY_REPORT_SIZE_MISMATCH);
	assert_int_equal(kind_of_mismatch(QY_FAMILY_NONE, false, 0, false, 0), 0);
	assert_int_equal(kind_of_mismatch(QY_FAMILY_MALLOC, false, 0, false, 0),
			 QY_REPORT_FAMILY_MISMATCH);
	assert_int_equal((int)heard.last.family_alloc, QY_FAMILY_NEW);
	assert_int_equal((int)heard.last.family_free, QY_FAMILY_MALLOC);
	assert_int_equal(kind_of_mismatch(QY_FAMILY_NEW_ARRAY, false, 0, false, 0),
			 QY_REPORT_FAMILY_MISMATCH);
	assert_int_equal(kind_of_mismatch(QY_FAMILY_NEW, true, size - 1, false, 0),
			 QY_REPORT_SIZE_MISMATCH);
	assert_int_equal(kind_of_mismatch(QY_FAMILY_NEW, false, 0, true, 32),
			 QY_REPORT_SIZE_MISMATCH);
	/* One release has one report. */
	assert_int_equal(kind_of_mismatch(QY_FAMILY_MALLOC, true, 1, false, 0),
			 QY_REPORT_FAMILY_MISMATCH);
}

static void kvrealloc_by_another_family_is_reported(void **state)
{
	struct qy__call req = {
		.size = qy__kmalloc_max(mm) + 5, .libc = true, .family = QY_FAMILY_NEW};
	void *p = qy__kvmalloc_call(mm, &req, QY_GFP_KERNEL);

	(void)state;
	req.family = QY_FAMILY_MALLOC;
	req.size += 7;
	p = qy__kvrealloc_call(mm, p, &req, QY_GFP_KERNEL);
	assert_non_null(p);
	assert_int_equal(heard.nr, QY_CONFIG_DEBUG);
	if (QY_CONFIG_DEBUG)
		assert_int_equal(KIND(heard.last), QY_REPORT_FAMILY_MISMATCH);
	req.family = QY_FAMILY_NONE;
	qy__kvfree_call(mm, p, &req);
}

static void kvrealloc_or_size_of_the_dead_is_reported(void **state)
{
	size_t size = qy__kmalloc_max(mm) + 5;
	struct qy__call req = {.size = size, .libc = true, .family = QY_FAMILY_MALLOC};
	char *p = qy__kvmalloc_call(mm, &req, QY_GFP_KERNEL);

	(void)state;
	assert_true(qy__kvsize_call(mm, p, &req) >= size);
	if (has_debug)
		assert_int_equal(qy__kvsize_call(mm, p, &req), size);
	qy__kvfree_call(mm, p, &req);
	assert_int_equal(heard.nr, 0);
	assert_null(qy__kvrealloc_call(mm, p, &req, QY_GFP_KERNEL));
	assert_int_equal(heard.nr, 1);
	assert_int_equal(KIND(heard.last), QY_REPORT_BAD_REALLOC);
	assert_int_equal(qy__kvsize_call(mm, p, &req), 0);
	assert_int_equal(heard.nr, 2);
	assert_int_equal(KIND(heard.last), QY_REPORT_BAD_REALLOC);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(vmalloc_zero_or_impossible_size_returns_null),
		TEST(vzalloc_gives_zeroed_pages_usable_to_the_last_byte),
		TEST(vmalloc_area_lies_between_guards),
		TEST(is_vmalloc_addr_knows_each_byte_and_forgets_the_freed),
		TEST(areas_random_order_are_all_found),
		TEST(dead_areas_are_bounded),
		TEST(idle_areas_are_bounded_and_reused),
		TEST(threads_map_and_unmap_side_by_side),
		TEST(kvmalloc_picks_by_size_kvfree_by_address),
		TEST(kvrealloc_in_all_directions_keeps_contents),
		TEST(kvrealloc_with_zero_flag_clears_what_is_new),
		TEST(kvrealloc_of_an_empty_object_grows_past_kmalloc),
		TEST(kvmalloc_huge_alignment_is_kept),
		TEST(arena_vmalloc_is_a_page_block),
		TEST(vfree_twice_is_named_a_double_free),
		TEST(stale_access_to_an_area_traps),
		TEST(vfree_inside_an_area_is_an_invalid_free),
		TEST(vfree_of_a_stranger_is_an_invalid_free),
		TEST(red_zone_writes_are_found_to_the_byte),
		TEST(kvrealloc_checks_edges_before_it_moves),
		TEST(kvfree_of_another_family_or_size_is_reported),
		TEST(kvrealloc_by_another_family_is_reported),
		TEST(kvrealloc_or_size_of_the_dead_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
