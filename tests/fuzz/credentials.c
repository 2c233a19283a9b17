/* Docker's config.json: what is found can go into a header line, and no error quotes a password. */
#include "oci/credentials.h"
#include "fuzz.h"

static void check_text(const char *text)
{
    HOLDS(text == NULL || oci_credential_is_clean(str_from(text)));
}

static void read_for(struct str config, const char *host, const char *repository)
{
    auto_oci_credential_source struct oci_credential_source s = {0};
    struct err err = {0};
    if (oci_credentials_read(config, host, repository, &s, &err) != ERR_OK) {
        HOLDS(err.text[0] != '\0' && strstr(err.text, "hunter2") == NULL);
        return;
    }
    check_text(s.entry.username);
    check_text(s.entry.password);
    check_text(s.entry.identity_token);
    check_text(s.entry.registry_token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str config = str_of((const char *)data, n);
    read_for(config, "registry.example:5000", "team/flipt");
    read_for(config, "docker.io", NULL);
    return 0;
}
