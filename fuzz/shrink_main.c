/* SPDX-License-Identifier: MIT */
/*
 * shrink_main.c - make a failing input smaller as long as it fails with the same invariant.
 *
 *   shrink_page [--plant N] IN OUT
 *
 * Works on operations, not on bytes: ranges of operations are left out (halves first, single ones
 * last), then fields and the header's bytes are set to 0, or halved. Each attempt runs in a child,
 * so crashes count too.
 *
 * Called by people and by tests/mutate/find_plants.sh; calls harness.c with the target that
 * FZ_TARGET names.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../tests/harness/patience.h"
#include "targets.h"

static uint8_t best[FZ_MAX_INPUT], trial[FZ_MAX_INPUT];
static size_t best_size;
static char verdict[16]; /* how the input fails */
static unsigned int attempts;
static int child_pipe;

static void child_failed(const char *id, const char *text)
{
	(void)text;
	if (write(child_pipe, id, strlen(id)) < 0)
		_exit(3);
	_exit(1);
}

/* How does it fail? "" if it does not, "crash" for a signal. */
static void run_child(const uint8_t *data, size_t size, char id[16])
{
	struct fz_options opts = {.failed = child_failed};
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	attempts++;
	memset(id, 0, 16);
	if (pipe(fds) || (pid = fork()) < 0) {
		perror("shrink");
		exit(2);
	}
	if (!pid) {
		close(fds[0]);
		child_pipe = fds[1];
		patient_limits(10);
		if (!freopen("/dev/null", "w", stderr))
			_exit(0);
		fz_run(&FZ_TARGET, data, size, &opts);
		_exit(0);
	}
	close(fds[1]);
	n = read(fds[0], id, 15);
	close(fds[0]);
	if (waitpid(pid, &status, 0) != pid)
		exit(2);
	if (n <= 0 && (!WIFEXITED(status) || WEXITSTATUS(status)))
		strcpy(id, "crash");
}

/* Keep the trial if it still fails in the same way. */
static bool keep(size_t size)
{
	char id[16];

	run_child(trial, size, id);
	if (strcmp(id, verdict))
		return false;
	memcpy(best, trial, size);
	best_size = size;
	return true;
}

static size_t nr_ops(void)
{
	return (best_size - FZ_HEADER) / FZ_OP_BYTES;
}

static bool leave_out(size_t at, size_t n)
{
	size_t from = FZ_HEADER + at * FZ_OP_BYTES, to = from + n * FZ_OP_BYTES;

	memcpy(trial, best, from);
	memcpy(trial + from, best + to, best_size - to);
	return keep(best_size - (to - from));
}

static void shorten(void)
{
	for (size_t n = nr_ops() / 2; n; n /= 2) {
		for (size_t at = 0; at + n <= nr_ops();) {
			if (!leave_out(at, n))
				at += n;
		}
	}
}

/* @bytes bytes at @at as a number: 0, or half of it. */
static void lower(size_t at, size_t bytes)
{
	for (unsigned int way = 0; way < 2; way++) {
		uint16_t v = 0;

		memcpy(&v, best + at, bytes);
		if (!v)
			return;
		v = way ? v / 2 : 0;
		memcpy(trial, best, best_size);
		memcpy(trial + at, &v, bytes);
		keep(best_size);
	}
}

static void simplify(void)
{
	for (size_t i = 3; i < FZ_HEADER; i++)
		lower(i, 1);
	for (size_t at = FZ_HEADER; at + FZ_OP_BYTES <= best_size; at += FZ_OP_BYTES) {
		lower(at + 1, 1);
		lower(at + 2, 2);
		lower(at + 4, 2);
		lower(at + 6, 2);
	}
}

static void write_out(const char *path)
{
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(best, 1, best_size, f) != best_size || fclose(f)) {
		perror(path);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	size_t before;
	FILE *f;

	if (argc == 5 && !strcmp(argv[1], "--plant")) {
		fz_require_plant(argv[2]);
		argv += 2;
	} else if (argc != 3) {
		fprintf(stderr, "usage: shrink_%s [--plant N] IN OUT\n", FZ_TARGET.format->name);
		return 2;
	}
	f = fopen(argv[1], "rb");
	if (!f) {
		perror(argv[1]);
		return 2;
	}
	best_size = fread(trial, 1, sizeof(trial), f);
	fclose(f);
	fz_prepare();
	/* Whole operations, and the magic that says whose input it is. */
	fz_decode(&fz.in, FZ_TARGET.format, trial, best_size);
	memcpy(best, trial, FZ_HEADER);
	best_size = fz_encode(best, sizeof(best), FZ_TARGET.format, trial, fz.in.ops, fz.in.nr);
	run_child(best, best_size, verdict);
	if (!verdict[0]) {
		fprintf(stderr, "%s: does not fail\n", argv[1]);
		return 1;
	}
	before = nr_ops();
	for (size_t last = 0; last != best_size;) {
		last = best_size;
		shorten();
		simplify();
	}
	write_out(argv[2]);
	printf("%s: %s, %zu → %zu operations in %u attempts\n", argv[2], verdict, before, nr_ops(),
	       attempts);
	return 0;
}
