/* SPDX-License-Identifier: MIT */
/*
 * child.c - fork, exec, signals. Standard input, output and error are the program's own.
 *
 *   child_prepare   signals wait: none is lost, none ends the tool with its folder left behind
 *   child_start     the program runs, with everything as it was; signals come through
 *   handler         → the program; it has ended: the tool ends
 *
 * What was ignored at the start (nohup) stays ignored, in the tool and in the program.
 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tool.h"

static const int forwarded[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

#define NR_FORWARDED (sizeof(forwarded) / sizeof(forwarded[0]))

/* For the handler, and to put back in the program. */
static struct {
	volatile sig_atomic_t pid; /* 0: reaped, or not started */
	sigset_t mask;
	struct sigaction pipe, action[NR_FORWARDED];
} saved;

static void fill_set(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < NR_FORWARDED; i++)
		sigaddset(set, forwarded[i]);
}

/* Has it ended, also if that was not noticed yet? */
static bool has_ended(pid_t pid)
{
	siginfo_t info = {0};

	return pid == 0 || (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
			    info.si_pid == pid);
}

static void handle(int number, siginfo_t *info, void *context)
{
	int error = errno;

	(void)context;
	if (!has_ended((pid_t)saved.pid)) {
		/* Sent by a process. The terminal's own go to the whole group already. */
		if (info->si_code <= 0)
			kill((pid_t)saved.pid, number);
	} else if (number != SIGUSR1 && number != SIGUSR2) {
		cleanup_die(number);
	}
	errno = error;
}

void child_prepare(struct child *child)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t set;

	*child = (struct child){.sigchld = -1};
	fill_set(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &saved.mask);
	sigaction(SIGPIPE, &ignore, &saved.pipe);
	/* An inherited "ignore" would make the kernel reap the child: its status would be lost. */
	signal(SIGCHLD, SIG_DFL);
}

/* While the signals are blocked. */
static void install(void)
{
	for (size_t i = 0; i < NR_FORWARDED; i++) {
		struct sigaction new = {
			.sa_sigaction = handle,
			.sa_flags = SA_SIGINFO | SA_RESTART,
		};

		fill_set(&new.sa_mask);
		sigaction(forwarded[i], NULL, &saved.action[i]);
		if (saved.action[i].sa_handler != SIG_IGN)
			sigaction(forwarded[i], &new, NULL);
	}
}

/* The child's errno comes through a pipe that a successful exec closes. */
static int exec_result(int fd)
{
	int error = 0;
	ssize_t got;

	do
		got = read(fd, &error, sizeof(error));
	while (got < 0 && errno == EINTR);
	close(fd);
	return got == (ssize_t)sizeof(error) ? error : 0;
}

static __attribute__((noreturn)) void become(const char *path, char *const *argv, int fd)
{
	int error;

	tool_release_standard();
	sigaction(SIGPIPE, &saved.pipe, NULL);
	sigprocmask(SIG_SETMASK, &saved.mask, NULL);
	execv(path, argv);
	error = errno;
	if (write(fd, &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

int child_start(struct child *child, const char *path, char *const *argv)
{
	sigset_t set;
	int fds[2], error;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return -errno;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	child->sigchld = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	child->pid = child->sigchld < 0 ? -1 : fork();
	if (child->pid < 0) {
		error = errno;
		close(fds[0]);
		close(fds[1]);
		return -error;
	}
	if (child->pid == 0)
		become(path, argv, fds[1]);
	close(fds[1]);
	saved.pid = child->pid;
	install();
	child->exec_errno = exec_result(fds[0]);
	fill_set(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return 0;
}

/* Once it is reaped, its number may be another's: no signal comes in between. */
static void reap(struct child *child)
{
	sigset_t set, old;

	fill_set(&set);
	sigprocmask(SIG_BLOCK, &set, &old);
	if (waitpid(child->pid, &child->status, WNOHANG) > 0) {
		child->ended = true;
		saved.pid = 0;
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (child->ended && saved.pipe.sa_handler != SIG_IGN)
		signal(SIGPIPE, cleanup_die);
}

unsigned int child_wait(struct child *child, const int fds[2], int timeout)
{
	struct pollfd polled[] = {
		{.fd = fds[0], .events = POLLIN},
		{.fd = fds[1], .events = POLLIN},
		{.fd = child->sigchld, .events = POLLIN},
	};
	struct signalfd_siginfo info;

	if (poll(polled, 3, timeout) <= 0)
		return 0;
	while (polled[2].revents && read(child->sigchld, &info, sizeof(info)) > 0)
		;
	if (!child->ended)
		reap(child);
	return (polled[0].revents ? 1u : 0) | (polled[1].revents ? 2u : 0);
}
