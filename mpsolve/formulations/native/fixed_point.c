#include "fixed_point.h"

/* Divide by the largest power of two that divides all; `common` has the bits that any has. */
static int reduce_integers(int64_t *integers, int64_t count, uint64_t common) {
    int shift = 0;
    if (!common) return 0;
    while (!(common >> shift & 1)) shift++;
    for (int64_t k = 0; shift && k < count; k++) integers[k] >>= shift;
    return shift;
}

Scale scale_integers(const int64_t *values, int64_t count, int64_t *integers) {
    uint64_t common = 0;
    for (int64_t k = 0; k < count; k++) {
        common |= (uint64_t)values[k];
        integers[k] = values[k];
    }
    return (Scale){-reduce_integers(integers, count, common), true};
}

/* The sum of one value per group, each the largest of its group. */
static double largest_sum(const double *values, const int64_t *offsets, int64_t groups) {
    double sum = 0;
    for (int64_t g = 0; g < groups; g++) {
        double largest = 0;
        for (int64_t k = offsets[g]; k < offsets[g + 1]; k++)
            if (fabs(values[k]) > largest) largest = fabs(values[k]);
        sum += largest;
    }
    return sum;
}

Scale scale_doubles(const double *values, const int64_t *offsets, int64_t groups, int bits,
                    bool round_up, int64_t *integers) {
    int size;
    frexp(largest_sum(values, offsets, groups), &size);
    int exponent = bits - size - 1; /* one bit for the rounding of every term */
    int64_t count = offsets[groups];
    /* One factor suffices where it is a normal number; it is exact either way. */
    bool normal = exponent > -1000 && exponent < 1000;
    double factor = normal ? ldexp(1, exponent) : 0;
    bool exact = true;
    uint64_t common = 0;
    for (int64_t k = 0; k < count; k++) {
        double scaled = normal ? values[k] * factor : ldexp(values[k], exponent);
        double rounded = round_up ? ceil(scaled) : nearbyint(scaled);
        exact &= rounded == scaled;
        integers[k] = (int64_t)rounded;
        common |= (uint64_t)integers[k];
    }
    return (Scale){exponent - reduce_integers(integers, count, common), exact};
}
