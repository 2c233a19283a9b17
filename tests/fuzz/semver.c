/* "RANGE\nTAG\nTAG…": the order of tags is one, and what a range holds stands by itself. */
#include "oci/semver.h"
#include "fuzz.h"

#define TAGS_MAX 8

static void check_order(const struct str *tags, size_t count)
{
    for (size_t a = 0; a < count; a++) {
        HOLDS(oci_semver_compare_tags(tags[a], tags[a]) == 0);
        for (size_t b = 0; b < count; b++) {
            int order = oci_semver_compare_tags(tags[a], tags[b]);
            HOLDS((order < 0) == (oci_semver_compare_tags(tags[b], tags[a]) > 0));
            for (size_t c = 0; c < count && order < 0; c++) {
                if (oci_semver_compare_tags(tags[b], tags[c]) < 0)
                    HOLDS(oci_semver_compare_tags(tags[a], tags[c]) < 0);
            }
        }
    }
}

static void check_range(struct str text, const struct str *tags, size_t count)
{
    struct oci_semver_range range;
    struct err err = {0};
    if (oci_semver_range_parse(text, &range, &err) != ERR_OK) {
        HOLDS(err.text[0] != '\0');
        return;
    }
    HOLDS(range.count > 0 && range.count <= OCI_SEMVER_TERMS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct oci_semver version;
        if (!oci_semver_parse(tags[i], &version))
            continue;
        bool holds = oci_semver_range_holds(&range, &version);
        HOLDS(!holds || version.prerelease.n == 0 || range.prerelease_groups != 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str tags[TAGS_MAX];
    size_t count = 0;
    struct str rest = str_of((const char *)data, n);
    struct str range = str_cut(&rest, '\n');
    while (rest.p != NULL && count < TAGS_MAX)
        tags[count++] = str_cut(&rest, '\n');
    check_order(tags, count);
    check_range(range, tags, count);
    (void)oci_semver_is_wildcard(range);
    return 0;
}
