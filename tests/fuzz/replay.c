/* Runs a fuzzer over a folder of inputs that it once found interesting, and
 * over each input cut short and with single bits flipped, as many of these as
 * RUNS_MAX allows, so that builds without libFuzzer test the same code. */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_BYTES_MAX 4096
#define CUTS_MAX 256
#define FLIPS_MAX 2048
#define RUNS_MAX 12000u                 /* Of all inputs together. */

/* Runs the fuzzer on a copy that ends where its memory ends, so that a read
 * past it is seen by AddressSanitizer. */
static void
run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);

    if (!copy) {
        abort();
    }
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

/* Each 'stride'-th of the variants. */
static int
replay(const char *path, unsigned int stride)
{
    static uint8_t data[INPUT_BYTES_MAX];
    FILE *file = fopen(path, "rb");

    if (!file) {
        perror(path);
        return 1;
    }
    size_t size = fread(data, 1, sizeof data, file);
    fclose(file);

    run(data, size);
    for (size_t cut = 0; cut < size && cut < CUTS_MAX; cut += stride) {
        run(data, cut);
    }
    for (size_t bit = 0; bit < size * 8 && bit < FLIPS_MAX;
         bit += stride) {
        data[bit / 8] ^= 1u << bit % 8;
        run(data, size);
        data[bit / 8] ^= 1u << bit % 8;
    }
    return 0;
}

int
main(int argc, char *argv[])
{
    unsigned int n_files = 0;
    struct dirent *entry;
    DIR *dir;

    if (argc != 2) {
        fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
        return 2;
    }
    dir = opendir(argv[1]);
    if (!dir) {
        perror(argv[1]);
        return 2;
    }
    while ((entry = readdir(dir)) != NULL) {
        n_files += entry->d_name[0] != '.';
    }
    rewinddir(dir);
    while ((entry = readdir(dir)) != NULL) {
        char path[4096];

        if (entry->d_name[0] == '.') {
            continue;
        }
        snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        if (replay(path, 1 + n_files * (CUTS_MAX + FLIPS_MAX) / RUNS_MAX)) {
            closedir(dir);
            return 1;
        }
    }
    closedir(dir);

    if (!n_files) {
        fprintf(stderr, "%s: no inputs\n", argv[1]);
        return 1;
    }
    printf("%u inputs\n", n_files);
    return 0;
}
