/* The Python module of the compiled kernel; `kernels.py` says what it is used for. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "fixed_point.h"
#include "front.h"
#include "search.h"

/* A C-contiguous buffer of 8-byte numbers; `format` is 'd' or 'q'. */
static bool numbers(PyObject *object, Py_buffer *buffer, bool writable, char *format) {
    int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0);
    if (PyObject_GetBuffer(object, buffer, flags) < 0) return false;
    char kind = buffer->format ? buffer->format[0] : '\0';
    if (kind == 'l' && sizeof(long) == 8) kind = 'q';
    if (buffer->itemsize == 8 && (kind == 'd' || kind == 'q')) {
        *format = kind;
        return true;
    }
    PyBuffer_Release(buffer);
    PyErr_SetString(PyExc_TypeError, "expected contiguous float64 or int64 numbers");
    return false;
}

static bool integers(PyObject *object, Py_buffer *buffer, bool writable) {
    char format;
    if (!numbers(object, buffer, writable, &format)) return false;
    if (format == 'q') return true;
    PyBuffer_Release(buffer);
    PyErr_SetString(PyExc_TypeError, "expected contiguous int64 numbers");
    return false;
}

static Py_ssize_t length(const Py_buffer *buffer) { return buffer->len / buffer->itemsize; }

/* Whether offsets of non-empty groups lead from 0 to `count`. */
static bool consistent(const Py_buffer *offsets, Py_ssize_t count) {
    const int64_t *at = offsets->buf;
    Py_ssize_t groups = length(offsets) - 1;
    bool fit = groups > 0 && at[0] == 0 && at[groups] == count;
    for (Py_ssize_t g = 0; fit && g < groups; g++) fit = at[g] < at[g + 1];
    if (!fit) PyErr_SetString(PyExc_ValueError, "the offsets do not fit the numbers");
    return fit;
}

static PyObject *fixed_point(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
    (void)module;
    Py_buffer values, offsets, out;
    char format;
    PyObject *result = NULL;
    if (count != 5) {
        PyErr_SetString(PyExc_TypeError, "fixed_point takes 5 arguments");
        return NULL;
    }
    long bits = PyLong_AsLong(arguments[2]);
    int round_up = PyObject_IsTrue(arguments[3]);
    if ((bits == -1 || round_up < 0) && PyErr_Occurred()) return NULL;
    if (!numbers(arguments[0], &values, false, &format)) return NULL;
    if (!integers(arguments[1], &offsets, false)) goto no_offsets;
    if (!integers(arguments[4], &out, true)) goto no_out;
    if (consistent(&offsets, length(&values)) && length(&out) == length(&values)) {
        Scale scale = format == 'q' ? scale_integers(values.buf, length(&values), out.buf)
                                    : scale_doubles(values.buf, offsets.buf, length(&offsets) - 1,
                                                    (int)bits, round_up, out.buf);
        result = Py_BuildValue("iN", scale.exponent, PyBool_FromLong(scale.exact));
    } else if (!PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "there is no room for the integers");
    PyBuffer_Release(&out);
no_out:
    PyBuffer_Release(&offsets);
no_offsets:
    PyBuffer_Release(&values);
    return result;
}

typedef struct {
    PyObject_HEAD
    Instance instance;
    PyObject *clock; /* time.monotonic */
} Knapsack;

static PyObject *knapsack_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
    (void)keywords;
    PyObject *given[3];
    Py_buffer weights, losses, offsets;
    Knapsack *self = NULL;
    if (!PyArg_ParseTuple(arguments, "OOO", &given[0], &given[1], &given[2])) return NULL;
    if (!integers(given[0], &weights, false)) return NULL;
    if (!integers(given[1], &losses, false)) goto no_losses;
    if (!integers(given[2], &offsets, false)) goto no_offsets;
    if (length(&weights) > INT32_MAX)
        PyErr_SetString(PyExc_ValueError, "the kernel takes less than 2^31 candidates");
    else if (consistent(&offsets, length(&weights)) && length(&losses) == length(&weights)) {
        allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
        PyObject *time = PyImport_ImportModule("time");
        self = time ? (Knapsack *)allocate(type, 0) : NULL;
        if (self) {
            self->clock = PyObject_GetAttrString(time, "monotonic");
            bool prepared;
            Py_BEGIN_ALLOW_THREADS;
            prepared = prepare(&self->instance, weights.buf, losses.buf, offsets.buf,
                               length(&offsets) - 1);
            Py_END_ALLOW_THREADS;
            if (!prepared) PyErr_NoMemory();
            if (!prepared || !self->clock) Py_CLEAR(self);
        }
        Py_XDECREF(time);
    } else if (!PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "there must be as many losses as weights");
    PyBuffer_Release(&offsets);
no_offsets:
    PyBuffer_Release(&losses);
no_losses:
    PyBuffer_Release(&weights);
    return (PyObject *)self;
}

static void knapsack_dealloc(PyObject *object) {
    Knapsack *self = (Knapsack *)object;
    PyTypeObject *type = Py_TYPE(object);
    freefunc release_object = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(&self->instance);
    Py_XDECREF(self->clock);
    release_object(object);
    Py_DECREF(type);
}

static PyObject *base_loss(PyObject *self, void *closure) {
    (void)closure;
    return PyLong_FromLongLong(((Knapsack *)self)->instance.base_loss);
}

static PyObject *knapsack_spread(PyObject *self, PyObject *excess) {
    long long limit = PyLong_AsLongLong(excess);
    if (limit == -1 && PyErr_Occurred()) return NULL;
    return PyLong_FromLongLong(spread(&((Knapsack *)self)->instance, limit < 0 ? 0 : limit));
}

/* Whom a search asks whether to go on. */
typedef struct {
    PyThreadState *state; /* of the thread that released the interpreter */
    PyObject *clock, *report;
    double deadline;
} Caller;

static Limit ask_caller(const Caller *caller, const State *state) {
    if (state && caller->report != Py_None) {
        PyObject *answer = PyObject_CallFunction(caller->report, "LL", (long long)state->incumbent,
                                                 (long long)state->bound);
        if (!answer) return RAISED;
        Py_DECREF(answer);
    }
    if (PyErr_CheckSignals() < 0) return RAISED;
    if (isinf(caller->deadline) && caller->deadline > 0) return COMPLETE;
    PyObject *now = PyObject_CallFunction(caller->clock, NULL);
    if (!now) return RAISED;
    double seconds = PyFloat_AsDouble(now);
    Py_DECREF(now);
    return seconds >= caller->deadline ? TIME : COMPLETE;
}

/* Ctrl-C ends a search with the best answer so far; other exceptions are passed on. */
static Limit poll_caller(void *context, const State *state) {
    Caller *caller = context;
    PyEval_RestoreThread(caller->state);
    Limit limit = ask_caller(caller, state);
    if (limit == RAISED && PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
        PyErr_Clear();
        limit = INTERRUPTED;
    }
    caller->state = PyEval_SaveThread();
    return limit;
}

static PyObject *answer(const Result *result) {
    if (result->limit == RAISED) return NULL;
    if (result->limit == NO_MEMORY) return PyErr_NoMemory();
    if (!result->feasible) Py_RETURN_NONE;
    return Py_BuildValue("LLi", (long long)result->loss, (long long)result->bound,
                         (int)result->limit);
}

static PyObject *knapsack_search(PyObject *object, PyObject *const *arguments, Py_ssize_t count) {
    Knapsack *self = (Knapsack *)object;
    Py_buffer choice, start = {0};
    PyObject *result = NULL;
    if (count != 8) {
        PyErr_SetString(PyExc_TypeError, "search takes 8 arguments");
        return NULL;
    }
    Caller caller = {NULL, self->clock, arguments[6], PyFloat_AsDouble(arguments[3])};
    Settings settings = {.label_limit = PyLong_AsLongLong(arguments[4]),
                         .gap = PyFloat_AsDouble(arguments[5]),
                         .poll = {poll_caller, &caller}};
    int64_t capacity = PyLong_AsLongLong(arguments[0]);
    long long at, growth, share, poll_at, passes, large, width;
    if (PyErr_Occurred() ||
        !PyArg_ParseTuple(arguments[7], "LLLLLdddLL", &at, &growth, &share, &poll_at, &passes,
                          &settings.nearness, &settings.first_part, &settings.next_part, &large,
                          &width))
        return NULL;
    settings.dive_at = at;
    settings.dive_growth = growth;
    settings.dive_share = share;
    settings.poll_at = poll_at;
    settings.passes = passes;
    settings.large_core = large;
    settings.first_width = width;
    if (settings.label_limit > UINT32_MAX) settings.label_limit = UINT32_MAX;
    if (!integers(arguments[1], &choice, true)) return NULL;
    if (arguments[2] != Py_None && !integers(arguments[2], &start, false)) goto no_start;
    if (length(&choice) != self->instance.groups ||
        (start.buf && length(&start) != self->instance.groups))
        PyErr_SetString(PyExc_ValueError, "a choice needs one position per group");
    else {
        Result found;
        settings.start = start.buf;
        caller.state = PyEval_SaveThread();
        found = search(&self->instance, capacity, &settings, choice.buf);
        PyEval_RestoreThread(caller.state);
        result = answer(&found);
    }
    if (start.buf) PyBuffer_Release(&start);
no_start:
    PyBuffer_Release(&choice);
    return result;
}

static PyObject *knapsack_front(PyObject *object, PyObject *const *arguments, Py_ssize_t count) {
    Knapsack *self = (Knapsack *)object;
    PyObject *result = NULL;
    if (count != 6) {
        PyErr_SetString(PyExc_TypeError, "front takes 6 arguments");
        return NULL;
    }
    Caller caller = {NULL, self->clock, arguments[5], PyFloat_AsDouble(arguments[4])};
    FrontSettings settings = {.epsilon = PyFloat_AsDouble(arguments[0]),
                              .base_loss = PyLong_AsLongLong(arguments[1]),
                              .label_limit = PyLong_AsLongLong(arguments[2]),
                              .step_limit = PyLong_AsLongLong(arguments[3]),
                              .poll = {poll_caller, &caller}};
    if (PyErr_Occurred()) return NULL;
    Front front;
    caller.state = PyEval_SaveThread();
    front = find_front(&self->instance, &settings);
    PyEval_RestoreThread(caller.state);
    if (front.limit == NO_MEMORY)
        PyErr_NoMemory();
    else if (front.limit != RAISED)
        result = Py_BuildValue("y#i", (const char *)front.points.at,
                               (Py_ssize_t)((size_t)front.points.count * sizeof(Point)),
                               (int)front.limit);
    free(front.points.at);
    return result;
}

static PyMethodDef knapsack_methods[] = {
    {"spread", knapsack_spread, METH_O,
     "spread(excess)\n--\n\nThe summed largest losses of the groups, each at most excess."},
    {"front", (PyCFunction)(void (*)(void))knapsack_front, METH_FASTCALL,
     "front(epsilon, base_loss, label_limit, step_limit, deadline, report)\n--\n\n"
     "The bytes of the points, int64 weight and loss and float64 excess; what stopped the search."},
    {"search", (PyCFunction)(void (*)(void))knapsack_search, METH_FASTCALL,
     "search(capacity, choice, start, deadline, label_limit, gap, report, constants)\n--\n\n"
     "Write the best choice; its loss, a bound and what stopped the search, or None."},
    {0},
};

static PyGetSetDef knapsack_attributes[] = {
    {"base_loss", base_loss, NULL, "The least loss of every group, summed.", NULL},
    {0},
};

static PyType_Slot knapsack_slots[] = {
    {Py_tp_new, knapsack_new},
    {Py_tp_dealloc, knapsack_dealloc},
    {Py_tp_methods, knapsack_methods},
    {Py_tp_getset, knapsack_attributes},
    {Py_tp_doc, "Knapsack(weights, losses, offsets)\n--\n\nA prepared knapsack in int64."},
    {0, NULL},
};

static PyType_Spec knapsack_spec = {
    .name = "mpsolve.formulations.mckp._kernel.Knapsack",
    .basicsize = sizeof(Knapsack),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = knapsack_slots,
};

static int execute(PyObject *module) {
    PyObject *type = PyType_FromModuleAndSpec(module, &knapsack_spec, NULL);
    int done = type ? PyModule_AddType(module, (PyTypeObject *)type) : -1;
    Py_XDECREF(type);
    return done;
}

static PyMethodDef functions[] = {
    {"fixed_point", (PyCFunction)(void (*)(void))fixed_point, METH_FASTCALL,
     "fixed_point(values, offsets, bits, round_up, integers)\n--\n\n"
     "Write the integers; their exponent and whether they are exact."},
    {0},
};

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_kernel",
    .m_doc = "The compiled knapsack kernel.",
    .m_methods = functions,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__kernel(void) { return PyModuleDef_Init(&definition); }
