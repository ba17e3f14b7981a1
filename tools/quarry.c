/* SPDX-License-Identifier: MIT */
/*
 * quarry.c - the `quarry` program: finds the subcommand and hands over.
 */
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <quarry/config.h>

#include "tool_config.h"

#if QUARRY_HAVE_REPLAY
#include "replay.h"
#endif

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{"check", cmd_check, "run a program on the checking malloc and report its heap bugs"},
	{"run", cmd_run, "run a program on the release malloc"},
	{"symbolize", cmd_symbolize, "put functions, files and lines into a report"},
#if QUARRY_HAVE_REPLAY
	{"replay", quarry_replay_main, "repeat a fuzzer's input step by step, in words"},
#endif
	{"fuzz", cmd_fuzz, "start a fuzzer of the allocators"},
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *out)
{
	fputs("Usage: quarry COMMAND [OPTIONS] [ARGUMENTS]\n"
	      "       quarry --help | --version\n"
	      "\n"
	      "Commands:\n",
	      out);
	for (size_t i = 0; i < NR_COMMANDS; i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fputs("\n`quarry COMMAND --help` tells the options of a command.\n", out);
}

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* Edit distance (insert, delete, replace); names longer than the row are simply far away. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[32];
	size_t len = strlen(b);

	if (len >= 32 || strlen(a) >= 32)
		return 32;
	for (size_t j = 0; j <= len; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 1; a[i - 1]; i++) {
		unsigned int diagonal = row[0];

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= len; j++) {
			unsigned int above = row[j];
			unsigned int replaced = diagonal + (a[i - 1] != b[j - 1]);

			row[j] = least(replaced, least(above, row[j - 1]) + 1);
			diagonal = above;
		}
	}
	return row[len];
}

static int unknown_command(const char *name)
{
	const char *nearest = NULL;
	unsigned int best = 4; /* further away is no typing mistake */

	for (size_t i = 0; i < NR_COMMANDS; i++) {
		unsigned int d = distance(name, commands[i].name);

		if (strncmp(name, commands[i].name, strlen(name)) == 0)
			d = 0;
		if (d < best) {
			best = d;
			nearest = commands[i].name;
		}
	}
	tool_error("quarry", "'%s' is no command; see `quarry --help`", name);
	if (nearest)
		fprintf(stderr, "Did you mean `quarry %s`?\n", nearest);
	return TOOL_USAGE;
}

static int run_command(const struct command *command, int argc, char **argv)
{
	int code;

	argv[0] = tool_printf("quarry %s", command->name);
	code = command->run(argc, argv);
	if (fflush(stdout) != 0 && code == 0) {
		tool_error(argv[0], "cannot write to standard output");
		code = TOOL_FAILED;
	}
	free(argv[0]);
	return code;
}

static int help(const char *name)
{
	char option[] = "--help";
	char *arguments[] = {NULL, option, NULL};

	if (!name) {
		usage(stdout);
		return 0;
	}
	for (size_t i = 0; i < NR_COMMANDS; i++)
		if (strcmp(name, commands[i].name) == 0)
			return run_command(&commands[i], 2, arguments);
	return unknown_command(name);
}

int main(int argc, char **argv)
{
	tool_hold_standard();
	if (argc < 2) {
		usage(stderr);
		return TOOL_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return help(NULL);
	if (strcmp(argv[1], "help") == 0)
		return help(argv[2]);
	if (strcmp(argv[1], "--version") == 0) {
		puts("quarry " QY_VERSION);
		return 0;
	}
	for (size_t i = 0; i < NR_COMMANDS; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return run_command(&commands[i], argc - 1, argv + 1);
	return unknown_command(argv[1]);
}
