#include "http/url.h"
#include "base/mem.h"

#include <curl/curl.h>
#include <stdio.h>

static bool take_part(CURLU *u, CURLUPart part, unsigned flags, char *to, size_t room)
{
    char *text = NULL;
    bool is_good = curl_url_get(u, part, &text, flags) == CURLUE_OK && strlen(text) < room;
    if (is_good)
        memcpy(to, text, strlen(text) + 1);
    curl_free(text);
    return is_good;
}

static bool has_part(CURLU *u, CURLUPart part)
{
    char *text = NULL;
    bool has = curl_url_get(u, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return has;
}

static void lower_case(char *text)
{
    for (; *text != '\0'; text++) {
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text + ('a' - 'A'));
    }
}

static enum err_kind read_parts(CURLU *u, struct http_url *ret, struct err *err)
{
    if (!take_part(u, CURLUPART_SCHEME, 0, ret->scheme, sizeof(ret->scheme)) ||
        (strcmp(ret->scheme, "http") != 0 && strcmp(ret->scheme, "https") != 0))
        return err_set(err, ERR_INVALID, "the URL's scheme is not http or https");
    if (!take_part(u, CURLUPART_HOST, 0, ret->host, sizeof(ret->host)) ||
        !take_part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT, ret->port, sizeof(ret->port)))
        return err_set(err, ERR_INVALID, "the URL has no good host and port");
    if (has_part(u, CURLUPART_USER) || has_part(u, CURLUPART_PASSWORD))
        return err_set(
            err, ERR_INVALID, "the URL of '%s' holds a user name or password", ret->host);
    lower_case(ret->host);
    return ERR_OK;
}

enum err_kind http_url_parse(const char *url, struct http_url *ret, struct err *err)
{
    struct http_url parsed = {0};
    CURLU *u = curl_url();
    if (u == NULL)
        return err_set(err, ERR_LIMIT, "no memory for a URL");
    enum err_kind r;
    if (curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
        r = err_set(err, ERR_INVALID, "it is not an absolute URL");
    else
        r = read_parts(u, &parsed, err);
    curl_url_cleanup(u);
    if (r == ERR_OK)
        *ret = parsed;
    return r;
}

bool http_url_is_same_origin(const struct http_url *a, const struct http_url *b)
{
    return strcmp(a->scheme, b->scheme) == 0 && strcmp(a->host, b->host) == 0 &&
        strcmp(a->port, b->port) == 0;
}

const char *http_url_show(const char *url, char ret[HTTP_URL_SHOWN_MAX])
{
    CURLU *u = curl_url();
    char host[256] = "?", port[6] = "?";
    if (u != NULL && curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK) {
        take_part(u, CURLUPART_HOST, 0, host, sizeof(host));
        take_part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof(port));
    }
    curl_url_cleanup(u);
    snprintf(ret, HTTP_URL_SHOWN_MAX, "%s:%s", host, port);
    return ret;
}

enum err_kind http_url_join(const char *base, const char *reference, char **ret, struct err *err)
{
    char *text = NULL;
    CURLU *u = curl_url();
    if (u == NULL)
        return err_set(err, ERR_LIMIT, "no memory for a URL");
    bool is_good = curl_url_set(u, CURLUPART_URL, base, 0) == CURLUE_OK &&
        curl_url_set(u, CURLUPART_URL, reference, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_URL, &text, 0) == CURLUE_OK;
    if (is_good)
        *ret = mem_strdup(text);
    curl_free(text);
    curl_url_cleanup(u);
    return is_good ? ERR_OK : err_set(err, ERR_INVALID, "a location is not a URL");
}
