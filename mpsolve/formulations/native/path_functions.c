/* Shortest paths and label setting as Python functions. */
#include "python_module.h"

#include "paths.h"
#include "stage.h"

static bool misfit(void) {
    PyErr_SetString(PyExc_ValueError, "the arrays do not fit each other");
    return false;
}

/* Tails, heads and prices of as many arcs. */
static bool take_arcs(Buffers *buffers, PyObject *const *arguments, Arcs *arcs, Numbers *price) {
    Numbers tail, head;
    if (!take(buffers, arguments[0], "q", false, &tail) ||
        !take(buffers, arguments[1], "q", false, &head) ||
        !take(buffers, arguments[2], "d", false, price))
        return false;
    *arcs = (Arcs){.arcs = price->length, .tail = tail.at, .head = head.at};
    return (tail.length == price->length && head.length == price->length) || misfit();
}

PyObject *path_forward(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
    (void)module;
    Buffers buffers = {.count = 0};
    Numbers price, distance, last;
    Arcs arcs;
    PyObject *result = NULL;
    if (!has_arguments("forward", 5, count)) return NULL;
    if (take_arcs(&buffers, arguments, &arcs, &price) &&
        take(&buffers, arguments[3], "d", true, &distance) &&
        take(&buffers, arguments[4], "q", true, &last) &&
        (last.length == distance.length || misfit())) {
        arcs.nodes = distance.length;
        forward(&arcs, price.at, distance.at, last.at);
        result = Py_NewRef(Py_None);
    }
    release_buffers(&buffers);
    return result;
}

PyObject *path_backward(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
    (void)module;
    Buffers buffers = {.count = 0};
    Numbers price, distance;
    Arcs arcs;
    PyObject *result = NULL;
    if (!has_arguments("backward", 4, count)) return NULL;
    if (take_arcs(&buffers, arguments, &arcs, &price) &&
        take(&buffers, arguments[3], "d", true, &distance)) {
        arcs.nodes = distance.length;
        backward(&arcs, price.at, distance.at);
        result = Py_NewRef(Py_None);
    }
    release_buffers(&buffers);
    return result;
}

PyObject *path_walk(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
    (void)module;
    Buffers buffers = {.count = 0};
    Numbers tail, last, path;
    PyObject *result = NULL;
    if (!has_arguments("walk", 3, count)) return NULL;
    if (take(&buffers, arguments[0], "q", false, &tail) &&
        take(&buffers, arguments[1], "q", false, &last) &&
        take(&buffers, arguments[2], "q", true, &path)) {
        Arcs arcs = {.arcs = tail.length, .nodes = last.length, .tail = tail.at};
        walk(&arcs, last.at, path.length, path.at);
        result = Py_NewRef(Py_None);
    }
    release_buffers(&buffers);
    return result;
}

/* The labels as bytes. */
static PyObject *packed(const Stage *stage, const Extended *labels) {
    Py_ssize_t column = (Py_ssize_t)(labels->count * 8);
    return Py_BuildValue("(y#y#y#y#y#y#)", (const char *)labels->start,
                         (Py_ssize_t)((stage->heads + 1) * 8), (const char *)labels->loss, column,
                         (const char *)labels->weight, (Py_ssize_t)(column * stage->resources),
                         (const char *)labels->parent, column, (const char *)labels->arc, column,
                         (const char *)labels->excess, column);
}

/* Fill a stage from the arrays in the order of its members; their lengths must agree. */
static bool fill_stage(Stage *stage, const Numbers *arrays) {
    const Numbers *start = &arrays[0], *loss = &arrays[1], *weight = &arrays[2];
    const Numbers *arc_start = &arrays[3], *head = &arrays[4], *arc_loss = &arrays[5];
    const Numbers *arc_weight = &arrays[6], *room = &arrays[7], *multiplier = &arrays[8];
    const Numbers *rest = &arrays[9], *limit = &arrays[10];
    if (start->length < 1 || limit->length < 1) return misfit();
    *stage = (Stage){.tails = start->length - 1,
                     .heads = rest->length / limit->length,
                     .resources = multiplier->length / limit->length,
                     .bounds = limit->length,
                     .label_start = start->at,
                     .loss = loss->at,
                     .weight = weight->at,
                     .arc_start = arc_start->at,
                     .head = head->at,
                     .arc_loss = arc_loss->at,
                     .arc_weight = arc_weight->at,
                     .room = room->at,
                     .multiplier = multiplier->at,
                     .rest = rest->at,
                     .limit = limit->at};
    bool fit = weight->length == loss->length * stage->resources &&
               arc_start->length == start->length && arc_loss->length == head->length &&
               arc_weight->length == head->length * stage->resources &&
               room->length == stage->heads * stage->resources &&
               rest->length == stage->heads * stage->bounds &&
               multiplier->length == stage->resources * stage->bounds &&
               stage->label_start[stage->tails] <= loss->length &&
               stage->arc_start[stage->tails] <= head->length;
    return fit || misfit();
}

PyObject *path_extend(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
    static const char kinds[][2] = {"q", "q", "q", "q", "q", "q", "q", "q", "d", "d", "d"};
    (void)module;
    Buffers buffers = {.count = 0};
    Numbers arrays[11];
    Stage stage;
    PyObject *result = NULL;
    if (!has_arguments("extend", 12, count)) return NULL;
    long long most = PyLong_AsLongLong(arguments[11]);
    bool taken = most != -1 || !PyErr_Occurred();
    for (int k = 0; taken && k < 11; k++)
        taken = take(&buffers, arguments[k], kinds[k], false, &arrays[k]);
    if (taken && fill_stage(&stage, arrays)) {
        Extended labels;
        Limit limit;
        Py_BEGIN_ALLOW_THREADS;
        limit = extend_stage(&stage, most, &labels);
        Py_END_ALLOW_THREADS;
        if (limit == COMPLETE)
            result = packed(&stage, &labels);
        else
            result = limit == LABELS ? Py_NewRef(Py_None) : PyErr_NoMemory();
        release_extended(&labels);
    }
    release_buffers(&buffers);
    return result;
}
