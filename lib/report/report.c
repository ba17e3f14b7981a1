/* SPDX-License-Identifier: MIT */
/*
 * report.c - from a finding to a decision.
 *
 * Nothing here allocates or trusts the memory it reports on: callers fill the report from
 * descriptors and from records they have checked.
 *
 * Lock: report.lock, the last of all; held while the sink runs, so that two reports never mix.
 */
#include "report/report.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/atomic.h"
#include "util/fmt.h"
#include "util/hash.h"
#include "util/module.h"

void qy__report_init(struct qy_report *r, struct qy_mm *mm, enum qy_report_kind kind,
		     const char *cache)
{
	memset(r, 0, sizeof(*r));
	r->struct_size = sizeof(*r);
	r->mm = mm;
	r->kind = kind;
	r->cache = cache;
}

void qy__report_title(struct qy_report *r, const char *fmt, ...)
{
	struct qy__buf buf = QY__BUF(r->title);
	va_list ap;

	va_start(ap, fmt);
	qy__vfmt(&buf, fmt, ap);
	va_end(ap);
}

void qy__report_fix(struct qy_report *r, const char *fmt, ...)
{
	struct qy__buf buf = QY__BUF(r->fix);
	va_list ap;

	va_start(ap, fmt);
	qy__vfmt(&buf, fmt, ap);
	va_end(ap);
}

/* Frames as file and offset: the same in every run, wherever the files are loaded. */
static uint64_t hash_stack(const struct qy_stack *stack, uint64_t h)
{
	for (unsigned int i = 0; i < stack->nr; i++) {
		uintptr_t at = 0; /* generated code: where it lies says nothing */
		const char *name = qy__module_name_at(stack->pc[i] - 1, stack->when, &at);

		h = qy__mix64(h + at);
		for (; name && *name; name++)
			h = (h ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	}
	return qy__mix64(h + stack->nr);
}

/* Equal for findings of one origin: the kind, where it was allocated, freed and found. */
static uint64_t report_hash(const struct qy_report *r)
{
	uint64_t h = qy__mix64((uint64_t)r->kind + 1);

	h = hash_stack(&r->alloc, h);
	h = hash_stack(&r->free, h);
	return hash_stack(&r->here, h);
}

static bool is_bug(enum qy_report_kind kind)
{
	return kind != QY_REPORT_NOMEM && kind != QY_REPORT_TRACE;
}

bool qy__dying;
bool (*qy__report_is_told)(const struct qy_report *r);

/* Die at once: a handler of the program's for SIGABRT might allocate, with our locks held. */
QY_NORETURN static void die(void)
{
	qy__store_relaxed(&qy__dying, true);
	signal(SIGABRT, SIG_DFL);
	abort();
}

static __thread bool in_sink __attribute__((tls_model("initial-exec")));

bool qy__in_report(void)
{
	return in_sink;
}

void qy__report_tell(struct qy__report_state *st, struct qy_report *r)
{
	bool outer = in_sink; /* another instance's sink may use this one */
	enum qy_policy policy;

	if (qy__report_is_told && qy__report_is_told(r))
		return;
	r->hash = report_hash(r);
	qy__lock(&st->lock);
	r->seq = ++st->seq;
	if (is_bug(r->kind))
		st->found++;
	policy = st->policy;
	in_sink = true;
	if (st->sink.fn)
		st->sink.fn(r, st->sink.ctx);
	else
		qy__report_to_stderr(r, NULL);
	in_sink = outer;
	qy__unlock(&st->lock);
	if (is_bug(r->kind) && policy == QY_POLICY_ABORT)
		die();
}

void qy__report_to_stderr(const struct qy_report *r, void *ctx)
{
	static struct qy__lock lock; /* of the scratch buffer, the process's, no instance's */
	static char text[32768];
	size_t n;

	(void)ctx;
	qy__lock(&lock);
	n = qy_report_text(r, text, sizeof(text));
	qy__write_all(STDERR_FILENO, text, min(n, sizeof(text) - 1));
	qy__unlock(&lock);
}
