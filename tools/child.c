/* SPDX-License-Identifier: MIT */
/*
 * child.c - fork, exec, signals. Standard input, output and error are the program's own.
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

static const int forwarded[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

static void fill_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
		sigaddset(set, forwarded[i]);
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

int child_start(struct child *child, const char *path, char *const *argv)
{
	sigset_t set, old;
	int fds[2], error;

	*child = (struct child){.signals = -1};
	if (pipe2(fds, O_CLOEXEC) != 0)
		return -errno;
	fill_set(&set);
	sigprocmask(SIG_BLOCK, &set, &old);
	/* An inherited "ignore" would make the kernel reap the child: its status would be lost. */
	signal(SIGCHLD, SIG_DFL);
	child->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	child->pid = child->signals < 0 ? -1 : fork();
	if (child->pid < 0) {
		error = errno;
		close(fds[0]);
		close(fds[1]);
		return -error;
	}
	if (child->pid == 0) {
		sigprocmask(SIG_SETMASK, &old, NULL);
		execv(path, argv);
		error = errno;
		if (write(fds[1], &error, sizeof(error)) < 0)
			_exit(126);
		_exit(127);
	}
	close(fds[1]);
	child->exec_errno = exec_result(fds[0]);
	return 0;
}

static void take_signals(struct child *child)
{
	struct signalfd_siginfo info;

	while (read(child->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD) {
			if (!child->ended && waitpid(child->pid, &child->status, WNOHANG) > 0)
				child->ended = true;
		} else if (info.ssi_code <= 0 && !child->ended) {
			/* Sent by a process. The terminal's own go to the whole group already. */
			kill(child->pid, (int)info.ssi_signo);
		}
	}
}

bool child_wait(struct child *child, int fd, int timeout)
{
	struct pollfd fds[2] = {
		{.fd = child->signals, .events = POLLIN},
		{.fd = fd, .events = POLLIN},
	};

	if (poll(fds, 2, timeout) <= 0)
		return false;
	if (fds[0].revents)
		take_signals(child);
	return fds[1].revents & POLLIN;
}
