/* SPDX-License-Identifier: MIT */
/*
 * fuzz_main.c - libFuzzer's entry points for the target that FZ_TARGET names.
 *
 * Besides edges the engine is fed with the state: extra counters say which bucket each length of a
 * list is in. The planted fault comes from the environment: QUARRY_PLANT=N.
 *
 * Called by the engine; calls harness.c and mutator.c. Also built by .clusterfuzzlite/build.sh.
 */
#include <string.h>

#include "mutator.h"
#include "targets.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
				 uint8_t *out, size_t max, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

__attribute__((section("__libfuzzer_extra_counters"), used)) static uint8_t counters[FZ_FEEDBACK];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fz_plant_from_env();
	fz_prepare();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	memset(fz.feedback, 0, sizeof(fz.feedback));
	fz_run(&FZ_TARGET, data, size, NULL);
	memcpy(counters, fz.feedback, sizeof(counters));
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	/* Something new altogether now and then, and as long as there is little to change. */
	if (seed % 32 == 1 || size < FZ_HEADER + 4 * FZ_OP_BYTES)
		return fz_generate(FZ_TARGET.format, data, max, 16 + seed / 32 % 128, seed);
	if (seed % 8 == 0)
		return LLVMFuzzerMutate(data, size, max);
	return fz_mutate(FZ_TARGET.format, data, size, max, seed);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
				 uint8_t *out, size_t max, unsigned int seed)
{
	return fz_splice(FZ_TARGET.format, a, a_size, b, b_size, out, max, seed);
}
