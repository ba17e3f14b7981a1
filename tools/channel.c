/* SPDX-License-Identifier: MIT */
/*
 * channel.c - see channel.h.
 */
#include "channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tool.h"

#define HIGHEST_FD 4096u      /* a higher one makes the kernel's table of descriptors large */
#define SEND_BUFFER (4 << 20) /* the kernel gives less where its limit is lower */
#define QUEUE_LIMIT (64 << 20)
#define MESSAGE_SIZE (128 << 10) /* reports are shorter */

struct message {
	struct message *next;
	long pid;
	size_t len;
	char text[];
};

/*
 * The first number beyond the limit that holds for the program, if the hard limit allows; it stays
 * usable when the limit is put back.
 */
static int move_up(int fd)
{
	struct rlimit old, more;
	rlim_t number = 0;
	int high;

	if (getrlimit(RLIMIT_NOFILE, &old) == 0) {
		number = old.rlim_cur < HIGHEST_FD ? old.rlim_cur : HIGHEST_FD;
		more = old;
		more.rlim_cur = number + 1;
		if (number < old.rlim_cur || more.rlim_cur > old.rlim_max ||
		    setrlimit(RLIMIT_NOFILE, &more) != 0)
			more.rlim_cur = old.rlim_cur;
		high = fcntl(fd, F_DUPFD, (int)number);
		if (high < 0 && number)
			high = fcntl(fd, F_DUPFD, (int)number - 1);
		if (more.rlim_cur != old.rlim_cur)
			setrlimit(RLIMIT_NOFILE, &old);
	} else {
		high = fcntl(fd, F_DUPFD, 0);
	}
	return high;
}

bool channel_open(struct channel *channel)
{
	const int on = 1, size = SEND_BUFFER;
	struct stat st;
	int fds[2];

	*channel = (struct channel){.fd = -1, .send_fd = -1};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		return false;
	setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(fds[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	channel->fd = fds[0];
	channel->send_fd = move_up(fds[1]);
	close(fds[1]);
	if (channel->send_fd < 0 || fstat(channel->send_fd, &st) != 0) {
		channel_close(channel);
		return false;
	}
	channel->inode = st.st_ino;
	channel->buffer = tool_alloc(MESSAGE_SIZE);
	channel->end = &channel->first;
	return true;
}

void channel_handed_over(struct channel *channel)
{
	if (channel->send_fd >= 0)
		close(channel->send_fd);
	channel->send_fd = -1;
}

static long sender(struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS)
			return ((struct ucred *)(void *)CMSG_DATA(c))->pid;
	return 0;
}

static void queue(struct channel *channel, long pid, size_t len)
{
	struct message *m = tool_alloc(sizeof(*m) + len + 1);

	m->pid = pid;
	m->len = len;
	memcpy(m->text, channel->buffer, len);
	*channel->end = m;
	channel->end = &m->next;
	channel->queued += sizeof(*m) + len;
}

int channel_wanted(const struct channel *channel)
{
	return channel->queued < QUEUE_LIMIT ? channel->fd : -1;
}

void channel_drain(struct channel *channel)
{
	char control[CMSG_SPACE(sizeof(struct ucred))] __attribute__((aligned(8)));

	while (channel_wanted(channel) >= 0) {
		struct iovec part = {.iov_base = channel->buffer, .iov_len = MESSAGE_SIZE};
		struct msghdr message = {
			.msg_iov = &part,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};
		ssize_t got = recvmsg(channel->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

		if (got > 0) {
			queue(channel, sender(&message), (size_t)got);
		} else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
			close(channel->fd); /* nobody is left to send */
			channel->fd = -1;
		} else if (errno == EAGAIN) {
			return;
		}
	}
}

bool channel_next(struct channel *channel, channel_fn *fn, void *ctx)
{
	struct message *m = channel->first;

	if (!m)
		return false;
	channel->first = m->next;
	if (!m->next)
		channel->end = &channel->first;
	channel->queued -= sizeof(*m) + m->len;
	fn(ctx, m->pid, m->text, m->len);
	free(m);
	return true;
}

void channel_close(struct channel *channel)
{
	struct message *next;

	channel_handed_over(channel);
	if (channel->fd >= 0)
		close(channel->fd);
	for (struct message *m = channel->first; m; m = next) {
		next = m->next;
		free(m);
	}
	free(channel->buffer);
	*channel = (struct channel){.fd = -1, .send_fd = -1};
}
