#include "cli/kinds.h"
#include "base/mem.h"
#include "cli/run.h"
#include "cli/server.h"

void cli_kinds_deinit(struct cli_kinds *kinds)
{
    json_doc_deinit(&kinds->doc);
    buf_deinit(&kinds->text);
    free(kinds->items);
    *kinds = (struct cli_kinds){0};
}

static enum err_kind not_cupd(struct err *err)
{
    return err_set(
        err, ERR_MALFORMED, "asking for the definitions: the answer is not that of a cupd");
}

/* key: "group/version/plural" */
static bool fill(struct str key, yyjson_val *val, struct cli_kind *ret)
{
    struct str rest = key;
    struct cli_kind kind = {.key = key};
    kind.group = str_cut(&rest, '/');
    kind.version = str_cut(&rest, '/');
    kind.plural = rest;
    kind.kind = json_str(json_get(json_get(val, "names"), "kind"));
    kind.singular = json_str(json_get(json_get(val, "names"), "singular"));
    *ret = kind;
    return kind.plural.n > 0 && str_find(kind.plural, '/') < 0 && yyjson_is_obj(val);
}

enum err_kind cli_kinds_read(struct buf *take_text, struct cli_kinds *ret, struct err *err)
{
    struct cli_kinds kinds = {.text = *take_text};
    *take_text = (struct buf){0};
    enum err_kind r = json_parse(buf_view(&kinds.text), JSON_STORED, &kinds.doc, err);
    if (r != ERR_OK || !yyjson_is_obj(kinds.doc.root)) {
        cli_kinds_deinit(&kinds);
        return not_cupd(err);
    }
    yyjson_obj_iter at;
    yyjson_obj_iter_init(kinds.doc.root, &at);
    yyjson_val *key;
    while ((key = yyjson_obj_iter_next(&at)) != NULL) {
        mem_grow(&kinds.items, kinds.count, &kinds.cap);
        if (!fill(json_str(key), yyjson_obj_iter_get_val(key), &kinds.items[kinds.count])) {
            cli_kinds_deinit(&kinds);
            return not_cupd(err);
        }
        kinds.count++;
    }
    *ret = kinds;
    return ERR_OK;
}

enum err_kind cli_kinds_fetch(struct cli *c, struct cli_kinds *ret, struct err *err)
{
    autobuf struct buf body = {0};
    struct cli_request request = {
        .method = "GET", .path = "/apis", .what = "asking for the definitions"};
    enum err_kind r = cli_server_call(c, &request, &body, NULL, err);
    if (r == ERR_OK)
        r = cli_kinds_read(&body, ret, err);
    return r;
}

/* "v2beta3": level 1 (2 stable, 0 alpha), major 2, minor 3. */
struct version {
    int level;
    uint64_t major;
    uint64_t minor;
};

static bool cut_number(struct str *s, uint64_t *ret)
{
    size_t n = 0;
    while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
        n++;
    struct str digits = str_take(*s, n);
    *s = str_skip(*s, n);
    return str_to_u64(digits, ret);
}

static bool read_version(struct str s, struct version *ret)
{
    *ret = (struct version){.level = 2};
    if (!str_starts(s, STR("v")))
        return false;
    s = str_skip(s, 1);
    if (!cut_number(&s, &ret->major))
        return false;
    if (s.n == 0)
        return true;
    ret->level = str_starts(s, STR("beta")) ? 1 : 0;
    if (ret->level == 0 && !str_starts(s, STR("alpha")))
        return false;
    s = str_skip(s, ret->level == 1 ? 4 : 5);
    return cut_number(&s, &ret->minor) && s.n == 0;
}

static int cmp_u64(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

int cli_version_cmp(struct str a, struct str b)
{
    struct version left;
    struct version right;
    bool has_left = read_version(a, &left);
    bool has_right = read_version(b, &right);
    if (has_left != has_right)
        return has_left ? 1 : -1;
    if (!has_left)
        return str_cmp(a, b);
    if (left.level != right.level)
        return left.level < right.level ? -1 : 1;
    int r = cmp_u64(left.major, right.major);
    return r != 0 ? r : cmp_u64(left.minor, right.minor);
}

enum match { MATCH_NONE, MATCH_SINGULAR, MATCH_NAME };

/* The last segment of a TYPE against the names of a kind; `group` restricts when it is not empty. */
static enum match match(const struct cli_kind *kind, struct str group, struct str name)
{
    if (name.n == 0 || (group.n > 0 && !str_eq(kind->group, group)))
        return MATCH_NONE;
    if (str_eq(kind->plural, name) || str_eq(kind->kind, name))
        return MATCH_NAME;
    return str_eq(kind->singular, name) ? MATCH_SINGULAR : MATCH_NONE;
}

static enum err_kind
ambiguous(struct str type, const struct cli_kind *a, const struct cli_kind *b, struct err *err)
{
    return err_set(
        err, ERR_USAGE,
        "type '" STR_FMT "' is served twice: write " STR_FMT "/" STR_FMT " or " STR_FMT "/" STR_FMT,
        STR_ARG(type), STR_ARG(a->group), STR_ARG(a->plural), STR_ARG(b->group),
        STR_ARG(b->plural));
}

enum err_kind cli_kinds_find(
    const struct cli_kinds *kinds, struct str type, struct cli_kind *ret, struct err *err)
{
    ptrdiff_t slash = str_find(type, '/');
    struct str group = slash < 0 ? (struct str){0} : str_take(type, (size_t)slash);
    struct str name = str_skip(type, (size_t)(slash + 1));
    const struct cli_kind *best = NULL;
    enum match how = MATCH_NONE;
    const struct cli_kind *other = NULL;
    for (size_t i = 0; i < kinds->count; i++) {
        const struct cli_kind *kind = &kinds->items[i];
        enum match m = slash == 0 ? MATCH_NONE : match(kind, group, name);
        if (m == MATCH_NONE || m < how)
            continue;
        if (m > how || best == NULL) {
            how = m;
            best = kind;
            other = NULL;
        } else if (!str_eq(kind->group, best->group) || !str_eq(kind->plural, best->plural)) {
            other = kind;
        } else if (cli_version_cmp(kind->version, best->version) > 0) {
            best = kind;
        }
    }
    if (best == NULL)
        return err_set(err, ERR_NOT_FOUND, "the server has no type '" STR_FMT "'", STR_ARG(type));
    if (other != NULL)
        return ambiguous(type, best, other, err);
    *ret = *best;
    return ERR_OK;
}

enum err_kind cli_kinds_find_body(
    const struct cli_kinds *kinds,
    struct str api_version,
    struct str kind,
    struct cli_kind *ret,
    struct err *err)
{
    struct str version = api_version;
    struct str group = str_cut(&version, '/');
    for (size_t i = 0; i < kinds->count; i++) {
        const struct cli_kind *k = &kinds->items[i];
        if (str_eq(k->group, group) && str_eq(k->version, version) && str_eq(k->kind, kind)) {
            *ret = *k;
            return ERR_OK;
        }
    }
    return err_set(
        err, ERR_NOT_FOUND, "the server has no kind '" STR_FMT "' of '" STR_FMT "'", STR_ARG(kind),
        STR_ARG(api_version));
}

/* group/version/plural; false when the text is of another form. */
static bool split_full(const char *type, struct cli_kind *ret)
{
    struct str rest = str_from(type);
    struct cli_kind kind = {0};
    kind.group = str_cut(&rest, '/');
    kind.version = str_cut(&rest, '/');
    kind.plural = rest;
    *ret = kind;
    return kind.group.n > 0 && kind.version.n > 0 && kind.plural.n > 0 &&
        str_find(kind.plural, '/') < 0;
}

enum err_kind cli_kinds_resolve(
    struct cli *c, const char *type, struct cli_kinds *kinds, struct cli_kind *ret, struct err *err)
{
    if (split_full(type, ret))
        return ERR_OK;
    enum err_kind r = cli_kinds_fetch(c, kinds, err);
    if (r != ERR_OK)
        return r;
    r = cli_kinds_find(kinds, str_from(type), ret, err);
    if (r == ERR_NOT_FOUND)
        cli_hint(c, "'cup definitions' lists the types");
    return r;
}
