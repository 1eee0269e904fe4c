/* All non-dominated sums of weight and loss, in two phases. */
#ifndef MPSOLVE_FRONT_H
#define MPSOLVE_FRONT_H

#include "core.h"

typedef struct {
    int64_t weight, loss;
} Point;

/* Points by increasing weight and decreasing loss. */
typedef struct {
    Point *at;
    int64_t count, room;
} Points;

typedef struct {
    double epsilon;      /* points that lower the loss by less than this part may be missing */
    int64_t label_limit; /* labels at once */
    Poll poll;
} FrontSettings;

typedef struct {
    Points points;
    double ratio; /* no budget has an optimum whose loss times 1 + ratio lies below that found */
    Limit limit;
} Front;

/* The points of a prepared knapsack. The caller frees `points.at`. */
Front find_front(const Instance *instance, const FrontSettings *settings);

#endif
