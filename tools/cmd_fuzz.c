/* SPDX-License-Identifier: MIT */
/*
 * cmd_fuzz.c - `quarry fuzz`: finds the fuzzer's program and executes it.
 */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

#define PREFIX "fuzz_"

static void usage(FILE *out)
{
	fputs("Usage: quarry fuzz TARGET [ENGINE ARGUMENTS]\n"
	      "       quarry fuzz --list\n"
	      "\n"
	      "Executes the fuzzer fuzz_TARGET of the build that this program belongs to. With\n"
	      "libFuzzer the arguments are corpus folders and options such as -max_total_time=60;\n"
	      "-error_exitcode=1 and -timeout_exitcode=1 are put in front, since test runners\n"
	      "read libFuzzer's own code, 77, as \"skipped\".\n"
	      "\n"
	      "  --list   the targets that were built\n"
	      "  --help   this text\n",
	      out);
}

/* Build tree: beside tools/; elsewhere: beside the program. */
static char *find_folder(void)
{
	char *dir = tool_directory();
	char *folder = tool_printf("%s/../fuzz", dir);

	if (access(folder, X_OK) != 0) {
		free(folder);
		folder = tool_dup(dir);
	}
	free(dir);
	return folder;
}

static bool is_fuzzer(const char *folder, const char *target, char **path)
{
	*path = tool_printf("%s/" PREFIX "%s", folder, target);
	if (!strchr(target, '/') && access(*path, X_OK) == 0)
		return true;
	free(*path);
	return false;
}

static unsigned int list_targets(const char *folder, const char *before, FILE *out)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	unsigned int nr = 0;

	while (dir && (entry = readdir(dir))) {
		const char *target = entry->d_name + strlen(PREFIX);
		char *path;

		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0 || strchr(target, '.') ||
		    !is_fuzzer(folder, target, &path))
			continue;
		free(path);
		fprintf(out, "%s%s\n", before, target);
		nr++;
	}
	if (dir)
		closedir(dir);
	return nr;
}

static int not_built(const char *who, const char *folder, const char *target)
{
	if (target)
		tool_error(who, "there is no fuzzer %s/" PREFIX "%s", folder, target);
	else
		tool_error(who, "no fuzzer was built in %s", folder);
	if (list_targets(folder, "  built: ", stderr) == 0)
		fputs("Build the fuzzers in the source folder with:\n"
		      "    CC=clang CXX=clang++ meson setup build/fuzz -Dfuzz=libfuzzer\n"
		      "    meson compile -C build/fuzz\n"
		      "    build/fuzz/tools/quarry fuzz TARGET\n",
		      stderr);
	return TOOL_NOT_FOUND;
}

static int execute(const char *who, char *path, int argc, char **argv)
{
	char **args = tool_alloc(((size_t)argc + 4) * sizeof(*args));
	int nr = 0;

	args[nr++] = path;
	args[nr++] = tool_dup("-error_exitcode=1");
	args[nr++] = tool_dup("-timeout_exitcode=1");
	for (int i = 0; i < argc; i++)
		args[nr++] = argv[i];
	tool_release_standard();
	execv(path, args);
	tool_error(who, "cannot execute '%s': %s", path, strerror(errno));
	return TOOL_NOT_EXECUTABLE;
}

int cmd_fuzz(int argc, char **argv)
{
	static const struct option options[] = {
		{"help", no_argument, NULL, 'h'},
		{"list", no_argument, NULL, 'l'},
		{0},
	};
	char *folder = find_folder(), *path;
	int option, code = TOOL_USAGE;

	option = getopt_long(argc, argv, "+h", options, NULL);
	if (option == 'h') {
		usage(stdout);
		code = 0;
	} else if (option == 'l') {
		code = list_targets(folder, "", stdout) ? 0 : not_built(argv[0], folder, NULL);
	} else if (option != -1 || optind == argc) {
		usage(stderr);
	} else if (is_fuzzer(folder, argv[optind], &path)) {
		code = execute(argv[0], path, argc - optind - 1, argv + optind + 1);
	} else {
		code = not_built(argv[0], folder, argv[optind]);
	}
	free(folder);
	return code;
}
