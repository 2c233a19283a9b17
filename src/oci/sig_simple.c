#include "oci/sig_form.h"

#include <stdio.h>

/* cosign SPEC.md, "Simple Signing": cosign writes and wants this type. */
#define TYPE "cosign container image signature"

void sig_simple_write(
    struct buf *to, const char *digest, const char *docker_reference, struct str annotations)
{
    buf_text(to, "{\"critical\":{\"identity\":{\"docker-reference\":");
    json_text_string(to, str_from(docker_reference));
    buf_printf(
        to, "},\"image\":{\"docker-manifest-digest\":\"%s\"},\"type\":\"" TYPE "\"},\"optional\":",
        digest);
    buf_str(to, annotations.n > 0 ? annotations : STR("null"));
    buf_char(to, '}');
}

void sig_simple_read(struct sig_read *to, struct str payload, const char *digest)
{
    char shown[OCI_SHOWN_MAX];
    struct err err;
    auto_json struct json_doc doc = {0};
    if (json_parse(payload, JSON_STRICT, &doc, &err) != ERR_OK) {
        snprintf(to->problem, sizeof(to->problem), "its payload does not parse: %.300s", err.text);
        return;
    }
    yyjson_val *critical = json_get(doc.root, "critical");
    yyjson_val *optional = json_get(doc.root, "optional");
    struct str type = json_str(json_get(critical, "type"));
    struct str image = json_str(json_get(json_get(critical, "image"), "docker-manifest-digest"));
    if (!str_eqz(type, TYPE))
        snprintf(
            to->problem, sizeof(to->problem), "its payload is of type '%s'", oci_show(type, shown));
    else if (!str_eqz(image, digest))
        snprintf(
            to->problem, sizeof(to->problem), "it is of another image: '%s'",
            oci_show(image, shown));
    if (yyjson_is_obj(optional))
        json_text_canonical(&to->annotations, optional);
}
