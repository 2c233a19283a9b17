/* What a service says of itself, read pkt by pkt. Names of refs are anybody's: only those that were asked
 * for and that Git would take are kept. */
#include "base/mem.h"
#include "repo/refs.h"
#include "repo/wire.h"

/* An advertisement is bounded in refs looked at, not in those kept: a hostile server must come to an end. */
#define SEEN_MAX 2000000

void wire_advert_deinit(struct wire_advert *a)
{
    free(a->capabilities);
    repo_refs_deinit(&a->refs);
    *a = (struct wire_advert){0};
}

bool wire_advert_has(const struct wire_advert *a, const char *capability, struct str *ret_value)
{
    struct str rest = str_from(a->capabilities);
    if (ret_value != NULL)
        *ret_value = str_of(NULL, 0);
    while (rest.p != NULL) {
        struct str value = str_cut(&rest, ' ');
        struct str name = str_cut(&value, '=');
        if (!str_eqz(name, capability))
            continue;
        if (ret_value != NULL)
            *ret_value = value;
        return true;
    }
    return false;
}

static void add_capabilities(struct wire_advert *a, struct str text)
{
    char *all = a->capabilities == NULL ? mem_strdup_str(text)
                                        : mem_printf("%s " STR_FMT, a->capabilities, STR_ARG(text));
    free(a->capabilities);
    a->capabilities = all;
}

static enum err_kind add_ref(struct wire_advert_reader *r, struct str line, struct err *err)
{
    struct repo_id id;
    struct str name = line;
    struct str hex = str_cut(&name, ' ');
    if (++r->seen > SEEN_MAX)
        return err_set(err, ERR_LIMIT, "it has more than %d refs", SEEN_MAX);
    if (name.p == NULL || repo_id_parse(hex, &id, NULL) != ERR_OK)
        return err_set(err, ERR_FAILED, "its list of refs is not Git's");
    if (r->filter == NULL || !r->filter->is_wanted(r->filter->data, name))
        return ERR_OK;
    if (repo_check_ref_name(name, NULL) != ERR_OK)
        return ERR_OK;
    struct repo_refs *refs = &r->advert->refs;
    if (refs->count == REPO_REFS_MAX)
        return err_set(err, ERR_LIMIT, "it has more than %d proposals", REPO_REFS_MAX);
    mem_grow(&refs->items, refs->count, &r->cap);
    refs->items[refs->count++] = (struct repo_ref){mem_strdup_str(name), id};
    return ERR_OK;
}

static enum err_kind take_line(struct wire_advert_reader *r, struct str line, struct err *err)
{
    struct str refs = line;
    bool is_first = !r->has_begun;
    r->has_begun = true;
    if (is_first && str_eqz(line, "version 2")) {
        r->advert->version = 2;
        return ERR_OK;
    }
    if (is_first && str_eqz(line, "version 1")) {
        r->advert->version = 1;
        r->has_begun = false; /* the first ref with its capabilities is still to come */
        return ERR_OK;
    }
    if (r->advert->version == 2) {
        if (strlen(r->advert->capabilities == NULL ? "" : r->advert->capabilities) > 64 << 10)
            return err_set(err, ERR_LIMIT, "its capabilities are too many");
        add_capabilities(r->advert, line);
        return ERR_OK;
    }
    if (is_first) {
        struct str capabilities = line;
        refs = str_cut(&capabilities, '\0');
        add_capabilities(r->advert, capabilities.p == NULL ? STR("") : str_trim(capabilities));
        if (str_ends(refs, STR(" capabilities^{}"))) /* there are no refs */
            return ERR_OK;
    }
    if (str_ends(refs, STR("^{}")) || str_starts(refs, STR("shallow ")))
        return ERR_OK;
    return add_ref(r, refs, err);
}

enum err_kind
wire_advert_take(void *data, enum wire_pkt_kind kind, struct str payload, struct err *err)
{
    struct wire_advert_reader *r = data;
    if (kind != WIRE_PKT_DATA) {
        bool is_behind_banner = r->is_over_http && r->has_banner && !r->has_begun;
        if (kind == WIRE_PKT_FLUSH && !(is_behind_banner && r->advert->capabilities == NULL))
            r->is_done = true;
        r->has_banner = false;
        return ERR_OK;
    }
    if (r->is_done)
        return err_set(err, ERR_FAILED, "it says more than was asked");
    if (str_ends(payload, STR("\n")))
        payload.n--;
    if (str_starts(payload, STR("ERR "))) {
        autofree char *words = wire_escape(str_skip(payload, 4), 300);
        return err_set(err, ERR_FAILED, "it says: %s", words);
    }
    if (!r->has_begun && str_starts(payload, STR("# service="))) {
        r->has_banner = true;
        return ERR_OK;
    }
    return take_line(r, payload, err);
}
