/* Arrays that Python hands over. */
#ifndef MPSOLVE_BUFFERS_H
#define MPSOLVE_BUFFERS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

/* The buffers of one call, released together. */
typedef struct {
    Py_buffer view[12];
    int count;
} Buffers;

/* Numbers of a buffer: 'q' is int64, 'd' is float64. */
typedef struct {
    void *at;
    Py_ssize_t length;
    char kind;
} Numbers;

/* Take C-contiguous numbers of one of some kinds; false with an exception otherwise. */
bool take(Buffers *buffers, PyObject *object, const char *kinds, bool writable, Numbers *numbers);
void release_buffers(Buffers *buffers);

/* Whether a function got as many arguments as it needs; false with an exception otherwise. */
bool has_arguments(const char *name, Py_ssize_t needed, Py_ssize_t count);

/* A method of PyMethodDef that takes its arguments as an array. */
#define FAST(function) (PyCFunction)(void (*)(void))(function), METH_FASTCALL

#endif
