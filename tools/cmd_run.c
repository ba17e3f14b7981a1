/* SPDX-License-Identifier: MIT */
/*
 * cmd_run.c - `quarry run`: the program on the release malloc; the tool steps aside.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

static void usage(FILE *out)
{
	fputs("Usage: quarry run [--] PROGRAM [ARGUMENTS]\n"
	      "\n"
	      "Executes PROGRAM with libquarry-malloc.so in place of the C library's malloc.\n"
	      "\n"
	      "  --help   this text\n"
	      "\n"
	      "Environment: QUARRY_MALLOC_SO is the path of the library, if it is elsewhere.\n"
	      "Exit status: that of PROGRAM; 2 wrong usage or not possible with this program;\n"
	      "125 library missing, 126 not executable, 127 not found.\n",
	      out);
}

static int execute(const char *who, const char *library, char **argv)
{
	char *path = NULL;
	int code = target_find(who, argv[0], &path);

	if (code == 0)
		code = target_check(who, path, library);
	if (code == 0) {
		preload_set(library);
		tool_release_standard();
		execv(path, argv);
		code = errno == ENOENT ? TOOL_NOT_FOUND : TOOL_NOT_EXECUTABLE;
		tool_error(who, "cannot execute '%s': %s", path, strerror(errno));
	}
	free(path);
	return code;
}

int cmd_run(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
	int option, code = TOOL_FAILED;
	char *library;

	while ((option = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		usage(option == 'h' ? stdout : stderr);
		return option == 'h' ? 0 : TOOL_USAGE;
	}
	if (optind == argc) {
		usage(stderr);
		return TOOL_USAGE;
	}
	library = preload_find(argv[0], "QUARRY_MALLOC_SO", "libquarry-malloc.so");
	if (library)
		code = execute(argv[0], library, argv + optind);
	free(library);
	return code;
}
