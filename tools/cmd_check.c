/* SPDX-License-Identifier: MIT */
/*
 * cmd_check.c - `quarry check`: the program on the checking malloc, its reports told in words.
 *
 *   options → library and program found, refused if a preload cannot work → folder for the reports
 *   → environment → program started → reports printed as they come → who goes on → sums, who was
 *   not checked, exit code
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <quarry/debug.h>

#include "channel.h"
#include "child.h"
#include "frame.h"
#include "reports.h"
#include "tool.h"
#include "watch.h"

#define DEFAULT_ERROR_EXITCODE 86
#define SKIP_EXITCODE 77   /* "skipped" to automake, meson and others */
#define POLL_INTERVAL 1000 /* ms; inotify and the channel wake earlier */
#define MESSAGES_AT_ONCE 64
#define WAIT_INTERVAL 200 /* ms between looks at the processes that go on */

struct check {
	const char *who;
	bool symbols, quiet, summary, wait;
	struct debug_items items;
	const char *output;
	unsigned long error_exitcode;
	char **argv; /* of the program */
	char *preload, *path;
	char *dir; /* for the report files */
	FILE *out; /* the reports' readers */
	struct channel channel;
	ino_t channel_inode;
	int channel_number; /* in the program */
	int notify;	    /* inotify on the folder; without it: slower, not wrong */
	struct child child;
	struct reports *reports;
	struct watch *watch;
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
	      "  --wait               wait for processes that outlive PROGRAM, too\n"
	      "  --help               this text\n"
	      "\n"
	      "A report is printed once. Others of its kind whose object was allocated, freed and\n"
	      "found at the same places of the program are counted, those of children too.\n"
	      "\n"
	      "Programs that the library cannot check (static, setuid, with a malloc of their\n"
	      "own, started without LD_PRELOAD) are named at the end.\n"
	      "\n"
	      "Environment: QUARRY_MALLOC_DEBUG_SO is the path of the library, if elsewhere;\n"
	      "TMPDIR the folder for report files. Items of QUARRY_DEBUG hold where no option\n"
	      "says otherwise.\n"
	      "\n"
	      "Exit status: that of PROGRAM, or 128 + the signal that killed it; with reports 86;\n"
	      "2 wrong usage, or nothing was checked (static, setuid, other machine, own malloc);\n"
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
	OPT_WAIT,
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
	{"wait", no_argument, NULL, OPT_WAIT},
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
	c->items.red_zone = value;
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
	c->items.slab_debug = value;
	return true;
}

static bool set_validate(struct check *c, const char *value)
{
	unsigned long n;

	if (!tool_parse_number(value, 1, 1000000000, &n))
		return bad_value(c, "validate", value, "a number from 1 on is wanted");
	c->items.validate = value;
	return true;
}

static bool set_option(struct check *c, int option)
{
	switch (option) {
	case OPT_ABORT: c->items.policy = "abort"; return true;
	case OPT_QUARANTINE: return set_size(c, &c->items.quarantine, "quarantine", optarg);
	case OPT_RED_ZONE: return set_red_zone(c, optarg);
	case OPT_VALIDATE: return set_validate(c, optarg);
	case OPT_SLAB_DEBUG: return set_slab_debug(c, optarg);
	case OPT_OUTPUT: c->output = optarg; return true;
	case OPT_ERROR_EXITCODE: return set_error_exitcode(c, optarg);
	case OPT_NO_SYMBOLS: c->symbols = false; return true;
	case OPT_QUIET: c->quiet = true; return true;
	case OPT_SUMMARY: c->summary = true; return true;
	case OPT_WAIT: c->wait = true; return true;
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
	if (mkdtemp(c->dir)) {
		cleanup_folder(c->dir);
		return true;
	}
	tool_error(c->who, "cannot make the folder %s: %s", c->dir, strerror(errno));
	free(c->dir);
	c->dir = NULL;
	return false;
}

/* What the environment of this run's processes holds, and no other. */
static char *mark(const struct check *c)
{
	return tool_printf("report=%s/report.%%p", c->dir);
}

static void set_environment(struct check *c)
{
	char *ours = mark(c), *value;

	if (channel_open(&c->channel)) {
		char *with = tool_printf("channel=%d.%lu %s", c->channel.send_fd,
					 (unsigned long)c->channel.inode, ours);

		free(ours);
		ours = with;
	}
	c->channel_number = c->channel.send_fd;
	c->channel_inode = c->channel.inode;
	value = debug_string(c->who, &c->items, getenv("QUARRY_DEBUG"), ours);
	setenv("QUARRY_DEBUG", value, 1);
	preload_set(c->preload);
	free(ours);
	free(value);
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

static void announced(void *ctx, long pid, const char *line)
{
	struct check *c = ctx;

	watch_line(c->watch, pid, line);
}

static void take(void *ctx, long pid, const char *text, size_t len)
{
	struct check *c = ctx;

	reports_take(c->reports, pid, text, len);
}

/* The messages that are there; at most @most. false: some are left. */
static bool take_messages(struct check *c, unsigned int most)
{
	for (unsigned int i = 0; i < most; i++) {
		channel_drain(&c->channel);
		if (!channel_next(&c->channel, take, c))
			return true;
	}
	return false;
}

static void poll_all(struct check *c)
{
	take_messages(c, UINT_MAX);
	reports_poll(c->reports);
}

/* Until the program ends, or @timeout ms: the files are looked at when they changed, or then. */
static void wait_and_poll(struct check *c, int timeout)
{
	const int fds[2] = {channel_wanted(&c->channel), c->notify};
	unsigned int ready = child_wait(&c->child, fds, c->channel.first ? 0 : timeout);

	take_messages(c, MESSAGES_AT_ONCE);
	if (ready & 2)
		drain(c->notify);
	if (ready != 1)
		reports_poll(c->reports);
	fflush(c->out);
}

static char *living(const struct check *c)
{
	char *text = mark(c), *names;
	unsigned int nr;

	names = processes_living(text, c->channel_number, (unsigned long)c->channel_inode, &nr);
	free(text);
	if (nr && !c->wait && !c->quiet)
		fprintf(stderr, "%s: process%s %s%s: reports are not waited for (--wait)\n", c->who,
			nr == 1 ? "" : "es", names, nr == 1 ? " goes on" : " go on");
	return names;
}

/* The program to its end, then those that outlive it. */
static void follow(struct check *c)
{
	char *names;

	while (!c->child.ended)
		wait_and_poll(c, POLL_INTERVAL);
	poll_all(c);
	while ((names = living(c)) && c->wait) {
		free(names);
		wait_and_poll(c, WAIT_INTERVAL);
	}
	free(names);
	poll_all(c);
	reports_finish(c->reports);
}

static char *describe_end(const struct child *child)
{
	if (WIFSIGNALED(child->status))
		return tool_printf("killed by signal %d (%s)", WTERMSIG(child->status),
				   strsignal(WTERMSIG(child->status)));
	return tool_printf("exit status %d", WEXITSTATUS(child->status));
}

/* "prog[123]": the processes that reported, or the program. */
static char *describe_where(const struct check *c, uint64_t total)
{
	char *where = total ? reports_processes(c->reports) : tool_dup("");

	if (*where)
		return where;
	free(where);
	return tool_printf("%s[%ld]", tool_basename(c->path), (long)c->child.pid);
}

/* How many, of how many kinds, where; nothing was found where nothing was checked. */
static char *describe_reports(const struct check *c)
{
	uint64_t total = reports_total(c->reports);
	char *where = describe_where(c, total), *text;
	unsigned int watched = watch_nr_watched(c->watch);

	if (total)
		text = tool_printf("%llu report%s (%u different) in %s", (unsigned long long)total,
				   total == 1 ? "" : "s", reports_different(c->reports), where);
	else if (!watched)
		text = tool_dup("nothing was checked");
	else if (watch_is_watched(c->watch, c->child.pid))
		text = tool_printf("0 reports in %s", where);
	else
		text = tool_printf("0 reports in %u other process%s", watched,
				   watched == 1 ? "" : "es");
	free(where);
	return text;
}

static void print_sums(const struct check *c)
{
	bool silent = c->quiet && watch_nr_watched(c->watch);
	char *unchecked = watch_unchecked(c->watch, c->who, silent ? NULL : stderr);
	char *found = describe_reports(c), *end = describe_end(&c->child);

	if (c->summary)
		reports_print_table(c->reports, c->who, c->out);
	fflush(c->out);
	if (!silent)
		fprintf(stderr, "%s: %s; %s%s%s\n", c->who, found, end,
			unchecked ? "; not checked: " : "", unchecked ? unchecked : "");
	free(unchecked);
	free(found);
	free(end);
}

static int exit_code(const struct check *c)
{
	if (reports_total(c->reports) && c->error_exitcode)
		return (int)c->error_exitcode;
	if (!reports_total(c->reports) && !watch_nr_watched(c->watch))
		return TOOL_USAGE;
	if (WIFSIGNALED(c->child.status))
		return 128 + WTERMSIG(c->child.status);
	return WEXITSTATUS(c->child.status);
}

static bool is_broken_pipe(int fd)
{
	struct pollfd polled = {.fd = fd, .events = POLLOUT};

	return poll(&polled, 1, 0) == 1 && (polled.revents & POLLERR);
}

static int follow_and_sum_up(struct check *c)
{
	channel_handed_over(&c->channel);
	if (c->child.exec_errno) {
		tool_error(c->who, "cannot execute '%s': %s", c->path,
			   strerror(c->child.exec_errno));
		return c->child.exec_errno == ENOENT ? TOOL_NOT_FOUND : TOOL_NOT_EXECUTABLE;
	}
	watch_expect(c->watch, c->child.pid, c->path);
	follow(c);
	print_sums(c);
	if (ferror(c->out) && is_broken_pipe(fileno(c->out)))
		raise(SIGPIPE); /* the reader went away while the program ran */
	return exit_code(c);
}

static int run(struct check *c)
{
	struct reports_options how = {
		.out = c->out,
		.symbols = c->symbols,
		.count_only = c->summary,
		.announced = announced,
		.ctx = c,
	};
	int code = TOOL_FAILED, error;

	c->notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	c->reports = reports_new(c->dir, &how);
	c->watch = watch_new(c->preload);
	if (c->notify >= 0)
		inotify_add_watch(c->notify, c->dir, IN_CREATE | IN_MODIFY);
	error = child_start(&c->child, c->path, c->argv);
	if (error)
		tool_error(c->who, "cannot start a process: %s", strerror(-error));
	else
		code = follow_and_sum_up(c);
	reports_free(c->reports);
	watch_free(c->watch);
	channel_close(&c->channel);
	if (c->notify >= 0)
		close(c->notify);
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
	if (code == 0 && !open_output(c))
		code = TOOL_FAILED;
	if (code == 0) {
		child_prepare(&c->child);
		if (!make_folder(c))
			code = TOOL_FAILED;
	}
	return code;
}

int cmd_check(int argc, char **argv)
{
	struct check c = {
		.who = argv[0],
		.symbols = true,
		.error_exitcode = DEFAULT_ERROR_EXITCODE,
	};
	int code = parse_options(&c, argc, argv);

	if (code >= 0)
		return code;
	code = prepare(&c);
	if (code == 0) {
		set_environment(&c);
		code = run(&c);
		cleanup_now();
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
