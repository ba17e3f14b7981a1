/* SPDX-License-Identifier: MIT */
/*
 * afl_main.c - AFL++ persistent mode with the test case in shared memory. Compile with
 * afl-clang-fast or -lto.
 *
 * A program of its own (-Dfuzz=afl) for the target that FZ_TARGET names; calls harness.c.
 */
#include <unistd.h>

#include "targets.h"

__AFL_FUZZ_INIT();

int main(void)
{
	const uint8_t *data;

	fz_plant_from_env();
	fz_prepare();
	__AFL_INIT();
	data = __AFL_FUZZ_TESTCASE_BUF;
	while (__AFL_LOOP(100000))
		fz_run(&FZ_TARGET, data, (size_t)__AFL_FUZZ_TESTCASE_LEN, NULL);
	return 0;
}
