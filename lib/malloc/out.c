/* SPDX-License-Identifier: MIT */
/*
 * out.c - how text leaves the process, whatever the program did to its descriptors meanwhile.
 *
 *   channel=FD.INODE   the tool's socket, open since the start: reaches it after chroot, setuid and
 *                      without a free descriptor. Used only while FD is that socket: the program
 *                      may have closed it and have a file of its own there
 *      ↓ gone
 *   report=PATH        opened for each text and closed again; "%p" is the process number. Lines of
 *                      two processes do not mix (O_APPEND)
 *      ↓ cannot be opened
 *   standard error     as it was at the start: descriptor 2 while it is the same file; else, if
 *                      that had a name, the file of that name. Never another file that happens to
 *                      be 2
 *
 * No signal comes out of it (SIGPIPE, SIGXFSZ), and a reader who does not read is waited for only
 * so long. Nothing is allocated, no lock is taken. errno may change.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "debug/debug.h"
#include "malloc/malloc_internal.h"
#include "util/atomic.h"
#include "util/fmt.h"

#define CHANNEL_PATIENCE 10 /* s for one text */

static int channel_fd = -1;
static uint64_t channel_inode;
static char path_pattern[256];
/* Standard error at the start. */
static bool had_stderr;
static struct stat stderr_then;
static char stderr_name[256]; /* empty: it has none */
static uint32_t lost;	      /* texts */

/* ---- signals that a write would bring ---- */

struct quiet {
	sigset_t set, old, pending;
};

static void quiet_begin(struct quiet *q)
{
	sigemptyset(&q->set);
	sigaddset(&q->set, SIGPIPE);
	sigaddset(&q->set, SIGXFSZ);
	pthread_sigmask(SIG_BLOCK, &q->set, &q->old);
	sigpending(&q->pending);
}

/* What came for this thread is taken away, unless it waited before. */
static void quiet_end(struct quiet *q)
{
	struct timespec now = {0};

	if (sigismember(&q->pending, SIGPIPE) == 1)
		sigdelset(&q->set, SIGPIPE);
	if (sigismember(&q->pending, SIGXFSZ) == 1)
		sigdelset(&q->set, SIGXFSZ);
	/* By number: the C library's is a cancellation point. */
	while (syscall(SYS_rt_sigtimedwait, &q->set, NULL, &now, _NSIG / 8) > 0)
		;
	pthread_sigmask(SIG_SETMASK, &q->old, NULL);
}

static void write_quietly(int fd, const char *text, size_t len)
{
	struct quiet q;

	quiet_begin(&q);
	qy__write_all(fd, text, len);
	quiet_end(&q);
}

/* ---- the tool's socket ---- */

static bool is_channel(void)
{
	struct stat st;

	return channel_fd >= 0 && fstat(channel_fd, &st) == 0 && S_ISSOCK(st.st_mode) &&
	       st.st_ino == channel_inode;
}

static long send_once(const char *text, size_t len)
{
	return syscall(SYS_sendto, channel_fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0);
}

static bool send_text(const char *text, size_t len)
{
	for (unsigned int tries = 0; tries < CHANNEL_PATIENCE && is_channel(); tries++) {
		struct pollfd pfd = {.fd = channel_fd, .events = POLLOUT};
		struct timespec limit = {.tv_sec = 1};

		if (send_once(text, len) == (long)len)
			return true;
		if (errno != EAGAIN && errno != EINTR)
			return false;
		syscall(SYS_ppoll, &pfd, 1, &limit, NULL, 0);
	}
	return false;
}

/* ---- the file ---- */

static void make_path(char *path, size_t size)
{
	struct qy__buf buf = {.p = path, .cap = size};
	const char *p = path_pattern, *mark;

	while ((mark = strstr(p, "%p")) != NULL) {
		qy__fmt(&buf, "%.*s%d", (int)(mark - p), p, (int)getpid());
		p = mark + 2;
	}
	qy__fmt(&buf, "%s", p);
}

static int open_quietly(const char *path, int flags)
{
	return (int)syscall(SYS_openat, AT_FDCWD, path,
			    flags | O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
}

/* Did anything arrive? A limit of the file's size may let nothing through. */
static bool append(const char *text, size_t len)
{
	char path[sizeof(path_pattern) + 64];
	struct stat before, after;
	bool arrived;
	int fd;

	if (!path_pattern[0])
		return false;
	make_path(path, sizeof(path));
	fd = open_quietly(path, O_CREAT);
	if (fd < 0)
		return false;
	arrived = fstat(fd, &before) == 0;
	write_quietly(fd, text, len);
	arrived = arrived && fstat(fd, &after) == 0 &&
		  (!S_ISREG(after.st_mode) || after.st_size > before.st_size);
	close(fd);
	return arrived;
}

bool qy__out_tool(const char *text, size_t len)
{
	return send_text(text, len) || append(text, len);
}

bool qy__out_has_channel(void)
{
	return channel_fd >= 0;
}

/* ---- standard error ---- */

static bool is_stderr(int fd)
{
	struct stat st;

	return had_stderr && fstat(fd, &st) == 0 && st.st_dev == stderr_then.st_dev &&
	       st.st_ino == stderr_then.st_ino && st.st_rdev == stderr_then.st_rdev;
}

static void write_stderr(int fd, const char *text, size_t len)
{
	uint32_t missing = qy__load_relaxed(&lost);
	char line[64];

	if (missing && qy__cas_acq_rel(&lost, &missing, 0))
		write_quietly(fd, line,
			      qy__snprintf(line, sizeof(line), "quarry: %u reports were lost\n",
					   missing));
	write_quietly(fd, text, len);
}

void qy__out_stderr(const char *text, size_t len)
{
	int fd;

	if (is_stderr(STDERR_FILENO)) {
		write_stderr(STDERR_FILENO, text, len);
		return;
	}
	fd = stderr_name[0] ? open_quietly(stderr_name, 0) : -1;
	if (fd >= 0 && is_stderr(fd))
		write_stderr(fd, text, len);
	else
		qy__fetch_add(&lost, 1);
	if (fd >= 0)
		close(fd);
}

/* Of a pipe or socket the link is no path. */
static void remember_stderr(void)
{
	long len;

	had_stderr = fstat(STDERR_FILENO, &stderr_then) == 0;
	if (!had_stderr || !(S_ISREG(stderr_then.st_mode) || S_ISCHR(stderr_then.st_mode)))
		return;
	len = readlink("/proc/self/fd/2", stderr_name, sizeof(stderr_name) - 1);
	stderr_name[len > 0 && stderr_name[0] == '/' ? len : 0] = '\0';
}

void qy__out_init(const struct qy_mm *mm)
{
	remember_stderr();
	if (!mm->debug)
		return;
	memcpy(path_pattern, mm->debug->config.report_path, sizeof(path_pattern));
	channel_fd = mm->debug->config.channel_fd;
	channel_inode = mm->debug->config.channel_inode;
}
