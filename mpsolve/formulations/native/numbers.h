/* What all files share. */
#ifndef MPSOLVE_NUMBERS_H
#define MPSOLVE_NUMBERS_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Relative safety of bounds computed in doubles, on the side of keeping a label. */
#define OUTWARD 0x1p-48

static inline double absolute(int64_t value) { return fabs((double)value); }

/* Lower bound on loss + multiplier * weight, safe from the rounding of doubles. */
static inline double priced(int64_t lost, int64_t gained, double multiplier) {
    double traded = multiplier * (double)gained;
    return (double)lost + traded - (absolute(lost) + fabs(traded)) * 0x1p-51;
}

/* Why a search ended before its proof; the order is that of the Python side. */
typedef enum { COMPLETE, LABELS, TIME, INTERRUPTED, NO_MEMORY, RAISED } Limit;

/* What is known of the optimum during a search. */
typedef struct {
    int64_t incumbent, bound;
} State;

/* Asks the caller, now and then, whether to go on: COMPLETE, or why not. A state is passed on. */
typedef struct {
    Limit (*ask)(void *context, const State *state);
    void *context;
} Poll;

static inline Limit ask(const Poll *poll, const State *state) {
    return poll->ask(poll->context, state);
}

#endif
