/* The linear relaxation: the multiplier that prices the budget, and the break choice. */
#ifndef MPSOLVE_RELAXATION_H
#define MPSOLVE_RELAXATION_H

#include "instance.h"

/* Candidates whose reduced cost is this small a part of what they trade count as ties. */
#define NEAR_TIE 1e-12

typedef struct {
    double multiplier; /* loss per unit of weight */
    int64_t room;      /* what the break choice leaves of the room */
    int64_t group;     /* whose segment no longer fits */
    int64_t candidate; /* at the end of that segment, counted over all candidates */
} Relaxation;

/* Where a group stands after the relaxation. */
typedef struct {
    int32_t candidate; /* counted over all candidates */
    int32_t segment;   /* the next one, counted over all */
    double apart;      /* distance of the multiplier to the slopes around; 0 where it is too small
                        * to be safe from rounding, or the candidate does not lie on the hull */
} Position;

/* Solve the relaxation and settle near ties. `positions` gets the break choice; `room` is at least
 * 0 and less than `heaviest`. */
bool relax(const Instance *instance, int64_t room, Relaxation *relaxation, Position *positions);

#endif
