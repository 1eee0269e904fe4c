/* One stage of the label-setting algorithm, and shortest distances; see labels.c. */
#ifndef MPSOLVE_LABELS_H
#define MPSOLVE_LABELS_H

#include <stdint.h>

/* Arcs by increasing tail, from node 0 to the last node; one price per arc. */
typedef struct {
    int64_t arcs, nodes;
    const int64_t *tail, *head;
} Arcs;

/* Distances from the source, infinite where unreached, and the last arc to each node, or -1. */
void forward(const Arcs *arcs, const double *price, double *distance, int64_t *last);
/* Distances to the sink. */
void backward(const Arcs *arcs, const double *price, double *distance);

/* A stage: labels lie at `tails` nodes and are extended along arcs to `heads` nodes. */
typedef struct {
    int64_t tails, heads, resources, bounds;
    const int64_t *label_start;  /* (tails + 1) */
    const int64_t *loss;         /* (labels) */
    const int64_t *weight;       /* (labels, resources) */
    const int64_t *arc_start;    /* (tails + 1) */
    const int64_t *head;         /* (arcs) */
    const int64_t *arc_loss;     /* (arcs) */
    const int64_t *arc_weight;   /* (arcs, resources) */
    const int64_t *room;         /* (heads, resources) the most that a label may weigh there */
    const double *multiplier;    /* (bounds, resources) */
    const double *rest;          /* (bounds, heads) priced distance to the sink */
    const double *limit;         /* (bounds) */
} Stage;

/* The labels after a stage, by increasing node and loss; all arrays are owned. */
typedef struct {
    int64_t count;
    int64_t *start;   /* (heads + 1) */
    int64_t *loss, *weight, *parent, *arc;
    double *excess;   /* the tightest bound minus its limit, at most 0 */
} Labels;

/* 0, or -1 without memory, or -2 when more than `most` drafts would be drawn up. */
int extend(const Stage *stage, int64_t most, Labels *out);
void release(Labels *labels);

#endif
