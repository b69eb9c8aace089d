#include "tests/fakes/frontend_text.h"

#include <errno.h>
#include <string.h>

static int
read_line(void *aux, const char *leaf, char value[FRONTEND_VALUE_BYTES],
          size_t *bytes)
{
    struct frontend_text *text = aux;
    const char *end = text->text + text->bytes;
    size_t leaf_bytes = strlen(leaf);

    text->n_reads++;
    for (const char *line = text->text; line < end; ) {
        const char *stop = memchr(line, '\n', end - line);

        stop = stop ? stop : end;
        if ((size_t) (stop - line) > leaf_bytes && line[leaf_bytes] == '='
            && !memcmp(line, leaf, leaf_bytes)) {
            const char *found = line + leaf_bytes + 1;

            *bytes = stop - found;
            if (*bytes == 4 && !memcmp(found, "!EIO", 4)) {
                return -EIO;
            }
            memcpy(value, found, *bytes < FRONTEND_VALUE_BYTES
                                 ? *bytes : FRONTEND_VALUE_BYTES);
            return 0;
        }
        line = stop + 1;
    }
    return -ENOENT;
}

struct frontend_nodes
frontend_text_nodes(struct frontend_text *text)
{
    return (struct frontend_nodes) { .read = read_line, .aux = text };
}
