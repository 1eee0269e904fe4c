/* Label setting on a layered graph (Dumitrescu and Boland 2003, section 4), one stage at a time. */
#ifndef MPSOLVE_STAGE_H
#define MPSOLVE_STAGE_H

#include "array.h"

/* Labels lie at `tails` nodes and are extended along arcs to `heads` nodes. */
typedef struct {
    int64_t tails, heads, resources, bounds;
    const int64_t *label_start; /* (tails + 1) */
    const int64_t *loss;        /* (labels) */
    const int64_t *weight;      /* (labels, resources) */
    const int64_t *arc_start;   /* (tails + 1) */
    const int64_t *head;        /* (arcs) */
    const int64_t *arc_loss;    /* (arcs) */
    const int64_t *arc_weight;  /* (arcs, resources) */
    const int64_t *room;        /* (heads, resources) the most that a label may weigh there */
    const double *multiplier;   /* (bounds, resources) */
    const double *rest;         /* (bounds, heads) priced distance to the sink */
    const double *limit;        /* (bounds) */
} Stage;

/* The labels after a stage, by increasing node and loss; all arrays are owned. */
typedef struct {
    int64_t count;
    int64_t *start; /* (heads + 1) where the labels of each node begin and end */
    int64_t *loss, *weight, *parent, *arc;
    double *excess; /* the tightest bound minus its limit, at most 0 */
} Extended;

/* COMPLETE, NO_MEMORY, or LABELS when more than `most` extensions are within the limits. */
Limit extend_stage(const Stage *stage, int64_t most, Extended *out);
void release_extended(Extended *extended);

#endif
