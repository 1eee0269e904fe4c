#include "array.h"

bool grow(void **array, int64_t *room, int64_t needed, size_t size) {
    if (needed <= *room) return true;
    int64_t wanted = needed > 2 * *room ? needed : 2 * *room;
    void *moved = realloc(*array, (size_t)wanted * size);
    if (!moved) return false;
    *array = moved;
    *room = wanted;
    return true;
}
