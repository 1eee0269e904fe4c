/* The Python module of the compiled kernels. */
#include "python_module.h"

#include "fixed_point.h"

bool consistent(const Numbers *offsets, const Numbers *numbers) {
    const int64_t *at = offsets->at;
    Py_ssize_t groups = offsets->length - 1;
    bool fit = groups > 0 && at[0] == 0 && at[groups] == numbers->length;
    for (Py_ssize_t g = 0; fit && g < groups; g++) fit = at[g] < at[g + 1];
    if (!fit) PyErr_SetString(PyExc_ValueError, "the offsets do not fit the numbers");
    return fit;
}

static PyObject *fixed_point(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
    (void)module;
    Buffers buffers = {.count = 0};
    Numbers values, offsets, out;
    PyObject *result = NULL;
    if (!has_arguments("fixed_point", 5, count)) return NULL;
    long bits = PyLong_AsLong(arguments[2]);
    int round_up = PyObject_IsTrue(arguments[3]);
    if ((bits == -1 || round_up < 0) && PyErr_Occurred()) return NULL;
    if (take(&buffers, arguments[0], "dq", false, &values) &&
        take(&buffers, arguments[1], "q", false, &offsets) &&
        take(&buffers, arguments[4], "q", true, &out) && consistent(&offsets, &values)) {
        if (out.length != values.length)
            PyErr_SetString(PyExc_ValueError, "there is no room for the integers");
        else {
            Scale scale = values.kind == 'q'
                              ? scale_integers(values.at, values.length, out.at)
                              : scale_doubles(values.at, offsets.at, offsets.length - 1, (int)bits,
                                              round_up, out.at);
            result = Py_BuildValue("iN", scale.exponent, PyBool_FromLong(scale.exact));
        }
    }
    release_buffers(&buffers);
    return result;
}

static PyMethodDef functions[] = {
    {"fixed_point", FAST(fixed_point),
     "fixed_point(values, offsets, bits, round_up, integers)\n--\n\n"
     "Write the integers; their exponent and whether they are exact."},
    {"forward", FAST(path_forward),
     "forward(tail, head, price, distance, last)\n--\n\n"
     "Write the shortest distances from the source and the last arcs."},
    {"backward", FAST(path_backward),
     "backward(tail, head, price, distance)\n--\n\nWrite the shortest distances to the sink."},
    {"walk", FAST(path_walk),
     "walk(tail, last, path)\n--\n\nWrite the path to the sink along the last arcs."},
    {"extend", FAST(path_extend),
     "extend(label_start, loss, weight, arc_start, head, arc_loss, arc_weight, room, multiplier, "
     "rest, limit, most)\n--\n\nThe bytes of the labels after a stage, or None beyond the most."},
    {0},
};

static int execute(PyObject *module) {
    PyObject *type = PyType_FromModuleAndSpec(module, &knapsack_spec, NULL);
    int done = type ? PyModule_AddType(module, (PyTypeObject *)type) : -1;
    Py_XDECREF(type);
    return done;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "_native",
    .m_doc = "The compiled kernels.",
    .m_methods = functions,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__native(void) { return PyModuleDef_Init(&definition); }
