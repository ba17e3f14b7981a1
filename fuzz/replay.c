/* SPDX-License-Identifier: MIT */
/*
 * replay.c - `quarry replay`: run a fuzzing input and say every operation in words, with its
 * result. Where it fails: the step, the violated invariant, and the state before and after that
 * step.
 *
 * A crash of the library (signal, failed assert) is a finding like any other: it is caught, told,
 * and the next file is run. The instance is then forgotten as it lies: all its state is in the
 * arena.
 *
 * Called by tools/ (quarry replay); finds the target in targets.c and calls harness.c.
 */
#include "replay.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "../tests/harness/patience.h"
#include "targets.h"

#define STATE_BYTES 16384

static struct {
	bool quiet, verbose;
	const struct fz_target *target; /* NULL: as the file says */
	char before[STATE_BYTES], after[STATE_BYTES];
	char id[16], text[512];
	sigjmp_buf out;
} rp;

static void snapshot(char *buf)
{
	fz.target->print(buf, STATE_BYTES);
}

static void before_step(unsigned int step)
{
	(void)step;
	snapshot(rp.before);
}

static void print_step(unsigned int step)
{
	char line[512];

	fz_print_op(line, sizeof(line), &fz.in, step, &fz.log[step]);
	printf("  %s\n", line);
}

static void after_step(unsigned int step)
{
	if (!rp.quiet)
		print_step(step);
	if (rp.verbose) {
		snapshot(rp.after);
		if (strcmp(rp.before, rp.after))
			printf("%s", rp.after);
	}
}

static void failed(const char *id, const char *text)
{
	snprintf(rp.id, sizeof(rp.id), "%s", id);
	snprintf(rp.text, sizeof(rp.text), "%s", text);
	siglongjmp(rp.out, 1);
}

static void crashed(int sig)
{
	snprintf(rp.id, sizeof(rp.id), "crash");
	snprintf(rp.text, sizeof(rp.text), "%s inside the library",
		 sig == SIGABRT	  ? "abort"
		 : sig == SIGALRM ? "no end"
				  : strsignal(sig));
	siglongjmp(rp.out, 2);
}

static void catch_crashes(bool on)
{
	static const int signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGALRM};
	struct sigaction sa = {.sa_handler = on ? crashed : SIG_DFL, .sa_flags = SA_NODEFER};

	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &sa, NULL);
}

/* What failed may have left locks held, or lists that lead nowhere. */
static void try_snapshot(void)
{
	struct itimerval soon = {.it_value.tv_usec = 300000}, never = {0};

	catch_crashes(true);
	setitimer(ITIMER_REAL, &soon, NULL);
	if (!sigsetjmp(rp.out, 1))
		snapshot(rp.after);
	else
		snprintf(rp.after, sizeof(rp.after), "(cannot be read any more)\n");
	setitimer(ITIMER_REAL, &never, NULL);
	catch_crashes(false);
}

static void tell_failure(const char *path)
{
	printf("FAILED %s at %s\n", path, fz_where());
	if (!fz.starting && fz.step < fz.in.nr) {
		if (rp.quiet)
			print_step(fz.step);
		else
			printf("  ^ this step\n");
	}
	printf("violated: %s: %s\n", rp.id, rp.text);
	for (unsigned int i = 0; i < fz.nr_seen && i < 8; i++)
		printf("reported: %s: %s (%s)\n", qy_report_kind_name(fz.seen[i].kind),
		       fz.seen[i].title, fz.seen[i].cache);
	if (fz.starting || !rp.before[0])
		return;
	printf("state before the step:\n%s", rp.before);
	try_snapshot();
	printf("state after the step:\n%s", rp.after);
}

/* What the library would not survive twice is told with the last known state only. */
static int run(const char *path, const struct fz_target *target, const uint8_t *data, size_t size)
{
	struct fz_options opts = {.before = before_step, .after = after_step, .failed = failed};
	char line[512];
	int how;

	fz_prepare();
	rp.before[0] = 0;
	fz_decode(&fz.in, target->format, data, size);
	fz_print_geometry(line, sizeof(line), &fz.in);
	if (!rp.quiet)
		printf("%s\n%s\n", path, line);
	fz.starting = true;
	catch_crashes(true);
	patient_alarm(60);
	how = sigsetjmp(rp.out, 1);
	if (!how)
		fz_run(target, data, size, &opts);
	alarm(0);
	catch_crashes(false);
	if (how) {
		if (!rp.quiet && !fz.starting && fz.step < fz.in.nr)
			print_step(fz.step);
		tell_failure(path);
		return 1;
	}
	printf("%s: passed, %u operations\n", path, fz.in.nr);
	return 0;
}

/* ---- the file ---- */

/* What is taken of the file, 0 after a message; *@whole: its length. */
static size_t load(const char *path, uint8_t *buf, size_t size, size_t *whole)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f) {
		fprintf(stderr, "quarry replay: %s: %s\n", path, strerror(errno));
		return 0;
	}
	*whole = n = fread(buf, 1, size, f);
	if (n == size && fseek(f, 0, SEEK_END) == 0 && ftell(f) > 0)
		*whole = (size_t)ftell(f);
	if (ferror(f)) {
		fprintf(stderr, "quarry replay: %s: %s\n", path, strerror(errno));
		n = 0;
	} else if (!n) {
		fprintf(stderr, "quarry replay: %s: empty\n", path);
	}
	fclose(f);
	return n;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* A file that an engine put by: AFL++ (id:000000,sig:06,…), libFuzzer (crash-HASH, …). */
static bool is_engines(const char *path)
{
	static const char *const begin[] = {"id:",	"id_",	 "crash-", "oom-",
					    "timeout-", "leak-", "slow-",  "minimized-from-"};

	for (size_t i = 0; i < sizeof(begin) / sizeof(begin[0]); i++)
		if (!strncmp(base_name(path), begin[i], strlen(begin[i])))
			return true;
	return false;
}

/* The harness that a line of AFL's fuzzer_stats names: "afl_banner : afl_page". */
static const struct fz_target *target_in_line(const char *line)
{
	static const char *const prefix[] = {"afl_", "fuzz_"};
	const char *name = strrchr(line, ':');
	char word[32];

	if (!name || strncmp(line, "afl_banner", strlen("afl_banner")) ||
	    sscanf(name + 1, " %31s", word) != 1)
		return NULL;
	for (size_t i = 0; i < sizeof(prefix) / sizeof(prefix[0]); i++)
		if (!strncmp(base_name(word), prefix[i], strlen(prefix[i])))
			return fz_target_named(base_name(word) + strlen(prefix[i]));
	return NULL;
}

/* AFL++ says whose inputs are in its folders crashes, hangs and queue in a file beside them. */
static const struct fz_target *target_of_folder(const char *path)
{
	int folder = (int)(base_name(path) - path);
	const struct fz_target *target = NULL;
	char line[1024];
	FILE *f;

	snprintf(line, sizeof(line), "%.*s../fuzzer_stats", folder, path);
	f = fopen(line, "r");
	while (f && !target && fgets(line, sizeof(line), f))
		target = target_in_line(line);
	if (f)
		fclose(f);
	return target;
}

static const struct fz_target *target_of(const char *path, const uint8_t *data, size_t size)
{
	const struct fz_target *target = rp.target;

	if (!target && is_engines(path))
		target = target_of_folder(path);
	if (!target)
		target = fz_target_of_input(data, size);
	if (!target)
		fprintf(stderr,
			"quarry replay: %s: no fuzzing input: it does not begin with QP, QS, QB "
			"or QM (--target takes it for one)\n",
			path);
	return target;
}

/*
 * Is it an input at all? With --target, or as an engine's finding, anything is, as it is for the
 * fuzzers.
 */
static const struct fz_target *judge(const char *path, const uint8_t *data, size_t size)
{
	const struct fz_target *target = target_of(path, data, size);

	if (!target || rp.target || is_engines(path))
		return target;
	if (size < FZ_HEADER || (size - FZ_HEADER) % FZ_OP_BYTES) {
		fprintf(stderr,
			"quarry replay: %s: cut off: %zu bytes are no whole number of operations "
			"(--target takes it as it is)\n",
			path, size);
		return NULL;
	}
	if (!data[2] || data[2] > target->format->version) {
		fprintf(stderr, "quarry replay: %s: version %u, this program knows %u\n", path,
			data[2], target->format->version);
		return NULL;
	}
	return target;
}

/* The fuzzers leave out the same: the input does what it did there. */
static void tell_left_out(const char *path, size_t whole)
{
	size_t bytes = whole > FZ_HEADER ? whole - FZ_HEADER : 0;

	if (whole > FZ_MAX_INPUT)
		fprintf(stderr,
			"quarry replay: %s: %zu operations, only the first %d are taken, as by the "
			"fuzzers\n",
			path, (bytes + FZ_OP_BYTES - 1) / FZ_OP_BYTES, FZ_MAX_OPS);
	else if (whole < FZ_HEADER || bytes % FZ_OP_BYTES)
		fprintf(stderr,
			"quarry replay: %s: cut off: zeros stand for the missing bytes, as for the "
			"fuzzers\n",
			path);
}

static int replay_file(const char *path)
{
	static uint8_t buf[FZ_MAX_INPUT];
	const struct fz_target *target;
	size_t whole, n = load(path, buf, sizeof(buf), &whole);

	if (!n)
		return 2;
	target = judge(path, buf, n);
	if (!target)
		return 2;
	tell_left_out(path, whole);
	return run(path, target, buf, n);
}

static int usage(FILE *to)
{
	fputs("Usage: quarry replay [--target page|slab|bootmem|memblock] [--plant N]\n"
	      "                     [--quiet|--verbose] FILE...\n"
	      "\n"
	      "Repeats a fuzzer's input: every operation in words, with its result. Stops at the\n"
	      "one that fails and shows the violated invariant and the state before and after.\n"
	      "\n"
	      "  --target T   take the file as an input of this target, whatever it holds\n"
	      "               (so are files that AFL++ or libFuzzer named: id:…, crash-…)\n"
	      "  --plant N    with the planted fault N in the library (lib/util/plants.def)\n"
	      "  --quiet      only the verdict\n"
	      "  --verbose    the state after each step, too\n"
	      "\n"
	      "Exit: 0 passed, 1 failed, 2 usage or no such input.\n",
	      to);
	return to == stdout ? 0 : 2;
}

/* Options up to the first file; its index, or 0 after a message. */
static int parse(int argc, char **argv)
{
	int i = 1;

	for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
		if (!strcmp(argv[i], "--"))
			return i + 1;
		if (!strcmp(argv[i], "--quiet") || !strcmp(argv[i], "-q")) {
			rp.quiet = true;
		} else if (!strcmp(argv[i], "--verbose") || !strcmp(argv[i], "-v")) {
			rp.verbose = true;
		} else if (!strcmp(argv[i], "--target") && i + 1 < argc) {
			i++;
			rp.target = fz_target_named(argv[i]);
			if (!rp.target) {
				fprintf(stderr, "quarry replay: no target \"%s\"\n", argv[i]);
				return 0;
			}
		} else if (!strcmp(argv[i], "--plant") && i + 1 < argc) {
			if (!fz_choose_plant(argv[++i]))
				return 0;
		} else {
			fprintf(stderr, "quarry replay: unknown option %s\n", argv[i]);
			return 0;
		}
	}
	return i;
}

int quarry_replay_main(int argc, char **argv)
{
	int worst = 0, first;

	memset(&rp, 0, sizeof(rp));
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")))
		return usage(stdout);
	fz_plant_from_env();
	first = parse(argc, argv);
	if (!first || first >= argc)
		return usage(stderr);
	for (int i = first; i < argc; i++) {
		int ret = replay_file(argv[i]);

		worst = ret > worst ? ret : worst;
	}
	return worst;
}
