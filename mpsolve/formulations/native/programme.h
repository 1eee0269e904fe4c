/* The dynamic programme over the groups of a core, with dives for better incumbents. */
#ifndef MPSOLVE_PROGRAMME_H
#define MPSOLVE_PROGRAMME_H

#include "search.h"

/* One step of the dynamic programme: which group chose, and where its labels' origins are. */
typedef struct {
    int64_t position;
    int64_t first; /* of its origins */
} Step;

/* The steps so far and the origins of all their labels. */
typedef struct {
    Step *steps;
    int64_t count;
    Origin *origins;
    int64_t stored, room;
} History;

typedef struct {
    const Reduced *reduced;
    const Settings *settings;
    const Core *core;
    int64_t origin;     /* loss of the break choice */
    int64_t value;      /* of the incumbent, as a difference to it */
    int64_t *incumbent; /* (groups) candidates, until labels are better */
    bool found;         /* whether they were */
    int32_t *best;      /* (core groups) then their alternatives; -1 is the break candidate */
    int32_t *open;      /* room for the open alternatives of a group */
    bool memory;        /* whether there was enough of it */
    Limit stopped;      /* what ended a dive early */
} Search;

/* The loss that an improvement must not exceed. */
int64_t target_of(const Search *search);

/* Follow the `width` most promising labels through as many groups, for a better incumbent. `main`
 * has led to the labels. */
void dive(Search *search, const Labels *from, int64_t position, int64_t width, const History *main);

/* Extend the labels group by group until none is left, or a limit is reached. `bound` rises. */
Limit expand(Search *search, int64_t *bound);

#endif
