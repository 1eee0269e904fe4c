/* Numbers as int64 with a power-of-two scale. */
#ifndef MPSOLVE_FIXED_POINT_H
#define MPSOLVE_FIXED_POINT_H

#include "numbers.h"

typedef struct {
    int exponent;
    bool exact;
} Scale;

/* Scale doubles, or take int64 as they are, and divide by the power of two that all share. */
Scale scale_doubles(const double *values, const int64_t *offsets, int64_t groups, int bits,
                    bool round_up, int64_t *integers);
Scale scale_integers(const int64_t *values, int64_t count, int64_t *integers);

#endif
