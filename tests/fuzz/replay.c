/* Feeds the files of the folders given to a fuzz target, whole and cut short. */
#include "base/fs.h"
#include "base/mem.h"
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>

enum { INPUT_MAX = 1 << 20, CUTS = 200 };

/* From the heap and of the exact size, so that a sanitizer sees a read behind the end. */
static void feed(struct str input)
{
    uint8_t *copy = mem_dup(input.p, input.n);
    LLVMFuzzerTestOneInput(copy, input.n);
    free(copy);
}

static void feed_file(const char *path)
{
    autobuf struct buf input = {0};
    struct err err;
    if (fs_read_file(path, INPUT_MAX, &input, &err) != ERR_OK) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    size_t step = input.n / CUTS + 1;
    for (size_t n = 0; n < input.n; n += step)
        feed(str_take(buf_view(&input), n));
    feed(buf_view(&input));
}

static size_t feed_folder(const char *dir)
{
    struct dirent **entries = NULL;
    int count = scandir(dir, &entries, NULL, alphasort);
    size_t fed = 0;
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.') {
            autofree char *path = fs_join(dir, entries[i]->d_name);
            feed_file(path);
            fed++;
        }
        free(entries[i]);
    }
    free(entries);
    return fed;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        size_t fed = feed_folder(argv[i]);
        printf("%s: %zu inputs\n", argv[i], fed);
        if (fed == 0)
            return 1;
    }
    return argc > 1 ? 0 : 2;
}
