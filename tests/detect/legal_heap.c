/* SPDX-License-Identifier: MIT */
/*
 * legal_heap.c - the memory calls themselves: whole objects used, every alignment, realloc in all
 * directions, impossible requests, threads, fork.
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "legal.h"
#include "sizes.h"

static void usable_size_is_usable(void)
{
	for (size_t i = 0; i < nr_sizes; i++) {
		char *p = malloc(sizes[i]);
		size_t usable = malloc_usable_size(p);

		CHECK(p && usable >= sizes[i]);
		fill(p, usable, 1);
		CHECK(holds(p, usable, 1));
		p = realloc(p, usable);
		CHECK(p && holds(p, usable, 1));
		free(p);
	}
	CHECK(malloc_usable_size(NULL) == 0);
}

static void use_aligned(void *p, size_t align, size_t size)
{
	CHECK(p && (uintptr_t)p % align == 0);
	fill(p, size, 2);
	p = realloc(p, size / 2 + 1);
	CHECK(p && holds(p, size / 2, 2));
	p = realloc(p, size * 2 + align);
	CHECK(p && holds(p, size / 2, 2));
	fill(p, size * 2 + align, 3);
	free(p);
}

static void all_alignments(void)
{
	for (size_t align = 8; align <= 65536; align *= 2)
		for (size_t i = 0; i < nr_sizes; i += 1 + i / 6) {
			size_t size = sizes[i];
			void *p = NULL;

			CHECK(posix_memalign(&p, align, size) == 0);
			use_aligned(p, align, size);
			use_aligned(aligned_alloc(align, size), align, size);
			use_aligned(memalign(align, size), align, size);
		}
	use_aligned(valloc(100), 4096, 100);
	use_aligned(pvalloc(100), 4096, 4096);
	for (size_t align = 1 << 17; align <= 16 << 20; align *= 2)
		use_aligned(aligned_alloc(align, 3000), align, 3000);
}

static void realloc_everywhere(void)
{
	static const size_t size[] = {
		1,     7,      16,     17,     48,     100,	128,	 129,	  500,
		1024,  2000,   4096,   4097,   8192,   8193,	12000,	 16384,	  40000,
		65536, 100000, 131072, 262144, 300000, 1000000, 4194304, 5000000,
	};

	for (size_t i = 0; i < NR(size); i++)
		for (size_t j = 0; j < NR(size); j++) {
			size_t both = size[i] < size[j] ? size[i] : size[j];
			unsigned char *p = malloc(size[i]);

			fill(p, size[i], 4);
			p = realloc(p, size[j]);
			CHECK(p && holds(p, both, 4));
			fill(p, size[j], 5);
			p = reallocarray(p, size[i], 1);
			CHECK(p && holds(p, both, 5));
			free(p);
		}
}

static void realloc_step_by_step(void)
{
	char *p = NULL, *q = NULL;

	for (size_t n = 1; n < 3000; n++) {
		p = realloc(p, n);
		CHECK(p && holds(p, n - 1, 6));
		p[n - 1] = (char)pattern(n - 1, 6);
	}
	for (size_t n = 3000; n < 10000000; n += n / 2) {
		q = realloc(q, n);
		CHECK(q);
		memset(q, 1, n);
	}
	for (size_t n = 2999; n > 0; n--) {
		p = realloc(p, n);
		CHECK(p && holds(p, n, 6));
	}
	CHECK(realloc(p, 0) == NULL);
	free(q);
}

static void zero_sizes(void)
{
	void *p[200];

	for (int i = 0; i < 200; i++) {
		p[i] = i % 3 ? malloc(0) : i % 2 ? calloc(0, 5) : realloc(NULL, 0);
		CHECK(p[i] != NULL);
		for (int j = 0; j < i; j++)
			CHECK(p[i] != p[j]);
	}
	for (int i = 0; i < 200; i++)
		p[i] = realloc(p[i], 10);
	for (int i = 0; i < 200; i++)
		free(p[i]);
	free(NULL);
}

static void calloc_is_zero(void)
{
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < nr_sizes; i += 1 + i / 20) {
			unsigned char *p = calloc(1, sizes[i]);

			for (size_t j = 0; j < sizes[i]; j++)
				CHECK(p[j] == 0);
			memset(p, 0xff, sizes[i]);
			free(p);
		}
}

static void impossible_requests(void)
{
	static const size_t no[] = {
		SIZE_MAX,
		SIZE_MAX - 1,
		SIZE_MAX - 64,
		SIZE_MAX - 4096,
		SIZE_MAX / 2 + 1,
		(size_t)PTRDIFF_MAX,
		(size_t)PTRDIFF_MAX - 4096,
		(size_t)1 << 60,
		(size_t)1 << 48,
	};
	char *kept = malloc(100);
	void *p;

	fill(kept, 100, 7);
	for (size_t i = 0; i < NR(no); i++) {
		size_t n = opaque(no[i]);

		errno = 0;
		CHECK(malloc(n) == NULL && errno == ENOMEM);
		CHECK(calloc(n, 1) == NULL && calloc(1, n) == NULL && calloc(n, n) == NULL);
		CHECK(realloc(kept, n) == NULL && holds(kept, 100, 7));
		CHECK(reallocarray(kept, n, 8) == NULL && holds(kept, 100, 7));
		CHECK(aligned_alloc(64, n) == NULL && memalign(4096, n) == NULL);
		CHECK(posix_memalign(&p, 64, n) == ENOMEM);
		CHECK(valloc(n) == NULL && pvalloc(n) == NULL);
	}
	CHECK(calloc(opaque(SIZE_MAX / 16 + 1), 16) == NULL);
	CHECK(reallocarray(kept, opaque(SIZE_MAX / 16 + 2), 16) == NULL);
	CHECK(posix_memalign(&p, 3, 8) == EINVAL && posix_memalign(&p, 4, 8) == EINVAL);
	CHECK(holds(kept, 100, 7));
	free(kept);
}

static void huge_objects(void)
{
	for (size_t size = 3 << 20; size <= 256 << 20; size = size * 2 + 12345) {
		char *p = malloc(size), *q = calloc(size / 4096, 4096);

		CHECK(p && q);
		p[0] = p[size - 1] = 1;
		CHECK(q[0] == 0 && q[size / 4096 * 4096 - 1] == 0);
		p = realloc(p, size + size / 2);
		CHECK(p && p[0] == 1 && p[size - 1] == 1);
		p[size + size / 2 - 1] = 1;
		p = realloc(p, 100);
		CHECK(p && p[0] == 1);
		free(p);
		free(q);
	}
}

/* ---- threads ---- */

static void *slots[512];

static void *churn(void *arg)
{
	unsigned int x = (unsigned int)(uintptr_t)arg * 2654435761u + 1;

	for (int i = 0; i < 6000; i++) {
		x = x * 1664525 + 1013904223;
		size_t size = x >> 8 & 7 ? 1 + (x >> 16) % 600 : 1 + (x >> 12) % 60000;
		char *p = x & 1 ? malloc(size) : calloc(1, size);

		p[0] = p[size - 1] = (char)x;
		if ((x & 30) == 2)
			p = realloc(p, size * 2);
		/* Whoever finds it frees it. */
		free(__atomic_exchange_n(&slots[x >> 20 & 511], p, __ATOMIC_ACQ_REL));
	}
	return NULL;
}

static void free_slots(void)
{
	for (size_t i = 0; i < NR(slots); i++)
		free(__atomic_exchange_n(&slots[i], NULL, __ATOMIC_ACQ_REL));
}

static void threads_free_each_others_objects(void)
{
	pthread_t thread[6];

	for (size_t i = 0; i < NR(thread); i++)
		CHECK(pthread_create(&thread[i], NULL, churn, (void *)i) == 0);
	for (size_t i = 0; i < NR(thread); i++)
		pthread_join(thread[i], NULL);
	free_slots();
}

static pthread_key_t key;

static void *short_life(void *arg)
{
	pthread_setspecific(key, malloc(100));
	return strdup(arg);
}

static void threads_come_and_go(void)
{
	CHECK(pthread_key_create(&key, free) == 0);
	for (int i = 0; i < 300; i++) {
		pthread_t thread[4];
		void *text;

		for (size_t j = 0; j < NR(thread); j++)
			CHECK(pthread_create(&thread[j], NULL, short_life, (void *)"text") == 0);
		for (size_t j = 0; j < NR(thread); j++) {
			pthread_join(thread[j], &text);
			CHECK(!strcmp(text, "text"));
			free(text);
		}
	}
}

/* ---- fork ---- */

static void wait_for(pid_t pid)
{
	int status = -1;

	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void fork_and_use_the_heap(int depth)
{
	void *of_parent[50];

	for (int i = 0; i < 50; i++)
		of_parent[i] = malloc((size_t)i * 300 + 1);
	for (int i = 0; i < 3; i++) {
		pid_t pid = fork();

		if (pid)
			continue;
		for (int j = 0; j < 50; j++)
			of_parent[j] = realloc(of_parent[j], (size_t)j * 200 + 10);
		for (int j = 0; j < 50; j++)
			free(of_parent[j]);
		if (depth)
			fork_and_use_the_heap(depth - 1);
		if (i & 1)
			_exit(0);
		fclose(stdout);
		exit(0);
	}
	for (int i = 0; i < 3; i++) {
		int status;

		CHECK(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	for (int i = 0; i < 50; i++)
		free(of_parent[i]);
}

static void fork_in_fork(void)
{
	fork_and_use_the_heap(2);
}

static int stop;

static void *churn_until_stop(void *arg)
{
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
		churn(arg);
	return NULL;
}

static void fork_beside_threads(void)
{
	pthread_t thread[3];

	for (size_t i = 0; i < NR(thread); i++)
		CHECK(pthread_create(&thread[i], NULL, churn_until_stop, (void *)i) == 0);
	for (int i = 0; i < 25; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			for (int j = 0; j < 500; j++)
				free(malloc((size_t)j * 37 + 1));
			free_slots();
			_exit(0);
		}
		wait_for(pid);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	for (size_t i = 0; i < NR(thread); i++)
		pthread_join(thread[i], NULL);
	free_slots();
}

static void vfork_and_exec(void)
{
	for (int i = 0; i < 20; i++) {
		void *p = malloc(1000);
		pid_t pid = vfork();

		if (pid == 0) {
			execl("/bin/true", "true", (char *)NULL);
			_exit(1);
		}
		wait_for(pid);
		free(p);
	}
}

/* ---- signals ---- */

static volatile sig_atomic_t ticks;
static char *volatile touched;

/* Legal in a handler: memory that is there may be used, none asked for. */
static void tick(int sig)
{
	(void)sig;
	ticks++;
	if (touched)
		touched[ticks % 100] = (char)ticks;
}

static void signals_beside_malloc(void)
{
	struct itimerval every = {.it_interval = {.tv_usec = 500}, .it_value = {.tv_usec = 500}};
	struct sigaction action = {.sa_handler = tick, .sa_flags = SA_RESTART | SA_ONSTACK};
	stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};

	CHECK(sigaltstack(&stack, NULL) == 0);
	touched = malloc(100);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	for (int i = 0; ticks < 100 && i < 1000000; i++)
		free(realloc(malloc((size_t)i % 3000), (size_t)i % 1000 + 1));
	every = (struct itimerval){.it_value = {.tv_sec = 0}};
	setitimer(ITIMER_REAL, &every, NULL);
	stack.ss_flags = SS_DISABLE;
	sigaltstack(&stack, NULL);
	free(touched);
	free(stack.ss_sp);
}

static void never_freed(void)
{
	for (size_t i = 0; i < nr_sizes; i++)
		fill(malloc(sizes[i]), sizes[i], 8);
}

static void end_at_once(void)
{
	fill(malloc(1000), 1000, 9);
	printf("ends at once\n");
	fflush(stdout);
	_exit(0);
}

static void end_quickly(void)
{
	fill(malloc(1000), 1000, 9);
	printf("ends quickly\n");
	fflush(stdout);
	quick_exit(0);
}

static void *outlive(void *arg)
{
	usleep(20000);
	fill(arg, 1000, 9);
	free(arg);
	printf("ends with the last thread\n");
	return NULL;
}

static void end_in_thread(void)
{
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, outlive, malloc(1000)) == 0);
	pthread_exit(NULL);
}

int main(int argc, char **argv)
{
	static const struct legal_test tests[] = {
		{"usable_size_is_usable", usable_size_is_usable},
		{"all_alignments", all_alignments},
		{"realloc_everywhere", realloc_everywhere},
		{"realloc_step_by_step", realloc_step_by_step},
		{"zero_sizes", zero_sizes},
		{"calloc_is_zero", calloc_is_zero},
		{"impossible_requests", impossible_requests},
		{"huge_objects", huge_objects},
		{"threads_free_each_others_objects", threads_free_each_others_objects},
		{"threads_come_and_go", threads_come_and_go},
		{"fork_in_fork", fork_in_fork},
		{"fork_beside_threads", fork_beside_threads},
		{"vfork_and_exec", vfork_and_exec},
		{"signals_beside_malloc", signals_beside_malloc},
		{"never_freed", never_freed},
		{"end_at_once", end_at_once},
		{"end_quickly", end_quickly},
		{"end_in_thread", end_in_thread},
	};

	make_sizes();
	return run_test(tests, NR(tests), argc == 2 ? argv[1] : "");
}
