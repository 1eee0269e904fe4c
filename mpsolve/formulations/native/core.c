#include "core.h"

/* The part of the reach of the break choice that most likely holds a better choice. */
#define NEAR 256

/* The change of weight and of loss with a candidate of a group. */
static inline Alternative alternative(const Reduced *reduced, int64_t group, int64_t candidate) {
    const Instance *instance = reduced->instance;
    int64_t at = reduced->positions[group].candidate;
    int64_t gained = instance->weight[candidate] - instance->weight[at];
    int64_t lost = instance->loss[candidate] - instance->loss[at];
    double above = priced(lost, gained, reduced->multiplier) - reduced->slack[group];
    return (Alternative){gained, lost, above, candidate};
}

void price_group(Reduced *reduced, int64_t group) {
    const Instance *instance = reduced->instance;
    double least = INFINITY;
    reduced->slack[group] = 0;
    for (int64_t k = instance->first[group]; k < instance->first[group + 1]; k++) {
        if (k == reduced->positions[group].candidate) continue;
        least = fmin(least, alternative(reduced, group, k).above);
    }
    reduced->least[group] = least;
    reduced->slack[group] = least < 0 ? least : 0;
}

/* Price the groups whose alternatives may lie within a limit; returns the limit. */
static double price_within(Reduced *reduced, double limit) {
    for (int64_t g = 0; g < reduced->instance->groups; g++)
        if (reduced->least[g] <= limit && reduced->slack[g] == 0) price_group(reduced, g);
    return limit;
}

/* The best of one change to the break choice, and of the critical segment with one more change.
 * A group that cannot be in a better choice cannot make one either. */
static Incumbent first_incumbent(const Reduced *reduced, const Relaxation *relaxation,
                                 double limit) {
    const Instance *instance = reduced->instance;
    Alternative critical = alternative(reduced, relaxation->group, relaxation->candidate);
    int64_t single = INT64_MAX, single_at = -1, single_group = -1;
    int64_t second = INT64_MAX, second_at = -1, second_group = -1;
    for (int64_t g = 0; g < instance->groups; g++) {
        if (reduced->least[g] - reduced->slack[g] > limit) continue;
        for (int64_t k = instance->first[g]; k < instance->first[g + 1]; k++) {
            Alternative a = alternative(reduced, g, k);
            if (a.gained <= reduced->room && a.lost < single) {
                single = a.lost;
                single_at = k;
                single_group = g;
            }
            if (a.gained <= reduced->room - critical.gained && a.lost < second &&
                g != relaxation->group) {
                second = a.lost;
                second_at = k;
                second_group = g;
            }
        }
    }
    Incumbent incumbent = {0, {-1, -1}, {-1, -1}};
    if (single < 0) incumbent = (Incumbent){single, {single_at, -1}, {single_group, -1}};
    if (second < INT64_MAX && second + critical.lost < incumbent.value)
        incumbent = (Incumbent){second + critical.lost,
                                {critical.candidate, second_at},
                                {relaxation->group, second_group}};
    return incumbent;
}

bool reduce(Reduced *reduced, const Instance *instance, const Relaxation *relaxation,
            const Position *positions, Incumbent *incumbent) {
    double *block = malloc(2 * (size_t)instance->groups * sizeof(double)), total = 0;
    if (!block) return false;
    *reduced = (Reduced){.instance = instance,
                         .positions = positions,
                         .room = relaxation->room,
                         .multiplier = relaxation->multiplier,
                         .slack = block,
                         .least = block + instance->groups};
    for (int64_t g = 0; g < instance->groups; g++) {
        /* Every unit of weight away from the hull's vertex loses at least this much. */
        if (positions[g].apart > 0) {
            reduced->slack[g] = 0;
            reduced->least[g] = 0.99 * positions[g].apart * (double)instance->least_step[g];
        } else {
            price_group(reduced, g);
            total += reduced->slack[g];
        }
    }
    reduced->bound = (total - reduced->multiplier * (double)reduced->room) * (1 + OUTWARD);
    /* A first incumbent from the groups closest to the multiplier; then the best one, from all
     * groups that can be in a choice as good. */
    double near = price_within(reduced, reach(reduced->bound, 0) / NEAR);
    *incumbent = first_incumbent(reduced, relaxation, near);
    double limit = price_within(reduced, reach(reduced->bound, incumbent->value));
    *incumbent = first_incumbent(reduced, relaxation, limit);
    return true;
}

/* A group that enters the core. */
typedef struct {
    double distance; /* of its best slope to the multiplier */
    int64_t group;
} Entry;

static int nearer(const void *left, const void *right) {
    const Entry *a = left, *b = right;
    if (a->distance != b->distance) return a->distance < b->distance ? -1 : 1;
    return a->group < b->group ? -1 : 1;
}

static bool reserve(Core *core, int64_t groups, int64_t alternatives, int64_t widest) {
    size_t index = (size_t)groups + 1;
    char *block = malloc(5 * index * 8 + (size_t)alternatives * sizeof(Alternative) +
                         (size_t)widest * sizeof(Shifted));
    if (!block) return false;
    core->block = block;
    core->alternatives = (Alternative *)block;
    core->group = (int64_t *)(core->alternatives + alternatives);
    core->first = core->group + index;
    core->per_gain = (double *)(core->first + index);
    core->per_loss = core->per_gain + index;
    core->rest = core->per_loss + index;
    core->heap = (Shifted *)(core->rest + index);
    return true;
}

/* Write the alternatives of a group that stay within `limit`, and find its best slopes. */
static void open_group(Core *core, const Reduced *reduced, int64_t group, double limit,
                       double *adding, double *saving) {
    const Instance *instance = reduced->instance;
    int64_t out = core->first[core->count];
    *adding = 0;
    *saving = INFINITY;
    for (int64_t k = instance->first[group]; k < instance->first[group + 1]; k++) {
        Alternative a = alternative(reduced, group, k);
        if (!a.gained || !(a.above <= limit)) continue;
        double slope = (double)-a.lost / (double)a.gained;
        if (a.gained > 0 && slope > *adding) *adding = slope;
        if (a.gained < 0 && slope < *saving) *saving = slope;
        core->alternatives[out++] = a;
    }
    core->group[core->count++] = group;
    core->first[core->count] = out;
}

/* How close the best slope of a group's alternatives comes to the multiplier. */
static double distance(const Reduced *reduced, int64_t group, double limit) {
    const Instance *instance = reduced->instance;
    double least = INFINITY;
    for (int64_t k = instance->first[group]; k < instance->first[group + 1]; k++) {
        Alternative a = alternative(reduced, group, k);
        if (!a.gained || !(a.above <= limit)) continue;
        least = fmin(least, fabs((double)-a.lost / (double)a.gained - reduced->multiplier));
    }
    return least;
}

bool open_core(Core *core, const Reduced *reduced, double limit) {
    const Instance *instance = reduced->instance;
    double multiplier = reduced->multiplier;
    int64_t groups = 0, alternatives = 0, widest = 0;
    for (int64_t g = 0; g < instance->groups; g++) {
        if (!(reduced->least[g] - reduced->slack[g] <= limit)) continue;
        int64_t width = instance->first[g + 1] - instance->first[g];
        groups++;
        alternatives += width - 1;
        if (width > widest) widest = width;
    }
    *core = (Core){0};
    Entry *entries = malloc((size_t)groups * sizeof *entries + 1);
    if (!entries || !reserve(core, groups, alternatives, widest)) {
        free(entries);
        return false;
    }
    groups = 0;
    for (int64_t g = 0; g < instance->groups; g++) {
        if (!(reduced->least[g] - reduced->slack[g] <= limit)) continue;
        entries[groups++] = (Entry){distance(reduced, g, limit), g};
    }
    qsort(entries, (size_t)groups, sizeof *entries, nearer);
    core->first[0] = 0;
    for (int64_t p = 0; p < groups; p++)
        open_group(core, reduced, entries[p].group, limit, &core->per_gain[p], &core->per_loss[p]);
    free(entries);
    core->per_gain[groups] = core->rest[groups] = 0;
    core->per_loss[groups] = INFINITY;
    for (int64_t p = groups - 1; p >= 0; p--) {
        double adding = fmin(core->per_gain[p] * (1 + OUTWARD), multiplier);
        double saving = fmax(core->per_loss[p] * (1 - OUTWARD), multiplier);
        core->per_gain[p] = fmax(core->per_gain[p + 1], adding);
        core->per_loss[p] = fmin(core->per_loss[p + 1], saving);
        core->rest[p] = core->rest[p + 1] + reduced->slack[core->group[p]];
    }
    return true;
}

static inline bool earlier(const Shifted *a, const Shifted *b) {
    return a->weight < b->weight || (a->weight == b->weight && a->rank < b->rank);
}

static inline void sink(Shifted *heap, int64_t count, int64_t at) {
    Shifted moved = heap[at];
    for (int64_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && earlier(&heap[child + 1], &heap[child])) child++;
        if (!earlier(&heap[child], &moved)) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

/* The labels that are kept, and what decides about them. */
typedef struct {
    Label *out;
    Origin *origins;
    int64_t count, least; /* loss of the last one */
    double per_gain, per_loss, rest, outward, limit;
} Kept;

/* Keep a label that is not dominated and may end within the limit. */
static inline void consider(Kept *kept, int64_t weight, int64_t loss, int64_t parent,
                            int32_t alternative) {
    if (loss >= kept->least) return;
    double slope = weight <= 0 ? kept->per_gain : kept->per_loss;
    double bound = (double)loss + slope * (double)weight + kept->rest;
    if (!(bound <= kept->limit)) return;
    if (kept->count && kept->out[kept->count - 1].weight == weight) kept->count--;
    kept->out[kept->count] = (Label){weight, loss, bound - kept->outward};
    kept->origins[kept->count++] = (Origin){(uint32_t)parent, alternative};
    kept->least = loss;
}

static void merge(const Labels *labels, Shifted *heap, int64_t size, Kept *kept) {
    for (int64_t k = size / 2 - 1; k >= 0; k--) sink(heap, size, k);
    while (size > 0) {
        Shifted *top = heap;
        int64_t loss = labels->at[top->next].loss + top->lost;
        consider(kept, top->weight, loss, top->next, top->alternative);
        if (++top->next < labels->count)
            top->weight = labels->at[top->next].weight + top->gained;
        else
            *top = heap[--size];
        sink(heap, size, 0);
    }
}

/* The same for the labels as they are and one alternative, as most steps have it. */
static void merge_two(const Labels *labels, Shifted other, Kept *kept) {
    const Label *at = labels->at;
    int64_t count = labels->count, same = 0, shifted = 0;
    while (same < count) {
        while (shifted < count && at[shifted].weight + other.gained < at[same].weight) {
            consider(kept, at[shifted].weight + other.gained, at[shifted].loss + other.lost,
                     shifted, other.alternative);
            shifted++;
        }
        consider(kept, at[same].weight, at[same].loss, same, -1);
        same++;
    }
    for (; shifted < count; shifted++)
        consider(kept, at[shifted].weight + other.gained, at[shifted].loss + other.lost, shifted,
                 other.alternative);
}

int64_t extend(const Core *core, int64_t position, const int32_t *alternatives, int64_t count,
               const Labels *labels, int64_t target, Label *out, Origin *origins) {
    const Alternative *open = core->alternatives + core->first[position];
    Shifted *heap = core->heap;
    double most = 0;
    heap[0] = (Shifted){labels->at[0].weight, 0, 0, 0, 0, -1};
    for (int32_t k = 0; k < count; k++) {
        const Alternative *a = &open[alternatives[k]];
        int64_t weight = labels->at[0].weight + a->gained;
        heap[k + 1] = (Shifted){weight, 0, a->gained, a->lost, k + 1, alternatives[k]};
        most = fmax(most, absolute(a->lost));
    }
    const Label *at = labels->at;
    double largest = fmax(absolute(at[0].loss), absolute(at[labels->count - 1].loss));
    double outward = OUTWARD * (largest + most + absolute(target));
    Kept kept = {.out = out,
                 .origins = origins,
                 .least = INT64_MAX,
                 .per_gain = core->per_gain[position + 1],
                 .per_loss = core->per_loss[position + 1],
                 .rest = core->rest[position + 1],
                 .outward = outward,
                 .limit = target == UNLIMITED ? INFINITY : (double)target + outward};
    if (count == 1)
        merge_two(labels, heap[1], &kept);
    else
        merge(labels, heap, count + 1, &kept);
    return kept.count;
}
