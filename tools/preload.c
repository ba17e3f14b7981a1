/* SPDX-License-Identifier: MIT */
/*
 * preload.c - the preload library: found at run time, so that build tree, installation and a moved
 * installation all work, and put into the environment.
 */
#include "tool.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool_config.h"

#define NR_PLACES 3

/* The loader splits LD_PRELOAD at these and knows no escape. */
static bool fits_preload(const char *who, const char *path)
{
	if (!strpbrk(path, " :"))
		return true;
	tool_error(who,
		   "the path '%s' holds a blank or a colon, which LD_PRELOAD cannot express; move "
		   "or link the library elsewhere",
		   path);
	return false;
}

static char *from_environment(const char *who, const char *variable)
{
	char full[PATH_MAX];

	if (!realpath(getenv(variable), full) || access(full, R_OK) != 0) {
		tool_error(who, "%s names '%s', which cannot be read", variable, getenv(variable));
		return NULL;
	}
	return fits_preload(who, full) ? tool_dup(full) : NULL;
}

char *preload_find(const char *who, const char *variable, const char *file)
{
	char *dir, *places[NR_PLACES], *found = NULL;
	char full[PATH_MAX];

	if (getenv(variable) && *getenv(variable))
		return from_environment(who, variable);
	dir = tool_directory();
	places[0] = tool_printf("%s/../lib/%s", dir, file); /* build tree */
	places[1] = tool_printf("%s/%s/%s", dir, QUARRY_LIBDIR_FROM_BINDIR, file);
	places[2] = tool_printf("%s/%s", QUARRY_LIBDIR, file);
	for (unsigned int i = 0; i < NR_PLACES && !found; i++)
		if (realpath(places[i], full) && access(full, R_OK) == 0)
			found = tool_dup(full);
	if (!found) {
		tool_error(who, "%s not found; looked for", file);
		for (unsigned int i = 0; i < NR_PLACES; i++)
			fprintf(stderr, "    %s\n", places[i]);
		fprintf(stderr, "Set %s to its path.\n", variable);
	}
	for (unsigned int i = 0; i < NR_PLACES; i++)
		free(places[i]);
	free(dir);
	if (found && !fits_preload(who, found)) {
		free(found);
		found = NULL;
	}
	return found;
}

void preload_set(const char *library)
{
	const char *old = getenv("LD_PRELOAD");
	char *value = old && *old ? tool_printf("%s:%s", library, old) : tool_dup(library);

	setenv("LD_PRELOAD", value, 1);
	free(value);
}
