/* SPDX-License-Identifier: MIT */
/*
 * use_after_free.c - a session is closed, but a timer still holds it and writes to it.
 */
#include <stdio.h>
#include <stdlib.h>

struct session {
	int id;
	int requests;
	char peer[56];
};

struct timer {
	struct session *session;
};

static struct session *open_session(int id)
{
	struct session *session = calloc(1, sizeof(*session));

	if (!session)
		exit(1);
	session->id = id;
	snprintf(session->peer, sizeof(session->peer), "10.0.0.%d", id);
	return session;
}

static void close_session(struct session *session)
{
	printf("session %d with %s closed\n", session->id, session->peer);
	free(session); /* bug: the timer is not told */
}

static void timer_tick(struct timer *timer)
{
	timer->session->requests = 0;
}

int main(void)
{
	struct session *session = open_session(7);
	struct timer timer = {session};

	timer_tick(&timer);
	close_session(session);
	timer_tick(&timer);
	return 0;
}
