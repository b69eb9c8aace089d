/* An input of a fuzzer, read as the arguments of a script's steps; all are 0
 * once it has come to its end.
 *
 * Thread: one.   Owner: the caller's memory.   Errors: none. */

#ifndef TESTS_FUZZ_SCRIPT_H
#define TESTS_FUZZ_SCRIPT_H 1

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(CONDITION)                                                \
    do {                                                                \
        if (!(CONDITION)) {                                             \
            fprintf(stderr, "%s:%d: Assertion '%s' failed\n",           \
                    __FILE__, __LINE__, #CONDITION);                    \
            abort();                                                    \
        }                                                               \
    } while (0)

struct script {
    const uint8_t *data;
    size_t size;
};

static inline uint8_t
next8(struct script *script)
{
    if (!script->size) {
        return 0;
    }
    script->size--;
    return *script->data++;
}

static inline uint16_t
next16(struct script *script)
{
    uint16_t low = next8(script);

    return low | next8(script) << 8;
}

static inline uint32_t
next32(struct script *script)
{
    uint32_t low = next16(script);

    return low | (uint32_t) next16(script) << 16;
}

#endif /* tests/fuzz/script.h */
