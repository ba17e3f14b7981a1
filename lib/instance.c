/* SPDX-License-Identifier: MIT */
/*
 * instance.c - the roof: builds the floors of an instance from the ground up, and walks over all of
 * them where a call concerns them all. It stands above every floor, so that calls still only go
 * downwards.
 *
 *   place (span, boot map) → books of each floor from the boot map → hand-over to the buddy
 *   → slab → size classes
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <quarry/quarry.h>

#include "debug/debug.h"
#include "instance.h"
#include "kmalloc/kmalloc.h"
#include "page/mm.h"
#include "page/page_debug.h"
#include "slab/slab.h"
#include "util/fmt.h"
#include "util/percpu.h"
#include "vmalloc/vmap_area.h"

const char *qy_version(void)
{
	return QY_VERSION;
}

/* What lives as long as the instance, while the boot map still gives memory. */
static int boot(struct qy_mm *mm, const struct qy_mm_config *cfg)
{
	int err = qy__debug_config_init(mm, cfg);

	if (!err)
		err = qy__debug_init(mm, cfg);
	if (!err)
		err = qy__page_debug_init(mm, cfg);
	if (!err)
		err = qy__slab_boot(mm);
	if (!err)
		err = qy__vmap_init(mm);
	if (err)
		return err;
	mm->kmalloc = qy__mm_boot_alloc(mm, sizeof(*mm->kmalloc), 64);
	return mm->kmalloc ? 0 : -ENOMEM;
}

struct qy_mm *qy_mm_create(const struct qy_mm_config *cfg)
{
	struct qy_mm *mm = qy__mm_place(cfg);
	int err;

	if (!mm)
		return NULL;
	err = boot(mm, cfg);
	if (!err)
		err = qy__mm_handover(mm);
	if (!err)
		err = qy__slab_init(mm);
	if (!err)
		err = qy__size_classes_init(mm);
	if (err) {
		qy__page_debug_release(mm);
		qy__mm_release(mm);
		errno = -err;
		return NULL;
	}
	mm->slab->state = QY__SLAB_FULL;
	return mm;
}

void qy_mm_destroy(struct qy_mm *mm)
{
	if (!mm)
		return;
	qy__vmap_release(mm);
	qy__page_debug_release(mm);
	qy__mm_release(mm);
}

/* Bytes of large free blocks that the default instance keeps resident. */
#define DEFAULT_REPORT_FREE ((size_t)64 << 20)

/* The default instance: made once, by whoever comes first. */
static struct qy_mm *default_mm;
static struct qy__lock default_lock;

/* Other processes read it; here it is written once. */
struct qy_root qy_root = {
	.magic = "QYROOT",
	.version = 1,
	.struct_size = sizeof(struct qy_root),
};

/* What a user's letters ask for and cannot do alone is said, once. */
static struct qy_mm *say_what_is_blind(struct qy_mm *mm)
{
	static const char text[] = "quarry: QUARRY_DEBUG: without the letter F red zones and poison"
				   " are not compared at free, only at the end\n";
	qy_slab_flags_t on = mm->debug->config.global & QY__DEBUG_MASK;

	if ((on & (QY_SLAB_RED_ZONE | QY_SLAB_POISON)) && !(on & QY_SLAB_CONSISTENCY_CHECKS))
		qy__write_all(2, text, sizeof(text) - 1);
	return mm;
}

static struct qy_mm *create_default(const struct qy_mm_config *given)
{
	struct qy_mm_config cfg = *given;
	struct qy_mm *mm;
	char text[160];
	size_t at = 0;

	if (!cfg.debug && QY_CONFIG_DEBUG)
		cfg.debug = QY__DEFAULT_DEBUG;
	if (!cfg.report_free)
		cfg.report_free = DEFAULT_REPORT_FREE;
	mm = qy_mm_create(&cfg);
	if (mm)
		return say_what_is_blind(mm);
	if (!given->debug || !qy_debug_string_check(given->debug, &at))
		return NULL;
	qy__snprintf(text, sizeof(text),
		     "quarry: QUARRY_DEBUG is not understood at \"%.40s\", it is left aside\n",
		     given->debug + at);
	qy__write_all(2, text, strlen(text));
	cfg.debug = QY_CONFIG_DEBUG ? QY__DEFAULT_DEBUG : NULL;
	return qy_mm_create(&cfg);
}

static void publish(struct qy_mm *mm)
{
	qy_root.span = mm->os.base;
	qy_root.span_size = mm->os.size;
	qy__store_release(&qy_root.mm, mm);
}

struct qy_mm *qy__mm_default_with(const struct qy_mm_config *cfg)
{
	struct qy_mm *mm = qy__load_acquire(&default_mm);

	if (likely(mm))
		return mm;
	qy__lock(&default_lock);
	mm = default_mm;
	if (!mm) {
		mm = create_default(cfg);
		if (mm)
			publish(mm);
		qy__store_release(&default_mm, mm);
	}
	qy__unlock(&default_lock);
	return mm;
}

struct qy_mm *qy_mm_default(void)
{
	struct qy_mm_config cfg = QY_MM_CONFIG_INIT;

	cfg.debug = secure_getenv("QUARRY_DEBUG");
	return qy__mm_default_with(&cfg);
}

unsigned int qy_validate(struct qy_mm *mm)
{
	return qy__debug_validate(mm) + qy__vmap_validate(mm) + qy__page_debug_validate(mm);
}

unsigned int qy__validate_look(struct qy_mm *mm, struct qy__look *look)
{
	if (!QY_CONFIG_DEBUG)
		return 0;
	/* A report takes this lock: if it cannot be had, nothing can be told. */
	if (!qy__look_lock(look, &mm->report.lock))
		return 0;
	qy__unlock(&mm->report.lock);
	return qy__debug_look(mm, look) + qy__vmap_look(mm, look);
}

void qy_mm_fork_prepare(struct qy_mm *mm)
{
	qy__vmap_lock_all(mm);
	qy__slab_lock_all(mm);
	qy__debug_lock_all(mm);
	qy__mm_lock_all(mm);
	qy__depot_lock_all(mm);
	qy__lock(&mm->report.lock);
	qy__percpu_fork_prepare();
}

static void unlock_floors(struct qy_mm *mm)
{
	qy__unlock(&mm->report.lock);
	qy__depot_unlock_all(mm);
	qy__mm_unlock_all(mm);
	qy__debug_unlock_all(mm);
	qy__slab_unlock_all(mm);
	qy__vmap_unlock_all(mm);
}

void qy_mm_fork_parent(struct qy_mm *mm)
{
	qy__percpu_fork_parent();
	unlock_floors(mm);
}

void qy_mm_fork_child(struct qy_mm *mm)
{
	qy__percpu_fork_child();
	unlock_floors(mm);
	/* Asked for now: the child may be about to forbid itself system calls. */
	if (QY_CONFIG_DEBUG)
		qy__osif_tid();
}
