#include "relaxation.h"

static inline double middle(double a, double b, double c) {
    if (a > b) {
        double swapped = a;
        a = b;
        b = swapped;
    }
    return c < a ? a : c > b ? b : c;
}

/* Weighted selection (Balas and Zemel 1980): the slope of the first segment, steepest first, with
 * which the steps add up to more than `room`. */
static double select_slope(Segment *segments, int64_t count, int64_t room) {
    Segment *low = segments, *high = segments + count;
    for (;;) {
        double pivot = middle(low->slope, low[(high - low) / 2].slope, high[-1].slope);
        /* [low, i) is steeper than the pivot, [i, j) equals it, [k, high) is flatter. */
        Segment *i = low, *j = low, *k = high;
        int64_t above = 0, equal = 0;
        while (j < k) {
            Segment moved = *j;
            if (moved.slope > pivot) {
                above += moved.step;
                *j++ = *i;
                *i++ = moved;
            } else if (moved.slope < pivot) {
                *j = *--k;
                *k = moved;
            } else {
                equal += moved.step;
                j++;
            }
        }
        if (above > room)
            high = i;
        else if (above + equal > room)
            return pivot;
        else {
            room -= above + equal;
            low = k;
        }
    }
}

/* The slope of the first segment, steepest first, that does not fit. */
static bool critical_slope(const Instance *instance, int64_t room, double *slope) {
    int64_t low = 0, high = instance->buckets; /* reached[low] <= room < reached[high] */
    while (high - low > 1) {
        int64_t middle = (low + high) / 2;
        if (instance->reached[middle] <= room)
            low = middle;
        else
            high = middle;
    }
    int64_t begin = instance->bucket_first[low], count = instance->bucket_first[low + 1] - begin;
    Segment *bucket = malloc((size_t)count * sizeof *bucket);
    if (!bucket) return false;
    memcpy(bucket, instance->steepest + begin, (size_t)count * sizeof *bucket);
    *slope = select_slope(bucket, count, room - instance->reached[low]);
    free(bucket);
    return true;
}

/* From `first` to `last` are all groups whose next segment is (nearly) of the critical slope. */
typedef struct {
    int64_t first, last;
} Near;

/* The distance of the multiplier to the slopes before and behind a vertex of the hull. */
static double apart(const Instance *instance, int64_t group, int64_t next, double multiplier) {
    double least = INFINITY;
    if (next < instance->segment_first[group + 1]) {
        least = multiplier - instance->segment[next].slope;
        if (least <= NEAR_TIE * multiplier) return 0;
    }
    if (next > instance->segment_first[group]) {
        double slope = instance->segment[next - 1].slope, distance = slope - multiplier;
        if (distance <= NEAR_TIE * slope) return 0;
        if (distance < least) least = distance;
    }
    return least;
}

/* Take all segments above the critical slope. Returns the room left. */
static int64_t take_steeper(const Instance *instance, int64_t room, double critical,
                            Position *positions, Near *near) {
    double threshold = critical * (1 - 4 * NEAR_TIE);
    *near = (Near){instance->groups, -1};
    for (int64_t g = 0; g < instance->groups; g++) {
        int64_t begin = instance->segment_first[g], end = instance->segment_first[g + 1], s = begin;
        for (; s < end && instance->segment[s].slope > critical; s++)
            room -= instance->segment[s].step;
        int64_t taken = instance->first[g] + (s > begin ? instance->end[s - 1] : 0);
        double distance = apart(instance, g, s, critical);
        positions[g] = (Position){(int32_t)taken, (int32_t)s, distance};
        if (s < end && instance->segment[s].slope >= threshold) {
            if (near->last < 0) near->first = g;
            near->last = g;
        }
    }
    return room;
}

/* Take the segments of the critical slope until one does not fit. Returns the room left. */
static int64_t take_equal(const Instance *instance, int64_t room, Relaxation *relaxation,
                          Position *positions, Near near) {
    for (int64_t g = near.first; g <= near.last; g++) {
        int64_t s = positions[g].segment, end = instance->segment_first[g + 1];
        for (; s < end && instance->segment[s].slope == relaxation->multiplier; s++) {
            int64_t candidate = instance->first[g] + instance->end[s];
            if (instance->segment[s].step > room) {
                relaxation->group = g;
                relaxation->candidate = candidate;
                return room;
            }
            positions[g] = (Position){(int32_t)candidate, (int32_t)s + 1, 0};
            room -= instance->segment[s].step;
        }
    }
    return room; /* not reached: the critical segment does not fit */
}

/* Group after group takes the heaviest near tie that fits. Returns the room left.
 *
 * Behind a vertex where the hull turns flatter than all near slopes there is no near tie. */
static int64_t settle_ties(const Instance *instance, int64_t room, double multiplier,
                           Position *positions, Near near) {
    for (int64_t g = near.first; g <= near.last && room > 0; g++) {
        int64_t at = positions[g].candidate, s = positions[g].segment;
        if (s == instance->segment_first[g + 1]) continue;
        if (instance->segment[s].slope < multiplier * (1 - 4 * NEAR_TIE)) continue;
        for (int64_t k = instance->first[g + 1] - 1; k > at; k--) {
            int64_t gained = instance->weight[k] - instance->weight[at];
            if (gained > room) continue;
            double lost = (double)(instance->loss[k] - instance->loss[at]);
            double traded = multiplier * (double)gained;
            if (fabs(lost + traded) > NEAR_TIE * (fabs(lost) + traded)) continue;
            positions[g] = (Position){(int32_t)k, (int32_t)s, 0};
            room -= gained;
            break;
        }
    }
    return room;
}

bool relax(const Instance *instance, int64_t room, Relaxation *relaxation, Position *positions) {
    Near near;
    if (!critical_slope(instance, room, &relaxation->multiplier)) return false;
    double critical = relaxation->multiplier;
    room = take_steeper(instance, room, critical, positions, &near);
    room = take_equal(instance, room, relaxation, positions, near);
    relaxation->room = settle_ties(instance, room, critical, positions, near);
    return true;
}
