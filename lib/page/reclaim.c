/* SPDX-License-Identifier: MIT */
/*
 * reclaim.c - what happens when no zone has enough: shrinkers, the last resort, the message.
 *
 * Shrinkers are the program's structures on a list of the instance's. A thread that goes over them
 * (a walk, on its stack) calls each without locks, so between two of its steps anything may happen
 * to the list: shrinkers come, go, and are freed by their owner, even the one that runs.
 *
 *   first → [C] → [B] → [A]        walk: s = C (running 1), next = B
 *
 *   B is unregistered:  unlinked, every walk's next that is B becomes A
 *   C by another:       unlinked, its walks stop scanning; he waits until running is 0
 *   C by itself:        unlinked, its own walk forgets it (s = NULL) and never touches it again;
 *                       other threads inside C are waited for
 *   D is registered:    in front, where no walk comes by any more: a walk ends whatever is
 *                       registered during it
 *
 * Two shrinkers that unregister each other, each inside its own scan(), wait for each other: the
 * promise to wait leaves no other way.
 *
 * Lock: reclaim.lock - the list, the walks, each shrinker's running and deferred. Nothing is called
 * and no other lock is taken with it held; in a child of fork(), which is alone, the zones'.
 */
#include "page/reclaim.h"

#include <errno.h>
#include <sys/prctl.h>
#include <time.h>

#include "page/page_report.h"
#include "page/pcp.h"
#include "util/plant.h"
#include "util/sys.h"

#define DEFAULT_BATCH 128
/* In one run of one shrinker; what is left is deferred. */
#define MAX_SCANS 65536
#define WARN_INTERVAL UINT64_C(5000000000)
#define WARN_BURST 10
#define SCAN_FACTOR 4  /* a cache of usual cost (2 seeks) is scanned twice as fast as pages are */
#define DEFER_FACTOR 2 /* no more is owed than so many times what could be freed */
#define THREAD_NAME 16 /* the system's, with its end */
#define NAMES 256
#define SHIFT_LIMIT 32 /* any order may be asked for: from here on nothing is shifted by it */

/* One thread's way along the list, or its stay in the hook. */
struct qy__reclaim_walk {
	const struct qy_mm *mm;
	struct qy__reclaim_walk *outer; /* the same thread's, in another instance */
	struct qy__reclaim_walk *other; /* the next of this instance's */
	struct qy_shrinker *s;		/* runs now; NULL: none, or it unregistered itself */
	struct qy_shrinker *next;
	bool removed; /* s is unregistered: no more calls */
};

/* The innermost of the calling thread's. */
static __thread struct qy__reclaim_walk *walking __attribute__((tls_model("initial-exec")));

bool qy__in_reclaim(const struct qy_mm *mm)
{
	for (const struct qy__reclaim_walk *w = walking; w; w = w->outer) {
		if (w->mm == mm)
			return true;
	}
	return false;
}

static void enter_lock(struct qy_mm *mm, struct qy__reclaim_walk *w)
{
	struct qy__reclaim_state *st = &mm->reclaim;

	w->mm = mm;
	w->outer = walking;
	walking = w;
	qy__lock(&st->lock);
	w->other = st->walks;
	st->walks = w;
	qy__fetch_add(&st->active, 1);
}

static void leave_unlock(struct qy_mm *mm, struct qy__reclaim_walk *w)
{
	struct qy__reclaim_state *st = &mm->reclaim;
	struct qy__reclaim_walk **at = &st->walks;

	while (*at != w)
		at = &(*at)->other;
	*at = w->other;
	qy__fetch_sub(&st->active, 1);
	qy__unlock(&st->lock);
	walking = w->outer;
}

/* ---- one shrinker ---- */

/*
 * More objects than the span has words to hold them are not believed: it keeps the sums below from
 * overflow.
 */
static size_t believable(const struct qy_mm *mm, size_t objects)
{
	uint64_t words = (uint64_t)(mm->max_pfn - mm->min_pfn) * (QY_PAGE_SIZE / sizeof(uint64_t));

	if (objects == QY_SHRINK_STOP || objects == QY_SHRINK_EMPTY)
		return 0;
	return (size_t)min((uint64_t)objects, words);
}

static uint64_t scan_delta(size_t freeable, unsigned int seeks, unsigned int priority)
{
	if (!seeks) /* cheap to make again: half of them, however little is wanted */
		return freeable / 2;
	return (uint64_t)(freeable >> priority) * SCAN_FACTOR / seeks;
}

/* The shrinker may be gone after each call: no more of it then. */
static bool is_gone(const struct qy__reclaim_walk *w)
{
	return qy__load_relaxed(&w->removed);
}

/* Several threads may run it at once: who comes first takes over all that is owed. */
static uint64_t take_deferred(struct qy_mm *mm, struct qy__reclaim_walk *w, unsigned int slot)
{
	uint64_t nr;

	qy__lock(&mm->reclaim.lock);
	nr = w->s->deferred[slot];
	w->s->deferred[slot] = 0;
	qy__unlock(&mm->reclaim.lock);
	return nr;
}

static void defer(struct qy_mm *mm, struct qy__reclaim_walk *w, unsigned int slot, uint64_t nr,
		  uint64_t most)
{
	if (qy__planted(SHRINK_FORGETS))
		nr = 0;
	qy__lock(&mm->reclaim.lock);
	if (w->s)
		w->s->deferred[slot] = min(w->s->deferred[slot] + nr, most);
	qy__unlock(&mm->reclaim.lock);
}

/* Scan at most @total objects in batches. Return: freed; @left: how many were not tried. */
static size_t scan_batches(const struct qy_mm *mm, const struct qy__reclaim_walk *w,
			   const struct qy_shrink_control *want, size_t freeable, uint64_t *left)
{
	struct qy_shrinker *s = w->s;
	size_t batch = s->batch ? s->batch : DEFAULT_BATCH, freed = 0;
	uint64_t total = *left;

	for (unsigned int i = 0; i < MAX_SCANS && (total >= batch || total >= freeable); i++) {
		struct qy_shrink_control sc = *want;
		size_t ret;

		sc.nr_to_scan = qy__planted(SHRINK_OVERRUN) ? batch
							    : (size_t)min((uint64_t)batch, total);
		sc.nr_scanned = sc.nr_to_scan;
		ret = s->scan(s, &sc);
		if (ret == QY_SHRINK_STOP || ret == QY_SHRINK_EMPTY)
			break;
		freed += believable(mm, ret);
		total -= min((uint64_t)sc.nr_scanned, total);
		if (is_gone(w) || !sc.nr_scanned)
			break;
	}
	*left = total;
	return freed;
}

/* The walk's shrinker, asked for @node. It may be gone afterwards. Return: freed. */
static size_t do_shrink(struct qy_mm *mm, struct qy__reclaim_walk *w, qy_gfp_t gfp,
			unsigned int node, unsigned int priority)
{
	struct qy_shrink_control sc = {.gfp = gfp, .node = node}, count = sc;
	unsigned int slot = w->s->flags & QY_SHRINKER_NUMA_AWARE ? node : 0;
	size_t freeable = believable(mm, w->s->count(w->s, &count)), freed;
	uint64_t owed, delta, total, left;

	if (!freeable || is_gone(w))
		return 0;
	owed = take_deferred(mm, w, slot);
	delta = scan_delta(freeable, w->s->seeks, priority);
	total = left = min((owed >> priority) + delta, DEFER_FACTOR * (uint64_t)freeable);
	freed = scan_batches(mm, w, &sc, freeable, &left);
	owed += delta;
	defer(mm, w, slot, owed - min(owed, total - left), DEFER_FACTOR * (uint64_t)freeable);
	return freed;
}

/* ---- all of them ---- */

/* The walk's shrinker, for @nodes nodes from @node on if it knows them apart. */
static size_t shrink_nodes(struct qy_mm *mm, struct qy__reclaim_walk *w, qy_gfp_t gfp,
			   unsigned int node, unsigned int nodes, unsigned int priority)
{
	size_t freed = 0;

	if (!(w->s->flags & QY_SHRINKER_NUMA_AWARE))
		nodes = 1;
	for (unsigned int i = 0; i < nodes && !is_gone(w); i++)
		freed += do_shrink(mm, w, gfp, (node + i) % mm->nr_nodes, priority);
	return freed;
}

static size_t shrink_all(struct qy_mm *mm, qy_gfp_t gfp, unsigned int node, unsigned int nodes,
			 unsigned int priority)
{
	struct qy__reclaim_state *st = &mm->reclaim;
	struct qy__reclaim_walk w = {0};
	size_t freed = 0, n;

	if (node >= mm->nr_nodes || !qy__load_relaxed(&st->first) || qy__in_reclaim(mm))
		return 0;
	enter_lock(mm, &w);
	w.next = st->first;
	while (w.next) {
		w.s = w.next;
		w.next = w.s->next;
		w.removed = false;
		w.s->running++;
		qy__unlock(&st->lock);
		n = shrink_nodes(mm, &w, gfp, node, nodes, min(priority, QY__SHRINK_PRIORITY));
		if (__builtin_add_overflow(freed, n, &freed))
			freed = SIZE_MAX;
		qy__lock(&st->lock);
		if (w.s)
			w.s->running--;
		w.s = NULL;
	}
	leave_unlock(mm, &w);
	return freed;
}

/* Memory of any node serves a request that may go there: all nodes are asked, its own first. */
size_t qy__reclaim(struct qy_mm *mm, qy_gfp_t gfp, unsigned int node, unsigned int priority)
{
	if (!(gfp & QY_GFP_DIRECT_RECLAIM))
		return 0;
	return shrink_all(mm, gfp, node, gfp & QY_GFP_THISNODE ? 1 : mm->nr_nodes, priority);
}

size_t qy_mm_shrink(struct qy_mm *mm, qy_gfp_t gfp, unsigned int node, unsigned int priority)
{
	return shrink_all(mm, gfp, node, 1, priority);
}

bool qy__reclaim_hook(struct qy_mm *mm, qy_gfp_t gfp, unsigned int order)
{
	const struct qy_reclaim_hook *hook = &mm->reclaim.hook;
	struct qy__reclaim_walk w = {0};
	bool again;

	if (!hook->fn || !(gfp & QY_GFP_DIRECT_RECLAIM) || qy__in_reclaim(mm))
		return false;
	enter_lock(mm, &w);
	qy__unlock(&mm->reclaim.lock);
	again = hook->fn(mm, gfp, order, hook->ctx);
	qy__lock(&mm->reclaim.lock);
	leave_unlock(mm, &w);
	return again;
}

/* ---- coming and going ---- */

/* Where the list points to @s; NULL: nowhere. */
static struct qy_shrinker **find_locked(struct qy__reclaim_state *st, const struct qy_shrinker *s)
{
	for (struct qy_shrinker **at = &st->first; *at; at = &(*at)->next) {
		if (*at == s)
			return at;
	}
	return NULL;
}

int qy_shrinker_register(struct qy_mm *mm, struct qy_shrinker *s)
{
	struct qy__reclaim_state *st = &mm->reclaim;
	struct qy_mm *old;
	int err = 0;

	if (!s->count || !s->scan)
		return -EINVAL;
	qy__lock(&st->lock);
	/* An instance may have been made again in the place of one that was destroyed. */
	old = qy__load_relaxed(&s->mm);
	if ((old && old != mm) || find_locked(st, s)) {
		err = -EBUSY;
	} else {
		s->running = 0;
		for (unsigned int i = 0; i < QY_MAX_NODES; i++)
			s->deferred[i] = 0;
		s->next = st->first;
		qy__store_relaxed(&s->mm, mm);
		qy__store_relaxed(&st->first, s);
	}
	qy__unlock(&st->lock);
	return err;
}

/* Off the list, and out of the way of those who go along it. */
static void unlink_locked(struct qy__reclaim_state *st, struct qy_shrinker **at)
{
	struct qy_shrinker *s = *at;

	qy__store_relaxed(at, s->next);
	for (struct qy__reclaim_walk *w = st->walks; w; w = w->other) {
		if (w->next == s)
			w->next = s->next;
		if (w->s == s)
			qy__store_relaxed(&w->removed, true);
	}
}

static void pause_a_little(unsigned int tries)
{
	static const struct timespec nap = {.tv_nsec = 100000};

	if (tries < 100)
		qy__osif_yield();
	else
		qy__sys2(SYS_nanosleep, &nap, 0);
}

static void wait_unlock(struct qy__reclaim_state *st, const struct qy_shrinker *s)
{
	for (unsigned int tries = 0; s->running; tries++) {
		qy__unlock(&st->lock);
		pause_a_little(min(tries, 1000u));
		qy__lock(&st->lock);
	}
}

int qy_shrinker_unregister(struct qy_shrinker *s)
{
	struct qy_mm *mm = qy__load_relaxed(&s->mm);
	struct qy__reclaim_walk *own = walking;
	struct qy_shrinker **at;
	struct qy__reclaim_state *st;

	if (!mm)
		return -ENOENT;
	while (own && own->s != s)
		own = own->outer;
	st = &mm->reclaim;
	qy__lock(&st->lock);
	at = find_locked(st, s);
	if (!at) {
		qy__unlock(&st->lock);
		return -ENOENT;
	}
	unlink_locked(st, at);
	if (own) { /* from inside: nobody counts, nobody waits for himself */
		own->s = NULL;
		s->running--;
	}
	wait_unlock(st, s);
	s->next = NULL;
	qy__store_relaxed(&s->mm, NULL);
	qy__unlock(&st->lock);
	return 0;
}

/* ---- the message ---- */

/* The thread's name, as the kernel gives it in its own messages; never more than one line. */
static void thread_name(char name[THREAD_NAME])
{
	name[0] = 0;
	qy__sys2(SYS_prctl, PR_GET_NAME, name);
	name[THREAD_NAME - 1] = 0;
	for (char *p = name; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	}
}

/* Ten in five seconds; @suppressed: how many were not told since the last that was. */
static bool may_warn(struct qy_mm *mm, uint32_t *suppressed)
{
	struct qy__reclaim_state *st = &mm->reclaim;
	uint64_t now = qy__osif_now(&mm->os);
	bool may;

	qy__lock(&st->lock);
	if (!st->warned || now - st->warn_since >= WARN_INTERVAL) {
		st->warn_since = now;
		st->warned = 0;
	}
	may = st->warned < WARN_BURST;
	if (may) {
		st->warned++;
		*suppressed = st->suppressed;
		st->suppressed = 0;
	} else if (st->suppressed < UINT32_MAX) {
		st->suppressed++;
	}
	qy__unlock(&st->lock);
	return may;
}

void qy__warn_alloc(struct qy_mm *mm, qy_gfp_t gfp, unsigned int order)
{
	char comm[THREAD_NAME], names[NAMES];
	uint32_t suppressed = 0;
	struct qy_report r;

	/* A sink that allocates, though it must not, is not made to wait for itself. */
	if ((gfp & QY_GFP_NOWARN) || qy__in_report() || !may_warn(mm, &suppressed))
		return;
	thread_name(comm);
	qy__gfp_names(gfp, names, sizeof(names));
	qy__report_init(&r, mm, QY_REPORT_NOMEM, "page");
	if (order < SHIFT_LIMIT)
		r.object_size = QY_PAGE_SIZE << order;
	qy__report_title(&r,
			 "%s: page allocation failure: order:%u, mode:0x%x(%s), nodemask=(null)",
			 comm, order, gfp, names);
	if (suppressed)
		qy__report_fix(&r, "%u such message%s suppressed before", suppressed,
			       suppressed == 1 ? "" : "s");
	qy__report_emit(&r);
}

/* ---- fork() ---- */

/*
 * In the child only the caller is left, perhaps inside a shrinker: the others' walks are on stacks
 * that nobody runs on.
 */
static void forget_others(struct qy_mm *mm)
{
	struct qy__reclaim_state *st = &mm->reclaim;

	st->walks = NULL;
	st->active = 0;
	st->short_lists = 0;
	qy__pcp_set_limits(mm);
	for (struct qy_shrinker *s = st->first; s; s = s->next)
		s->running = 0;
	for (struct qy__reclaim_walk *w = walking; w; w = w->outer) {
		if (w->mm != mm)
			continue;
		st->active++;
		w->other = NULL;
		st->walks = w;
		if (w->s)
			w->s->running = 1;
	}
}

void qy__reclaim_lock_all(struct qy_mm *mm)
{
	qy__lock(&mm->reclaim.lock);
	mm->reclaim.fork_pid = (int32_t)qy__sys0(SYS_getpid);
}

void qy__reclaim_unlock_all(struct qy_mm *mm)
{
	if (mm->reclaim.fork_pid != (int32_t)qy__sys0(SYS_getpid))
		forget_others(mm);
	qy__unlock(&mm->reclaim.lock);
}
