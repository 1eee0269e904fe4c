#include "programme.h"

int64_t target_of(const Search *search) {
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
static bool step(Search *search, int64_t position, int64_t open, const Labels *labels, Labels *next,
                 History *history) {
    int64_t most = labels->count * (open + 1);
    search->memory =
        grow((void **)&next->at, &next->room, most, sizeof(Label)) &&
        grow((void **)&history->origins, &history->room, history->stored + most, sizeof(Origin));
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
    double nearness = search->settings->tuning.nearness * search->reduced->multiplier;
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

void dive(Search *search, const Labels *from, int64_t position, int64_t width,
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
    for (int64_t later = position; search->memory && later < core->count && later < end; later++) {
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

Limit expand(Search *search, int64_t *bound) {
    const Core *core = search->core;
    const Settings *settings = search->settings;
    History history = {malloc((size_t)(core->count + 1) * sizeof(Step)), 0, NULL, 0, 0};
    Labels labels = {malloc(sizeof(Label)), 1, 1}, next = {0};
    int64_t dive_at = settings->tuning.dive_at;
    Limit limit = COMPLETE;
    search->memory = history.steps && labels.at;
    if (search->memory) labels.at[0] = (Label){-search->reduced->room, 0, search->reduced->bound};
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
        if (labels.count > settings->tuning.poll_at) {
            double least = INFINITY;
            for (int64_t k = 0; k < labels.count; k++) least = fmin(least, labels.at[k].bound);
            if (ceil(least) > (double)*bound) *bound = (int64_t)ceil(least);
            int64_t known = *bound < search->value ? *bound : search->value;
            State state = {search->value + search->origin, known + search->origin};
            limit = ask(&settings->poll, &state);
            if (limit != COMPLETE) break;
        }
        if (labels.count > dive_at) {
            int64_t width = dive_at / settings->tuning.dive_share;
            dive(search, &labels, p + 1, width > 1 ? width : 1, &history);
            dive_at *= settings->tuning.dive_growth;
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
