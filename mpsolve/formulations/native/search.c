#include "programme.h"

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
        int64_t count = instance->given_first[g + 1] - instance->given_first[g];
        if (start[g] < 0 || start[g] >= count) return value;
        int64_t at = instance->first[g] + instance->position[instance->given_first[g] + start[g]];
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
    dive(search, &labels, 0, search->settings->tuning.first_width, &none);
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
    if (groups_within(reduced, limit) > settings->tuning.large_core)
        limit /= settings->tuning.first_part;
    while (open_core(core, reduced, limit) && reserve_core(search, core)) {
        search->value += improve(reduced, core, settings->tuning.passes, search->incumbent);
        if (core->count > settings->tuning.large_core && !first_dive(search)) return false;
        double needed = reach(reduced->bound, target_of(search));
        if (limit >= needed) return true;
        limit = fmin(limit * settings->tuning.next_part, needed);
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
    if (settle_core(&search, &core)) {
        bool told = search.stopped == RAISED || search.stopped == INTERRUPTED;
        limit = told ? search.stopped : expand(&search, &bound);
    }
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
