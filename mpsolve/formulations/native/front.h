/* All non-dominated sums of weight and loss, in two phases. */
#ifndef MPSOLVE_FRONT_H
#define MPSOLVE_FRONT_H

#include "core.h"

typedef struct {
    int64_t weight, loss;
    double excess; /* from here to the next point the loss exceeds the least by at most this part */
} Point;

/* Points by increasing weight and decreasing loss. */
typedef struct {
    Point *at;
    int64_t count, room;
} Points;

typedef struct {
    double epsilon;      /* points that lower the loss by less than this part may be missing */
    int64_t base_loss;   /* what every choice loses beside the sum */
    int64_t label_limit; /* labels that may be formed in all */
    int64_t step_limit;  /* labels that may be formed at once */
    Poll poll;
} FrontSettings;

typedef struct {
    Points points;
    Limit limit;
} Front;

/* The points of a prepared knapsack. The caller frees `points.at`. */
Front find_front(const Instance *instance, const FrontSettings *settings);

#endif
