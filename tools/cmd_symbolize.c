/* SPDX-License-Identifier: MIT */
/*
 * cmd_symbolize.c - `quarry symbolize`: a filter for reports that were written elsewhere.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "progress.h"
#include "text.h"
#include "tool.h"

static void usage(FILE *out)
{
	fputs("Usage: quarry symbolize < REPORTS\n"
	      "\n"
	      "Copies standard input to standard output; stack frames\n"
	      "    #0 0x55d0c0de1234 (/usr/bin/prog+0x1234)\n"
	      "get the names of function, file and line:\n"
	      "    #0 0x55d0c0de1234 in main+0x51 prog.c:40 (/usr/bin/prog+0x1234)\n"
	      "The modules must be the very files that ran, at the same paths; debug information\n"
	      "is found in them, by build id, or by .gnu_debuglink. Other lines pass unchanged.\n"
	      "\n"
	      "  --help   this text\n",
	      out);
}

static int filter(FILE *in, FILE *out)
{
	struct symbolizer *symbols = symbolizer_new();
	char *line = NULL;
	size_t size = 0;
	struct text t;
	ssize_t len;

	text_init(&t, out, symbols);
	while ((len = getline(&line, &size, in)) > 0) {
		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		text_line(&t, line);
		if (isatty(STDOUT_FILENO))
			progress_end(); /* the copy itself shows that it goes on */
	}
	text_end(&t);
	progress_end();
	free(line);
	symbolizer_free(symbols);
	return ferror(in) || ferror(out) ? TOOL_FAILED : 0;
}

int cmd_symbolize(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
	int option, code;

	while ((option = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		if (option != 'h') {
			usage(stderr);
			return TOOL_USAGE;
		}
		usage(stdout);
		return 0;
	}
	if (optind < argc) {
		tool_error(argv[0], "takes no arguments; give the report on standard input");
		return TOOL_USAGE;
	}
	code = filter(stdin, stdout);
	if (code)
		tool_error(argv[0], "cannot copy standard input to standard output");
	return code;
}
