/* Label setting on a layered graph (Dumitrescu and Boland 2003, section 4), one stage at a time.

   The NumPy twin is twin.py; both compute the same doubles in the same order. */
#include "labels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void forward(const Arcs *arcs, const double *price, double *distance, int64_t *last)
{
    for (int64_t v = 0; v < arcs->nodes; v++) {
        distance[v] = INFINITY;
        last[v] = -1;
    }
    if (arcs->nodes) distance[0] = 0.0;
    for (int64_t a = 0; a < arcs->arcs; a++) {
        double reached = distance[arcs->tail[a]] + price[a];
        if (reached < distance[arcs->head[a]]) {
            distance[arcs->head[a]] = reached;
            last[arcs->head[a]] = a;
        }
    }
}

void backward(const Arcs *arcs, const double *price, double *distance)
{
    for (int64_t v = 0; v < arcs->nodes; v++) distance[v] = INFINITY;
    if (arcs->nodes) distance[arcs->nodes - 1] = 0.0;
    for (int64_t a = arcs->arcs - 1; a >= 0; a--) {
        double reached = price[a] + distance[arcs->head[a]];
        if (reached < distance[arcs->tail[a]]) distance[arcs->tail[a]] = reached;
    }
}

/* With three resources or more a draft is compared with so many of those kept before it. */
enum { WINDOW = 1024 };

typedef struct {
    int64_t loss, parent, arc, node;
    double excess;
} Draft;

/* Drafts and their weights, growing. */
typedef struct {
    Draft *draft;
    int64_t *weight;
    int64_t count, space;
} Pool;

static int grow(Pool *pool, int64_t resources)
{
    int64_t space = pool->space ? 2 * pool->space : 1024;
    Draft *draft = realloc(pool->draft, (size_t)space * sizeof *draft);
    if (draft) pool->draft = draft;
    int64_t *weight = realloc(pool->weight, (size_t)(space * (resources ? resources : 1)) * sizeof *weight);
    if (weight) pool->weight = weight;
    if (!draft || !weight) return -1;
    pool->space = space;
    return 0;
}

/* What the tightest bound on any completion exceeds its limit by. */
static double excess_of(const Stage *s, int64_t head, int64_t loss, const int64_t *weight)
{
    double worst = -INFINITY;
    for (int64_t m = 0; m < s->bounds; m++) {
        double bound = (double)loss;
        for (int64_t r = 0; r < s->resources; r++)
            bound += s->multiplier[m * s->resources + r] * (double)weight[r];
        bound += s->rest[m * s->heads + head];
        bound -= s->limit[m];
        if (bound > worst) worst = bound;
    }
    return worst;
}

static int fits(const int64_t *weight, const int64_t *room, int64_t resources)
{
    for (int64_t r = 0; r < resources; r++)
        if (weight[r] > room[r]) return 0;
    return 1;
}

/* All extensions that may still be part of an improvement. */
static int draw_up(const Stage *s, int64_t most, Pool *pool)
{
    int64_t resources = s->resources;
    for (int64_t t = 0; t < s->tails; t++)
        for (int64_t l = s->label_start[t]; l < s->label_start[t + 1]; l++)
            for (int64_t a = s->arc_start[t]; a < s->arc_start[t + 1]; a++) {
                if (pool->count == pool->space && grow(pool, resources)) return -1;
                int64_t head = s->head[a], loss = s->loss[l] + s->arc_loss[a];
                int64_t *weight = pool->weight + pool->count * resources;
                for (int64_t r = 0; r < resources; r++)
                    weight[r] = s->weight[l * resources + r] + s->arc_weight[a * resources + r];
                if (!fits(weight, s->room + head * resources, resources)) continue;
                double excess = excess_of(s, head, loss, weight);
                if (excess > 0.0) continue;
                if (pool->count == most) return -2;
                pool->draft[pool->count++] = (Draft){loss, l, a, head, excess};
            }
    return 0;
}

/* By node, loss, weights and order of appearance; stable merge sort of indices. */
static int later(const Pool *pool, int64_t resources, int64_t i, int64_t j)
{
    const Draft *a = pool->draft + i, *b = pool->draft + j;
    if (a->node != b->node) return a->node > b->node;
    if (a->loss != b->loss) return a->loss > b->loss;
    for (int64_t r = 0; r < resources; r++) {
        int64_t x = pool->weight[i * resources + r], y = pool->weight[j * resources + r];
        if (x != y) return x > y;
    }
    return 0;
}

static int64_t *sorted(const Pool *pool, int64_t resources)
{
    size_t bytes = (size_t)(pool->count ? pool->count : 1) * sizeof(int64_t);
    int64_t *from = malloc(bytes), *to = malloc(bytes);
    if (!from || !to) {
        free(from);
        free(to);
        return NULL;
    }
    for (int64_t i = 0; i < pool->count; i++) from[i] = i;
    for (int64_t run = 1; run < pool->count; run *= 2) {
        for (int64_t begin = 0; begin < pool->count; begin += 2 * run) {
            int64_t middle = begin + run < pool->count ? begin + run : pool->count;
            int64_t end = begin + 2 * run < pool->count ? begin + 2 * run : pool->count;
            int64_t i = begin, j = middle;
            for (int64_t k = begin; k < end; k++)
                to[k] = (j >= end || (i < middle && !later(pool, resources, from[i], from[j]))) ? from[i++] : from[j++];
        }
        int64_t *swap = from;
        from = to;
        to = swap;
    }
    free(to);
    return from;
}

/* The lower left staircase of the weights kept so far, for at most two resources. */
typedef struct {
    int64_t *x, *y;
    int64_t count;
} Staircase;

static int below(Staircase *stairs, int64_t x, int64_t y)
{
    int64_t low = 0, high = stairs->count;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (stairs->x[middle] <= x) low = middle + 1; else high = middle;
    }
    if (low && stairs->y[low - 1] <= y) return 1;
    int64_t first = low && stairs->x[low - 1] == x ? low - 1 : low, past = first;
    while (past < stairs->count && stairs->y[past] >= y) past++;
    memmove(stairs->x + first + 1, stairs->x + past, (size_t)(stairs->count - past) * sizeof(int64_t));
    memmove(stairs->y + first + 1, stairs->y + past, (size_t)(stairs->count - past) * sizeof(int64_t));
    stairs->x[first] = x;
    stairs->y[first] = y;
    stairs->count += 1 - (past - first);
    return 0;
}

/* Whether a draft is dominated by one of those kept at its node, all of which lose no more. */
static int dominated(const Pool *pool, const int64_t *kept, int64_t count, const int64_t *weight, int64_t resources)
{
    for (int64_t k = count - 1; k >= 0 && k >= count - WINDOW; k--)
        if (fits(pool->weight + kept[k] * resources, weight, resources)) return 1;
    return 0;
}

static int undominated(const Pool *pool, int64_t resources, int64_t *order, int64_t *count)
{
    Staircase stairs = {0};
    int64_t kept = 0, first = 0, node = -1;
    if (resources <= 2) {
        size_t bytes = (size_t)(pool->count + 1) * sizeof(int64_t);
        stairs.x = malloc(bytes);
        stairs.y = malloc(bytes);
        if (!stairs.x || !stairs.y) {
            free(stairs.x);
            free(stairs.y);
            return -1;
        }
    }
    for (int64_t k = 0; k < pool->count; k++) {
        int64_t i = order[k];
        const int64_t *weight = pool->weight + i * resources;
        if (pool->draft[i].node != node) {
            node = pool->draft[i].node;
            first = kept;
            stairs.count = 0;
        }
        int drop = resources <= 2 ? below(&stairs, resources > 0 ? weight[0] : 0, resources > 1 ? weight[1] : 0)
                                  : dominated(pool, order + first, kept - first, weight, resources);
        if (!drop) order[kept++] = i;
    }
    free(stairs.x);
    free(stairs.y);
    *count = kept;
    return 0;
}

void release(Labels *labels)
{
    free(labels->start);
    free(labels->loss);
    free(labels->weight);
    free(labels->parent);
    free(labels->arc);
    free(labels->excess);
    memset(labels, 0, sizeof *labels);
}

static int write_out(const Stage *s, const Pool *pool, const int64_t *order, Labels *out)
{
    size_t count = (size_t)(out->count ? out->count : 1);
    size_t resources = (size_t)(s->resources ? s->resources : 1);
    out->start = calloc((size_t)s->heads + 1, sizeof(int64_t));
    out->loss = malloc(count * sizeof(int64_t));
    out->weight = malloc(count * resources * sizeof(int64_t));
    out->parent = malloc(count * sizeof(int64_t));
    out->arc = malloc(count * sizeof(int64_t));
    out->excess = malloc(count * sizeof(double));
    if (!out->start || !out->loss || !out->weight || !out->parent || !out->arc || !out->excess) return -1;
    for (int64_t k = 0; k < out->count; k++) {
        const Draft *draft = pool->draft + order[k];
        out->start[draft->node + 1]++;
        out->loss[k] = draft->loss;
        out->parent[k] = draft->parent;
        out->arc[k] = draft->arc;
        out->excess[k] = draft->excess;
        memcpy(out->weight + k * s->resources, pool->weight + order[k] * s->resources,
               (size_t)s->resources * sizeof(int64_t));
    }
    for (int64_t h = 0; h < s->heads; h++) out->start[h + 1] += out->start[h];
    return 0;
}

int extend(const Stage *stage, int64_t most, Labels *out)
{
    Pool pool = {0};
    int64_t *order = NULL;
    memset(out, 0, sizeof *out);
    int failed = draw_up(stage, most, &pool);
    if (!failed && !(order = sorted(&pool, stage->resources))) failed = -1;
    if (!failed) failed = undominated(&pool, stage->resources, order, &out->count);
    if (!failed) failed = write_out(stage, &pool, order, out);
    free(order);
    free(pool.draft);
    free(pool.weight);
    if (failed) release(out);
    return failed;
}
