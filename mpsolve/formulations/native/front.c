/* Two phases (Ulungu and Teghem 1995; Visee, Teghem, Pirlot and Ulungu 1998). The supported points
 * are those of the convex hull: every segment, steepest first, leads from one to the next. Between
 * two neighbours the points that are not supported lie in a triangle, and the core of the first
 * supported point finds them: a label is kept as long as some completion of it may lie below the
 * staircase of the points found so far. */
#include "front.h"

/* Labels between two questions whether to go on. */
#define ASK_AFTER 4000000

/* A hull segment and where it belongs. */
typedef struct {
    double slope;
    int64_t group, segment;
} Step;

static int steeper(const void *left, const void *right) {
    const Step *a = left, *b = right;
    if (a->slope != b->slope) return a->slope > b->slope ? -1 : 1;
    return a->segment < b->segment ? -1 : 1;
}

static Step *sorted_steps(const Instance *instance) {
    Step *steps = malloc((size_t)instance->segments * sizeof *steps + 1);
    for (int64_t g = 0; steps && g < instance->groups; g++)
        for (int64_t s = instance->segment_first[g]; s < instance->segment_first[g + 1]; s++)
            steps[s] = (Step){instance->segment[s].slope, g, s};
    if (steps) qsort(steps, (size_t)instance->segments, sizeof *steps, steeper);
    return steps;
}

/* What the search in the triangles needs again and again. */
typedef struct {
    const FrontSettings *settings;
    Reduced reduced;
    Position *positions;
    Points stairs, merged; /* points of a triangle, counted from the supported point at its left */
    Labels labels, next;
    Origin *origins;
    int64_t origins_room;
    int32_t *open;
    double *behind, *before; /* best corners for labels to their left and to their right */
    int64_t behind_room, before_room;
    int64_t loss;   /* of the supported point at the left */
    int64_t formed; /* labels so far */
    int64_t asked;  /* labels when the caller was asked */
    State state;    /* segments done and in all */
} Finder;

/* The largest loss that is an improvement worth finding on one that is known, both counted from
 * the supported point at the left. */
static int64_t worthwhile(const Finder *finder, int64_t loss) {
    double epsilon = finder->settings->epsilon;
    int64_t total = loss + finder->loss + finder->settings->base_loss;
    if (epsilon <= 0 || total <= 0) return loss - 1;
    double reduced = ceil((double)total / (1 + epsilon) * (1 + OUTWARD));
    int64_t cut = (int64_t)reduced - finder->settings->base_loss - finder->loss;
    return cut < loss - 1 ? cut : loss - 1;
}

/* The largest weight of a point that is better than step `k` of the staircase. At the end of the
 * triangle an equal weight is allowed too: where slopes are equal up to rounding, the supported
 * point may not be the best of its weight. */
static int64_t corner_weight(const Points *stairs, int64_t k) {
    return stairs->at[k].weight - (k < stairs->count - 1);
}

/* Add labels to the staircase of the triangle. */
static bool add_to_stairs(Finder *finder) {
    const Labels *labels = &finder->labels;
    Points *stairs = &finder->stairs, *merged = &finder->merged;
    int64_t end = stairs->at[stairs->count - 1].weight, old = 0, new = 0, least = INT64_MAX;
    int64_t most = stairs->count + labels->count;
    if (!grow((void **)&merged->at, &merged->room, most, sizeof(Point))) return false;
    while (new < labels->count && labels->at[new].weight <= 0) new++;
    merged->count = 0;
    while (old < stairs->count) {
        Point point = stairs->at[old];
        if (new < labels->count && labels->at[new].weight <= end &&
            (labels->at[new].weight < point.weight ||
             (labels->at[new].weight == point.weight && labels->at[new].loss < point.loss))) {
            point = (Point){labels->at[new].weight, labels->at[new].loss, 0};
            new++;
        } else
            old++;
        if (point.loss < least) {
            merged->at[merged->count++] = point;
            least = point.loss;
        }
    }
    Points swapped = *stairs;
    *stairs = *merged;
    *merged = swapped;
    return true;
}

/* How far above the triangle's long side a point worth finding may lie at most. */
static double widest_gap(const Finder *finder, double slope) {
    const Point *stairs = finder->stairs.at;
    double widest = -INFINITY;
    for (int64_t k = 1; k < finder->stairs.count; k++) {
        double cut = (double)worthwhile(finder, stairs[k - 1].loss);
        widest = fmax(widest, cut + slope * (double)corner_weight(&finder->stairs, k));
    }
    return widest + fabs(widest) * OUTWARD;
}

/* Drop the labels none of whose completions can lie below the staircase. The groups from
 * `position` on gain at most `per_gain` for every unit of weight and pay at least `per_loss`. */
static bool filter_labels(Finder *finder, const Core *core, int64_t position) {
    double per_gain = core->per_gain[position], per_loss = core->per_loss[position];
    const Points *stairs = &finder->stairs;
    Labels *labels = &finder->labels;
    int64_t corners = stairs->count;
    if (!grow((void **)&finder->behind, &finder->behind_room, corners + 1, sizeof(double)) ||
        !grow((void **)&finder->before, &finder->before_room, corners + 1, sizeof(double)))
        return false;
    finder->behind[corners] = finder->before[0] = -INFINITY;
    for (int64_t k = 1; k < corners; k++) {
        double cut = (double)worthwhile(finder, stairs->at[k - 1].loss);
        double weight = (double)corner_weight(stairs, k);
        double gained = cut + per_gain * weight, paid = cut + per_loss * weight;
        finder->behind[k] = gained + (fabs(cut) + fabs(gained)) * OUTWARD;
        finder->before[k] =
            per_loss < INFINITY ? paid + (fabs(cut) + fabs(paid)) * OUTWARD : -INFINITY;
        if (finder->before[k - 1] > finder->before[k]) finder->before[k] = finder->before[k - 1];
    }
    for (int64_t k = corners - 1; k >= 1; k--)
        if (finder->behind[k + 1] > finder->behind[k]) finder->behind[k] = finder->behind[k + 1];
    int64_t kept = 0, corner = 1;
    for (int64_t k = 0; k < labels->count; k++) {
        Label label = labels->at[k];
        double loss = (double)label.loss + core->rest[position], weight = (double)label.weight;
        while (corner < corners && corner_weight(stairs, corner) < label.weight) corner++;
        bool useful = corner < corners && loss + per_gain * weight <= finder->behind[corner];
        if (!useful && corner > 1 && per_loss < INFINITY)
            useful = loss + per_loss * weight <= finder->before[corner - 1];
        if (useful) labels->at[kept++] = label;
    }
    labels->count = kept;
    return true;
}

/* Which alternatives of a group may be part of a point worth finding. */
static int64_t open_alternatives(Finder *finder, const Core *core, int64_t position, double gap) {
    int64_t count = 0, begin = core->first[position];
    for (int64_t k = begin; k < core->first[position + 1]; k++)
        if (core->alternatives[k].above <= gap) finder->open[count++] = (int32_t)(k - begin);
    return count;
}

/* Run the core through a triangle; its points are the staircase in the end. */
static Limit search_core(Finder *finder, const Core *core, double slope) {
    Labels *labels = &finder->labels, *next = &finder->next;
    if (!grow((void **)&labels->at, &labels->room, 1, sizeof(Label))) return NO_MEMORY;
    labels->at[0] = (Label){0, 0, 0};
    labels->count = 1;
    for (int64_t p = 0; p < core->count && labels->count > 0; p++) {
        /* What rounding may hide widens the gap, as it does the bound of the search. */
        double gap = widest_gap(finder, slope) - core->rest[0];
        int64_t count = open_alternatives(finder, core, p, gap);
        if (count == 0) continue;
        int64_t most = labels->count * (count + 1);
        if (most > finder->settings->step_limit) return LABELS;
        finder->formed += most;
        if (finder->formed > finder->settings->label_limit) return LABELS;
        if (!grow((void **)&next->at, &next->room, most, sizeof(Label)) ||
            !grow((void **)&finder->origins, &finder->origins_room, most, sizeof(Origin)))
            return NO_MEMORY;
        next->count =
            extend(core, p, finder->open, count, labels, UNLIMITED, next->at, finder->origins);
        Labels swapped = *labels;
        *labels = *next;
        *next = swapped;
        if (!add_to_stairs(finder) || !filter_labels(finder, core, p + 1)) return NO_MEMORY;
        if (finder->formed - finder->asked > ASK_AFTER) {
            finder->asked = finder->formed;
            Limit limit = ask(&finder->settings->poll, &finder->state);
            if (limit != COMPLETE) return limit;
        }
    }
    return COMPLETE;
}

/* The staircase of a triangle of which only the ends are known. */
static bool start_stairs(Finder *finder, Point end) {
    Points *stairs = &finder->stairs;
    if (!grow((void **)&stairs->at, &stairs->room, 2, sizeof(Point))) return false;
    stairs->at[0] = (Point){0, 0, 0};
    stairs->at[1] = end;
    stairs->count = 2;
    return true;
}

/* Price all groups against the supported point and search the triangle behind it. */
static Limit search_triangle(Finder *finder, double slope) {
    Reduced *reduced = &finder->reduced;
    double hidden = 0;
    Core core;
    reduced->multiplier = slope;
    for (int64_t g = 0; g < reduced->instance->groups; g++) {
        price_group(reduced, g);
        hidden += reduced->slack[g];
    }
    if (!open_core(&core, reduced, widest_gap(finder, slope) - hidden)) return NO_MEMORY;
    Limit limit = search_core(finder, &core, slope);
    free(core.block);
    return limit;
}

/* Say how far the steps of the staircase may lie above the optimum. No point lies below the long
 * side of the triangle; a search to its end left nothing worthwhile. */
static void certify(Finder *finder, double slope, bool searched) {
    const Points *stairs = &finder->stairs;
    double epsilon = fmax(finder->settings->epsilon, 0);
    double total = (double)(finder->loss + finder->settings->base_loss);
    for (int64_t k = 0; k + 1 < stairs->count; k++) {
        double known = total + (double)stairs->at[k].loss;
        double bound = total - slope * (double)corner_weight(stairs, k + 1);
        bound -= (fabs(total) + fabs(known)) * OUTWARD;
        double excess = bound > 0 ? fmax(known / bound - 1, 0) : INFINITY;
        if (searched) excess = known > 0 ? fmin(excess, epsilon) : 0;
        stairs->at[k].excess = excess;
    }
}

/* Add the staircase of a triangle, whose first step is the last point. */
static bool append(Points *points, const Points *stairs, int64_t weight, int64_t loss) {
    int64_t needed = points->count + stairs->count;
    if (!grow((void **)&points->at, &points->room, needed, sizeof(Point))) return false;
    for (int64_t k = 0; k < stairs->count; k++) {
        Point point = stairs->at[k], *last = &points->at[points->count - 1];
        point.weight += weight;
        point.loss += loss;
        if (points->count > 0 && point.loss >= last->loss) {
            if (k == 0) last->excess = fmax(last->excess, point.excess);
            continue;
        }
        if (points->count == 0 || point.weight > last->weight) points->count++;
        points->at[points->count - 1] = point;
    }
    return true;
}

/* From one supported point to the next, through the triangles between them. */
static Limit walk(Finder *finder, const Step *steps, Points *points) {
    const Instance *instance = finder->reduced.instance;
    Limit stopped = COMPLETE;
    int64_t weight = instance->base_weight;
    for (int64_t s = 0; s < instance->segments; s++) {
        int64_t group = steps[s].group, segment = steps[s].segment;
        int64_t from = finder->positions[group].candidate;
        int64_t to = instance->first[group] + instance->end[segment];
        Point end = {instance->weight[to] - instance->weight[from],
                     instance->loss[to] - instance->loss[from], 0};
        bool goes_on = stopped == COMPLETE ||
                       (stopped == LABELS && finder->formed <= finder->settings->label_limit);
        finder->state = (State){s, instance->segments};
        Limit limit = start_stairs(finder, end) ? COMPLETE : NO_MEMORY;
        bool certain = worthwhile(finder, 0) <= end.loss;
        if (limit == COMPLETE && !certain)
            limit = goes_on ? search_triangle(finder, steps[s].slope) : stopped;
        if (limit == NO_MEMORY || limit == RAISED) return limit;
        if (limit != COMPLETE) stopped = limit;
        certify(finder, steps[s].slope, limit == COMPLETE);
        if (!append(points, &finder->stairs, weight, finder->loss)) return NO_MEMORY;
        finder->positions[group] = (Position){(int32_t)to, (int32_t)segment + 1, 0};
        weight += end.weight;
        finder->loss += end.loss;
    }
    if (points->count == 0) { /* without segments there is one choice */
        points->at[points->count++] = (Point){weight, finder->loss, 0};
    }
    points->at[points->count - 1].excess = 0; /* nothing loses less */
    return stopped;
}

static bool reserve(Finder *finder, const Instance *instance) {
    size_t groups = (size_t)instance->groups;
    int64_t widest = 1;
    finder->positions = malloc(groups * sizeof *finder->positions);
    finder->reduced.slack = malloc(2 * groups * sizeof(double));
    if (!finder->positions || !finder->reduced.slack) return false;
    finder->reduced.least = finder->reduced.slack + groups;
    finder->reduced.positions = finder->positions;
    for (int64_t g = 0; g < instance->groups; g++) {
        int64_t width = instance->first[g + 1] - instance->first[g];
        if (width > widest) widest = width;
        finder->positions[g] =
            (Position){(int32_t)instance->first[g], (int32_t)instance->segment_first[g], 0};
        finder->loss += instance->loss[instance->first[g]];
    }
    finder->open = malloc((size_t)widest * sizeof *finder->open);
    return finder->open != NULL;
}

Front find_front(const Instance *instance, const FrontSettings *settings) {
    Finder finder = {.settings = settings, .reduced = {.instance = instance}};
    Front front = {{NULL, 0, 0}, NO_MEMORY};
    Step *steps = sorted_steps(instance);
    finder.loss = instance->base_loss;
    if (steps && reserve(&finder, instance) &&
        grow((void **)&front.points.at, &front.points.room, instance->segments + 1, sizeof(Point)))
        front.limit = walk(&finder, steps, &front.points);
    free(steps);
    free(finder.positions);
    free(finder.reduced.slack);
    free(finder.open);
    free(finder.stairs.at);
    free(finder.merged.at);
    free(finder.labels.at);
    free(finder.next.at);
    free(finder.origins);
    free(finder.behind);
    free(finder.before);
    return front;
}
