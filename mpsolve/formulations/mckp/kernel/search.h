/* The exact search: relaxation, incumbent, reduction and core, under limits. */
#ifndef MPSOLVE_SEARCH_H
#define MPSOLVE_SEARCH_H

#include "core.h"

typedef struct {
    int64_t label_limit;
    double gap;
    int64_t dive_at, dive_growth, dive_share, poll_at, passes; /* see search.py */
    double nearness, first_part, next_part;
    int64_t large_core, first_width;
    const int64_t *start; /* (groups) positions in the groups as they were given, or NULL */
    Poll poll;
} Settings;

typedef struct {
    bool feasible;
    int64_t loss, bound;
    Limit limit;
} Result;

/* Solve under a capacity. `choice` gets the position of each group's candidate in the group as it
 * was given, if there is a feasible choice. */
Result search(const Instance *instance, int64_t capacity, const Settings *settings,
              int64_t *choice);

#endif
