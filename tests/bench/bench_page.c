/* SPDX-License-Identifier: MIT */
/*
 * bench_page.c - nanoseconds per block of pages taken and given back: through the per-CPU lists,
 * and from the zone; in instances of three sizes, with several shapes of instance, beside mmap and
 * munmap, and with two threads.
 *
 * Whatever is compared is measured in alternating rounds of one run, so that what the machine does
 * meanwhile hits all; a figure is the median of its rounds (and, in brackets, the best), a ratio
 * the median of the rounds' ratios. One thread is measured in processor time, two by the clock on
 * the wall. Times are judged in the table only: the exit code is 1 iff an allocation or free went
 * wrong.
 *
 *   bench_page [--rounds N]
 *   bench_page --callgrind N CASE [MiB]  N pairs of one case in fixed_run() and nothing else:
 *        valgrind --tool=callgrind '--toggle-collect=fixed_run*' \
 *              bench_page --callgrind 100000 pcp-pair
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <quarry/quarry.h>

#define MAX_ROUNDS 101
#define MAX_SUBJECTS 6
#define NR_THREADS 2
#define BURST 64
#define SLOTS 64     /* all in use: 26 MiB */
#define PER_LAYOUT 3 /* rounds */
#define NR_OPS 65536 /* then the sequence starts over */
#define ORDERS 10    /* 0 … 9 */

#define MIB ((size_t)1 << 20)
#define TARGET_PCP 10.0
#define TARGET_ZONE 60.0
#define TARGET_GROWTH 1.2

#define INLINE static inline __attribute__((always_inline))

/* What lives in a slot goes, and a block of this order and lifetime comes in its place. */
struct op {
	uint8_t slot, order, lifetime;
};

static struct op ops[NR_OPS];
static const qy_gfp_t lifetimes[] = {QY_GFP_KERNEL, QY_GFP_HIGHUSER_MOVABLE,
				     QY_GFP_KERNEL | QY_GFP_RECLAIMABLE};
static unsigned int rounds = 21;
static size_t page_size = 4096;
static bool wrong;

/* One thread's work on one instance, or on the system's pages. */
struct subject {
	const char *name;
	struct qy_mm *mm; /* NULL: mmap */
	bool touch;	  /* write a byte to each page */
	size_t at;	  /* next op */
	size_t used;	  /* pages in use at the beginning */
	size_t failed, bad_frees;
	void *live[SLOTS];
	uint8_t order[SLOTS];
};

struct work {
	const char *name;
	bool pcp;
	size_t pairs; /* per round */
	void (*run)(struct subject *s, size_t pairs);
};

static void make_ops(void)
{
	uint64_t rng = 88172645463325252u;

	for (size_t i = 0; i < NR_OPS; i++) {
		rng ^= rng << 13;
		rng ^= rng >> 7;
		rng ^= rng << 17;
		ops[i].slot = (uint8_t)((rng >> 8) % SLOTS);
		ops[i].order = (uint8_t)((rng >> 24) % ORDERS);
		ops[i].lifetime = (uint8_t)((rng >> 40) % 3);
	}
}

static double now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ---- the work ---- */

INLINE void touch(const struct subject *s, bool os, void *block, unsigned int order)
{
	volatile char *p = os ? block : qy_page_address(s->mm, block);

	for (size_t i = 0; i < (size_t)1 << order; i++)
		p[i * page_size] = 1;
}

/* A descriptor (os: an address), or NULL. */
INLINE void *take(struct subject *s, bool os, qy_gfp_t gfp, unsigned int order)
{
	void *block;

	if (os) {
		block = mmap(NULL, page_size << order, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		block = block == MAP_FAILED ? NULL : block;
	} else {
		block = qy_alloc_pages(s->mm, gfp | QY_GFP_NOWARN, order);
	}
	if (!block)
		s->failed++;
	else if (s->touch)
		touch(s, os, block, order);
	return block;
}

INLINE void give(struct subject *s, bool os, void *block, unsigned int order)
{
	if (os ? munmap(block, page_size << order) : qy_free_pages(s->mm, block, order))
		s->bad_frees++;
}

INLINE void pair_loop(struct subject *s, bool os, size_t pairs)
{
	for (size_t i = 0; i < pairs; i++) {
		void *block = take(s, os, QY_GFP_KERNEL, 0);

		if (block)
			give(s, os, block, 0);
	}
}

INLINE void burst_loop(struct subject *s, bool os, size_t pairs)
{
	void *block[BURST];

	for (size_t i = 0; i < pairs; i += BURST) {
		for (int k = 0; k < BURST; k++)
			block[k] = take(s, os, QY_GFP_KERNEL, 0);
		for (int k = 0; k < BURST; k++)
			if (block[k])
				give(s, os, block[k], 0);
	}
}

INLINE void random_loop(struct subject *s, bool os, size_t pairs)
{
	while (pairs-- > 0) {
		const struct op *op = &ops[s->at++ % NR_OPS];
		void **block = &s->live[op->slot];

		if (*block)
			give(s, os, *block, s->order[op->slot]);
		*block = take(s, os, lifetimes[op->lifetime], op->order);
		s->order[op->slot] = op->order;
	}
}

static void quarry_pair(struct subject *s, size_t pairs)
{
	pair_loop(s, false, pairs);
}

static void quarry_burst(struct subject *s, size_t pairs)
{
	burst_loop(s, false, pairs);
}

static void quarry_random(struct subject *s, size_t pairs)
{
	random_loop(s, false, pairs);
}

static void system_pair(struct subject *s, size_t pairs)
{
	pair_loop(s, true, pairs);
}

static void system_random(struct subject *s, size_t pairs)
{
	random_loop(s, true, pairs);
}

static const struct work works[] = {
	{"pcp-pair", true, 200000, quarry_pair},
	{"pcp-burst", true, 3000 * BURST, quarry_burst},
	{"zone-pair", false, 60000, quarry_pair},
	{"zone-random", false, 40000, quarry_random},
};
static const char *const what[] = {"order 0 through pcp, pair", "order 0 through pcp, 64 + 64",
				   "order 0 from the zone, pair", "order 0-9 random from the zone"};
#define PCP_PAIR 0
#define ZONE_RANDOM 3
#define NR_WORKS (sizeof(works) / sizeof(works[0]))

/* ---- subjects ---- */

/* Pages that are in use: the instance itself has some. */
static size_t used_pages(struct qy_mm *mm)
{
	struct qy_page_stats stats = {.struct_size = sizeof(stats)};

	qy_page_stats(mm, &stats);
	return stats.managed - stats.free;
}

/* Said aloud if it fails. @whole: the span is brought in at once. */
static bool make_mm(struct subject *s, struct qy_mm_config config, size_t size, bool whole,
		    bool pcp)
{
	config.size = size;
	config.initial = whole ? size : 0;
	config.pcp = pcp ? QY_ON : QY_OFF;
	s->mm = qy_mm_create(&config);
	if (!s->mm) {
		perror(s->name);
		return false;
	}
	page_size = qy_mm_page_size(s->mm);
	s->used = used_pages(s->mm);
	return true;
}

static void drop_live(struct subject *s)
{
	for (size_t i = 0; i < SLOTS; i++) {
		if (s->live[i] && s->mm)
			give(s, false, s->live[i], s->order[i]);
		else if (s->live[i])
			give(s, true, s->live[i], s->order[i]);
		s->live[i] = NULL;
	}
}

/* All blocks of @s were given back without complaint. */
static void check_subject(struct subject *s)
{
	drop_live(s);
	if (s->bad_frees) {
		printf("  %s: %zu frees failed\n", s->name, s->bad_frees);
		wrong = true;
	}
	if (s->failed)
		printf("  %s: %zu requests were refused\n", s->name, s->failed);
}

/* … and so no more pages are in use than at the beginning; the instance ends. */
static void end_mm(struct qy_mm *mm, size_t used)
{
	if (used_pages(mm) != used) {
		printf("  %zu pages are in use at the end, %zu at the beginning\n", used_pages(mm),
		       used);
		wrong = true;
	}
	qy_mm_destroy(mm);
}

/* ---- figures ---- */

struct series {
	double ns[MAX_ROUNDS]; /* per pair */
};

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(const double *values)
{
	double sorted[MAX_ROUNDS];

	memcpy(sorted, values, rounds * sizeof(sorted[0]));
	qsort(sorted, rounds, sizeof(sorted[0]), compare_doubles);
	return sorted[rounds / 2];
}

static double best(const struct series *s)
{
	double least = s->ns[0];

	for (unsigned int i = 1; i < rounds; i++)
		least = s->ns[i] < least ? s->ns[i] : least;
	return least;
}

static double median_ratio(const struct series *a, const struct series *b)
{
	double ratio[MAX_ROUNDS];

	for (unsigned int i = 0; i < rounds; i++)
		ratio[i] = a->ns[i] / b->ns[i];
	return median(ratio);
}

static const char *verdict(double value, double target)
{
	return value <= target ? "met" : "MISSED";
}

/* Rounds [from, to): the same work on each subject in turn, after a round that does not count. */
static void measure(const struct work *const *work, struct subject *subject, size_t nr,
		    struct series *series, unsigned int from, unsigned int to)
{
	for (size_t k = 0; k < nr; k++)
		work[k]->run(&subject[k], work[k]->pairs);
	for (unsigned int i = from; i < to; i++) {
		for (size_t k = 0; k < nr; k++) {
			double start = now_ns(CLOCK_THREAD_CPUTIME_ID);

			work[k]->run(&subject[k], work[k]->pairs);
			series[k].ns[i] =
				(now_ns(CLOCK_THREAD_CPUTIME_ID) - start) / (double)work[k]->pairs;
		}
	}
}

/* ---- growth with the size of the instance ---- */

static const size_t sizes[] = {64 * MIB, 1024 * MIB, 16384 * MIB};
static const char *const size_names[] = {"64 MiB", "1 GiB", "16 GiB"};
#define NR_SIZES 3

struct growth {
	double ns, least, ratio; /* ns, least: the worst of the sizes */
};

/* Instances of all sizes behind each other, so many pages from where they would lie. */
static bool measure_layout(const struct work *work, bool whole, size_t shift, struct series *series,
			   unsigned int from, unsigned int to)
{
	const struct work *same[NR_SIZES];
	struct subject subject[NR_SIZES] = {{0}};
	struct qy_mm_config config = QY_MM_CONFIG_INIT;
	void *spacer = mmap(NULL, shift * page_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int made = 0;

	for (; made < NR_SIZES; made++) {
		same[made] = work;
		subject[made].name = size_names[made];
		if (!make_mm(&subject[made], config, sizes[made], whole, work->pcp))
			break;
	}
	if (made == NR_SIZES)
		measure(same, subject, NR_SIZES, series, from, to);
	for (int k = 0; k < made; k++) {
		check_subject(&subject[k]);
		end_mm(subject[k].mm, subject[k].used);
	}
	if (spacer != MAP_FAILED)
		munmap(spacer, shift * page_size);
	return made == NR_SIZES;
}

/*
 * At some addresses the caches' tricks work better than at others: the instances are moved about,
 * for that is not what is asked.
 */
static bool growth_of(unsigned int nr, bool whole, struct growth *growth)
{
	struct series series[NR_SIZES];

	for (unsigned int i = 0; i < rounds; i += PER_LAYOUT) {
		unsigned int to = i + PER_LAYOUT < rounds ? i + PER_LAYOUT : rounds;

		if (!measure_layout(&works[nr], whole, 1 + i * 1237u, series, i, to))
			return false;
	}
	*growth = (struct growth){0, 0, median_ratio(&series[NR_SIZES - 1], &series[0])};
	printf("%-30s %-6s", what[nr], whole ? "whole" : "start");
	for (int k = 0; k < NR_SIZES; k++) {
		double ns = median(series[k].ns), least = best(&series[k]);

		printf(" %7.1f (%5.1f)", ns, least);
		growth->ns = ns > growth->ns ? ns : growth->ns;
		growth->least = least > growth->least ? least : growth->least;
	}
	printf("   %5.2f\n", growth->ratio);
	return true;
}

static void growth_table(void)
{
	struct growth growth[NR_WORKS][2] = {{{0}}};
	double ratio = 0;

	printf("ns per pair by size of the instance: median (best); brought in: the whole span, or "
	       "what is needed\n");
	printf("%-30s %-6s", "", "");
	for (int k = 0; k < NR_SIZES; k++)
		printf(" %15s", size_names[k]);
	printf("  growth\n");
	for (unsigned int nr = 0; nr < NR_WORKS; nr++) {
		for (int whole = 0; whole < 2; whole++) {
			if (!growth_of(nr, whole, &growth[nr][whole]))
				continue;
			if (growth[nr][whole].ratio > ratio)
				ratio = growth[nr][whole].ratio;
		}
	}
	printf("\n%-44s %8s %15s\n", "target (worst of the sizes)", "at most", "measured");
	for (int whole = 0; whole < 2; whole++) {
		const struct growth *pcp = &growth[PCP_PAIR][whole];
		const struct growth *zone = &growth[ZONE_RANDOM][whole];
		const char *in = whole ? "whole" : "start";

		printf("%-30s %-13s %8.1f %7.1f (%5.1f)   %s\n", what[PCP_PAIR], in, TARGET_PCP,
		       pcp->ns, pcp->least, verdict(pcp->ns, TARGET_PCP));
		printf("%-30s %-13s %8.1f %7.1f (%5.1f)   %s\n", what[ZONE_RANDOM], in, TARGET_ZONE,
		       zone->ns, zone->least, verdict(zone->ns, TARGET_ZONE));
	}
	printf("%-44s %8.1f %7.2f           %s\n", "growth 64 MiB to 16 GiB, largest",
	       TARGET_GROWTH, ratio, verdict(ratio, TARGET_GROWTH));
}

/* ---- shapes of instance ---- */

struct shape {
	const char *name;
	struct qy_mm_config config;
};

static const struct shape shapes[] = {
	{"as it comes (grouping on)", {.struct_size = sizeof(struct qy_mm_config)}},
	{"grouping off", {.struct_size = sizeof(struct qy_mm_config), .grouping = QY_OFF}},
	{"four nodes", {.struct_size = sizeof(struct qy_mm_config), .nr_nodes = 4}},
	{"kernel's watermarks",
	 {.struct_size = sizeof(struct qy_mm_config),
	  .watermark = {.marks = QY_WATERMARKS_KERNEL}}},
	{"shuffle", {.struct_size = sizeof(struct qy_mm_config), .shuffle = true}},
	{"four nodes, kernel's watermarks",
	 {.struct_size = sizeof(struct qy_mm_config),
	  .nr_nodes = 4,
	  .watermark = {.marks = QY_WATERMARKS_KERNEL}}},
};
#define NR_SHAPES (sizeof(shapes) / sizeof(shapes[0]))
_Static_assert(NR_SHAPES <= MAX_SUBJECTS, "as many subjects as shapes");

static void shape_table(void)
{
	static struct series series[NR_WORKS][NR_SHAPES];

	for (unsigned int nr = 0; nr < NR_WORKS; nr++) {
		const struct work *work[MAX_SUBJECTS];
		struct subject subject[MAX_SUBJECTS] = {{0}};

		for (size_t k = 0; k < NR_SHAPES; k++) {
			work[k] = &works[nr];
			subject[k].name = shapes[k].name;
			if (!make_mm(&subject[k], shapes[k].config, 1024 * MIB, true,
				     works[nr].pcp)) {
				wrong = true;
				return;
			}
		}
		measure(work, subject, NR_SHAPES, series[nr], 0, rounds);
		for (size_t k = 0; k < NR_SHAPES; k++) {
			check_subject(&subject[k]);
			end_mm(subject[k].mm, subject[k].used);
		}
	}
	printf("\nns per pair in 1 GiB by shape of the instance: median (best), times the first\n");
	printf("%-32s", "");
	for (unsigned int nr = 0; nr < NR_WORKS; nr++)
		printf(" %21s", works[nr].name);
	printf("\n");
	for (size_t k = 0; k < NR_SHAPES; k++) {
		printf("%-32s", shapes[k].name);
		for (unsigned int nr = 0; nr < NR_WORKS; nr++)
			printf(" %6.1f (%5.1f) %5.2fx", median(series[nr][k].ns),
			       best(&series[nr][k]), median_ratio(&series[nr][k], &series[nr][0]));
		printf("\n");
	}
}

/* ---- beside the system's pages ---- */

static void compare_system(const char *name, const struct work *ours, const struct work *theirs,
			   bool touched)
{
	const struct work *work[2] = {ours, theirs};
	struct subject subject[2] = {{.name = "quarry", .touch = touched},
				     {.name = "mmap", .touch = touched}};
	struct qy_mm_config config = QY_MM_CONFIG_INIT;
	struct series series[2];

	if (!make_mm(&subject[0], config, 1024 * MIB, false, ours->pcp)) {
		wrong = true;
		return;
	}
	measure(work, subject, 2, series, 0, rounds);
	printf("%-32s %-10s %9.1f (%8.1f) %10.1f (%8.1f)   %7.1f\n", name,
	       touched ? "written" : "untouched", median(series[0].ns), best(&series[0]),
	       median(series[1].ns), best(&series[1]), median_ratio(&series[1], &series[0]));
	check_subject(&subject[0]);
	check_subject(&subject[1]);
	end_mm(subject[0].mm, subject[0].used);
}

static void system_table(void)
{
	static const struct work pair = {"pair", true, 20000, quarry_pair};
	static const struct work random = {"random", false, 2000, quarry_random};
	static const struct work their_pair = {"pair", false, 2000, system_pair};
	static const struct work their_random = {"random", false, 400, system_random};

	printf("\nns per pair beside mmap and munmap of the same size: median (best)\n");
	printf("%-43s %20s %21s %9s\n", "", "quarry", "mmap", "factor");
	for (int touched = 0; touched < 2; touched++) {
		compare_system(what[PCP_PAIR], &pair, &their_pair, touched);
		compare_system(what[ZONE_RANDOM], &random, &their_random, touched);
	}
}

/* ---- two threads ---- */

#define CHUNK 512

/* The threads begin together, and stop when the first has done its pairs: all of it is overlap. */
struct race {
	struct qy_mm *mm;
	const struct work *work;
	unsigned int nr, ready, stop;
};

struct runner {
	struct subject subject;
	struct race *race;
	double per_us; /* pairs */
	double cpu_ns; /* processor time per pair */
};

static void *run_thread(void *arg)
{
	struct runner *r = arg;
	struct race *race = r->race;
	size_t done = 0;
	double start, cpu;

	/* The first call gives the thread its CPU: not part of the race. */
	race->work->run(&r->subject, CHUNK);
	__atomic_add_fetch(&race->ready, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&race->ready, __ATOMIC_ACQUIRE) < race->nr)
		;
	start = now_ns(CLOCK_MONOTONIC);
	cpu = now_ns(CLOCK_THREAD_CPUTIME_ID);
	do {
		race->work->run(&r->subject, CHUNK);
		done += CHUNK;
	} while (done < race->work->pairs && !__atomic_load_n(&race->stop, __ATOMIC_RELAXED));
	r->cpu_ns = (now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu) / (double)done;
	r->per_us = (double)done / (now_ns(CLOCK_MONOTONIC) - start) * 1e3;
	__atomic_store_n(&race->stop, 1, __ATOMIC_RELAXED);
	drop_live(&r->subject);
	return NULL;
}

/* Pairs per microsecond of @nr threads together; @cpu_ns: mean of their processor time per pair. */
static double race(struct qy_mm *mm, const struct work *work, unsigned int nr, double *cpu_ns)
{
	struct race shared = {mm, work, nr, 0, 0};
	static struct runner runner[NR_THREADS];
	pthread_t thread[NR_THREADS];
	double sum = 0;

	*cpu_ns = 0;
	for (unsigned int i = 0; i < nr; i++) {
		runner[i].subject =
			(struct subject){.name = "thread", .mm = mm, .at = i * NR_OPS / NR_THREADS};
		runner[i].race = &shared;
		if (pthread_create(&thread[i], NULL, run_thread, &runner[i])) {
			perror("pthread_create");
			exit(1);
		}
	}
	for (unsigned int i = 0; i < nr; i++) {
		pthread_join(thread[i], NULL);
		check_subject(&runner[i].subject);
		sum += runner[i].per_us;
		*cpu_ns += runner[i].cpu_ns / nr;
	}
	return sum;
}

static void scaling_of(unsigned int nr, unsigned int nodes)
{
	struct work work = works[nr];
	struct qy_mm_config config = QY_MM_CONFIG_INIT;
	struct subject subject = {.name = "1 GiB"};
	double rate[2][MAX_ROUNDS], cpu[2][MAX_ROUNDS], ratio[MAX_ROUNDS], most[2] = {0, 0};

	config.nr_nodes = nodes;
	work.pairs *= 2;
	if (!make_mm(&subject, config, 1024 * MIB, true, work.pcp)) {
		wrong = true;
		return;
	}
	for (unsigned int i = 0; i < rounds; i++) {
		for (unsigned int k = 0; k < 2; k++) {
			rate[k][i] = race(subject.mm, &work, k + 1, &cpu[k][i]);
			most[k] = rate[k][i] > most[k] ? rate[k][i] : most[k];
		}
		ratio[i] = rate[1][i] / rate[0][i];
	}
	printf("%-30s %5u %9.1f (%5.1f) %9.1f (%5.1f) %7.2f (%4.2f) %9.1f %6.1f\n", what[nr], nodes,
	       median(rate[0]), most[0], median(rate[1]), most[1], median(ratio), most[1] / most[0],
	       median(cpu[0]), median(cpu[1]));
	end_mm(subject.mm, subject.used);
}

static void scaling_table(void)
{
	printf("\npairs per microsecond, all threads together: median (best), and processor time "
	       "per pair in ns\n");
	printf("%-30s %5s %17s %17s %14s %9s %6s\n", "", "nodes", "1 thread", "2 threads",
	       "scaling", "1", "2");
	for (unsigned int nodes = 1; nodes <= 4; nodes += 3)
		for (unsigned int nr = 0; nr < NR_WORKS; nr++)
			scaling_of(nr, nodes);
}

/* ---- one case for a profiler ---- */

static __attribute__((noinline)) void fixed_run(const struct work *work, struct subject *subject,
						size_t pairs)
{
	work->run(subject, pairs);
	__asm__ volatile("" ::: "memory"); /* no tail call: fixed_run stays on the stack */
}

static int callgrind(size_t pairs, const char *name, size_t mib)
{
	struct qy_mm_config config = QY_MM_CONFIG_INIT;
	static struct subject subject = {.name = "fixed"};

	for (unsigned int nr = 0; nr < NR_WORKS; nr++) {
		if (strcmp(name, works[nr].name))
			continue;
		if (!make_mm(&subject, config, mib * MIB, false, works[nr].pcp))
			return 1;
		works[nr].run(&subject, 5000);
		fixed_run(&works[nr], &subject, pairs);
		check_subject(&subject);
		end_mm(subject.mm, subject.used);
		printf("%s: %zu pairs in %zu MiB\n", name, pairs, mib);
		return wrong;
	}
	fprintf(stderr, "cases:");
	for (unsigned int nr = 0; nr < NR_WORKS; nr++)
		fprintf(stderr, " %s", works[nr].name);
	fprintf(stderr, "\n");
	return 2;
}

int main(int argc, char **argv)
{
	make_ops();
	if (argc >= 4 && !strcmp(argv[1], "--callgrind"))
		return callgrind(strtoul(argv[2], NULL, 0), argv[3],
				 argc > 4 ? strtoul(argv[4], NULL, 0) : 1024);
	if (argc == 3 && !strcmp(argv[1], "--rounds")) {
		rounds = (unsigned int)strtoul(argv[2], NULL, 0);
		rounds = rounds < 1 ? 1 : rounds > MAX_ROUNDS ? MAX_ROUNDS : rounds;
	} else if (argc != 1) {
		fprintf(stderr, "usage: bench_page [--rounds N] | --callgrind N CASE [MiB]\n");
		return 2;
	}
	growth_table();
	shape_table();
	system_table();
	scaling_table();
	printf("\n%s\n",
	       wrong ? "Something went wrong: see above." : "All calls did what they should.");
	return wrong;
}
