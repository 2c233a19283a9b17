/* Where a token may be asked for, and which hosts are the machine itself (oci/auth.h). */
#include "http/address.h"
#include "http/url.h"
#include "oci/auth.h"
#include "oci/digest.h"

bool oci_host_is_loopback(const char *host)
{
    return http_host_nearness(host) == HTTP_NEAR_LOOPBACK;
}

/* What stands before an @ could be a password: it is not shown. */
static enum err_kind refuse(const char *realm, const char *why, struct err *err)
{
    char shown[OCI_SHOWN_MAX];
    struct str text = str_from(realm);
    ptrdiff_t at = str_rfind(text, '@');
    oci_show(str_skip(text, (size_t)(at + 1)), shown);
    return err_set(
        err, ERR_DENIED, "token realm '%s%s' not allowed: %s", at < 0 ? "" : "…@", shown, why);
}

enum err_kind oci_realm_check(
    const char *realm, const char *registry_host, bool is_registry_plain, struct err *err)
{
    struct http_url url;
    char own[HTTP_BARE_HOST_MAX], theirs[HTTP_BARE_HOST_MAX];
    if (http_url_parse(realm, &url, NULL) != ERR_OK)
        return refuse(realm, "it is not an http or https URL without credentials", err);
    http_host_bare(registry_host, own);
    http_host_bare(url.host, theirs);
    bool is_same = str_eq_nocase(str_from(own), str_from(theirs));
    bool is_plain = strcmp(url.scheme, "http") == 0;
    if (is_plain && !(is_same && is_registry_plain))
        return refuse(realm, "it is plain HTTP", err);
    if (!is_same && http_host_nearness(url.host) > HTTP_NEAR_PUBLIC)
        return refuse(realm, "it lies inside a private network, and is not the registry", err);
    return ERR_OK;
}

/* Public registries may not lead inside, and private ones not to this machine, whatever a name resolves
 * to; but a registry inside a network has its token server there as well. */
enum http_nearness
oci_realm_nearest(const char *realm, const char *registry_host, enum http_nearness registry)
{
    struct http_url url;
    char own[HTTP_BARE_HOST_MAX], theirs[HTTP_BARE_HOST_MAX];
    if (http_url_parse(realm, &url, NULL) != ERR_OK)
        return HTTP_NEAR_PUBLIC;
    http_host_bare(registry_host, own);
    http_host_bare(url.host, theirs);
    if (str_eq_nocase(str_from(own), str_from(theirs)))
        return HTTP_NEAR_UNKNOWN;
    return registry == HTTP_NEAR_PRIVATE || registry == HTTP_NEAR_LOOPBACK ? registry
                                                                           : HTTP_NEAR_PUBLIC;
}
