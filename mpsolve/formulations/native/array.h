/* Arrays that grow. */
#ifndef MPSOLVE_ARRAY_H
#define MPSOLVE_ARRAY_H

#include "numbers.h"

/* Make room for `needed` elements of a size, at least doubling it. */
bool grow(void **array, int64_t *room, int64_t needed, size_t size);

#endif
