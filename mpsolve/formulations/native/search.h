/* The exact search: relaxation, incumbent, reduction and core, under limits. */
#ifndef MPSOLVE_SEARCH_H
#define MPSOLVE_SEARCH_H

#include "core.h"

/* What decides about time, not about answers; `Tuning` in mckp/search.py says what each is. */
typedef struct {
    long long dive_at, dive_growth, dive_share;
    double nearness;
    long long poll_at, large_core;
    double first_part, next_part;
    long long first_width, passes;
} Tuning;

typedef struct {
    int64_t label_limit;
    double gap;
    Tuning tuning;
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
