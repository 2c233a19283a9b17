/* Another entry in docker's config.json: what was put in is found again, and is gone once it is removed. */
#include "oci/login.h"
#include "fuzz.h"

#define HOST "registry.example:5000"

/* After an edit that succeeded the file can be edited and read, whatever it was. */
static void check_text(struct str text, bool wants_entry)
{
    auto_oci_credential_source struct oci_credential_source s = {0};
    HOLDS(oci_credentials_read(text, HOST, NULL, &s, NULL) == ERR_OK);
    if (wants_entry)
        HOLDS(s.entry.username != NULL && strcmp(s.entry.username, "u") == 0);
    else
        HOLDS(oci_credential_is_empty(&s.entry));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    autobuf struct buf with = {0};
    autobuf struct buf without = {0};
    bool had = false;
    struct err err = {0};
    struct str config = str_of((const char *)data, n);
    struct str entry = STR("\"auth\": \"dTpw\""); /* u:p */
    if (oci_login_edit(config, HOST, entry, &with, &had, &err) != ERR_OK) {
        HOLDS(err.text[0] != '\0' && strstr(err.text, "hunter2") == NULL);
        return 0;
    }
    check_text(buf_view(&with), true);
    HOLDS(oci_login_edit(buf_view(&with), HOST, str_of(NULL, 0), &without, &had, NULL) == ERR_OK);
    HOLDS(had);
    check_text(buf_view(&without), false);
    return 0;
}
