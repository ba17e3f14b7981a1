/* SPDX-License-Identifier: MIT */
/*
 * replay_main.c - run the files given, any compiler, no engine: each file is a test.
 *
 *   replay_page [--plant N] [--fails] FILE|FOLDER…
 *
 * --fails: every file must fail (crash or verdict); each is run in a child. Ends with a line of
 * figures. Exit: 0 as expected, 1 not, 2 usage. A verdict without --fails aborts, so that no exit
 * code is mistaken for a skipped test.
 *
 * The tests of suite corpora, and tests/mutate/planted.sh, are this program; it calls harness.c
 * with the target that FZ_TARGET names.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../tests/harness/patience.h"
#include "targets.h"

static struct {
	bool fails;
	unsigned int files, wrong;
} state;

static size_t read_file(const char *path, uint8_t *buf, size_t size)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f) {
		perror(path);
		exit(2);
	}
	n = fread(buf, 1, size, f);
	fclose(f);
	return n;
}

/* Does it fail? Seen from outside, in a child. */
static bool fails_in_child(const uint8_t *data, size_t size)
{
	int status;
	pid_t pid = fork();

	if (pid < 0) {
		perror("fork");
		exit(2);
	}
	if (!pid) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(0);
		patient_limits(20);
		fz_run(&FZ_TARGET, data, size, NULL);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		exit(2);
	return !WIFEXITED(status) || WEXITSTATUS(status);
}

static void run_file(const char *path)
{
	static uint8_t buf[FZ_MAX_INPUT];
	size_t n = read_file(path, buf, sizeof(buf));

	state.files++;
	if (!state.fails) {
		fz_run(&FZ_TARGET, buf, n, NULL);
		return;
	}
	if (!fails_in_child(buf, n)) {
		printf("%s: passes, but must fail\n", path);
		state.wrong++;
	}
}

static void run_path(const char *path)
{
	struct stat st;
	DIR *dir;
	struct dirent *e;

	if (stat(path, &st)) {
		perror(path);
		exit(2);
	}
	if (!S_ISDIR(st.st_mode)) {
		run_file(path);
		return;
	}
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		char sub[4096];

		if (e->d_name[0] == '.')
			continue;
		snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name);
		run_path(sub);
	}
	if (dir)
		closedir(dir);
}

int main(int argc, char **argv)
{
	int i = 1;

	fz_plant_from_env();
	for (; i < argc && !strncmp(argv[i], "--", 2); i++) {
		if (!strcmp(argv[i], "--plant") && i + 1 < argc)
			fz_require_plant(argv[++i]);
		else if (!strcmp(argv[i], "--fails"))
			state.fails = true;
		else
			argc = 0;
	}
	if (i >= argc) {
		fprintf(stderr, "usage: replay_%s [--plant N] [--fails] FILE|FOLDER...\n",
			FZ_TARGET.format->name);
		return 2;
	}
	for (; i < argc; i++)
		run_path(argv[i]);
	printf("%s: %u files, %llu operations, %u not as expected\n", FZ_TARGET.format->name,
	       state.files, (unsigned long long)fz.operations, state.wrong);
	if (!state.files) {
		fprintf(stderr, "no files\n");
		return 2;
	}
	return state.wrong != 0;
}
