/* The core: what reduced costs cannot decide, settled by dynamic programming (Pisinger 1995). */
#ifndef MPSOLVE_CORE_H
#define MPSOLVE_CORE_H

#include "array.h"
#include "relaxation.h"

/* An alternative to the break candidate of a group in the core. */
typedef struct {
    int64_t gained, lost; /* against the break candidate */
    double above;         /* how far a choice with it lies above the bound at least */
    int64_t candidate;    /* counted over all candidates */
} Alternative;

/* The labels shifted by one candidate; a heap yields those of all candidates by weight. */
typedef struct {
    int64_t weight; /* of the next shifted label */
    int64_t next;   /* that label */
    int64_t gained, lost;
    int32_t rank, alternative;
} Shifted;

/* The groups that are still open, in the order in which they enter. */
typedef struct {
    int64_t count;
    int64_t *group;              /* (count) */
    int64_t *first;              /* (count + 1) where the alternatives of each begin and end */
    Alternative *alternatives;   /* those of a group in the order of their candidates */
    double *per_gain, *per_loss; /* (count + 1) best slopes of the groups from here on */
    double *rest;                /* (count + 1) what rounding may hide in them, at most 0 */
    Shifted *heap;               /* room for a group's candidates */
    void *block;
} Core;

/* The instance seen from its break choice. */
typedef struct {
    const Instance *instance;
    const Position *positions; /* (groups) the break choice */
    int64_t room;              /* capacity minus the weight of the break choice */
    double multiplier;
    double bound;  /* lower bound on the loss, as a difference to the break choice */
    double *slack; /* (groups) least reduced cost, at most 0 */
    double *least; /* (groups) least reduced cost of the alternatives, or less */
} Reduced;

/* What a single change, or the critical segment and one change, make of the break choice. */
typedef struct {
    int64_t value;
    int64_t changed[2]; /* candidates, or -1 */
    int64_t groups[2];
} Incumbent;

/* How far above the bound a candidate of a choice that loses `target` may lie. */
static inline double reach(double bound, int64_t target) {
    return ((double)target - bound) * (1 + OUTWARD);
}

bool reduce(Reduced *reduced, const Instance *instance, const Relaxation *relaxation,
            const Position *positions, Incumbent *incumbent);
/* Price all alternatives of a group one by one. */
void price_group(Reduced *reduced, int64_t group);

/* Open the groups with an alternative that lies at most `limit` above the bound. */
bool open_core(Core *core, const Reduced *reduced, double limit);

typedef struct {
    int64_t weight; /* counted from the capacity */
    int64_t loss;   /* counted from the break choice */
    double bound;   /* lower bound on the loss of any completion */
} Label;

/* Labels by increasing weight and strictly decreasing loss. */
typedef struct {
    Label *at;
    int64_t count, room;
} Labels;

/* Where each label of one step comes from. */
typedef struct {
    uint32_t parent;
    int32_t alternative; /* of its group in the core; -1 is the break candidate */
} Origin;

/* Let the group at `position` choose between its break candidate and some alternatives. Writes the
 * new labels and their origins, whose room must be enough for all combinations; returns how many.
 * Labels that cannot end with a loss of at most `target` are dropped, unless it is UNLIMITED. */
#define UNLIMITED INT64_MAX
int64_t extend(const Core *core, int64_t position, const int32_t *alternatives, int64_t count,
               const Labels *labels, int64_t target, Label *out, Origin *origins);

#endif
