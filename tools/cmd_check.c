/* SPDX-License-Identifier: MIT */
/*
 * cmd_check.c - `quarry check`: the program on the checking malloc, its reports told in words.
 *
 *   options → library and program found, refused if a preload cannot work → folder for the reports
 *   → environment → program started → reports printed as they come → sums, exit code
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <quarry/debug.h>

#include "child.h"
#include "frame.h"
#include "reports.h"
#include "tool.h"

#define DEFAULT_ERROR_EXITCODE 86
#define SKIP_EXITCODE 77   /* "skipped" to automake, meson and others */
#define POLL_INTERVAL 1000 /* ms; inotify wakes earlier */

struct check {
	const char *who;
	bool abort, symbols, quiet, summary;
	const char *quarantine, *red_zone, *slab_debug, *output;
	unsigned long validate; /* 0: off */
	unsigned long error_exitcode;
	char **argv; /* of the program */
	char *preload, *path;
	char *dir; /* for the report files */
	FILE *out; /* the reports' readers */
};

static void usage(FILE *out)
{
	fputs("Usage: quarry check [OPTIONS] [--] PROGRAM [ARGUMENTS]\n"
	      "\n"
	      "Runs PROGRAM, unchanged, on libquarry-malloc-debug.so in place of the C library's\n"
	      "malloc, and prints a report for each misuse of the heap. Its children are checked.\n"
	      "\n"
	      "  --abort              abort the program at the first report (default: go on)\n"
	      "  --quarantine=BYTES   hold freed objects back, up to BYTES (K, M, G; default 64M)\n"
	      "  --red-zone=BYTES     least red zone on each side of an object (default 64)\n"
	      "  --validate=N         check every object at each N-th allocation or free\n"
	      "  --slab-debug=STRING  letters and caches, as slab_debug of Linux (default FZPU)\n"
	      "  --output=FILE        reports go to FILE, not to standard error\n"
	      "  --error-exitcode=N   exit status if there were reports (default 86; 0: that of\n"
	      "                       PROGRAM; never 77, which test runners read as skipped)\n"
	      "  --wrapper=NAME       function NAME only hands memory on, as xmalloc: reports\n"
	      "                       name its caller (may be given more than once)\n"
	      "  --no-symbols         leave addresses as they are\n"
	      "  --summary            one line for each different report, none in full\n"
	      "  --quiet              no closing line\n"
	      "  --help               this text\n"
	      "\n"
	      "A report is printed once. Others of its kind whose object was allocated, freed and\n"
	      "found at the same places of the program are counted, those of children too.\n"
	      "\n"
	      "Environment: QUARRY_MALLOC_DEBUG_SO is the path of the library, if elsewhere;\n"
	      "TMPDIR the folder for report files. QUARRY_DEBUG is set for the program.\n"
	      "\n"
	      "Exit status: that of PROGRAM, or 128 + the signal that killed it; with reports 86;\n"
	      "2 wrong usage or not possible with this program (static, setuid, other machine);\n"
	      "125 the tool failed, 126 PROGRAM not executable, 127 not found.\n",
	      out);
}

/* ---- options ---- */

enum {
	OPT_ABORT = 256,
	OPT_QUARANTINE,
	OPT_RED_ZONE,
	OPT_VALIDATE,
	OPT_SLAB_DEBUG,
	OPT_OUTPUT,
	OPT_ERROR_EXITCODE,
	OPT_NO_SYMBOLS,
	OPT_QUIET,
	OPT_SUMMARY,
	OPT_WRAPPER
};

static const struct option options[] = {
	{"abort", no_argument, NULL, OPT_ABORT},
	{"quarantine", required_argument, NULL, OPT_QUARANTINE},
	{"red-zone", required_argument, NULL, OPT_RED_ZONE},
	{"validate", required_argument, NULL, OPT_VALIDATE},
	{"slab-debug", required_argument, NULL, OPT_SLAB_DEBUG},
	{"output", required_argument, NULL, OPT_OUTPUT},
	{"error-exitcode", required_argument, NULL, OPT_ERROR_EXITCODE},
	{"no-symbols", no_argument, NULL, OPT_NO_SYMBOLS},
	{"quiet", no_argument, NULL, OPT_QUIET},
	{"summary", no_argument, NULL, OPT_SUMMARY},
	{"wrapper", required_argument, NULL, OPT_WRAPPER},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static bool bad_value(const struct check *c, const char *option, const char *value,
		      const char *wanted)
{
	tool_error(c->who, "--%s=%s: %s", option, value, wanted);
	return false;
}

static bool set_error_exitcode(struct check *c, const char *value)
{
	if (!tool_parse_number(value, 0, 255, &c->error_exitcode))
		return bad_value(c, "error-exitcode", value, "a number from 0 to 255 is wanted");
	if (c->error_exitcode == SKIP_EXITCODE)
		return bad_value(c, "error-exitcode", value,
				 "test runners read 77 as \"skipped\", the bug would go unseen; "
				 "take another");
	return true;
}

/* Will the library take this item of its debug string? */
static bool is_understood(const char *item, const char *value)
{
	char *text = tool_printf("%s=%s", item, value);
	bool ok = !qy_debug_string_check(text, NULL);

	free(text);
	return ok;
}

static bool set_red_zone(struct check *c, const char *value)
{
	if (!tool_is_size(value) || !is_understood("red_zone", value))
		return bad_value(c, "red-zone", value, "8 to 4096 bytes are wanted");
	c->red_zone = value;
	return true;
}

static bool set_size(const struct check *c, const char **where, const char *option,
		     const char *value)
{
	if (!tool_is_size(value))
		return bad_value(c, option, value, "a number of bytes is wanted (K, M, G)");
	*where = value;
	return true;
}

static bool set_slab_debug(struct check *c, const char *value)
{
	/* They part the items of QUARRY_DEBUG: what follows would be taken for another option. */
	if (!*value || strpbrk(value, " \t\n:=") || !is_understood("slab_debug", value))
		return bad_value(c, "slab-debug", value,
				 "letters of FZPUT or -, then [,CACHE...][;BLOCK...] are wanted");
	c->slab_debug = value;
	return true;
}

static bool set_option(struct check *c, int option)
{
	switch (option) {
	case OPT_ABORT: c->abort = true; return true;
	case OPT_QUARANTINE: return set_size(c, &c->quarantine, "quarantine", optarg);
	case OPT_RED_ZONE: return set_red_zone(c, optarg);
	case OPT_VALIDATE:
		return tool_parse_number(optarg, 1, 1000000000, &c->validate) ||
		       bad_value(c, "validate", optarg, "a number from 1 on is wanted");
	case OPT_SLAB_DEBUG: return set_slab_debug(c, optarg);
	case OPT_OUTPUT: c->output = optarg; return true;
	case OPT_ERROR_EXITCODE: return set_error_exitcode(c, optarg);
	case OPT_NO_SYMBOLS: c->symbols = false; return true;
	case OPT_QUIET: c->quiet = true; return true;
	case OPT_SUMMARY: c->summary = true; return true;
	case OPT_WRAPPER: frame_add_wrapper(optarg); return true;
	default: fprintf(stderr, "`%s --help` tells the options.\n", c->who); return false;
	}
}

/* Return: -1 to go on, else the exit code. */
static int parse_options(struct check *c, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
		if (option == 'h') {
			usage(stdout);
			return 0;
		}
		if (!set_option(c, option))
			return TOOL_USAGE;
	}
	if (optind == argc) {
		tool_error(c->who, "no program given");
		usage(stderr);
		return TOOL_USAGE;
	}
	c->argv = argv + optind;
	return -1;
}

/* ---- environment ---- */

/* A path in QUARRY_DEBUG ends at a blank or colon, "%" begins the process id, and 255 bytes fit. */
static const char *temporary_folder(void)
{
	const char *dir = getenv("TMPDIR");
	bool fits = dir && dir[0] == '/' && !strpbrk(dir, " \t\n:%") && strlen(dir) < 200;

	return fits ? dir : "/tmp";
}

static bool make_folder(struct check *c)
{
	c->dir = tool_printf("%s/quarry-XXXXXX", temporary_folder());
	if (mkdtemp(c->dir))
		return true;
	tool_error(c->who, "cannot make the folder %s: %s", c->dir, strerror(errno));
	free(c->dir);
	c->dir = NULL;
	return false;
}

static void set_environment(const struct check *c)
{
	char *validate = c->validate ? tool_printf(" validate=%lu", c->validate) : tool_dup("");
	char *value = tool_printf("slab_debug=%s quarantine=%s red_zone=%s policy=%s%s "
				  "report=%s/report.%%p",
				  c->slab_debug, c->quarantine, c->red_zone,
				  c->abort ? "abort" : "report", validate, c->dir);

	setenv("QUARRY_DEBUG", value, 1);
	preload_set(c->preload);
	free(value);
	free(validate);
}

static bool open_output(struct check *c)
{
	if (!c->output) {
		c->out = stderr;
		return true;
	}
	c->out = fopen(c->output, "we");
	if (!c->out)
		tool_error(c->who, "cannot write to '%s': %s", c->output, strerror(errno));
	return c->out;
}

/* ---- the run ---- */

static void drain(int fd)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));

	while (read(fd, events, sizeof(events)) > 0)
		;
}

static void follow(struct child *child, struct reports *reports, int notify)
{
	while (!child->ended) {
		if (child_wait(child, notify, POLL_INTERVAL))
			drain(notify);
		reports_poll(reports);
	}
	reports_finish(reports);
}

static char *describe_end(const struct child *child)
{
	if (WIFSIGNALED(child->status))
		return tool_printf("killed by signal %d (%s)", WTERMSIG(child->status),
				   strsignal(WTERMSIG(child->status)));
	return tool_printf("exit status %d", WEXITSTATUS(child->status));
}

static void print_sums(const struct check *c, const struct child *child,
		       const struct reports *reports)
{
	uint64_t total = reports_total(reports);
	char *where = total ? reports_processes(reports) : tool_dup("");
	char *end = describe_end(child);
	char *different = total ? tool_printf(" (%u different)", reports_different(reports))
				: tool_dup("");

	if (!*where) {
		free(where);
		where = tool_printf("%s[%ld]", tool_basename(c->path), (long)child->pid);
	}
	if (c->summary)
		reports_print_table(reports, c->who, c->out);
	fflush(c->out);
	if (!c->quiet)
		fprintf(stderr, "%s: %llu report%s%s in %s; %s\n", c->who,
			(unsigned long long)total, total == 1 ? "" : "s", different, where, end);
	free(where);
	free(different);
	free(end);
}

static int exit_code(const struct check *c, const struct child *child,
		     const struct reports *reports)
{
	if (reports_total(reports) && c->error_exitcode)
		return (int)c->error_exitcode;
	if (WIFSIGNALED(child->status))
		return 128 + WTERMSIG(child->status);
	return WEXITSTATUS(child->status);
}

static int run(struct check *c)
{
	struct reports_options how = {
		.out = c->out,
		.symbols = c->symbols,
		.count_only = c->summary,
	};
	int notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK); /* without it: slower, not wrong */
	struct reports *reports = reports_new(c->dir, &how);
	struct child child;
	int code, error;

	if (notify >= 0)
		inotify_add_watch(notify, c->dir, IN_CREATE | IN_MODIFY);
	error = child_start(&child, c->path, c->argv);
	if (error) {
		tool_error(c->who, "cannot start a process: %s", strerror(-error));
		code = TOOL_FAILED;
	} else {
		follow(&child, reports, notify);
		if (child.exec_errno) {
			tool_error(c->who, "cannot execute '%s': %s", c->path,
				   strerror(child.exec_errno));
			code = child.exec_errno == ENOENT ? TOOL_NOT_FOUND : TOOL_NOT_EXECUTABLE;
		} else {
			print_sums(c, &child, reports);
			code = exit_code(c, &child, reports);
		}
	}
	reports_free(reports);
	if (notify >= 0)
		close(notify);
	return code;
}

static int prepare(struct check *c)
{
	int code;

	c->preload = preload_find(c->who, "QUARRY_MALLOC_DEBUG_SO", "libquarry-malloc-debug.so");
	if (!c->preload)
		return TOOL_FAILED;
	code = target_find(c->who, c->argv[0], &c->path);
	if (code == 0)
		code = target_check(c->who, c->path, c->preload);
	if (code == 0 && (!open_output(c) || !make_folder(c)))
		code = TOOL_FAILED;
	return code;
}

int cmd_check(int argc, char **argv)
{
	struct check c = {
		.who = argv[0],
		.symbols = true,
		.quarantine = "64M",
		.red_zone = "64",
		.slab_debug = "FZPU",
		.error_exitcode = DEFAULT_ERROR_EXITCODE,
	};
	int code = parse_options(&c, argc, argv);

	if (code >= 0)
		return code;
	code = prepare(&c);
	if (code == 0) {
		set_environment(&c);
		code = run(&c);
		rmdir(c.dir);
	}
	if (c.output && c.out && fclose(c.out) != 0) {
		tool_error(c.who, "cannot write to '%s': %s", c.output, strerror(errno));
		code = TOOL_FAILED;
	}
	free(c.dir);
	free(c.preload);
	free(c.path);
	return code;
}
