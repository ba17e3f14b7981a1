/* SPDX-License-Identifier: MIT */
/*
 * osif_machine.c - what the machine is like: CPUs, memory nodes, barriers over all of them.
 */
#include <fcntl.h>
#include <sys/auxv.h>

#include "osif/osif_internal.h"
#include "util/compiler.h"
#include "util/fmt.h"
#include "util/lock.h"
#include "util/sys.h"

#define MEMBARRIER_PRIVATE 8	       /* MEMBARRIER_CMD_PRIVATE_EXPEDITED */
#define MEMBARRIER_PRIVATE_REGISTER 16 /* MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED */
#define MPOL_PREFERRED_NODE 1
#define CPU_SET_WORDS 128 /* of a mask of CPUs, as many as the system can have */

bool qy__osif_barrier_init(void)
{
	return !qy__sys3(SYS_membarrier, MEMBARRIER_PRIVATE_REGISTER, 0, 0);
}

void qy__osif_barrier(void)
{
	/* Alone: nobody has to see anything. */
	if (QY__SINGLE_THREADED)
		return;
	/* A child of fork() may have to register again. */
	if (qy__sys3(SYS_membarrier, MEMBARRIER_PRIVATE, 0, 0) && qy__osif_barrier_init())
		qy__sys3(SYS_membarrier, MEMBARRIER_PRIVATE, 0, 0);
}

void qy__osif_yield(void)
{
	qy__sys0(SYS_sched_yield);
}

/* getauxval() reads what the kernel left at the start; nothing is called. */
size_t qy__osif_page_size(void)
{
	return (size_t)getauxval(AT_PAGESZ);
}

unsigned int qy__osif_online_cpus(void)
{
	unsigned long set[CPU_SET_WORDS] = {0};
	unsigned int n = 0;

	/* Not sysconf(): it opens files, and some programs count them. */
	qy__sys3(SYS_sched_getaffinity, 0, sizeof(set), set);
	for (size_t i = 0; i < ARRAY_SIZE(set); i++)
		n += (unsigned int)__builtin_popcountl(set[i]);
	return max(n, 1u);
}

/* One line of a small file into @buf, terminated. false: no such file. */
static bool read_line(const char *path, char *buf, size_t size)
{
	int fd = (int)qy__sys4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	long n;

	if (fd < 0)
		return false;
	n = qy__sys3(SYS_read, fd, buf, size - 1);
	qy__sys1(SYS_close, fd);
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
		unsigned long d = 0;

		while (*at == ' ')
			at++;
		if (*at < '0' || *at > '9')
			break;
		while (*at >= '0' && *at <= '9')
			d = min(d * 10 + (unsigned long)(*at++ - '0'), 255ul);
		row[n++] = (uint8_t)max(d, 10ul);
	}
	return n;
}

unsigned int qy__osif_nodes(uint8_t *distance, unsigned int max_nodes)
{
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
	return nr;
}

unsigned int qy__osif_this_node(void)
{
	unsigned int cpu = 0, node = 0;

	if (qy__sys3(SYS_getcpu, &cpu, &node, NULL))
		return 0;
	return node;
}

void qy__osif_bind(void *addr, size_t len, unsigned int node)
{
	unsigned long mask[2] = {0, 0};

	if (node < 64)
		mask[0] = 1ul << node;
	qy__sys6(SYS_mbind, addr, len, MPOL_PREFERRED_NODE, mask, 8 * sizeof(mask), 0);
}
