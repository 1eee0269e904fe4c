#include "buffers.h"

#include <string.h>

bool take(Buffers *buffers, PyObject *object, const char *kinds, bool writable, Numbers *numbers) {
    Py_buffer *view = buffers->view + buffers->count;
    int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0);
    if (PyObject_GetBuffer(object, view, flags) < 0) return false;
    buffers->count++;
    char kind = view->format ? view->format[0] : '\0';
    if (kind == 'l' && sizeof(long) == 8) kind = 'q';
    if (view->itemsize != 8 || !kind || !strchr(kinds, kind)) {
        const char *wanted = !strchr(kinds, 'd')   ? "int64"
                             : !strchr(kinds, 'q') ? "float64"
                                                   : "float64 or int64";
        PyErr_Format(PyExc_TypeError, "expected contiguous %s numbers", wanted);
        return false;
    }
    *numbers = (Numbers){view->buf, view->len / view->itemsize, kind};
    return true;
}

void release_buffers(Buffers *buffers) {
    while (buffers->count) PyBuffer_Release(buffers->view + --buffers->count);
}

bool has_arguments(const char *name, Py_ssize_t needed, Py_ssize_t count) {
    if (count == needed) return true;
    PyErr_Format(PyExc_TypeError, "%s takes %zd arguments, not %zd", name, needed, count);
    return false;
}
