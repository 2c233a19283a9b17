/*
 * What each target of this folder offers: one input for one parser. With clang's libFuzzer (make fuzz)
 * inputs are made up; in every other build replay.c feeds it the corpus, so that it is a plain test too.
 * A target aborts where what the parser promises does not hold; sanitizers see the rest.
 */
#pragma once

#include "base/str.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Must hold for any input. */
#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)
