/* SPDX-License-Identifier: MIT */
/*
 * module_log.c - which file lay at an address when: plugins are unloaded, and others come to lie
 * where they were.
 *
 * A table of the process, like the dynamic linker's. Entries are filled in before the count is
 * published, and never change. One thread at a time adds; another one that comes leaves it be, so
 * that a child of fork() can wait for nobody: what was not noted is looked up as it lies now.
 */
#include <dlfcn.h>
#include <link.h>
#include <string.h>

#include "util/atomic.h"
#include "util/module.h"

#define MAX_ENTRIES 256u
#define MAX_NAME 232u

static struct entry {
	uintptr_t start, end, bias;
	uint64_t seen; /* since when */
	char name[MAX_NAME];
} entry[MAX_ENTRIES];
static unsigned int nr_entries;
static int adding;

int _dl_find_object(void *pc, struct dl_find_object *result) __attribute__((weak));

/* The newest that holds @pc and was there at @when. */
static const struct entry *find(uintptr_t pc, uint64_t when)
{
	for (unsigned int i = qy__load_acquire(&nr_entries); i-- > 0;)
		if (pc >= entry[i].start && pc < entry[i].end && entry[i].seen <= when)
			return &entry[i];
	return NULL;
}

static void note(uintptr_t pc, uint64_t when)
{
	const struct entry *known = find(pc, UINT64_MAX);
	struct dl_find_object found;
	struct entry *e;
	const char *name;

	if (_dl_find_object((void *)pc, &found) || !found.dlfo_link_map)
		return;
	name = found.dlfo_link_map->l_name;
	/* The program itself has no name, and stays. */
	if (!name || !*name || strlen(name) >= MAX_NAME || nr_entries == MAX_ENTRIES)
		return;
	if (known && known->bias == found.dlfo_link_map->l_addr && !strcmp(known->name, name))
		return;
	e = &entry[nr_entries];
	e->start = (uintptr_t)found.dlfo_map_start;
	e->end = (uintptr_t)found.dlfo_map_end;
	e->bias = found.dlfo_link_map->l_addr;
	e->seen = when;
	strcpy(e->name, name);
	qy__store_release(&nr_entries, nr_entries + 1);
}

void qy__module_note(const uintptr_t *pc, unsigned int n, uint64_t when)
{
	int idle = 0;

	if (!_dl_find_object || !qy__cas_acq_rel(&adding, &idle, 1))
		return;
	for (unsigned int i = 0; i < n; i++)
		note(pc[i] - 1, when);
	qy__store_release(&adding, 0);
}

const char *qy__module_name_at(uintptr_t pc, uint64_t when, uintptr_t *offset)
{
	const struct entry *e = when ? find(pc, when) : NULL;

	if (!e)
		return qy__module_name(pc, offset);
	*offset = pc - e->bias;
	return e->name;
}

bool qy__module_at(uintptr_t pc, uint64_t when, char *path, size_t size, uintptr_t *offset)
{
	const struct entry *e = when ? find(pc, when) : NULL;

	if (!e)
		return qy__module_of(pc, path, size, offset);
	*offset = pc - e->bias;
	strncpy(path, e->name, size - 1);
	path[size - 1] = 0;
	return true;
}
