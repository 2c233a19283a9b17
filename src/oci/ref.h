/*
 * References to images and their digests (docs/image-format.md section 2; OCI distribution-spec 1.1,
 * "Pulling manifests": grammar of <name>, <reference>). Parsing only: nothing is looked up here.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#define OCI_DIGEST_MAX 72 /* "sha256:" + 64 + NUL */
#define OCI_REF_MAX 1024
#define OCI_RANGE_MAX 257

enum oci_ref_kind {
    OCI_REF_REGISTRY, /* host/repository */
    OCI_REF_LAYOUT,   /* oci-layout:DIR */
    OCI_REF_STORE,    /* a name without host: lives in the local store only */
};

struct oci_ref {
    enum oci_ref_kind kind;
    char host[256]; /* with port; docker.io normalised to registry-1.docker.io only on the wire */
    char repository[256];
    char path[512]; /* OCI_REF_LAYOUT: the directory */
    char tag[129];  /* empty: none was written; registry references then mean "latest" */
    char digest[OCI_DIGEST_MAX]; /* empty: none */
    char range[OCI_RANGE_MAX];   /* "~1.2" in the tag's place, which is empty then; empty: none */
};

/* MALFORMED / INVALID name the text and what is wrong with it. */
enum err_kind oci_ref_parse(struct str text, struct oci_ref *ret, struct err *err) MUST_USE;
/* The same where something is read from: a version range may stand in the tag's place, and "1.x" is one.
 * oci_ref_settle (oci/settle.h) turns it into a tag, before the reference is used for anything else. */
enum err_kind oci_ref_parse_source(struct str text, struct oci_ref *ret, struct err *err) MUST_USE;
bool oci_ref_is_tag(struct str text);
/* As one writes it, with tag ("latest" made explicit for registry and store) and digest. */
char *oci_ref_format(const struct oci_ref *ref);
/* A registry alone, as login and ping take it: HOST[:PORT], also as the URL that docker writes
 * ("https://index.docker.io/v1/"). ret as a reference's host: Docker Hub is "docker.io". */
#define OCI_HOST_MAX 256
enum err_kind
oci_ref_parse_host(struct str text, char ret_host[OCI_HOST_MAX], struct err *err) MUST_USE;
/* Where it is asked: "registry-1.docker.io" for Docker Hub, else the host itself. */
const char *oci_wire_host(const char *host);
/* The name under which the store keeps it (org.opencontainers.image.ref.name): host/repo:tag. */
char *oci_ref_store_name(const struct oci_ref *ref);

enum err_kind
oci_digest_check(struct str digest, struct err *err) MUST_USE; /* sha256:<64 lower-case hex> */
