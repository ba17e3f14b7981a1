/* SPDX-License-Identifier: MIT */
/*
 * test_validate.c - the heap is looked at, again and again, while threads allocate, resize and free
 * objects of every kind: nothing may be reported. This is what happens when a process ends and its
 * threads do not.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "check.h"

#define SECONDS 6 /* of the processor's time, of all threads: others may be busy, too */
#define LEAST_ROUNDS 10

static atomic_bool stop;

static time_t processor_seconds(void)
{
	struct timespec ts;

	CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) == 0);
	return ts.tv_sec;
}

static void *traffic(void *arg)
{
	static const size_t sizes[] = {100,	30000, 3000,  70000, 300000,
				       5000000, 12000, 20000, 1,     9000};
	unsigned int n = (unsigned int)(uintptr_t)arg;

	while (!stop) {
		size_t size = opaque(sizes[n++ % 10]);
		char *p = malloc(size);

		CHECK(p != NULL);
		p[0] = p[size - 1] = 1;
		if (n % 3 == 0) {
			p = realloc(p, size + 5000);
			CHECK(p && p[0] == 1 && p[size - 1] == 1);
		}
		free(p);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	void *(*default_mm)(void);
	unsigned int (*validate)(void *mm);
	unsigned int rounds = 0;
	pthread_t t[3];

	require_drop_in(argc, argv);
	*(void **)&default_mm = dlsym(RTLD_DEFAULT, "qy_mm_default");
	*(void **)&validate = dlsym(RTLD_DEFAULT, "qy_validate");
	CHECK(default_mm && validate);
	for (uintptr_t i = 0; i < 3; i++)
		CHECK(pthread_create(&t[i], NULL, traffic, (void *)(3 * i)) == 0);
	while (rounds < LEAST_ROUNDS || processor_seconds() < SECONDS) {
		CHECK(validate(default_mm()) == 0);
		rounds++;
	}
	stop = true;
	for (unsigned int i = 0; i < 3; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	puts("validation holds");
	return 0;
}
