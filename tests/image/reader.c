/* SPDX-License-Identifier: MIT */
/*
 * reader.c - reads an instance of another program out of a file.
 *
 *   reader FILE   FILE: see image.py. Prints "violations N" and the texts.
 *
 * Exit code: 0; 3: this program has something at those addresses itself; 4: no instance; 2: FILE.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <quarry/quarry.h>

#include "texts.h"

struct head {
	uint64_t mm, start, size, nr;
};
struct chunk {
	uint64_t start, size;
};

static void must_read(void *to, size_t len, FILE *f)
{
	if (len && fread(to, len, 1, f) != 1)
		exit(2);
}

/* All of the span is there, but what was not copied reads as zero. */
static void map_span(const struct head *h)
{
	void *at = (void *)(uintptr_t)h->start;

	if (mmap(at, h->size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0) != at)
		exit(3);
}

int main(int argc, char **argv)
{
	FILE *f = argc > 1 ? fopen(argv[1], "rb") : NULL;
	struct qy_check_result result = {.struct_size = sizeof(result)};
	struct chunk *chunk;
	struct qy_mm *mm;
	struct head h;
	int err;

	if (!f)
		return 2;
	must_read(&h, sizeof(h), f);
	chunk = calloc(h.nr + 1, sizeof(*chunk));
	if (!chunk)
		return 2;
	must_read(chunk, h.nr * sizeof(*chunk), f);
	map_span(&h);
	for (uint64_t i = 0; i < h.nr; i++)
		must_read((void *)(uintptr_t)chunk[i].start, chunk[i].size, f);
	mm = (struct qy_mm *)(uintptr_t)h.mm;
	err = qy_image_open(mm);
	if (err) {
		printf("refused: %d\n", err);
		return 4;
	}
	qy_check(mm, QY_CHECK_ALL, &result);
	printf("violations %u of %llu\n", result.nr, (unsigned long long)result.assertions);
	for (unsigned int i = 0; i < result.nr && i < QY_CHECK_MAX; i++)
		printf("  %s %s\n", result.v[i].id, result.v[i].text);
	print_texts(mm, stdout);
	return 0;
}
