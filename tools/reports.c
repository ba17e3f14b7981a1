/* SPDX-License-Identifier: MIT */
/*
 * reports.c - collects, tells apart, prints and counts; see reports.h.
 */
#include "reports.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "origins.h"
#include "progress.h"
#include "text.h"
#include "tool.h"
#include "watch.h"

#define FILE_PREFIX "report."
#define RULE_LENGTH 77
#define TITLE "BUG " /* begins the line behind the first rule */
#define READ_CHUNK 65536
#define KEEP_UNREAD (1 << 20) /* bytes already read that may stay on disk */
#define PROCESSES_NAMED 4

/* One process's file. */
struct source {
	struct source *next;
	long pid;
	off_t at;	/* read up to here */
	off_t released; /* disk space up to here was given back */
	char *data;	/* read, not yet handled */
	size_t len, cap;
	char comm[32]; /* as the reports name it; empty: no report yet */
};

struct reports {
	char *dir;
	struct reports_options options;
	struct symbolizer *symbols;
	struct source *sources;
	struct origins *origins;
	uint64_t total;
};

struct reports *reports_new(const char *dir, const struct reports_options *options)
{
	struct reports *r = tool_alloc(sizeof(*r));

	r->dir = tool_dup(dir);
	r->options = *options;
	r->origins = origins_new();
	if (options->symbols)
		r->symbols = symbolizer_new();
	return r;
}

/* ---- one report ---- */

static bool is_rule(const char *line, size_t len)
{
	return len == RULE_LENGTH && strspn(line, "=") >= RULE_LENGTH;
}

static bool is_title(const char *p, size_t len)
{
	return len >= strlen(TITLE) && strncmp(p, TITLE, strlen(TITLE)) == 0;
}

/* "BUG cache (comm[pid]): title" */
static void get_comm(const char *report, struct source *source)
{
	const char *open = strstr(report, "BUG ");
	size_t len;

	open = open ? strstr(open, " (") : NULL;
	if (!open)
		return;
	open += 2;
	len = strcspn(open, "[\n");
	if (len == 0 || open[len] != '[')
		return;
	snprintf(source->comm, sizeof(source->comm), "%.*s", (int)len, open);
}

static void wait_writable(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLOUT};

	poll(&wait, 1, -1);
}

/* All of it at once: the program writes to the same terminal or pipe. */
static void put_out(FILE *out, const char *text, size_t len)
{
	fflush(out);
	while (len) {
		ssize_t n = write(fileno(out), text, len);

		if (n < 0 && errno == EAGAIN)
			wait_writable(fileno(out));
		else if (n < 0 && errno != EINTR)
			return;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
}

static void print_text(struct reports *r, const struct source *source, const char *text,
		       bool wanted, struct origin *origin)
{
	char *whole = NULL;
	size_t whole_len;
	FILE *out = open_memstream(&whole, &whole_len);
	struct text t;

	if (!out)
		return;
	text_init(&t, out, r->symbols);
	t.pid = source->pid;
	while (*text) {
		size_t len = strcspn(text, "\n");
		char *line = tool_printf("%.*s", (int)len, text);

		text_line(&t, line);
		free(line);
		text += len + (text[len] == '\n');
	}
	text_flush(&t);
	if (origin)
		origin_set_places(origin, t.place);
	text_end(&t);
	fclose(out);
	progress_end();
	if (wanted)
		put_out(r->options.out, whole, whole_len);
	free(whole);
}

static void handle_report(struct reports *r, struct source *source, const char *text)
{
	bool is_new;
	struct origin *origin = origins_note(r->origins, source->pid, text, &is_new);

	r->total++;
	if (!source->comm[0])
		get_comm(text, source);
	if (is_new) /* only the places are wanted if none is printed */
		print_text(r, source, text, !r->options.count_only, origin);
}

/* ---- files ---- */

/*
 * Length of the first piece in @data: a line outside of reports, or a whole report.
 * Return: 0 if it is not complete yet.
 *
 * A report that was cut off (it can be longer than the writer's buffer) has no rule at its end: it
 * is over where the next one begins.
 */
static size_t next_piece(const char *data, size_t len, bool *report)
{
	const char *end = memchr(data, '\n', len);
	size_t line = end ? (size_t)(end - data) : 0;
	size_t at = line + 1;

	*report = false;
	if (!end)
		return 0;
	if (!is_rule(data, line))
		return at;
	if (len - at < strlen(TITLE))
		return 0;
	if (!is_title(data + at, len - at))
		return at;
	*report = true;
	for (; at < len; at += line + 1) {
		end = memchr(data + at, '\n', len - at);
		if (!end)
			return 0;
		line = (size_t)(end - (data + at));
		if (line >= RULE_LENGTH && is_rule(end - RULE_LENGTH, RULE_LENGTH)) {
			size_t next = at + line + 1;

			return is_title(data + next, len - next) ? next - RULE_LENGTH - 1 : next;
		}
	}
	return 0;
}

static void handle_data(struct reports *r, struct source *source, bool last)
{
	size_t done = 0, piece;
	bool report;

	source->data[source->len] = '\0';
	while (done < source->len) {
		char *p = source->data + done, kept;

		piece = next_piece(p, source->len - done, &report);
		if (piece == 0 && !last)
			break;
		if (piece == 0)
			piece = source->len - done;
		kept = p[piece];
		p[piece] = '\0';
		if (report)
			handle_report(r, source, p);
		else if (strncmp(p, WATCH_MARK, strlen(WATCH_MARK)) == 0 && r->options.announced)
			r->options.announced(r->options.ctx, source->pid, p);
		else
			print_text(r, source, p, true, NULL);
		p[piece] = kept;
		done += piece;
	}
	memmove(source->data, source->data + done, source->len - done);
	source->len -= done;
}

/* A program that reports for hours must not fill the disk: the file keeps its length alone. */
static void give_back(struct source *source, int fd)
{
	if (source->at - source->released < KEEP_UNREAD)
		return;
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, source->released,
		      source->at - source->released) == 0)
		source->released = source->at;
}

/* Room for @len bytes and a NUL. */
static void make_room(struct source *source, size_t len)
{
	if (source->cap - source->len > len)
		return;
	source->cap = source->len + 2 * len + 1;
	source->data = tool_grow(source->data, source->cap);
}

static void read_source(struct reports *r, struct source *source, int fd)
{
	ssize_t got;

	do {
		make_room(source, READ_CHUNK);
		got = pread(fd, source->data + source->len, READ_CHUNK, source->at);
		if (got > 0) {
			source->len += (size_t)got;
			source->at += got;
			handle_data(r, source, false);
		}
	} while (got > 0 || (got < 0 && errno == EINTR));
	give_back(source, fd);
}

static struct source *get_source(struct reports *r, long pid)
{
	struct source *source;

	for (source = r->sources; source; source = source->next)
		if (source->pid == pid)
			return source;
	source = tool_alloc(sizeof(*source));
	source->pid = pid;
	source->next = r->sources;
	r->sources = source;
	return source;
}

void reports_take(struct reports *r, long pid, const char *text, size_t len)
{
	struct source *source;

	/* Most processes only announce themselves: they need no place here. */
	if (strncmp(text, WATCH_MARK, strlen(WATCH_MARK)) == 0 && r->options.announced) {
		r->options.announced(r->options.ctx, pid, text);
		return;
	}
	source = get_source(r, pid);
	make_room(source, len);
	memcpy(source->data + source->len, text, len);
	source->len += len;
	handle_data(r, source, false);
}

/* Opened for each reading: there may be more processes than descriptors. */
static void poll_file(struct reports *r, int dir, const char *name)
{
	struct source *source = get_source(r, atol(name + strlen(FILE_PREFIX)));
	struct stat st;
	int fd;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || st.st_size <= source->at)
		return;
	fd = openat(dir, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	read_source(r, source, fd);
	close(fd);
}

void reports_poll(struct reports *r)
{
	DIR *dir = opendir(r->dir);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (strncmp(entry->d_name, FILE_PREFIX, strlen(FILE_PREFIX)) == 0)
			poll_file(r, dirfd(dir), entry->d_name);
	closedir(dir);
	fflush(r->options.out);
}

void reports_finish(struct reports *r)
{
	reports_poll(r);
	for (struct source *source = r->sources; source; source = source->next)
		if (source->len)
			handle_data(r, source, true);
	if (!r->options.count_only)
		origins_print_rest(r->origins, r->options.out);
	fflush(r->options.out);
}

/* ---- sums ---- */

uint64_t reports_total(const struct reports *r)
{
	return r->total;
}

unsigned int reports_different(const struct reports *r)
{
	return origins_different(r->origins, r->options.count_only);
}

void reports_print_table(const struct reports *r, const char *who, FILE *out)
{
	origins_print_table(r->origins, who, out);
}

char *reports_processes(const struct reports *r)
{
	char *text = tool_dup("");
	unsigned int nr = 0;

	for (const struct source *s = r->sources; s; s = s->next) {
		char *longer;

		if (!s->comm[0] || nr++ >= PROCESSES_NAMED)
			continue;
		longer = tool_printf("%s%s%s[%ld]", text, *text ? ", " : "", s->comm, s->pid);
		free(text);
		text = longer;
	}
	if (nr > PROCESSES_NAMED) {
		char *longer = tool_printf("%s and %u more processes", text, nr - PROCESSES_NAMED);

		free(text);
		text = longer;
	}
	return text;
}

static void free_sources(struct reports *r)
{
	struct source *source, *next;

	for (source = r->sources; source; source = next) {
		char *path = tool_printf("%s/" FILE_PREFIX "%ld", r->dir, source->pid);

		next = source->next;
		unlink(path);
		free(path);
		free(source->data);
		free(source);
	}
}

void reports_free(struct reports *r)
{
	free_sources(r);
	origins_free(r->origins);
	if (r->symbols)
		symbolizer_free(r->symbols);
	free(r->dir);
	free(r);
}
