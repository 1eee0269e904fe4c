#include "search.h"

/* One step of the dynamic programme: which group chose, and where its labels' origins are. */
typedef struct {
    int64_t position;
    int64_t first; /* of its origins */
} Step;

/* The steps so far and the origins of all their labels. */
typedef struct {
    Step *steps;
    int64_t count;
    Origin *origins;
    int64_t stored, room;
} History;

typedef struct {
    const Reduced *reduced;
    const Settings *settings;
    const Core *core;
    int64_t origin;      /* loss of the break choice */
    int64_t value;       /* of the incumbent, as a difference to it */
    int64_t *incumbent;  /* (groups) candidates, until labels are better */
    bool found;          /* whether they were */
    int32_t *best;       /* (core groups) then their alternatives; -1 is the break candidate */
    int32_t *open;       /* room for the open alternatives of a group */
    bool memory;         /* whether there was enough of it */
    Limit stopped;       /* what ended a dive early */
} Search;

static int64_t target_of(const Search *search) {
    double excess = search->settings->gap * absolute(search->value + search->origin);
    return search->value - 1 - (int64_t)excess;
}

/* The alternatives of a core group that can still be in an optimum. */
static int64_t open_alternatives(const Search *search, int64_t position) {
    const Core *core = search->core;
    double limit = reach(search->reduced->bound, target_of(search));
    int64_t count = 0, begin = core->first[position], end = core->first[position + 1];
    for (int64_t k = begin; k < end; k++)
        if (core->alternatives[k].above <= limit) search->open[count++] = (int32_t)(k - begin);
    return count;
}

/* Extend `labels` into `next` by the open alternatives, and remember the origins. */
static bool step(Search *search, int64_t position, int64_t open, const Labels *labels,
                 Labels *next, History *history) {
    int64_t most = labels->count * (open + 1);
    search->memory = grow((void **)&next->at, &next->room, most, sizeof(Label)) &&
                     grow((void **)&history->origins, &history->room, history->stored + most,
                          sizeof(Origin));
    if (!search->memory) return false;
    history->steps[history->count++] = (Step){position, history->stored};
    next->count = extend(search->core, position, search->open, open, labels, target_of(search),
                         next->at, history->origins + history->stored);
    history->stored += next->count;
    return true;
}

/* Follow the origins of a label back through the steps. Returns the label before the first. */
static int64_t trace(Search *search, const History *history, int64_t steps, int64_t label) {
    while (steps-- > 0) {
        Step step = history->steps[steps];
        Origin origin = history->origins[step.first + label];
        search->best[step.position] = origin.alternative;
        label = origin.parent;
    }
    return label;
}

/* Take the best label within the capacity as incumbent if it is an improvement. A dive's history
 * goes on where the main one was; `entry` maps its first labels to the main one's last. */
static void update(Search *search, const Labels *labels, const History *main, const History *dive,
                   const int64_t *entry) {
    int64_t low = 0, high = labels->count;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (labels->at[middle].weight <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    int64_t label = low - 1;
    if (label < 0 || labels->at[label].loss >= search->value) return;
    search->value = labels->at[label].loss;
    search->found = true;
    for (int64_t p = 0; p < search->core->count; p++) search->best[p] = -1;
    if (dive) label = entry[trace(search, dive, dive->count, label)];
    trace(search, main, main->count, label);
}

/* Order the keys so that the `rank`-th least stands there, lesser ones before it (Hoare 1961). */
static double select_key(double *keys, int64_t count, int64_t rank) {
    int64_t low = 0, high = count - 1;
    while (low < high) {
        double pivot = keys[low + (high - low) / 2];
        int64_t i = low, j = high;
        while (i <= j) {
            while (keys[i] < pivot) i++;
            while (keys[j] > pivot) j--;
            if (i > j) break;
            double moved = keys[i];
            keys[i++] = keys[j];
            keys[j--] = moved;
        }
        if (rank <= j)
            high = j;
        else if (rank >= i)
            low = i;
        else
            break;
    }
    return keys[rank];
}

/* What the most promising labels have least of: the bound, and distance to the capacity. */
static double key(const Search *search, const Label *label) {
    double nearness = search->settings->nearness * search->reduced->multiplier;
    return label->bound + nearness * absolute(label->weight);
}

/* Keep the `width` labels of least key in their order, the first of equal ones. `kept` gets their
 * positions. */
static bool keep_least(const Search *search, Labels *labels, int64_t width, int64_t *kept) {
    int64_t count = labels->count, out = 0;
    if (count <= width) {
        for (int64_t k = 0; k < count; k++) kept[k] = k;
        return true;
    }
    double *keys = malloc((size_t)count * sizeof *keys);
    if (!keys) return false;
    for (int64_t k = 0; k < count; k++) keys[k] = key(search, &labels->at[k]);
    double last = select_key(keys, count, width - 1);
    int64_t equal = width; /* so many labels of the last key are kept */
    for (int64_t k = 0; k < count; k++) equal -= keys[k] < last;
    free(keys);
    for (int64_t k = 0; k < count; k++) {
        double own = key(search, &labels->at[k]);
        if (own > last || (own == last && equal-- <= 0)) continue;
        kept[out] = k;
        labels->at[out++] = labels->at[k];
    }
    labels->count = out;
    return true;
}

/* Follow only the most promising labels for a while, for a better incumbent. */
static void dive(Search *search, const Labels *from, int64_t position, int64_t width,
                 const History *main) {
    const Core *core = search->core;
    const Settings *settings = search->settings;
    int64_t end = position + width, most = from->count;
    Labels labels = {malloc((size_t)most * sizeof(Label)), most, most}, next = {0};
    int64_t *entry = malloc((size_t)most * sizeof *entry), *kept = NULL, kept_room = 0;
    History history = {malloc((size_t)core->count * sizeof(Step)), 0, NULL, 0, 0};
    search->memory = labels.at && entry && history.steps;
    if (search->memory) {
        memcpy(labels.at, from->at, (size_t)from->count * sizeof(Label));
        search->memory = keep_least(search, &labels, width, entry);
    }
    for (int64_t later = position; search->memory && later < core->count && later < end;
         later++) {
        search->stopped = ask(&settings->poll, NULL);
        if (search->stopped != COMPLETE || !labels.count) break;
        if (history.count > 0) {
            search->memory = grow((void **)&kept, &kept_room, labels.count, sizeof *kept);
            if (!search->memory || !keep_least(search, &labels, width, kept)) break;
            /* The labels that were dropped leave the last step's origins too. */
            Origin *last = history.origins + history.steps[history.count - 1].first;
            for (int64_t k = 0; k < labels.count; k++) last[k] = last[kept[k]];
            history.stored = history.steps[history.count - 1].first + labels.count;
        }
        if (!step(search, later, open_alternatives(search, later), &labels, &next, &history)) break;
        Labels swapped = labels;
        labels = next;
        next = swapped;
        update(search, &labels, main, &history, entry);
    }
    free(labels.at);
    free(next.at);
    free(entry);
    free(kept);
    free(history.steps);
    free(history.origins);
}

/* Extend the labels group by group until none is left, or a limit is reached. */
static Limit expand(Search *search, int64_t *bound) {
    const Core *core = search->core;
    const Settings *settings = search->settings;
    History history = {malloc((size_t)(core->count + 1) * sizeof(Step)), 0, NULL, 0, 0};
    Labels labels = {malloc(sizeof(Label)), 1, 1}, next = {0};
    int64_t dive_at = settings->dive_at;
    Limit limit = COMPLETE;
    search->memory = history.steps && labels.at;
    if (search->memory)
        labels.at[0] = (Label){-search->reduced->room, 0, search->reduced->bound};
    for (int64_t p = 0; search->memory && p < core->count && labels.count > 0; p++) {
        int64_t open = open_alternatives(search, p);
        if (open == 0) continue;
        if (labels.count * (open + 1) > settings->label_limit - history.stored) {
            limit = LABELS;
            break;
        }
        if (!step(search, p, open, &labels, &next, &history)) break;
        Labels swapped = labels;
        labels = next;
        next = swapped;
        update(search, &labels, &history, NULL, NULL);
        if (labels.count > settings->poll_at) {
            double least = INFINITY;
            for (int64_t k = 0; k < labels.count; k++) least = fmin(least, labels.at[k].bound);
            if (ceil(least) > (double)*bound) *bound = (int64_t)ceil(least);
            int64_t known = *bound < search->value ? *bound : search->value;
            State state = {search->value + search->origin, known + search->origin};
            limit = ask(&settings->poll, &state);
            if (limit != COMPLETE) break;
        }
        if (labels.count > dive_at) {
            int64_t width = dive_at / settings->dive_share;
            dive(search, &labels, p + 1, width > 1 ? width : 1, &history);
            dive_at *= settings->dive_growth;
            /* The time is asked for again, where it was before. */
            if (search->stopped != COMPLETE && search->stopped != TIME) {
                limit = search->stopped;
                break;
            }
        }
    }
    free(labels.at);
    free(next.at);
    free(history.steps);
    free(history.origins);
    return search->memory ? limit : NO_MEMORY;
}

/* The first incumbent as one candidate per group, with its loss against the break choice. */
static int64_t first_choice(const Reduced *reduced, const Incumbent *first, int64_t *choice) {
    for (int64_t g = 0; g < reduced->instance->groups; g++)
        choice[g] = reduced->positions[g].candidate;
    for (int k = 0; k < 2; k++)
        if (first->groups[k] >= 0) choice[first->groups[k]] = first->changed[k];
    return first->value;
}

/* Take the start instead if it keeps the capacity and loses less. Returns the loss. */
static int64_t take_start(const Reduced *reduced, const int64_t *start, int64_t value,
                          int64_t *choice) {
    const Instance *instance = reduced->instance;
    int64_t gained = 0, lost = 0;
    for (int64_t g = 0; g < instance->groups; g++) {
        int64_t given = instance->given_first[g] + start[g];
        if (given < instance->given_first[g] || given >= instance->given_first[g + 1]) return value;
        int64_t at = instance->first[g] + instance->position[given];
        gained += instance->weight[at] - instance->weight[reduced->positions[g].candidate];
        lost += instance->loss[at] - instance->loss[reduced->positions[g].candidate];
    }
    if (gained > reduced->room || lost >= value) return value;
    for (int64_t g = 0; g < instance->groups; g++)
        choice[g] = instance->first[g] + instance->position[instance->given_first[g] + start[g]];
    return lost;
}

/* Apply the change in the core that lowers the loss most and keeps the capacity, a few times.
 * Returns by how much the loss falls. */
static int64_t improve(const Reduced *reduced, const Core *core, int64_t passes, int64_t *choice) {
    const Instance *instance = reduced->instance;
    int64_t room = reduced->room, fallen = 0;
    for (int64_t g = 0; g < instance->groups; g++)
        room -= instance->weight[choice[g]] - instance->weight[reduced->positions[g].candidate];
    while (passes-- > 0) {
        int64_t best = 0, best_gain = 0, group = -1, candidate = -1;
        for (int64_t p = 0; p < core->count; p++) {
            int64_t g = core->group[p], origin = reduced->positions[g].candidate;
            int64_t gains = instance->weight[choice[g]] - instance->weight[origin];
            int64_t losses = instance->loss[choice[g]] - instance->loss[origin];
            if (-gains <= room && -losses < best) {
                best = -losses;
                best_gain = -gains;
                group = g;
                candidate = origin;
            }
            for (int64_t k = core->first[p]; k < core->first[p + 1]; k++) {
                const Alternative *a = &core->alternatives[k];
                if (a->gained - gains <= room && a->lost - losses < best) {
                    best = a->lost - losses;
                    best_gain = a->gained - gains;
                    group = g;
                    candidate = a->candidate;
                }
            }
        }
        if (group < 0) break;
        choice[group] = candidate;
        room -= best_gain;
        fallen += best;
    }
    return fallen;
}

/* Write the best choice: that of the labels over the break choice, or the incumbent before. */
static void write_choice(const Search *search, int64_t *choice) {
    const Core *core = search->core;
    const Instance *instance = search->reduced->instance;
    for (int64_t g = 0; g < instance->groups; g++)
        choice[g] = search->found ? search->reduced->positions[g].candidate : search->incumbent[g];
    for (int64_t p = 0; search->found && p < core->count; p++)
        if (search->best[p] >= 0)
            choice[core->group[p]] = core->alternatives[core->first[p] + search->best[p]].candidate;
}

/* Replace candidates, counted over all, by their positions in the groups as they were given. */
static void as_given(const Instance *instance, int64_t *choice) {
    for (int64_t g = 0; g < instance->groups; g++) choice[g] = instance->origin[choice[g]];
}

/* Make room for the alternatives of the groups of a core. */
static bool reserve_core(Search *search, const Core *core) {
    int64_t widest = 1;
    for (int64_t p = 0; p < core->count; p++)
        if (core->first[p + 1] - core->first[p] > widest)
            widest = core->first[p + 1] - core->first[p];
    free(search->best);
    search->best = malloc((size_t)(core->count + widest) * sizeof *search->best);
    search->open = search->best + core->count;
    return search->best != NULL;
}

/* Follow a few labels from the break choice, for an incumbent that makes the core small. */
static bool first_dive(Search *search) {
    Label origin = {-search->reduced->room, 0, search->reduced->bound};
    Labels labels = {&origin, 1, 1};
    History none = {NULL, 0, NULL, 0, 0};
    dive(search, &labels, 0, search->settings->first_width, &none);
    if (search->found) write_choice(search, search->incumbent);
    search->found = false;
    return search->memory;
}

static int64_t groups_within(const Reduced *reduced, double limit) {
    int64_t count = 0;
    for (int64_t g = 0; g < reduced->instance->groups; g++)
        count += reduced->least[g] - reduced->slack[g] <= limit;
    return count;
}

/* Open the core of all that a better choice may change. A large one is opened in parts, since the
 * incumbent found in a small one makes it small. */
static bool settle_core(Search *search, Core *core) {
    const Reduced *reduced = search->reduced;
    const Settings *settings = search->settings;
    double limit = reach(reduced->bound, target_of(search));
    if (groups_within(reduced, limit) > settings->large_core) limit /= settings->first_part;
    while (open_core(core, reduced, limit) && reserve_core(search, core)) {
        search->value += improve(reduced, core, settings->passes, search->incumbent);
        if (core->count > settings->large_core && !first_dive(search)) return false;
        double needed = reach(reduced->bound, target_of(search));
        if (limit >= needed) return true;
        limit = fmin(limit * settings->next_part, needed);
        free(core->block);
        *core = (Core){0};
    }
    return false;
}

static Result solve_core(const Reduced *reduced, const Incumbent *first, const Settings *settings,
                         int64_t *choice) {
    const Instance *instance = reduced->instance;
    Core core = {0};
    Search search = {.reduced = reduced, .settings = settings, .core = &core, .memory = true};
    search.incumbent = malloc((size_t)instance->groups * sizeof *search.incumbent);
    if (!search.incumbent) return (Result){.limit = NO_MEMORY};
    search.origin = instance->base_loss;
    for (int64_t g = 0; g < instance->groups; g++)
        search.origin += instance->loss[reduced->positions[g].candidate];
    search.value = first_choice(reduced, first, search.incumbent);
    if (settings->start)
        search.value = take_start(reduced, settings->start, search.value, search.incumbent);
    Limit limit = NO_MEMORY;
    int64_t least = (int64_t)ceil(reduced->bound), bound = least;
    if (settle_core(&search, &core))
        limit = search.stopped == RAISED || search.stopped == INTERRUPTED
                    ? search.stopped
                    : expand(&search, &bound);
    /* Dropped labels exceed the target; those still open, if any, lie above their least bound. */
    int64_t proven = target_of(&search) + 1;
    if (limit != COMPLETE && bound < proven) proven = bound;
    if (proven < least) proven = least;
    if (proven > search.value) proven = search.value;
    write_choice(&search, choice);
    as_given(instance, choice);
    free(search.incumbent);
    free(search.best);
    free(core.block);
    return (Result){true, search.value + search.origin, proven + search.origin, limit};
}

Result search(const Instance *instance, int64_t capacity, const Settings *settings,
              int64_t *choice) {
    int64_t room = capacity - instance->base_weight;
    if (room < 0) return (Result){.feasible = false, .limit = COMPLETE};
    if (room >= instance->heaviest) {
        for (int64_t g = 0; g < instance->groups; g++) choice[g] = instance->first[g + 1] - 1;
        as_given(instance, choice);
        return (Result){true, instance->base_loss, instance->base_loss, COMPLETE};
    }
    Relaxation relaxation;
    Reduced reduced = {0};
    Incumbent first;
    Result result = {.limit = NO_MEMORY};
    Position *positions = malloc((size_t)instance->groups * sizeof *positions);
    if (positions && relax(instance, room, &relaxation, positions) &&
        reduce(&reduced, instance, &relaxation, positions, &first))
        result = solve_core(&reduced, &first, settings, choice);
    free(reduced.slack); /* the block that holds both arrays */
    free(positions);
    return result;
}
