/* oci_ref_parse and oci_ref_parse_source: what one accepts is written and read again as the same. */
#include "base/mem.h"
#include "fuzz.h"
#include "oci/ref.h"

/* Where a range may stand: all that the other reads, and ranges. */
static void check_source(struct str text, bool is_plain)
{
    struct oci_ref ref, again;
    if (oci_ref_parse_source(text, &ref, NULL) != ERR_OK) {
        HOLDS(!is_plain);
        return;
    }
    HOLDS(ref.range[0] == '\0' || (ref.tag[0] == '\0' && ref.digest[0] == '\0'));
    autofree char *shown = oci_ref_format(&ref);
    HOLDS(oci_ref_parse_source(str_from(shown), &again, NULL) == ERR_OK);
    HOLDS(strcmp(again.range, ref.range) == 0);
}

static void check_again(const struct oci_ref *ref)
{
    struct oci_ref again;
    autofree char *text = oci_ref_format(ref);
    HOLDS(oci_ref_parse(str_from(text), &again, NULL) == ERR_OK);
    autofree char *twice = oci_ref_format(&again);
    HOLDS(strcmp(text, twice) == 0);
    HOLDS(again.kind == ref->kind && strcmp(again.host, ref->host) == 0);
    HOLDS(strcmp(again.repository, ref->repository) == 0);
    HOLDS(strcmp(again.path, ref->path) == 0 && strcmp(again.digest, ref->digest) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct oci_ref ref;
    struct err err = {0};
    struct str text = str_of((const char *)data, n);
    bool is_plain = oci_ref_parse(text, &ref, &err) == ERR_OK;
    check_source(text, is_plain);
    if (!is_plain) {
        HOLDS(err.text[0] != '\0');
        return 0;
    }
    autofree char *name = oci_ref_store_name(&ref);
    HOLDS(name == NULL || name[0] != '\0');
    check_again(&ref);
    return 0;
}
