/* SPDX-License-Identifier: MIT */
/*
 * image.c - another program's instance, copied to the place it had there: may it be read?
 *
 * From then on nobody works in it: check/ and info/ neither take nor wait for its locks, and follow
 * nothing that leads out of its span (callbacks, constructors, mappings of their own).
 */
#include <errno.h>
#include <string.h>

#include "check/check.h"
#include "page/mm.h"

int qy_image_open(struct qy_mm *mm)
{
	struct qy__abi ours = qy__abi();

	if (!mm || (uintptr_t)mm % _Alignof(struct qy_mm) || mm->magic != QY__MM_MAGIC)
		return -EINVAL;
	if (memcmp(&mm->abi, &ours, sizeof(ours)) != 0)
		return -ENOTSUP;
	mm->image = QY__MM_IMAGE;
	return 0;
}
