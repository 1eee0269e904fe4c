/* The Python module of the label kernel: buffers in, bytes out. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "labels.h"

enum { VIEWS = 12 };

/* Buffers of a call, released together. */
typedef struct {
    Py_buffer view[VIEWS];
    int count;
} Views;

static void *take(Views *views, PyObject *object, Py_ssize_t bytes, int writable)
{
    Py_buffer *view = views->view + views->count;
    int flags = writable ? PyBUF_WRITABLE | PyBUF_C_CONTIGUOUS : PyBUF_C_CONTIGUOUS;
    if (PyObject_GetBuffer(object, view, flags)) return NULL;
    views->count++;
    if (view->len < bytes) {
        PyErr_Format(PyExc_ValueError, "a buffer has %zd bytes instead of %zd", view->len, bytes);
        return NULL;
    }
    return view->buf;
}

static void release_views(Views *views)
{
    while (views->count) PyBuffer_Release(views->view + --views->count);
}

static PyObject *py_forward(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *o[5];
    Views views = {.count = 0};
    Arcs arcs;
    double *distance;
    const double *price;
    int64_t *last;
    PyObject *result = NULL;
    long long a, v;
    if (!PyArg_ParseTuple(args, "LLOOOOO", &a, &v, o, o + 1, o + 2, o + 3, o + 4)) return NULL;
    arcs.arcs = a;
    arcs.nodes = v;
    if ((arcs.tail = take(&views, o[0], a * 8, 0)) && (arcs.head = take(&views, o[1], a * 8, 0)) &&
        (price = take(&views, o[2], a * 8, 0)) && (distance = take(&views, o[3], v * 8, 1)) &&
        (last = take(&views, o[4], v * 8, 1))) {
        forward(&arcs, price, distance, last);
        result = Py_NewRef(Py_None);
    }
    release_views(&views);
    return result;
}

static PyObject *py_backward(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *o[4];
    Views views = {.count = 0};
    Arcs arcs;
    double *distance;
    const double *price;
    PyObject *result = NULL;
    long long a, v;
    if (!PyArg_ParseTuple(args, "LLOOOO", &a, &v, o, o + 1, o + 2, o + 3)) return NULL;
    arcs.arcs = a;
    arcs.nodes = v;
    if ((arcs.tail = take(&views, o[0], a * 8, 0)) && (arcs.head = take(&views, o[1], a * 8, 0)) &&
        (price = take(&views, o[2], a * 8, 0)) && (distance = take(&views, o[3], v * 8, 1))) {
        backward(&arcs, price, distance);
        result = Py_NewRef(Py_None);
    }
    release_views(&views);
    return result;
}

static PyObject *py_walk(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *o[3];
    Views views = {.count = 0};
    const int64_t *tail, *last;
    int64_t *path;
    PyObject *result = NULL;
    long long a, v, stages;
    if (!PyArg_ParseTuple(args, "LLLOOO", &a, &v, &stages, o, o + 1, o + 2)) return NULL;
    if ((tail = take(&views, o[0], a * 8, 0)) && (last = take(&views, o[1], v * 8, 0)) &&
        (path = take(&views, o[2], stages * 8, 1))) {
        int64_t node = v - 1;
        for (int64_t s = stages - 1; s >= 0; s--) {
            path[s] = last[node];
            node = tail[path[s]];
        }
        result = Py_NewRef(Py_None);
    }
    release_views(&views);
    return result;
}

static PyObject *packed(const Stage *s, const Labels *l)
{
    Py_ssize_t n = (Py_ssize_t)l->count * 8;
    return Py_BuildValue("(y#y#y#y#y#y#)", (const char *)l->start, (Py_ssize_t)(s->heads + 1) * 8,
                         (const char *)l->loss, n, (const char *)l->weight, n * (Py_ssize_t)s->resources,
                         (const char *)l->parent, n, (const char *)l->arc, n, (const char *)l->excess, n);
}

static PyObject *py_extend(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *o[11];
    Views views = {.count = 0};
    Stage s;
    Labels out = {0};
    long long tails, heads, resources, bounds, labels, arcs, most;
    if (!PyArg_ParseTuple(args, "LLLLLLLOOOOOOOOOOO", &tails, &heads, &resources, &bounds, &labels, &arcs, &most, o,
                          o + 1, o + 2, o + 3, o + 4, o + 5, o + 6, o + 7, o + 8, o + 9, o + 10))
        return NULL;
    s.tails = tails;
    s.heads = heads;
    s.resources = resources;
    s.bounds = bounds;
    PyObject *result = NULL;
    if ((s.label_start = take(&views, o[0], (tails + 1) * 8, 0)) && (s.loss = take(&views, o[1], labels * 8, 0)) &&
        (s.weight = take(&views, o[2], labels * resources * 8, 0)) &&
        (s.arc_start = take(&views, o[3], (tails + 1) * 8, 0)) && (s.head = take(&views, o[4], arcs * 8, 0)) &&
        (s.arc_loss = take(&views, o[5], arcs * 8, 0)) &&
        (s.arc_weight = take(&views, o[6], arcs * resources * 8, 0)) &&
        (s.room = take(&views, o[7], heads * resources * 8, 0)) &&
        (s.multiplier = take(&views, o[8], bounds * resources * 8, 0)) &&
        (s.rest = take(&views, o[9], bounds * heads * 8, 0)) && (s.limit = take(&views, o[10], bounds * 8, 0))) {
        int failed;
        Py_BEGIN_ALLOW_THREADS
        failed = extend(&s, most, &out);
        Py_END_ALLOW_THREADS
        if (failed == -1) PyErr_NoMemory();
        else if (failed == -2) result = Py_NewRef(Py_None);
        else result = packed(&s, &out);
    }
    release(&out);
    release_views(&views);
    return result;
}

static PyMethodDef methods[] = {
    {"forward", py_forward, METH_VARARGS, "Shortest distances from the source."},
    {"backward", py_backward, METH_VARARGS, "Shortest distances to the sink."},
    {"walk", py_walk, METH_VARARGS, "The path to the sink along the last arcs."},
    {"extend", py_extend, METH_VARARGS, "One stage of labels, or None beyond the most."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_labels", .m_doc = "The compiled label kernel.", .m_size = 0,
    .m_methods = methods,
};

PyMODINIT_FUNC PyInit__labels(void) { return PyModuleDef_Init(&definition); }
