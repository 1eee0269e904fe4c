#include "paths.h"

void forward(const Arcs *arcs, const double *price, double *distance, int64_t *last) {
    for (int64_t v = 0; v < arcs->nodes; v++) {
        distance[v] = INFINITY;
        last[v] = -1;
    }
    if (arcs->nodes) distance[0] = 0;
    for (int64_t a = 0; a < arcs->arcs; a++) {
        double reached = distance[arcs->tail[a]] + price[a];
        if (reached < distance[arcs->head[a]]) {
            distance[arcs->head[a]] = reached;
            last[arcs->head[a]] = a;
        }
    }
}

void backward(const Arcs *arcs, const double *price, double *distance) {
    for (int64_t v = 0; v < arcs->nodes; v++) distance[v] = INFINITY;
    if (arcs->nodes) distance[arcs->nodes - 1] = 0;
    for (int64_t a = arcs->arcs - 1; a >= 0; a--) {
        double reached = price[a] + distance[arcs->head[a]];
        if (reached < distance[arcs->tail[a]]) distance[arcs->tail[a]] = reached;
    }
}

void walk(const Arcs *arcs, const int64_t *last, int64_t stages, int64_t *path) {
    int64_t node = arcs->nodes - 1;
    for (int64_t s = stages - 1; s >= 0; s--) {
        path[s] = last[node];
        node = arcs->tail[path[s]];
    }
}
