/* SPDX-License-Identifier: MIT */
/*
 * stress_main.c - random inputs without an engine, any compiler; and the measure of speed.
 *
 *   stress_page [--seconds S] [--inputs N] [--ops N] [--seed N] [--plant N] [--no-check]
 *               [--pages N] [--save FILE]
 *
 * Prints inputs, operations and operations per second. With --pages the header is all zeros but for
 * that number (16 … 256) and max order 10: the plainest instance. With --save the input under way
 * is written to FILE first thing at a failure. A failure aborts.
 *
 * The tests random_… of suite stress are this program; it calls harness.c and mutator.c with the
 * target that FZ_TARGET names.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mutator.h"
#include "targets.h"

static uint8_t input[FZ_MAX_INPUT];
static size_t input_size;
static const char *save_path;

static void save(void)
{
	FILE *f = save_path ? fopen(save_path, "wb") : NULL;

	if (!f)
		return;
	fwrite(input, 1, input_size, f);
	fclose(f);
	fprintf(stderr, "input written to %s\n", save_path);
}

static void failed(const char *id, const char *text)
{
	save();
	fprintf(stderr, "\nFAILED at %s: %s: %s\n", fz_where(), id, text);
	fz_print_run();
	abort();
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int usage(void)
{
	fprintf(stderr,
		"usage: stress_%s [--seconds S] [--inputs N] [--ops N] [--seed N] [--plant N] "
		"[--no-check] [--pages N] [--save FILE]\n",
		FZ_TARGET.format->name);
	return 2;
}

int main(int argc, char **argv)
{
	struct fz_options opts = {.failed = failed};
	unsigned long seconds = 10, inputs = ~0ul, ops = 200, seed = 1, done = 0, pages = 0;
	double start, end;

	fz_plant_from_env();
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--no-check")) {
			opts.no_check = true;
			continue;
		}
		if (i + 1 >= argc)
			return usage();
		if (!strcmp(argv[i], "--save"))
			save_path = argv[i + 1];
		else if (!strcmp(argv[i], "--plant"))
			fz_require_plant(argv[i + 1]);
		else if (!strcmp(argv[i], "--seconds"))
			seconds = strtoul(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--inputs"))
			inputs = strtoul(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--ops"))
			ops = strtoul(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--seed"))
			seed = strtoul(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--pages"))
			pages = strtoul(argv[i + 1], NULL, 0);
		else
			return usage();
		i++;
	}
	fz_prepare();
	start = end = now();
	for (; done < inputs && end - start < (double)seconds; done++) {
		input_size = fz_generate(FZ_TARGET.format, input, sizeof(input), (unsigned int)ops,
					 seed * 1000003 + done);
		if (pages) {
			memset(input + 3, 0, FZ_HEADER - 3);
			input[3] = (uint8_t)(pages - 16);
			input[5] = 10;
		}
		fz_run(&FZ_TARGET, input, input_size, &opts);
		end = now();
	}
	printf("%s: %lu inputs, %llu operations, %.0f operations/s\n", FZ_TARGET.format->name, done,
	       (unsigned long long)fz.operations, (double)fz.operations / (end - start));
	return 0;
}
