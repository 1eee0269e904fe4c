/* The multiple-choice knapsack in integers, prepared once for every capacity. */
#ifndef MPSOLVE_INSTANCE_H
#define MPSOLVE_INSTANCE_H

#include "numbers.h"

/* An edge of a lower convex hull. */
typedef struct {
    double slope; /* loss saved per unit of weight */
    int64_t step; /* weight */
} Segment;

/* Candidates that no other of their group dominates, group after group, by increasing weight and
 * decreasing loss, both counted from the least of the group; and the segments of the groups' lower
 * convex hulls. */
typedef struct {
    int64_t groups, candidates, given, segments, buckets;
    int64_t *first;         /* (groups + 1) */
    int64_t *weight, *loss; /* (candidates) */
    int32_t *origin;        /* (candidates) position in the group as it was given */
    int64_t *given_first;   /* (groups + 1) */
    int32_t *position;      /* (given) the candidate itself, or one that dominates it */
    int64_t *least_step;    /* (groups) least difference of weight between candidates */
    int64_t *segment_first; /* (groups + 1) */
    Segment *segment;       /* (segments) along each hull, slopes never rising */
    int32_t *end;           /* (segments) position in the group of the candidate at the end */
    Segment *steepest;      /* (segments) the same in buckets of similar slopes, steepest first */
    int64_t *bucket_first;  /* (buckets + 1) */
    int64_t *reached;       /* (buckets + 1) weight with all segments of the buckets before */
    int64_t base_weight, base_loss;
    int64_t heaviest; /* summed weight of the choice of least loss */
} Instance;

/* False when there is no memory. There must be less than 2^31 candidates. */
bool prepare(Instance *instance, const int64_t *weights, const int64_t *losses,
             const int64_t *offsets, int64_t groups);
void release(Instance *instance);

/* The summed largest losses of the groups, each at most `excess`. */
int64_t spread(const Instance *instance, int64_t excess);

#endif
