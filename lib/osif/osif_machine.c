/* SPDX-License-Identifier: MIT */
/*
 * osif_machine.c - what the machine is like: CPUs, memory nodes, barriers over all of them.
 */
#include "osif/osif.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/compiler.h"
#include "util/fmt.h"

#define MEMBARRIER_PRIVATE 8	       /* MEMBARRIER_CMD_PRIVATE_EXPEDITED */
#define MEMBARRIER_PRIVATE_REGISTER 16 /* MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED */
#define MPOL_PREFERRED_NODE 1

bool qy__osif_barrier_init(void)
{
	int saved = errno;
	bool ok = !syscall(SYS_membarrier, MEMBARRIER_PRIVATE_REGISTER, 0, 0);

	errno = saved;
	return ok;
}

void qy__osif_barrier(void)
{
	int saved = errno;

	/* A child of fork() may have to register again. */
	if (syscall(SYS_membarrier, MEMBARRIER_PRIVATE, 0, 0) && qy__osif_barrier_init())
		syscall(SYS_membarrier, MEMBARRIER_PRIVATE, 0, 0);
	errno = saved;
}

void qy__osif_yield(void)
{
	sched_yield();
}

unsigned int qy__osif_online_cpus(void)
{
	cpu_set_t set;
	int saved = errno;
	unsigned int n = 1;

	/* Not sysconf(): it opens files, and some programs count them. */
	if (!sched_getaffinity(0, sizeof(set), &set))
		n = (unsigned int)CPU_COUNT(&set);
	errno = saved;
	return max(n, 1u);
}

/* One line of a small file into @buf, terminated. false: no such file. */
static bool read_line(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n <= 0)
		return false;
	buf[n] = '\0';
	return true;
}

/* Row @node of the distance table: numbers parted by blanks. */
static unsigned int read_row(unsigned int node, uint8_t *row, unsigned int max_nodes)
{
	char text[512], path[64], *at = text;
	unsigned int n = 0;

	qy__snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/distance", node);
	if (!read_line(path, text, sizeof(text)))
		return 0;
	while (n < max_nodes) {
		char *end;
		unsigned long d = strtoul(at, &end, 10);

		if (end == at)
			break;
		row[n++] = (uint8_t)min(max(d, 10ul), 255ul);
		at = end;
	}
	return n;
}

unsigned int qy__osif_nodes(uint8_t *distance, unsigned int max_nodes)
{
	int saved = errno;
	unsigned int nr = min(read_row(0, distance, max_nodes), max_nodes);

	/* Numbers with gaps, or a table that is not square: taken as one node. */
	for (unsigned int i = 1; i < nr; i++) {
		if (read_row(i, distance + (size_t)i * nr, nr) != nr)
			nr = 1;
	}
	if (nr <= 1) {
		distance[0] = 10;
		nr = 1;
	}
	errno = saved;
	return nr;
}

unsigned int qy__osif_this_node(void)
{
	unsigned int cpu, node = 0;

	if (getcpu(&cpu, &node))
		return 0;
	return node;
}

void qy__osif_bind(void *addr, size_t len, unsigned int node)
{
	unsigned long mask[2] = {0, 0};
	int saved = errno;

	if (node < 64)
		mask[0] = 1ul << node;
	syscall(SYS_mbind, addr, len, MPOL_PREFERRED_NODE, mask, 8 * sizeof(mask), 0);
	errno = saved;
}
