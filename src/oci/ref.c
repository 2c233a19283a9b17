#include "oci/ref.h"
#include "base/mem.h"
#include "oci/digest.h"
#include "oci/semver.h"

#include <arpa/inet.h>
#include <stdio.h>

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_lower_alnum(char c)
{
    return is_alnum(c) && !(c >= 'A' && c <= 'Z');
}

static void copy_str(char *to, size_t room, struct str s)
{
    snprintf(to, room, STR_FMT, STR_ARG(s));
}

/* The whole text and what is wrong with it, in one form for all rules. */
static enum err_kind refuse(struct str text, const char *why, struct err *err)
{
    char shown[OCI_SHOWN_MAX];
    return err_set(err, ERR_INVALID, "reference '%s': %s", oci_show(text, shown), why);
}

/* tag: [A-Za-z0-9_][A-Za-z0-9._-]{0,127} (distribution-spec, "Pulling manifests") */
bool oci_ref_is_tag(struct str tag)
{
    if (tag.n == 0 || tag.n > 128 || !(is_alnum(tag.p[0]) || tag.p[0] == '_'))
        return false;
    for (size_t i = 1; i < tag.n; i++) {
        if (!is_alnum(tag.p[i]) && tag.p[i] != '.' && tag.p[i] != '_' && tag.p[i] != '-')
            return false;
    }
    return true;
}

/* Length of a separator of a path component at s: '.', '_', '__' or any number of '-'; 0: none. */
static size_t separator_length(struct str s)
{
    size_t n = 0;
    if (s.n == 0)
        return 0;
    if (s.p[0] == '.')
        return 1;
    if (s.p[0] == '_')
        return s.n > 1 && s.p[1] == '_' ? 2 : 1;
    while (n < s.n && s.p[n] == '-')
        n++;
    return n;
}

/* [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)* */
static bool is_component(struct str s)
{
    for (;;) {
        size_t n = 0;
        while (n < s.n && is_lower_alnum(s.p[n]))
            n++;
        if (n == 0)
            return false;
        s = str_skip(s, n);
        if (s.n == 0)
            return true;
        n = separator_length(s);
        if (n == 0)
            return false;
        s = str_skip(s, n);
    }
}

static bool is_repository(struct str name)
{
    if (name.n == 0 || name.n > 255)
        return false;
    while (name.p != NULL) {
        if (!is_component(str_cut(&name, '/')))
            return false;
    }
    return true;
}

static bool is_label(struct str label)
{
    if (label.n == 0 || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-')
        return false;
    for (size_t i = 0; i < label.n; i++) {
        if (!is_alnum(label.p[i]) && label.p[i] != '-')
            return false;
    }
    return true;
}

static bool is_port(struct str port)
{
    uint64_t value;
    return port.n <= 5 && str_to_u64(port, &value) && value >= 1 && value <= 65535;
}

static bool is_ipv6(struct str address)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr parsed;
    if (address.n >= sizeof(text))
        return false;
    copy_str(text, sizeof(text), address);
    return inet_pton(AF_INET6, text, &parsed) == 1;
}

static bool is_host(struct str host)
{
    struct str name = host;
    if (host.n == 0 || host.n > 255)
        return false;
    if (host.p[0] == '[') {
        struct str rest = str_skip(host, 1);
        struct str address = str_cut(&rest, ']');
        if (rest.p == NULL || !is_ipv6(address))
            return false;
        return rest.n == 0 || (rest.p[0] == ':' && is_port(str_skip(rest, 1)));
    }
    struct str rest = host;
    name = str_cut(&rest, ':');
    if (rest.p != NULL && !is_port(rest))
        return false;
    while (name.p != NULL) {
        if (!is_label(str_cut(&name, '.')))
            return false;
    }
    return true;
}

/* docs/image-format.md section 2: what makes the first component of a name a host. */
static bool looks_like_host(struct str first)
{
    return str_find(first, '.') >= 0 || str_find(first, ':') >= 0 ||
        str_eq_nocase(first, STR("localhost"));
}

static bool is_all_hex(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
            return false;
    }
    return true;
}

/* Cut "@digest" off the end of *rest. Searched from behind, so that a '@' of a directory stays. */
static enum err_kind
take_digest(struct str text, struct str *rest, bool is_path, struct oci_ref *ref, struct err *err)
{
    ptrdiff_t at = str_rfind(*rest, '@');
    if (at < 0)
        return ERR_OK;
    struct str digest = str_skip(*rest, (size_t)at + 1);
    if (is_path && !str_starts(digest, STR("sha256:")))
        return ERR_OK;
    if (oci_digest_check(digest, err) != ERR_OK) {
        char shown[OCI_SHOWN_MAX];
        return err_wrap(err, "reference '%s'", oci_show(text, shown));
    }
    copy_str(ref->digest, sizeof(ref->digest), digest);
    *rest = str_take(*rest, (size_t)at);
    return ERR_OK;
}

/* What stands behind the name's ':'. */
static enum err_kind take_version(
    struct str text, struct str tag, bool takes_range, struct oci_ref *ref, struct err *err)
{
    struct oci_semver_range range;
    bool is_tag = oci_ref_is_tag(tag);
    bool is_wildcard = takes_range && ref->digest[0] == '\0' && oci_semver_is_wildcard(tag);
    if (is_tag && !is_wildcard) {
        copy_str(ref->tag, sizeof(ref->tag), tag);
        return ERR_OK;
    }
    if (tag.n >= sizeof(ref->range) || oci_semver_range_parse(tag, &range, NULL) != ERR_OK)
        return refuse(
            text,
            "the tag must be 1 to 128 of letters, digits, '_', '.', '-', not starting with "
            "'.' or '-'; or a version range such as ~1.2",
            err);
    if (!takes_range)
        return refuse(text, "a version range is only for reading: give one tag here", err);
    if (ref->digest[0] != '\0')
        return refuse(text, "beside a digest a version range says nothing: leave it out", err);
    copy_str(ref->range, sizeof(ref->range), tag);
    return ERR_OK;
}

/* Cut ":tag" off the end of *rest: a ':' behind the last '/'. */
static enum err_kind
take_tag(struct str text, struct str *rest, bool takes_range, struct oci_ref *ref, struct err *err)
{
    ptrdiff_t at = str_rfind(*rest, ':');
    if (at < 0 || at < str_rfind(*rest, '/'))
        return ERR_OK;
    struct str tag = str_skip(*rest, (size_t)at + 1);
    *rest = str_take(*rest, (size_t)at);
    return take_version(text, tag, takes_range, ref, err);
}

static enum err_kind parse_layout(
    struct str text, struct str rest, bool takes_range, struct oci_ref *ref, struct err *err)
{
    ref->kind = OCI_REF_LAYOUT;
    enum err_kind r = take_digest(text, &rest, true, ref, err);
    if (r == ERR_OK)
        r = take_tag(text, &rest, takes_range, ref, err);
    if (r != ERR_OK)
        return r;
    if (rest.n == 0)
        return refuse(text, "names no directory", err);
    if (rest.n >= sizeof(ref->path))
        return refuse(text, "the directory's name is too long", err);
    copy_str(ref->path, sizeof(ref->path), rest);
    return ERR_OK;
}

/* Docker Hub's spellings as everywhere: its other hosts are docker.io, one component gets library/. */
static void normalise_docker_hub(struct oci_ref *ref)
{
    if (strcmp(ref->host, "index.docker.io") == 0 || strcmp(ref->host, "registry-1.docker.io") == 0)
        copy_str(ref->host, sizeof(ref->host), STR("docker.io"));
    if (strcmp(ref->host, "docker.io") != 0 || strchr(ref->repository, '/') != NULL)
        return;
    autofree char *full = mem_printf("library/%s", ref->repository);
    copy_str(ref->repository, sizeof(ref->repository), str_from(full));
}

static void lower_case(char *text)
{
    for (; *text != '\0'; text++) {
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text + ('a' - 'A'));
    }
}

static enum err_kind parse_name(
    struct str text,
    struct str rest,
    bool needs_host,
    bool takes_range,
    struct oci_ref *ref,
    struct err *err)
{
    enum err_kind r = take_digest(text, &rest, false, ref, err);
    if (r == ERR_OK)
        r = take_tag(text, &rest, takes_range, ref, err);
    if (r != ERR_OK)
        return r;
    struct str name = rest;
    struct str first = str_cut(&name, '/');
    bool has_host = name.p != NULL && looks_like_host(first);
    if (needs_host && !has_host)
        return refuse(
            text, "oci:// wants a registry host first: a name with '.' or ':', or localhost", err);
    if (!has_host)
        name = rest;
    else if (!is_host(first))
        return refuse(text, "the host is not host[:port]", err);
    if (!is_repository(name) || (has_host ? first.n + 1 : 0) + name.n > 255)
        return refuse(
            text,
            "the repository must be lower-case letters and digits, joined by '.', '_', '__', "
            "'-' and '/', at most 255 characters with the host",
            err);
    if (!has_host && name.n == SHA256_HEX && is_all_hex(name))
        return refuse(
            text, "64 hexadecimal characters alone could be a digest; write @sha256:…", err);
    struct str before_colon = rest;
    if (str_eq_nocase(str_cut(&before_colon, ':'), STR("oci-layout")))
        return refuse(text, "'oci-layout:' begins the name of a directory: oci-layout:DIR", err);
    ref->kind = has_host ? OCI_REF_REGISTRY : OCI_REF_STORE;
    copy_str(ref->repository, sizeof(ref->repository), name);
    if (has_host) {
        copy_str(ref->host, sizeof(ref->host), first);
        lower_case(ref->host);
        normalise_docker_hub(ref);
    }
    return ERR_OK;
}

static enum err_kind parse(struct str text, bool takes_range, struct oci_ref *ret, struct err *err)
{
    struct oci_ref ref = {0};
    enum err_kind r;
    if (text.n == 0)
        return err_set(err, ERR_INVALID, "reference '' is empty");
    if (text.n > OCI_REF_MAX)
        return refuse(text, "is longer than 1024 bytes", err);
    if (memchr(text.p, '\0', text.n) != NULL)
        return refuse(text, "holds a NUL byte", err);
    if (str_starts(text, STR("http://")) || str_starts(text, STR("https://")))
        return refuse(
            text, "write it without http:// or https:// (--plain-http asks for plain HTTP)", err);
    if (str_starts(text, STR("oci-layout:")))
        r = parse_layout(text, str_skip(text, strlen("oci-layout:")), takes_range, &ref, err);
    else if (str_starts(text, STR("oci://")))
        r = parse_name(text, str_skip(text, strlen("oci://")), true, takes_range, &ref, err);
    else
        r = parse_name(text, text, false, takes_range, &ref, err);
    if (r == ERR_OK)
        *ret = ref;
    return r;
}

enum err_kind oci_ref_parse(struct str text, struct oci_ref *ret, struct err *err)
{
    return parse(text, false, ret, err);
}

enum err_kind oci_ref_parse_source(struct str text, struct oci_ref *ret, struct err *err)
{
    return parse(text, true, ret, err);
}

static enum err_kind refuse_host(struct str text, const char *why, struct err *err)
{
    char shown[OCI_SHOWN_MAX];
    return err_set(err, ERR_INVALID, "registry '%s': %s", oci_show(text, shown), why);
}

enum err_kind oci_ref_parse_host(struct str text, char ret_host[OCI_HOST_MAX], struct err *err)
{
    struct oci_ref ref = {0};
    struct str rest = text;
    if (str_starts(rest, STR("http://")))
        return refuse_host(text, "write it without http:// (--plain-http asks for it)", err);
    if (str_starts(rest, STR("https://")))
        rest = str_skip(rest, strlen("https://"));
    struct str path = rest;
    struct str host = str_cut(&path, '/');
    bool is_api = path.n == 0 || str_eqz(path, "v1/") || str_eqz(path, "v2/") ||
        str_eqz(path, "v1") || str_eqz(path, "v2");
    if (!is_api)
        return refuse_host(text, "name the host alone, without a repository", err);
    if (!looks_like_host(host))
        return refuse_host(
            text,
            "a host has a '.' or a ':' or is localhost, as in HOST:443; Docker Hub is docker.io",
            err);
    if (!is_host(host))
        return refuse_host(text, "it is not host[:port]", err);
    copy_str(ref.host, sizeof(ref.host), host);
    lower_case(ref.host);
    normalise_docker_hub(&ref);
    memcpy(ret_host, ref.host, sizeof(ref.host));
    return ERR_OK;
}

const char *oci_wire_host(const char *host)
{
    return strcmp(host, "docker.io") == 0 ? "registry-1.docker.io" : host;
}

static const char *tag_of(const struct oci_ref *ref)
{
    if (ref->range[0] != '\0')
        return ref->range;
    return ref->tag[0] != '\0' ? ref->tag : "latest";
}

char *oci_ref_format(const struct oci_ref *ref)
{
    bool has_tag = ref->tag[0] != '\0' || ref->range[0] != '\0';
    /* "latest" is only made explicit where it decides. */
    if (!has_tag && ref->kind != OCI_REF_LAYOUT && ref->digest[0] == '\0')
        has_tag = true;
    return mem_printf(
        "%s%s%s%s%s%s%s%s", ref->kind == OCI_REF_LAYOUT ? "oci-layout:" : "", ref->host,
        ref->kind == OCI_REF_REGISTRY ? "/" : "",
        ref->kind == OCI_REF_LAYOUT ? ref->path : ref->repository, has_tag ? ":" : "",
        has_tag ? tag_of(ref) : "", ref->digest[0] != '\0' ? "@" : "", ref->digest);
}

char *oci_ref_store_name(const struct oci_ref *ref)
{
    const char *prefix = ref->kind == OCI_REF_LAYOUT ? "oci-layout:" : ref->host;
    const char *slash = ref->kind == OCI_REF_REGISTRY ? "/" : "";
    const char *base = ref->kind == OCI_REF_LAYOUT ? ref->path : ref->repository;
    /* A digest decides; that the tag pointed to it is not known, so it is not claimed. */
    if (ref->digest[0] != '\0')
        return mem_printf("%s%s%s@%s", prefix, slash, base, ref->digest);
    return mem_printf("%s%s%s:%s", prefix, slash, base, tag_of(ref));
}
