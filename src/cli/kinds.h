/*
 * What the server serves (GET /apis), and which of it a user's TYPE means.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "json/json.h"

struct cli;

struct cli_kind {
    struct str group;
    struct str version;
    struct str plural;
    struct str kind;     /* empty for a TYPE written group/version/plural */
    struct str singular; /* may be empty */
    struct str key;      /* "group/version/plural", the member of /apis; empty as above */
};

struct cli_kinds {
    struct buf text; /* owns what the views show */
    struct json_doc doc;
    struct cli_kind *items; /* in the server's order: one a kind and version */
    size_t count;
    size_t cap;
};
void cli_kinds_deinit(struct cli_kinds *kinds);
#define auto_kinds CLEANUP(cli_kinds_deinit)

enum err_kind cli_kinds_fetch(struct cli *c, struct cli_kinds *ret, struct err *err) MUST_USE;
/* The same from an answer; takes the buf. MALFORMED when it is no answer of a cupd. */
enum err_kind
cli_kinds_read(struct buf *take_text, struct cli_kinds *ret, struct err *err) MUST_USE;

/*
 * The kind that `type` means: plural, Kind or singular, each also as group/…; exact case, a plural or
 * Kind before a singular; the newest stable version. NOT_FOUND; USAGE when groups share the name.
 */
enum err_kind cli_kinds_find(
    const struct cli_kinds *kinds, struct str type, struct cli_kind *ret, struct err *err) MUST_USE;
/* The kind of a body; NOT_FOUND. */
enum err_kind cli_kinds_find_body(
    const struct cli_kinds *kinds,
    struct str api_version,
    struct str kind,
    struct cli_kind *ret,
    struct err *err) MUST_USE;
/*
 * What a command's TYPE argument means: group/version/plural as it is, without asking the server;
 * else as cli_kinds_find. `kinds` owns what ret shows. Hints at 'cup definitions'.
 */
enum err_kind cli_kinds_resolve(
    struct cli *c,
    const char *type,
    struct cli_kinds *kinds,
    struct cli_kind *ret,
    struct err *err) MUST_USE;

/* Order of versions by stability, then age: v1 < v2, v2beta1 < v1, v1alpha9 < v1beta1, else bytewise
 * and before those (the rule of Kubernetes' CRD version priority). */
int cli_version_cmp(struct str a, struct str b);
