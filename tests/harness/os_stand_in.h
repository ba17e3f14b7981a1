/* SPDX-License-Identifier: MIT */
/* os_stand_in.h - a test's own operations in the place of the system's. */
#ifndef TESTS_OS_STAND_IN_H
#define TESTS_OS_STAND_IN_H

#include "page/page.h"

/* @ops do the work of @mm's back end from now on; NULL: it does so itself again. */
static inline void os_stand_in(struct qy_mm *mm, const struct qy__osif_ops *ops)
{
	static enum qy__back_end real;

	if (mm->os.back_end != QY__OSIF_TEST)
		real = mm->os.back_end;
	qy__osif_back_end[QY__OSIF_TEST] = ops;
	mm->os.back_end = ops ? QY__OSIF_TEST : real;
}

#endif
