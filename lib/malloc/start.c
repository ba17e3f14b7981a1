/* SPDX-License-Identifier: MIT */
/*
 * start.c - the instance behind malloc comes up at the first call, whenever that is.
 *
 *   COLD → STARTING → READY
 *    ^________|          (it could not be made: the next call tries again)
 *
 * The first call may come out of the dynamic linker or another library's constructor, long before
 * ours. The thread that moves COLD to STARTING makes the instance; what it allocates meanwhile
 * comes from the boot arena; other threads wait. What can wait for our constructor is done there.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>

#include "instance.h"
#include "malloc/malloc_internal.h"
#include "malloc/operators.h"
#include "page/page.h"
#include "util/atomic.h"
#include "util/backtrace.h"
#include "util/compiler.h"
#include "util/fmt.h"
#include "util/sys.h"

enum { COLD, STARTING, READY };

struct qy_mm *qy__malloc_mm;
static uint32_t state;
static __thread bool in_start __attribute__((tls_model("initial-exec")));

extern char **environ;

/*
 * The environment as the kernel gave it to the program, for as long as libc has not looked at it.
 */
static const char *getenv_early(const char *name, size_t len)
{
	static char text[32 << 10];
	size_t n = 0;
	long got = 1, fd;

	fd = qy__sys4(SYS_openat, AT_FDCWD, "/proc/self/environ", O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return NULL;
	while (got > 0 && n < sizeof(text) - 1) {
		got = qy__sys3(SYS_read, fd, text + n, sizeof(text) - 1 - n);
		n += got > 0 ? (size_t)got : 0;
	}
	qy__sys1(SYS_close, fd);
	text[n] = '\0';
	for (const char *p = text; p < text + n; p += strlen(p) + 1)
		if (!strncmp(p, name, len) && p[len] == '=')
			return p + len + 1;
	return NULL;
}

const char *qy__malloc_getenv(const char *name)
{
	size_t len = strlen(name);

	if (getauxval(AT_SECURE))
		return NULL;
	if (!environ)
		return getenv_early(name, len);
	for (char **e = environ; *e; e++)
		if (!strncmp(*e, name, len) && (*e)[len] == '=')
			return *e + len + 1;
	return NULL;
}

/*
 * What holds for the debug drop-in: the default, and after it the user's string, which changes what
 * it names and nothing else. It stands alone only if there is no room for both.
 */
static const char *debug_string(void)
{
	static char both[512]; /* the instance takes no more */
	const char *user = qy__malloc_getenv("QUARRY_DEBUG");

	if (!QY_CONFIG_DEBUG)
		return user;
	if (!user)
		return QY__DEFAULT_DEBUG;
	if (qy__snprintf(both, sizeof(both), "%s %s", QY__DEFAULT_DEBUG, user) >= sizeof(both))
		return user;
	return both;
}

static QY_COLD struct qy_mm *bring_up(void)
{
	struct qy_mm_config cfg = QY_MM_CONFIG_INIT;
	struct qy_mm *mm;

	cfg.classes = QY_CLASSES_FINE;
	cfg.debug = debug_string();
	mm = qy__mm_default_with(&cfg);
	if (mm) {
		qy__malloc_sink_init(mm);
		qy__malloc_fork_init();
	}
	return mm;
}

struct qy_mm *qy__malloc_start(bool *failed)
{
	struct qy_mm *mm;
	uint32_t cold;
	int saved;

	*failed = false;
	for (;;) {
		mm = qy__load_acquire(&qy__malloc_mm);
		if (mm || in_start)
			return mm;
		cold = COLD;
		if (qy__cas_acq_rel(&state, &cold, STARTING))
			break;
		qy__sys0(SYS_sched_yield);
	}
	mm = qy__load_acquire(&qy__malloc_mm);
	if (!mm) {
		saved = errno;
		in_start = true;
		mm = bring_up();
		in_start = false;
		errno = saved;
	}
	*failed = !mm;
	qy__store_release(&qy__malloc_mm, mm);
	qy__store_release(&state, mm ? READY : COLD);
	return mm;
}

/* Before the program's own constructors, after those of what the library needs. */
__attribute__((constructor(101))) static void constructor(void)
{
	bool failed;

	if (!qy__malloc_start(&failed))
		return;
	qy__ops_init();
	qy__malloc_dl_init();
	qy__libc_block_init();
	if (QY_CONFIG_DEBUG) {
		qy__backtrace_init();
		qy__osif_tid();
		qy__malloc_exit_init();
		qy__crash_init(qy__malloc_mm);
		qy__announce_start();
	}
}
