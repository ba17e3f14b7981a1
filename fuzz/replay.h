/* SPDX-License-Identifier: MIT */
/* replay.h - `quarry replay`: a fuzzing input step by step, in words. */
#ifndef QY_FUZZ_REPLAY_H
#define QY_FUZZ_REPLAY_H

/*
 * quarry replay [--target page|slab|bootmem|memblock] [--plant N] [--quiet|--verbose] FILE...
 *
 * Return: 0 everything passed, 1 an input failed (a finding), 2 usage, or a file that is no input.
 */
int quarry_replay_main(int argc, char **argv);

#endif
