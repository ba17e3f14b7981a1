/* SPDX-License-Identifier: MIT */
/*
 * legal_libc.c - calls of the C library that ask for memory, keep it, or hand it to the program.
 */
#include <argz.h>
#include <dirent.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <fts.h>
#include <glob.h>
#include <iconv.h>
#include <locale.h>
#include <netdb.h>
#include <pwd.h>
#include <regex.h>
#include <search.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>
#include <wordexp.h>

#include "legal.h"

extern char **environ;

static void streams(void)
{
	char *text = NULL, *line = NULL, *p;
	wchar_t *wide = NULL;
	size_t size = 0, cap = 0;
	FILE *f = open_memstream(&text, &size);
	FILE *w;

	CHECK(f);
	for (int i = 0; i < 2000; i++)
		fprintf(f, "%d:%.*f:%s\n", i, i % 60, i / 7.0, i % 10 ? "" : "a longer line");
	fclose(f);
	f = fmemopen(text, size, "r");
	for (int i = 0; getline(&line, &cap, f) > 0; i++)
		CHECK(atoi(line) == i);
	rewind(f);
	while (getdelim(&line, &cap, ':', f) > 0)
		;
	fclose(f);
	free(line);
	free(text);
	w = open_wmemstream(&wide, &size);
	fwprintf(w, L"%ls %d", L"wide", 5);
	fclose(w);
	CHECK(!wcscmp(wide, L"wide 5"));
	free(wide);
	f = tmpfile();
	p = malloc(100000);
	setvbuf(f, p, _IOFBF, 100000);
	for (int i = 0; i < 20000; i++)
		fprintf(f, "%d ", i);
	rewind(f);
	for (int i = 0, x; fscanf(f, "%d", &x) == 1; i++)
		CHECK(x == i);
	fclose(f);
	free(p);
}

static void strings(void)
{
	char *all = NULL, *p, *argz = NULL;
	wchar_t *wide;
	size_t len = 0;

	for (int i = 0; i < 300; i++) {
		char *one = strndup("some letters, not all of them", (size_t)i % 30), *more;

		CHECK(asprintf(&more, "%s%s%d", all ? all : "", one, i) > 0);
		free(one);
		free(all);
		all = more;
	}
	p = strdup(all);
	CHECK(!strcmp(p, all));
	free(p);
	free(all);
	CHECK(sscanf("hello world", "%ms", &p) == 1 && !strcmp(p, "hello"));
	free(p);
	wide = wcsdup(L"wide letters");
	free(wide);
	for (int i = 0; i < 100; i++)
		argz_add(&argz, &len, "part");
	CHECK(argz_count(argz, len) == 100);
	free(argz);
}

static int compare_ints(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return x < y ? -1 : x > y;
}

/* The nodes' keys lie in an array. */
static void keep(void *node_key)
{
	(void)node_key;
}

static void sort_and_search(void)
{
	size_t n = 200000;
	int *a = malloc(n * sizeof(int));
	void *tree = NULL;

	for (size_t i = 0; i < n; i++)
		a[i] = (int)(i * 2654435761u % 1000003);
	qsort(a, n, sizeof(int), compare_ints);
	for (size_t i = 1; i < n; i++)
		CHECK(a[i - 1] <= a[i]);
	for (size_t i = 0; i < 500; i++)
		CHECK(tsearch(&a[i * 300], &tree, compare_ints));
	for (size_t i = 0; i < 250; i++)
		tdelete(&a[i * 600], &tree, compare_ints);
	tdestroy(tree, keep);
	CHECK(hcreate(500));
	for (size_t i = 0; i < 400; i++) {
		char *name;

		CHECK(asprintf(&name, "key %zu", i) > 0);
		CHECK(hsearch((ENTRY){.key = name, .data = a}, ENTER));
	}
	hdestroy();
	free(a);
}

static void patterns(void)
{
	static const char *const expression[] = {
		"^[a-z]+([0-9]{2,5}|x*)(foo|bar)?$",
		"(a|b)*c.d",
		"([[:alpha:]_][[:alnum:]_]*)=(.*)",
		"x{1,50}",
	};
	regmatch_t match[4];
	wordexp_t words;
	glob_t files;
	regex_t re;

	for (int i = 0; i < 40; i++) {
		CHECK(regcomp(&re, expression[i % 4], REG_EXTENDED | (i & 4 ? REG_ICASE : 0)) == 0);
		regexec(&re, "abc1234foo", 4, match, 0);
		regexec(&re, "name_1=some value", 4, match, 0);
		regfree(&re);
	}
	CHECK(regcomp(&re, "(unclosed", REG_EXTENDED) != 0);
	CHECK(glob("/usr/*/[a-d]*", 0, NULL, &files) == 0 && files.gl_pathc > 0);
	globfree(&files);
	CHECK(wordexp("$HOME/a *.nothing 'x y'", &words, WRDE_NOCMD) == 0);
	wordfree(&words);
}

static void folders(void)
{
	char *const roots[] = {(char *)"/etc", NULL};
	struct dirent **list;
	char *path, *here = getcwd(NULL, 0);
	int n = scandir("/usr/bin", &list, NULL, alphasort);
	FTS *fts;
	DIR *dir;

	CHECK(n > 0 && here);
	for (int i = 0; i < n; i++)
		free(list[i]);
	free(list);
	free(here);
	path = realpath("/usr/../usr/bin/./sh", NULL);
	CHECK(path);
	free(path);
	dir = opendir("/usr/lib");
	while (readdir(dir))
		;
	closedir(dir);
	fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	for (int i = 0; i < 500 && fts_read(fts); i++)
		;
	fts_close(fts);
}

static void languages(void)
{
	static const char *const name[] = {
		"C.UTF-8", "C", "POSIX", "en_US.UTF-8", "", "de_DE.UTF-8",
	};
	char from[] = "gr\xc3\xbc\xc3\x9f dich", to[100];

	for (int i = 0; i < 30; i++) {
		locale_t l = newlocale(LC_ALL_MASK, name[i % 6], NULL), copy;

		setlocale(LC_ALL, name[i % 6]);
		if (!l)
			continue;
		copy = duplocale(l);
		uselocale(copy);
		uselocale(LC_GLOBAL_LOCALE);
		freelocale(copy);
		freelocale(l);
	}
	for (int i = 0; i < 20; i++) {
		const char *charset[] = {"ISO-8859-1", "UTF-16", "UTF-32LE", "CP1252//TRANSLIT"};
		iconv_t cd = iconv_open(charset[i % 4], "UTF-8");
		char *in = from, *out = to;
		size_t nr_in = strlen(from), nr_out = sizeof(to);

		if (cd == (iconv_t)-1)
			continue;
		CHECK(iconv(cd, &in, &nr_in, &out, &nr_out) != (size_t)-1);
		iconv_close(cd);
	}
}

static void processes(void)
{
	char *const argv[] = {(char *)"sh", (char *)"-c", (char *)"exit 5", NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	char text[100];
	int status;
	pid_t pid;
	FILE *f;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 9, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, 9, 0);
	posix_spawnattr_init(&attr);
	for (int i = 0; i < 10; i++) {
		CHECK(posix_spawnp(&pid, "sh", &actions, &attr, argv, environ) == 0);
		CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 5);
	}
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	CHECK(WEXITSTATUS(system("true; exit 3")) == 3);
	f = popen("echo one; echo two", "r");
	CHECK(f && fgets(text, sizeof(text), f) && !strcmp(text, "one\n"));
	CHECK(pclose(f) != -1);
}

static void libraries(void)
{
	static const char *const name[] = {
		"libm.so.6",	   "libz.so.1",	      "libstdc++.so.6", "libcrypto.so.3",
		"libsqlite3.so.0", "libpthread.so.0", "libresolv.so.2", "no-such-library.so",
	};
	void *frame[20];

	for (int i = 0; i < 24; i++) {
		void *lib = dlopen(name[i % 8], i % 2 ? RTLD_NOW : RTLD_LAZY | RTLD_LOCAL);
		Dl_info info;

		if (!lib) {
			CHECK(dlerror() != NULL);
			continue;
		}
		CHECK(dlsym(lib, "no_such_symbol") == NULL && dlerror());
		CHECK(dladdr(dlsym(lib, "cos") ? dlsym(lib, "cos") : (void *)dlopen, &info));
		CHECK(dlclose(lib) == 0);
	}
	free(backtrace_symbols(frame, backtrace(frame, 20)));
}

static int nr_left;

static void leaving(void)
{
	nr_left++;
}

static void surroundings(void)
{
	char name[32], *saved = strdup(getenv("PATH"));
	struct addrinfo *list, hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	struct tm tm;
	time_t t = 1000000000;

	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "VARIABLE_%d", i % 100);
		CHECK(setenv(name, "a value", 1) == 0);
		if (i % 3 == 0)
			unsetenv(name);
	}
	putenv(strdup("PUT=by hand"));
	CHECK(!strcmp(getenv("PUT"), "by hand"));
	for (int i = 0; i < 200; i++)
		CHECK(atexit(leaving) == 0);
	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	localtime_r(&t, &tm);
	strftime(name, sizeof(name), "%c", &tm);
	CHECK(getpwuid(0) == NULL || getpwuid(0)->pw_uid == 0);
	if (getaddrinfo("127.0.0.1", "80", &hints, &list) == 0)
		freeaddrinfo(list);
	clearenv();
	setenv("PATH", saved, 1);
	free(saved);
}

int main(int argc, char **argv)
{
	static const struct legal_test tests[] = {
		{"streams", streams},
		{"strings", strings},
		{"sort_and_search", sort_and_search},
		{"patterns", patterns},
		{"folders", folders},
		{"languages", languages},
		{"processes", processes},
		{"libraries", libraries},
		{"surroundings", surroundings},
	};

	return run_test(tests, sizeof(tests) / sizeof(tests[0]), argc == 2 ? argv[1] : "");
}
