/* SPDX-License-Identifier: MIT */
/*
 * busy.c - a program whose default instance is to be read by another one: caches with constructors,
 * small and large objects, areas, page blocks, freed objects in quarantine.
 *
 *   busy quiet FILE   writes its own texts to FILE, says "ready", waits for the end of its input
 *   busy work         says "ready" and goes on allocating and freeing until it is killed
 *   busy arena FILE   as quiet, with an instance in a buffer of its own, whose place it says
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <quarry/quarry.h>

#include "texts.h"

#define OBJECTS 3000u
#define GFP (QY_GFP_KERNEL | QY_GFP_NOWARN) /* the arena has no areas */

static char buffer[48 << 20] __attribute__((aligned(4096)));
static struct qy_mm *mm;

static void construct(void *object)
{
	memset(object, 7, 48);
}

static size_t size_of(unsigned int i)
{
	if (i % 97 == 0)
		return 20000 + i * 13;
	return i % 1009 == 0 ? (size_t)9 << 20 : 1 + i * 37 % 3000;
}

/* As many allocations as frees, but for every third object. */
static void use(struct qy_cache *c, unsigned int seed)
{
	static __thread void *p[OBJECTS];

	for (unsigned int i = 0; i < OBJECTS; i++)
		p[i] = i & 1 ? qy_kvmalloc(mm, size_of(i + seed), GFP)
			     : qy_cache_alloc(c, QY_GFP_KERNEL);
	for (unsigned int i = 0; i < OBJECTS; i++) {
		if (i % 3 == 0 && !seed)
			continue;
		if (i & 1)
			qy_kvfree(mm, p[i]);
		else
			qy_cache_free(c, p[i]);
	}
}

static void *work(void *cache)
{
	struct qy_page *page;

	for (unsigned int seed = 1;; seed++) {
		use(cache, seed);
		page = qy_alloc_pages(mm, QY_GFP_KERNEL, seed % 5);
		if (page)
			qy_free_pages(mm, page, seed % 5);
	}
	return NULL;
}

static void write_texts(const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f)
		exit(2);
	print_texts(mm, f);
	fclose(f);
}

int main(int argc, char **argv)
{
	struct qy_mm_config config = QY_MM_CONFIG_INIT;
	struct qy_cache *c;
	pthread_t thread[3];
	char end;

	if (argc > 1 && !strcmp(argv[1], "arena")) {
		config.backing = QY_BACKING_ARENA;
		config.base = buffer;
		config.size = sizeof(buffer);
		config.nr_cpus = 4;
		config.cpu_provider = QY_CPU_MANUAL;
		mm = qy_mm_create(&config);
	} else {
		mm = qy_mm_default();
	}
	c = mm ? qy_cache_create(mm, "made here", 48, 0, 0, construct) : NULL;
	if (!c)
		return 2;
	use(c, 0);
	if (argc > 2)
		write_texts(argv[2]);
	else
		for (size_t i = 0; i < sizeof(thread) / sizeof(thread[0]); i++)
			pthread_create(&thread[i], NULL, work, c);
	printf("ready %p %zu\n", (void *)buffer, sizeof(buffer));
	fflush(stdout);
	if (read(STDIN_FILENO, &end, 1) < 0)
		return 2;
	return 0;
}
