/* Shortest paths through a layered graph. */
#ifndef MPSOLVE_PATHS_H
#define MPSOLVE_PATHS_H

#include "numbers.h"

/* Arcs by increasing tail, from node 0 to the last node. */
typedef struct {
    int64_t arcs, nodes;
    const int64_t *tail, *head; /* (arcs) */
} Arcs;

/* Distances from the source, infinite where unreached, and the last arc to each node, or -1. */
void forward(const Arcs *arcs, const double *price, double *distance, int64_t *last);
/* Distances to the sink. */
void backward(const Arcs *arcs, const double *price, double *distance);
/* The path to the sink along the last arcs, which must reach it, one arc per stage. */
void walk(const Arcs *arcs, const int64_t *last, int64_t stages, int64_t *path);

#endif
