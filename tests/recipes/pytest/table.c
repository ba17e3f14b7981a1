/* SPDX-License-Identifier: MIT */
/*
 * A Python module in C, whose tests run on the debug malloc:
 *
 *     cc -g -shared -fPIC $(python3-config --includes) table.c -o table.so
 *     PYTHONMALLOC=malloc quarry check -- python3 -m pytest
 *
 * PYTHONMALLOC=malloc: else Python cuts its small objects from blocks of its own, and what is
 * written past one of them is seen by nobody.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#ifdef BUG
#define ROOM 0
#else
#define ROOM 1 /* the sum stands behind the squares */
#endif

static PyObject *squares(PyObject *self, PyObject *arg)
{
	Py_ssize_t n = PyNumber_AsSsize_t(arg, PyExc_OverflowError);
	long *table, sum = 0;

	(void)self;
	if (n < 0)
		return PyErr_Occurred() ? NULL : PyLong_FromLong(0);
	table = PyMem_Malloc((size_t)(n + ROOM) * sizeof(*table));
	if (!table)
		return PyErr_NoMemory();
	for (Py_ssize_t i = 0; i < n; i++) {
		table[i] = (long)(i * i);
		sum += table[i];
	}
	table[n] = sum;
	sum = table[n];
	PyMem_Free(table);
	return PyLong_FromLong(sum);
}

static PyMethodDef methods[] = {
	{"squares", squares, METH_O, "the sum of the first n squares"},
	{NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
	PyModuleDef_HEAD_INIT, "table", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_table(void);
PyMODINIT_FUNC PyInit_table(void)
{
	return PyModule_Create(&module);
}
