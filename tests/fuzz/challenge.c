/* oci_challenges_add: each line of the input is one WWW-Authenticate header. */
#include "oci/challenge.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    auto_oci_challenges struct oci_challenges c = {0};
    struct err err = {0};
    struct str rest = str_of((const char *)data, n);
    enum err_kind r = ERR_OK;
    while (r == ERR_OK && rest.p != NULL)
        r = oci_challenges_add(&c, str_cut(&rest, '\n'), &err);
    HOLDS(r == ERR_OK || err.text[0] != '\0');
    HOLDS(c.count <= OCI_CHALLENGES_MAX);
    const struct oci_challenge *best = oci_challenges_best(&c);
    HOLDS(best == NULL || best->scheme != OCI_SCHEME_BEARER || best->realm != NULL);
    return 0;
}
