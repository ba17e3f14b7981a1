/* SPDX-License-Identifier: MIT */
/*
 * module.c - from an address to file and offset, by the dynamic linker's own lock-free table
 * (_dl_find_object, glibc 2.35 and later). Older C libraries: no module, the bare address is
 * printed.
 */
#include "util/module.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>

#include "util/compiler.h"
#include "util/sys.h"

int _dl_find_object(void *pc, struct dl_find_object *result) __attribute__((weak));

static long read_link(const char *link, char *path, size_t size)
{
	long n = qy__sys4(SYS_readlinkat, AT_FDCWD, link, path, size - 1);

	if (n > 0)
		path[n] = 0;
	return n;
}

const char *qy__module_name(uintptr_t pc, uintptr_t *offset)
{
	struct dl_find_object found;
	const char *name;

	if (!_dl_find_object || _dl_find_object((void *)pc, &found) || !found.dlfo_link_map)
		return NULL;
	*offset = pc - found.dlfo_link_map->l_addr;
	name = found.dlfo_link_map->l_name;
	return name ? name : "";
}

bool qy__module_of(uintptr_t pc, char *path, size_t size, uintptr_t *offset)
{
	const char *name = qy__module_name(pc, offset);

	if (!name)
		return false;
	if (*name) {
		strncpy(path, name, size - 1);
		path[size - 1] = 0;
		return true;
	}
	/* The program itself has no name there. */
	return read_link("/proc/self/exe", path, size) > 0;
}

const char *qy__program_name(char *buf, size_t size)
{
	char *slash;

	if (read_link("/proc/self/exe", buf, size) <= 0)
		return "?";
	slash = strrchr(buf, '/');
	return slash ? slash + 1 : buf;
}
