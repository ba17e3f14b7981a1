/* SPDX-License-Identifier: MIT */
/*
 * endings.cc - damages the heap in one way (argv[2]: none, overflow, freed) and ends in another
 * (argv[1]). What ends a program is told by the table in run_endings.py.
 */
#include <cassert>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <pthread.h>
#include <stdexcept>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char *volatile object;

static size_t opaque(size_t n)
{
	volatile size_t v = n;

	return v;
}

static void damage(const char *how)
{
	object = static_cast<char *>(malloc(opaque(100)));
	if (!strcmp(how, "overflow"))
		object[opaque(100)] = 'A';
	if (strcmp(how, "freed") != 0)
		return;
	char *volatile stale = object;
	free(object);
	stale[opaque(10)] = 'A';
}

static void fault()
{
	*reinterpret_cast<volatile int *>(opaque(8)) = 1;
}

static void *fault_in_thread(void *)
{
	fault();
	return nullptr;
}

static int recurse(int n)
{
	volatile char frame[4096];

	frame[n % 4096] = 1;
	return n > 1000000000 ? 0 : recurse(n + 1) + frame[n % 4096];
}

static void leave(int)
{
	_exit(5);
}

static void default_and_again(int sig)
{
	signal(sig, SIG_DFL);
	raise(sig);
}

static void come_back(int)
{
}

static void in_child()
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		damage("overflow");
		raise(SIGTERM);
	}
	waitpid(pid, &status, 0);
	_exit(WIFSIGNALED(status) ? WTERMSIG(status) : 99);
}

static void vfork_first()
{
	int status;
	pid_t pid = vfork();

	if (!pid) {
		raise(SIGTERM);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	raise(WIFSIGNALED(status) ? WTERMSIG(status) : SIGKILL);
}

static bool end_by_fault(const char *way)
{
	volatile int zero = 0;

	if (!strcmp(way, "segv"))
		fault();
	else if (!strcmp(way, "noncanonical"))
		*reinterpret_cast<volatile int *>(opaque(0x1122334455667788)) = 1;
	else if (!strcmp(way, "ill"))
		__builtin_trap();
	else if (!strcmp(way, "fpe"))
		_exit(1 / zero);
	else if (!strcmp(way, "stack"))
		_exit(recurse(0));
	else if (!strcmp(way, "segv-thread")) {
		pthread_t t;

		pthread_create(&t, nullptr, fault_in_thread, nullptr);
		pthread_join(t, nullptr);
	} else
		return false;
	return true;
}

static bool end_by_library(const char *way)
{
	if (!strcmp(way, "exit"))
		exit(3);
	if (!strcmp(way, "_exit"))
		_exit(3);
	if (!strcmp(way, "quick_exit"))
		quick_exit(3);
	if (!strcmp(way, "exit_group"))
		syscall(SYS_exit_group, 3);
	if (!strcmp(way, "abort"))
		abort();
	if (!strcmp(way, "abort-ignored")) {
		signal(SIGABRT, SIG_IGN);
		abort();
	}
	if (!strcmp(way, "assert"))
		assert(!opaque(1));
	if (!strcmp(way, "exception"))
		throw std::runtime_error("nobody catches it");
	if (!strcmp(way, "exec"))
		execl("/bin/sh", "sh", "-c", "exit 4", static_cast<char *>(nullptr));
	if (!strcmp(way, "exec-killed"))
		execl("/bin/sh", "sh", "-c", "kill -TERM $$", static_cast<char *>(nullptr));
	return false;
}

static bool end_by_handler(const char *way)
{
	if (!strcmp(way, "handler-exit")) {
		signal(SIGSEGV, leave);
		fault();
	} else if (!strcmp(way, "handler-default")) {
		signal(SIGSEGV, default_and_again);
		fault();
	} else if (!strcmp(way, "handler-abort")) {
		signal(SIGABRT, come_back);
		abort();
	} else if (!strcmp(way, "child")) {
		in_child();
	} else if (!strcmp(way, "vfork")) {
		vfork_first();
	} else
		return false;
	return true;
}

static int number_of(const char *way)
{
	static const struct {
		const char *name;
		int sig;
	} list[] = {
		{"TERM", SIGTERM}, {"INT", SIGINT},   {"HUP", SIGHUP},	 {"QUIT", SIGQUIT},
		{"ALRM", SIGALRM}, {"USR1", SIGUSR1}, {"PIPE", SIGPIPE}, {"BUS", SIGBUS},
		{"KILL", SIGKILL}, {"SEGV", SIGSEGV}, {"XCPU", SIGXCPU}, {"TRAP", SIGTRAP},
	};

	for (const auto &known : list)
		if (!strcmp(way, known.name))
			return known.sig;
	return 0;
}

int main(int argc, char **argv)
{
	const struct rlimit no_core = {0, 0};

	if (argc < 3)
		return 2;
	setrlimit(RLIMIT_CORE, &no_core);
	damage(argv[2]);
	if (end_by_fault(argv[1]) || end_by_handler(argv[1]) || end_by_library(argv[1]))
		return 98;
	if (number_of(argv[1]))
		raise(number_of(argv[1]));
	return 0;
}
