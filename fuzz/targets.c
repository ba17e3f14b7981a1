/* SPDX-License-Identifier: MIT */
/*
 * targets.c - the table of all targets, and who is meant.
 *
 * Stands above everything but the programs; called by replay.c.
 */
#include "targets.h"

#include <string.h>

static const struct fz_target *const targets[] = {
	&fz_page_target,
	&fz_slab_target,
	&fz_bootmem_target,
	&fz_memblock_target,
};

#define NR_TARGETS (sizeof(targets) / sizeof(targets[0]))

const struct fz_target *fz_target_named(const char *name)
{
	for (size_t i = 0; i < NR_TARGETS; i++)
		if (!strcmp(targets[i]->format->name, name))
			return targets[i];
	return NULL;
}

const struct fz_target *fz_target_of_input(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < NR_TARGETS && size >= 2 && data[0] == 'Q'; i++)
		if (targets[i]->format->letter == data[1])
			return targets[i];
	return NULL;
}
