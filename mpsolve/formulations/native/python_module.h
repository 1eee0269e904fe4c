/* What the Python module consists of. */
#ifndef MPSOLVE_PYTHON_MODULE_H
#define MPSOLVE_PYTHON_MODULE_H

#include "buffers.h"

/* Whether offsets of non-empty groups lead from 0 to the end of the numbers; false with an
 * exception otherwise. */
bool consistent(const Numbers *offsets, const Numbers *numbers);

/* The class of prepared knapsacks. */
extern PyType_Spec knapsack_spec;

/* Functions that take their arguments as an array; module.c says what they do. */
PyObject *path_forward(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *path_backward(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *path_walk(PyObject *module, PyObject *const *arguments, Py_ssize_t count);
PyObject *path_extend(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

#endif
