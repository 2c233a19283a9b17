#include "base/base64.h"
#include "oci/sig_form.h"

#include <stdio.h>

#define STATEMENT_V1 "https://in-toto.io/Statement/v1"
#define STATEMENT_V0 "https://in-toto.io/Statement/v0.1"

bool sig_bundle_is_type(struct str media_type)
{
    static const char *const types[] = {
        SIG_BUNDLE_TYPE,
        "application/vnd.dev.sigstore.bundle+json;version=0.3",
        "application/vnd.dev.sigstore.bundle+json;version=0.2",
        "application/vnd.dev.sigstore.bundle+json;version=0.1",
    };
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (str_eqz(media_type, types[i]))
            return true;
    }
    return false;
}

/* --- writing ---------------------------------------------------------------------------------------- */

void sig_bundle_write_statement(struct buf *to, const char *digest, struct str annotations)
{
    buf_printf(
        to, "{\"_type\":\"" STATEMENT_V1 "\",\"subject\":[{\"digest\":{\"sha256\":\"%s\"}",
        digest + strlen("sha256:"));
    if (annotations.n > 0) {
        buf_text(to, ",\"annotations\":");
        buf_str(to, annotations);
    }
    buf_text(to, "}],\"predicateType\":\"" SIG_BUNDLE_PREDICATE "\",\"predicate\":{}}");
}

/* DSSE protocol, "Signature Definition": the pre-authentication encoding. */
void sig_bundle_write_signed(struct buf *to, struct str payload_type, struct str payload)
{
    buf_printf(to, "DSSEv1 %zu " STR_FMT " %zu ", payload_type.n, STR_ARG(payload_type), payload.n);
    buf_str(to, payload);
}

void sig_bundle_write(
    struct buf *to, const struct oci_key *k, struct str statement, struct str signature)
{
    buf_text(
        to,
        "{\"mediaType\":\"" SIG_BUNDLE_TYPE
        "\",\"verificationMaterial\":{\"publicKey\":{\"hint\":\"");
    oci_key_hint(k, to);
    buf_text(to, "\"}},\"dsseEnvelope\":{\"payload\":\"");
    base64_encode(to, statement);
    buf_text(to, "\",\"payloadType\":\"" SIG_BUNDLE_PAYLOAD "\",\"signatures\":[{\"sig\":\"");
    base64_encode(to, signature);
    buf_text(to, "\"}]}}");
}

/* --- reading ---------------------------------------------------------------------------------------- */

static void problem(struct sig_read *to, const char *text, struct str value)
{
    char shown[OCI_SHOWN_MAX];
    if (value.n == 0)
        snprintf(to->problem, sizeof(to->problem), "%s", text);
    else
        snprintf(to->problem, sizeof(to->problem), "%s: '%s'", text, oci_show(value, shown));
}

static bool names(yyjson_val *subjects, const char *digest, yyjson_val **ret)
{
    size_t i, n;
    yyjson_val *item;
    yyjson_arr_foreach(subjects, i, n, item)
    {
        struct str hex = json_str(json_get(json_get(item, "digest"), "sha256"));
        if (str_eqz(hex, digest + strlen("sha256:"))) {
            *ret = item;
            return true;
        }
    }
    return false;
}

/* An attestation by the same key about the same image (an SBOM, a scan) is no signature of it: the
 * predicate's type tells them apart (compare CVE-2022-35929). */
static void read_statement(struct sig_read *to, struct str payload, const char *digest)
{
    struct err err;
    auto_json struct json_doc doc = {0};
    yyjson_val *subject = NULL;
    if (json_parse(payload, JSON_STRICT, &doc, &err) != ERR_OK) {
        snprintf(to->problem, sizeof(to->problem), "its payload does not parse: %.300s", err.text);
        return;
    }
    struct str type = json_str(json_get(doc.root, "_type"));
    struct str predicate = json_str(json_get(doc.root, "predicateType"));
    yyjson_val *subjects = json_get(doc.root, "subject");
    if (!str_eqz(type, STATEMENT_V1) && !str_eqz(type, STATEMENT_V0)) {
        problem(to, "its payload is no in-toto statement", type);
    } else if (!str_eqz(predicate, SIG_BUNDLE_PREDICATE)) {
        problem(to, "it is an attestation, not a signature of the image", predicate);
    } else if (!names(subjects, digest, &subject)) {
        yyjson_val *first = yyjson_arr_get_first(subjects);
        problem(
            to, "it is of another image", json_str(json_get(json_get(first, "digest"), "sha256")));
    }
    if (yyjson_is_obj(json_get(subject, "annotations")))
        json_text_canonical(&to->annotations, json_get(subject, "annotations"));
}

static void read_envelope(struct sig_read *to, yyjson_val *envelope, const char *digest)
{
    autobuf struct buf payload = {0};
    struct str type = json_str(json_get(envelope, "payloadType"));
    yyjson_val *signatures = json_get(envelope, "signatures");
    struct str signature = json_str(json_get(yyjson_arr_get_first(signatures), "sig"));
    if (!yyjson_is_obj(envelope))
        problem(to, "the bundle has no DSSE envelope", STR(""));
    else if (!str_eqz(type, SIG_BUNDLE_PAYLOAD))
        problem(to, "its payload is of another type", type);
    else if (yyjson_arr_size(signatures) != 1)
        problem(to, "the bundle does not have exactly one signature", STR(""));
    else if (
        !base64_decode(&payload, json_str(json_get(envelope, "payload"))) ||
        !base64_decode(&to->signature, signature))
        problem(to, "its payload or signature is not base64", STR(""));
    if (to->problem[0] != '\0')
        return;
    sig_bundle_write_signed(&to->signed_bytes, type, buf_view(&payload));
    read_statement(to, buf_view(&payload), digest);
}

void sig_bundle_read(
    struct sig_read *to, struct str bundle, const char *digest, bool *ret_has_certificate)
{
    struct err err;
    auto_json struct json_doc doc = {0};
    if (json_parse(bundle, JSON_STRICT, &doc, &err) != ERR_OK) {
        snprintf(to->problem, sizeof(to->problem), "the bundle does not parse: %.300s", err.text);
        return;
    }
    struct str type = json_str(json_get(doc.root, "mediaType"));
    yyjson_val *material = json_get(doc.root, "verificationMaterial");
    *ret_has_certificate = json_get(material, "certificate") != NULL ||
        json_get(material, "x509CertificateChain") != NULL;
    buf_str(&to->hint, json_str(json_get(json_get(material, "publicKey"), "hint")));
    if (!sig_bundle_is_type(type))
        problem(to, "the bundle is of an unknown type", type);
    else
        read_envelope(to, json_get(doc.root, "dsseEnvelope"), digest);
}
