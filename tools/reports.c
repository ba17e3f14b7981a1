/* SPDX-License-Identifier: MIT */
/*
 * reports.c - collects, tells apart, prints and counts; see reports.h.
 */
#include "reports.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* Reports of one process with one hash. */
struct seen {
	struct seen *next;
	long pid;
	uint64_t hash;
	uint64_t first_seq;
	uint64_t count;
	char kind[40];
	char *allocated, *freed, *found; /* "function file:line"; NULL: not known */
};

struct reports {
	char *dir;
	struct reports_options options;
	struct symbolizer *symbols;
	struct source *sources;
	struct seen *seen, **seen_end;
	uint64_t total;
};

struct reports *reports_new(const char *dir, const struct reports_options *options)
{
	struct reports *r = tool_alloc(sizeof(*r));

	r->dir = tool_dup(dir);
	r->options = *options;
	r->seen_end = &r->seen;
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

/* The value of "key=value" in the report's QY line; @value becomes "" if it is not there. */
static void get_item(const char *report, const char *key, char *value, size_t size)
{
	const char *line = strstr(report, "\nQY ");
	const char *end, *p;
	size_t len = strlen(key);

	value[0] = '\0';
	if (!line)
		return;
	line++;
	end = line + strcspn(line, "\n");
	for (p = line; p < end; p += strcspn(p, " \n") + 1) {
		if (strncmp(p, key, len) == 0 && p[len] == '=') {
			p += len + 1;
			snprintf(value, size, "%.*s", (int)strcspn(p, " \n"), p);
			return;
		}
	}
}

static uint64_t get_number(const char *report, const char *key)
{
	char value[32];

	get_item(report, key, value, sizeof(value));
	return strtoull(value, NULL, 0);
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

static struct seen *get_seen(struct reports *r, const struct source *source, const char *report)
{
	uint64_t hash = get_number(report, "hash");
	struct seen *s;

	for (s = r->seen; s; s = s->next)
		if (s->pid == source->pid && s->hash == hash)
			return s;
	s = tool_alloc(sizeof(*s));
	s->pid = source->pid;
	s->hash = hash;
	s->first_seq = get_number(report, "seq");
	get_item(report, "kind", s->kind, sizeof(s->kind));
	*r->seen_end = s;
	r->seen_end = &s->next;
	return s;
}

static void print_text(struct reports *r, const char *text, FILE *out, struct seen *s)
{
	struct text t;

	text_init(&t, out, r->symbols);
	while (*text) {
		size_t len = strcspn(text, "\n");
		char *line = tool_printf("%.*s", (int)len, text);

		text_line(&t, line);
		free(line);
		text += len + (text[len] == '\n');
	}
	text_flush(&t);
	if (s && s->count == 1) {
		s->allocated = t.place[TEXT_ALLOCATED];
		s->freed = t.place[TEXT_FREED];
		s->found = t.place[TEXT_FOUND];
		memset(t.place, 0, sizeof(t.place));
	}
	text_end(&t);
}

static void handle_report(struct reports *r, struct source *source, const char *text)
{
	struct seen *s;
	char *nowhere = NULL;
	size_t size;
	FILE *out;

	s = get_seen(r, source, text);
	s->count++;
	r->total++;
	if (!source->comm[0])
		get_comm(text, source);
	if (!r->options.count_only && s->count <= REPORTS_IN_FULL) {
		print_text(r, text, r->options.out, s);
	} else if (s->count == 1) {
		/* Only the places are wanted. */
		out = open_memstream(&nowhere, &size);
		if (out) {
			print_text(r, text, out, s);
			fclose(out);
		}
		free(nowhere);
	}
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
			print_text(r, p, r->options.out, NULL);
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
	for (struct seen *s = r->seen; s && !r->options.count_only; s = s->next) {
		if (s->count > REPORTS_IN_FULL)
			fprintf(r->options.out,
				"… and %llu more like number %llu of process %ld (%s)\n",
				(unsigned long long)(s->count - REPORTS_IN_FULL),
				(unsigned long long)s->first_seq, s->pid, s->kind);
	}
	fflush(r->options.out);
}

/* ---- sums ---- */

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Addresses differ from process to process, and the hash may with them: places do not. */
static bool same_origin(const struct seen *a, const struct seen *b)
{
	if (strcmp(a->kind, b->kind) != 0)
		return false;
	if (a->pid == b->pid)
		return a->hash == b->hash;
	return a->hash == b->hash ||
	       (same_text(a->allocated, b->allocated) && same_text(a->freed, b->freed) &&
		same_text(a->found, b->found));
}

static bool is_first(const struct reports *r, const struct seen *s)
{
	for (const struct seen *other = r->seen; other != s; other = other->next)
		if (same_origin(other, s))
			return false;
	return true;
}

uint64_t reports_total(const struct reports *r)
{
	return r->total;
}

unsigned int reports_different(const struct reports *r)
{
	unsigned int nr = 0;

	for (const struct seen *s = r->seen; s; s = s->next)
		nr += is_first(r, s);
	return nr;
}

void reports_print_table(const struct reports *r, const char *who, FILE *out)
{
	for (const struct seen *s = r->seen; s; s = s->next) {
		uint64_t count = 0;

		if (!is_first(r, s))
			continue;
		for (const struct seen *other = s; other; other = other->next)
			count += same_origin(s, other) ? other->count : 0;
		fprintf(out, "%s: %6llu x %s", who, (unsigned long long)count, s->kind);
		if (s->allocated)
			fprintf(out, ", allocated in %s", s->allocated);
		if (s->freed)
			fprintf(out, ", freed in %s", s->freed);
		if (s->found)
			fprintf(out, ", found in %s", s->found);
		fputc('\n', out);
	}
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
	struct seen *s, *next;

	free_sources(r);
	for (s = r->seen; s; s = next) {
		next = s->next;
		free(s->allocated);
		free(s->freed);
		free(s->found);
		free(s);
	}
	if (r->symbols)
		symbolizer_free(r->symbols);
	free(r->dir);
	free(r);
}
