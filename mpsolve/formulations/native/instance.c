#include "instance.h"

/* Segments per bucket, on average at least. */
#define BUCKET 16

typedef struct {
    int64_t weight, loss;
    int32_t origin;
} Candidate;

static inline bool before(const Candidate *a, const Candidate *b) {
    return a->weight < b->weight || (a->weight == b->weight && a->loss < b->loss);
}

static int compare(const void *left, const void *right) {
    const Candidate *a = left, *b = right;
    if (before(a, b)) return -1;
    if (before(b, a)) return 1;
    return a->origin < b->origin ? -1 : 1;
}

/* By weight, then loss, then origin. */
static void sort(Candidate *candidates, int64_t count) {
    if (count > 64) {
        qsort(candidates, (size_t)count, sizeof *candidates, compare);
        return;
    }
    for (int64_t k = 1; k < count; k++) {
        Candidate moved = candidates[k];
        int64_t j = k;
        for (; j > 0 && before(&moved, &candidates[j - 1]); j--) candidates[j] = candidates[j - 1];
        candidates[j] = moved;
    }
}

/* Append the candidates of a group that are not dominated. */
static void keep_undominated(Instance *instance, int64_t group, const Candidate *sorted,
                             int64_t count) {
    int64_t begin = instance->candidates, out = begin;
    int32_t *position = instance->position + instance->given_first[group];
    for (int64_t k = 0; k < count; k++) {
        if (out == begin || sorted[k].loss < instance->loss[out - 1]) {
            instance->weight[out] = sorted[k].weight;
            instance->loss[out] = sorted[k].loss;
            instance->origin[out++] = sorted[k].origin;
        }
        position[sorted[k].origin] = (int32_t)(out - 1 - begin);
    }
    int64_t lightest = instance->weight[begin], least = instance->loss[out - 1];
    int64_t least_step = INT64_MAX;
    for (int64_t k = begin; k < out; k++) {
        instance->weight[k] -= lightest;
        instance->loss[k] -= least;
        if (k > begin && instance->weight[k] - instance->weight[k - 1] < least_step)
            least_step = instance->weight[k] - instance->weight[k - 1];
    }
    instance->least_step[group] = least_step;
    instance->base_weight += lightest;
    instance->base_loss += least;
    instance->heaviest += instance->weight[out - 1];
    instance->candidates = instance->first[group + 1] = out;
}

/* From each vertex of the hull to the farthest candidate of the steepest slope. */
static void wrap_hull(Instance *instance, int64_t group) {
    const int64_t *weight = instance->weight + instance->first[group];
    const int64_t *loss = instance->loss + instance->first[group];
    int64_t last = instance->first[group + 1] - instance->first[group] - 1;
    int64_t out = instance->segments;
    double steepest = INFINITY;
    for (int64_t at = 0, end; at < last; at = end) {
        double best = -1;
        end = last;
        for (int64_t k = at + 1; k <= last; k++) {
            double slope = (double)(loss[at] - loss[k]) / (double)(weight[k] - weight[at]);
            if (slope >= best) {
                best = slope;
                end = k;
            }
        }
        if (best < steepest) steepest = best; /* rounding may break the order */
        instance->segment[out] = (Segment){steepest, weight[end] - weight[at]};
        instance->end[out++] = (int32_t)end;
    }
    instance->segments = instance->segment_first[group + 1] = out;
}

/* Positive doubles compare as their bits do. */
static inline uint64_t bits(double value) {
    uint64_t word;
    memcpy(&word, &value, sizeof word);
    return word;
}

/* Distribute the segments to buckets of similar slopes, steepest first, so that the critical one
 * of a capacity is found in one of them. */
static void fill_buckets(Instance *instance) {
    uint64_t lowest = UINT64_MAX, highest = 0;
    for (int64_t s = 0; s < instance->segments; s++) {
        uint64_t slope = bits(instance->segment[s].slope);
        if (slope < lowest) lowest = slope;
        if (slope > highest) highest = slope;
    }
    uint64_t most = (uint64_t)(instance->segments / BUCKET);
    int shift = 0;
    while (instance->segments && (highest - lowest) >> shift > most) shift++;
    int64_t *first = instance->bucket_first, *reached = instance->reached, weight = 0, begin = 0;
    instance->buckets = instance->segments ? (int64_t)((highest - lowest) >> shift) + 1 : 0;
    memset(first, 0, (size_t)(instance->buckets + 1) * sizeof *first);
    memset(reached, 0, (size_t)(instance->buckets + 1) * sizeof *reached);
    for (int64_t s = 0; s < instance->segments; s++) {
        uint64_t bucket = (highest - bits(instance->segment[s].slope)) >> shift;
        first[bucket]++;
        reached[bucket] += instance->segment[s].step;
    }
    for (int64_t b = 0; b <= instance->buckets; b++) {
        int64_t count = first[b], step = reached[b];
        first[b] = begin;
        reached[b] = weight;
        begin += count;
        weight += step;
    }
    for (int64_t s = 0; s < instance->segments; s++) {
        uint64_t bucket = (highest - bits(instance->segment[s].slope)) >> shift;
        instance->steepest[first[bucket]++] = instance->segment[s];
    }
    for (int64_t b = instance->buckets; b > 0; b--) first[b] = first[b - 1];
    first[0] = 0;
}

static bool reserve(Instance *instance, const int64_t *offsets, int64_t groups) {
    size_t given = (size_t)(offsets[groups] - offsets[0]), index = (size_t)groups + 1;
    size_t wide = sizeof(int64_t), narrow = sizeof(int32_t);
    size_t buckets = given / BUCKET + 1;
    char *block = malloc((4 * index + 6 * given + 2 * (buckets + 1)) * wide + 3 * given * narrow);
    if (!block) return false;
    *instance = (Instance){.groups = groups, .given = (int64_t)given};
    instance->first = (int64_t *)block;
    instance->given_first = instance->first + index;
    instance->segment_first = instance->given_first + index;
    instance->least_step = instance->segment_first + index;
    instance->weight = instance->least_step + index;
    instance->loss = instance->weight + given;
    instance->segment = (Segment *)(instance->loss + given);
    instance->steepest = instance->segment + given;
    instance->bucket_first = (int64_t *)(instance->steepest + given);
    instance->reached = instance->bucket_first + buckets + 1;
    instance->origin = (int32_t *)(instance->reached + buckets + 1);
    instance->position = instance->origin + given;
    instance->end = instance->position + given;
    memcpy(instance->given_first, offsets, index * wide);
    instance->first[0] = instance->segment_first[0] = 0;
    return true;
}

bool prepare(Instance *instance, const int64_t *weights, const int64_t *losses,
             const int64_t *offsets, int64_t groups) {
    int64_t widest = 0;
    for (int64_t g = 0; g < groups; g++)
        if (offsets[g + 1] - offsets[g] > widest) widest = offsets[g + 1] - offsets[g];
    Candidate *sorted = malloc((size_t)widest * sizeof *sorted);
    if (!sorted || !reserve(instance, offsets, groups)) {
        free(sorted);
        return false;
    }
    for (int64_t g = 0; g < groups; g++) {
        int64_t begin = offsets[g], count = offsets[g + 1] - begin;
        for (int64_t k = 0; k < count; k++)
            sorted[k] = (Candidate){weights[begin + k], losses[begin + k], (int32_t)k};
        sort(sorted, count);
        keep_undominated(instance, g, sorted, count);
        wrap_hull(instance, g);
    }
    free(sorted);
    fill_buckets(instance);
    return true;
}

void release(Instance *instance) {
    free(instance->first); /* the block that holds all arrays */
    instance->first = NULL;
}

int64_t spread(const Instance *instance, int64_t excess) {
    int64_t sum = 0;
    for (int64_t g = 0; g < instance->groups; g++) {
        int64_t k = instance->first[g];
        while (instance->loss[k] > excess) k++; /* the last one loses nothing */
        sum += instance->loss[k];
    }
    return sum;
}
