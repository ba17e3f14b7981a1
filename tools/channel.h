/* SPDX-License-Identifier: MIT */
/*
 * channel.h - the socket over which checked processes send, open in them since their start.
 *
 * A file by name is out of reach behind chroot, setuid or without a free descriptor; a descriptor
 * that was there before is not. Its number lies above those that a program may use, so that it is
 * in nobody's way; one message is one report, and the kernel says which process sent it.
 */
#ifndef QUARRY_CHANNEL_H
#define QUARRY_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct message;

struct channel {
	int fd;	     /* receives; -1: none, or all senders are gone */
	int send_fd; /* the program's, inherited over exec */
	ino_t inode; /* of send_fd */
	char *buffer;
	struct message *first, **end; /* taken from the socket, not handled */
	size_t queued;		      /* bytes */
};

typedef void channel_fn(void *ctx, long pid, const char *text, size_t len);

/* false: there is none, reports come by files alone. */
bool channel_open(struct channel *channel);
/* The program has it now: this process keeps none of the sending end. */
void channel_handed_over(struct channel *channel);
/*
 * Take what is there, so that no program waits for the tool, which may have long to do with a
 * report; not without limit.
 */
void channel_drain(struct channel *channel);
/* Call @fn for one message that was taken; a NUL follows it. false: there is none. */
bool channel_next(struct channel *channel, channel_fn *fn, void *ctx);
/* The descriptor to wait for; -1: there is enough to do. */
int channel_wanted(const struct channel *channel);
void channel_close(struct channel *channel);

#endif
