/* A prepared knapsack as a Python object. */
#include "python_module.h"

#include "front.h"
#include "search.h"

typedef struct {
    PyObject_HEAD
    Instance instance;
    PyObject *clock; /* time.monotonic */
} Knapsack;

static PyObject *prepared_knapsack(PyTypeObject *type, const Numbers *weights,
                                   const Numbers *losses, const Numbers *offsets) {
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    PyObject *time = PyImport_ImportModule("time");
    Knapsack *self = time ? (Knapsack *)allocate(type, 0) : NULL;
    if (self) {
        self->clock = PyObject_GetAttrString(time, "monotonic");
        bool prepared;
        Py_BEGIN_ALLOW_THREADS;
        prepared =
            prepare(&self->instance, weights->at, losses->at, offsets->at, offsets->length - 1);
        Py_END_ALLOW_THREADS;
        if (!prepared) PyErr_NoMemory();
        if (!prepared || !self->clock) Py_CLEAR(self);
    }
    Py_XDECREF(time);
    return (PyObject *)self;
}

static PyObject *knapsack_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
    (void)keywords;
    PyObject *given[3];
    Buffers buffers = {.count = 0};
    Numbers weights, losses, offsets;
    PyObject *self = NULL;
    if (!PyArg_ParseTuple(arguments, "OOO", &given[0], &given[1], &given[2])) return NULL;
    if (take(&buffers, given[0], "q", false, &weights) &&
        take(&buffers, given[1], "q", false, &losses) &&
        take(&buffers, given[2], "q", false, &offsets) && consistent(&offsets, &weights)) {
        if (weights.length > INT32_MAX)
            PyErr_SetString(PyExc_ValueError, "the kernel takes less than 2^31 candidates");
        else if (losses.length != weights.length)
            PyErr_SetString(PyExc_ValueError, "there must be as many losses as weights");
        else
            self = prepared_knapsack(type, &weights, &losses, &offsets);
    }
    release_buffers(&buffers);
    return self;
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
    Buffers buffers = {.count = 0};
    Numbers choice, start = {NULL, self->instance.groups, 'q'};
    PyObject *result = NULL;
    if (!has_arguments("search", 8, count)) return NULL;
    Caller caller = {NULL, self->clock, arguments[6], PyFloat_AsDouble(arguments[3])};
    Settings settings = {.label_limit = PyLong_AsLongLong(arguments[4]),
                         .gap = PyFloat_AsDouble(arguments[5]),
                         .poll = {poll_caller, &caller}};
    Tuning *tuning = &settings.tuning;
    int64_t capacity = PyLong_AsLongLong(arguments[0]);
    if (PyErr_Occurred() ||
        !PyArg_ParseTuple(arguments[7], "LLLdLLddLL", &tuning->dive_at, &tuning->dive_growth,
                          &tuning->dive_share, &tuning->nearness, &tuning->poll_at,
                          &tuning->large_core, &tuning->first_part, &tuning->next_part,
                          &tuning->first_width, &tuning->passes))
        return NULL;
    if (settings.label_limit > UINT32_MAX) settings.label_limit = UINT32_MAX;
    if (take(&buffers, arguments[1], "q", true, &choice) &&
        (arguments[2] == Py_None || take(&buffers, arguments[2], "q", false, &start))) {
        if (choice.length != self->instance.groups || start.length != choice.length)
            PyErr_SetString(PyExc_ValueError, "a choice needs one position per group");
        else {
            Result found;
            settings.start = start.at;
            caller.state = PyEval_SaveThread();
            found = search(&self->instance, capacity, &settings, choice.at);
            PyEval_RestoreThread(caller.state);
            result = answer(&found);
        }
    }
    release_buffers(&buffers);
    return result;
}

static PyObject *knapsack_front(PyObject *object, PyObject *const *arguments, Py_ssize_t count) {
    Knapsack *self = (Knapsack *)object;
    PyObject *result = NULL;
    if (!has_arguments("front", 6, count)) return NULL;
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
    {"front", FAST(knapsack_front),
     "front(epsilon, base_loss, label_limit, step_limit, deadline, report)\n--\n\n"
     "The bytes of the points, int64 weight and loss and float64 excess; what stopped the search."},
    {"search", FAST(knapsack_search),
     "search(capacity, choice, start, deadline, label_limit, gap, report, tuning)\n--\n\n"
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

PyType_Spec knapsack_spec = {
    .name = "mpsolve.formulations.native._native.Knapsack",
    .basicsize = sizeof(Knapsack),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = knapsack_slots,
};
