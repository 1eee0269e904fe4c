#include "stage.h"

/* With three resources or more a draft is compared with so many of those kept before it. */
#define WINDOW 1024

typedef struct {
    int64_t loss, parent, arc, node;
    double excess;
} Draft;

/* Drafts and their weights, growing. */
typedef struct {
    Draft *draft;
    int64_t *weight; /* (count, resources) */
    int64_t count, room, weight_room;
} Drafts;

/* Room for one more draft, and never none for its weights. */
static bool reserve_draft(Drafts *drafts, int64_t resources) {
    int64_t needed = drafts->count + 1;
    return grow((void **)&drafts->draft, &drafts->room, needed, sizeof(Draft)) &&
           grow((void **)&drafts->weight, &drafts->weight_room, needed * resources + 1,
                sizeof(int64_t));
}

/* What the tightest bound on any completion exceeds its limit by. */
static double excess_of(const Stage *stage, int64_t head, int64_t loss, const int64_t *weight) {
    double worst = -INFINITY;
    for (int64_t m = 0; m < stage->bounds; m++) {
        double bound = (double)loss;
        for (int64_t r = 0; r < stage->resources; r++)
            bound += stage->multiplier[m * stage->resources + r] * (double)weight[r];
        bound += stage->rest[m * stage->heads + head];
        bound -= stage->limit[m];
        if (bound > worst) worst = bound;
    }
    return worst;
}

static bool fits(const int64_t *weight, const int64_t *room, int64_t resources) {
    for (int64_t r = 0; r < resources; r++)
        if (weight[r] > room[r]) return false;
    return true;
}

/* Extend a label along the arcs of its node. */
static Limit extend_label(const Stage *stage, int64_t tail, int64_t label, int64_t most,
                          Drafts *drafts) {
    int64_t resources = stage->resources;
    for (int64_t a = stage->arc_start[tail]; a < stage->arc_start[tail + 1]; a++) {
        if (!reserve_draft(drafts, resources)) return NO_MEMORY;
        int64_t head = stage->head[a], loss = stage->loss[label] + stage->arc_loss[a];
        int64_t *weight = drafts->weight + drafts->count * resources;
        for (int64_t r = 0; r < resources; r++)
            weight[r] = stage->weight[label * resources + r] + stage->arc_weight[a * resources + r];
        if (!fits(weight, stage->room + head * resources, resources)) continue;
        double excess = excess_of(stage, head, loss, weight);
        if (excess > 0) continue;
        if (drafts->count == most) return LABELS;
        drafts->draft[drafts->count++] = (Draft){loss, label, a, head, excess};
    }
    return COMPLETE;
}

/* All extensions that may still be part of an improvement. */
static Limit draw_up(const Stage *stage, int64_t most, Drafts *drafts) {
    Limit limit = COMPLETE;
    for (int64_t t = 0; t < stage->tails; t++)
        for (int64_t l = stage->label_start[t]; l < stage->label_start[t + 1]; l++) {
            limit = extend_label(stage, t, l, most, drafts);
            if (limit != COMPLETE) return limit;
        }
    return limit;
}

/* By node, loss and weights. */
static bool later(const Drafts *drafts, int64_t resources, int64_t i, int64_t j) {
    const Draft *a = drafts->draft + i, *b = drafts->draft + j;
    if (a->node != b->node) return a->node > b->node;
    if (a->loss != b->loss) return a->loss > b->loss;
    for (int64_t r = 0; r < resources; r++) {
        int64_t x = drafts->weight[i * resources + r], y = drafts->weight[j * resources + r];
        if (x != y) return x > y;
    }
    return false;
}

/* The drafts in their order, equal ones as they appeared: a merge sort of indices. */
static int64_t *sorted(const Drafts *drafts, int64_t resources) {
    int64_t count = drafts->count;
    size_t bytes = (size_t)(count ? count : 1) * sizeof(int64_t);
    int64_t *from = malloc(bytes), *to = malloc(bytes);
    if (!from || !to) {
        free(from);
        free(to);
        return NULL;
    }
    for (int64_t i = 0; i < count; i++) from[i] = i;
    for (int64_t run = 1; run < count; run *= 2) {
        for (int64_t begin = 0; begin < count; begin += 2 * run) {
            int64_t middle = begin + run < count ? begin + run : count;
            int64_t end = begin + 2 * run < count ? begin + 2 * run : count;
            int64_t i = begin, j = middle;
            for (int64_t k = begin; k < end; k++) {
                bool left = j >= end || (i < middle && !later(drafts, resources, from[i], from[j]));
                to[k] = left ? from[i++] : from[j++];
            }
        }
        int64_t *swapped = from;
        from = to;
        to = swapped;
    }
    free(to);
    return from;
}

/* The lower left staircase of the weights kept so far, for at most two resources. */
typedef struct {
    int64_t *x, *y;
    int64_t count;
} Staircase;

/* Whether a step of the staircase lies below; if not, the point becomes one. */
static bool below(Staircase *stairs, int64_t x, int64_t y) {
    int64_t low = 0, high = stairs->count;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (stairs->x[middle] <= x)
            low = middle + 1;
        else
            high = middle;
    }
    if (low && stairs->y[low - 1] <= y) return true;
    int64_t first = low && stairs->x[low - 1] == x ? low - 1 : low, past = first;
    while (past < stairs->count && stairs->y[past] >= y) past++;
    size_t moved = (size_t)(stairs->count - past) * sizeof(int64_t);
    memmove(stairs->x + first + 1, stairs->x + past, moved);
    memmove(stairs->y + first + 1, stairs->y + past, moved);
    stairs->x[first] = x;
    stairs->y[first] = y;
    stairs->count += 1 - (past - first);
    return false;
}

/* Whether a draft is dominated by one of those kept at its node, all of which lose no more. */
static bool dominated(const Drafts *drafts, const int64_t *kept, int64_t count,
                      const int64_t *weight, int64_t resources) {
    for (int64_t k = count - 1; k >= 0 && k >= count - WINDOW; k--)
        if (fits(drafts->weight + kept[k] * resources, weight, resources)) return true;
    return false;
}

/* Leave the undominated drafts in `order`; -1 without memory, else how many they are. */
static int64_t keep_undominated(const Drafts *drafts, int64_t resources, int64_t *order) {
    size_t bytes = (size_t)(resources <= 2 ? drafts->count + 1 : 1) * sizeof(int64_t);
    Staircase stairs = {malloc(bytes), malloc(bytes), 0};
    int64_t kept = 0, first = 0, node = -1;
    bool memory = stairs.x && stairs.y;
    for (int64_t k = 0; memory && k < drafts->count; k++) {
        int64_t i = order[k];
        const int64_t *weight = drafts->weight + i * resources;
        if (drafts->draft[i].node != node) {
            node = drafts->draft[i].node;
            first = kept;
            stairs.count = 0;
        }
        int64_t x = resources > 0 ? weight[0] : 0, y = resources > 1 ? weight[1] : 0;
        bool drop = resources <= 2
                        ? below(&stairs, x, y)
                        : dominated(drafts, order + first, kept - first, weight, resources);
        if (!drop) order[kept++] = i;
    }
    free(stairs.x);
    free(stairs.y);
    return memory ? kept : -1;
}

static bool write_out(const Stage *stage, const Drafts *drafts, const int64_t *order,
                      Extended *out) {
    size_t count = (size_t)(out->count ? out->count : 1), wide = sizeof(int64_t);
    size_t resources = (size_t)stage->resources;
    out->start = calloc((size_t)stage->heads + 1, wide);
    out->loss = malloc(count * wide);
    out->weight = malloc(count * (resources ? resources : 1) * wide);
    out->parent = malloc(count * wide);
    out->arc = malloc(count * wide);
    out->excess = malloc(count * sizeof(double));
    if (!out->start || !out->loss || !out->weight || !out->parent || !out->arc || !out->excess)
        return false;
    for (int64_t k = 0; k < out->count; k++) {
        const Draft *draft = drafts->draft + order[k];
        out->start[draft->node + 1]++;
        out->loss[k] = draft->loss;
        out->parent[k] = draft->parent;
        out->arc[k] = draft->arc;
        out->excess[k] = draft->excess;
        memcpy(out->weight + k * stage->resources, drafts->weight + order[k] * stage->resources,
               resources * wide);
    }
    for (int64_t h = 0; h < stage->heads; h++) out->start[h + 1] += out->start[h];
    return true;
}

Limit extend_stage(const Stage *stage, int64_t most, Extended *out) {
    Drafts drafts = {0};
    int64_t *order = NULL;
    *out = (Extended){0};
    Limit limit = draw_up(stage, most, &drafts);
    if (limit == COMPLETE) {
        order = sorted(&drafts, stage->resources);
        out->count = order ? keep_undominated(&drafts, stage->resources, order) : -1;
        if (out->count < 0 || !write_out(stage, &drafts, order, out)) limit = NO_MEMORY;
    }
    free(order);
    free(drafts.draft);
    free(drafts.weight);
    if (limit != COMPLETE) release_extended(out);
    return limit;
}

void release_extended(Extended *extended) {
    free(extended->start);
    free(extended->loss);
    free(extended->weight);
    free(extended->parent);
    free(extended->arc);
    free(extended->excess);
    *extended = (Extended){0};
}
