/* SPDX-License-Identifier: MIT */
/*
 * size_class.c - which sizes exist, and the tables that find one.
 *
 * KERNEL: 8 16 32 64 96 128 192 256 … two pages. 96 and 192 close the worst gaps; alignment is the
 * largest power of two that divides the size. FINE: multiples of 16 up to 128, then four per
 * doubling: waste is at most a fifth. Aligned to 16 as malloc must; for more, a second set of
 * powers of two, naturally aligned.
 */
#include "kmalloc/size_class.h"

#include <errno.h>

#include "util/align.h"
#include "util/bitops.h"
#include "util/fmt.h"

static uint32_t natural_align(size_t size)
{
	return (uint32_t)min(size & -size, QY_PAGE_SIZE);
}

static void add_class(struct qy__kmalloc_state *st, size_t size, size_t align)
{
	unsigned int i = st->nr_classes + st->nr_aligned;

	st->classes[i].size = (uint32_t)size;
	st->classes[i].align = (uint32_t)align;
}

static void add_kernel_classes(struct qy__kmalloc_state *st)
{
	for (size_t size = 8; size <= QY__KMALLOC_MAX_CLASS; size *= 2) {
		add_class(st, size, size);
		st->nr_classes++;
		if (size == 64 || size == 128) {
			add_class(st, size * 3 / 2, natural_align(size * 3 / 2));
			st->nr_classes++;
		}
	}
}

static void add_fine_classes(struct qy__kmalloc_state *st)
{
	size_t size = 16, step = 16;

	for (; size <= QY__KMALLOC_MAX_CLASS; size += step) {
		add_class(st, size, 16);
		st->nr_classes++;
		if (size >= 128 && qy__is_pow2(size))
			step = size / 4;
	}
	for (size = 32; size <= QY__KMALLOC_MAX_CLASS; size *= 2) {
		add_class(st, size, natural_align(size));
		st->nr_aligned++;
	}
}

static void class_name(char *name, size_t size, const struct qy__size_class *sc, bool aligned)
{
	const char *prefix = aligned ? "kmalloc-aligned-" : "kmalloc-";

	if (sc->size >= 1024 && sc->size % 1024 == 0)
		qy__snprintf(name, size, "%s%uk", prefix, sc->size / 1024);
	else
		qy__snprintf(name, size, "%s%u", prefix, sc->size);
}

static int make_caches(struct qy_mm *mm, struct qy__kmalloc_state *st)
{
	char name[32];

	for (unsigned int i = 0; i < st->nr_classes + st->nr_aligned; i++) {
		struct qy__size_class *sc = &st->classes[i];

		class_name(name, sizeof(name), sc, i >= st->nr_classes);
		/*
		 * A class that no block of this instance can hold is left out: such requests find
		 * no memory.
		 */
		if (sc->size > (QY_PAGE_SIZE << mm->max_order) / 2)
			continue;
		sc->cache =
			qy__cache_create_user(mm, name, sc->size, sc->align, QY_SLAB_KMALLOC, NULL);
		if (!sc->cache && errno == ENOMEM)
			return -ENOMEM;
	}
	return 0;
}

int qy__size_classes_init(struct qy_mm *mm)
{
	struct qy__kmalloc_state *st = mm->kmalloc;
	unsigned int class = 0;

	if (mm->classes == QY_CLASSES_FINE)
		add_fine_classes(st);
	else
		add_kernel_classes(st);
	for (size_t i = 1; i < ARRAY_SIZE(st->index); i++) {
		while (st->classes[class].size < i * 8)
			class ++;
		st->index[i] = (uint8_t) class;
	}
	return make_caches(mm, st);
}

const struct qy__size_class *qy__size_class_aligned(const struct qy_mm *mm, size_t size,
						    size_t align)
{
	const struct qy__kmalloc_state *st = mm->kmalloc;
	unsigned int first = st->nr_aligned ? st->nr_classes : 0;
	unsigned int end = st->nr_classes + st->nr_aligned;

	if (size <= QY__KMALLOC_MAX_CLASS &&
	    qy__size_class(mm, max(size, (size_t)1))->align >= align)
		return qy__size_class(mm, max(size, (size_t)1));
	for (unsigned int i = first; i < end; i++)
		if (st->classes[i].size >= size && st->classes[i].align >= align)
			return &st->classes[i];
	return NULL;
}
