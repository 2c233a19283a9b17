#include "oci/settle.h"
#include "base/mem.h"
#include "oci/internal.h"
#include "oci/semver.h"

#include <stdio.h>

#define TAGS_SHOWN 10

void oci_tag_list_deinit(struct oci_tag_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct oci_tag_list){0};
}

static int compare_items(const void *a, const void *b)
{
    return oci_semver_compare_tags(
        str_from(*(const char *const *)a), str_from(*(const char *const *)b));
}

void oci_tag_list_sort(struct oci_tag_list *list)
{
    if (list->count > 0)
        qsort(list->items, list->count, sizeof(*list->items), compare_items);
}

/* What is being listed. */
struct listing {
    struct str prefix; /* of a store's names: what stands before the tag; else empty */
    struct oci_tag_list *tags;
};

static bool take_name(void *data, struct str name, struct err *err)
{
    struct listing *l = data;
    (void)err;
    if (!str_starts(name, l->prefix))
        return true;
    struct oci_tag_list *t = l->tags;
    mem_grow(&t->items, t->count, &t->cap);
    t->items[t->count++] = mem_strdup_str(str_skip(name, l->prefix.n));
    return true;
}

/* "host/repo:" of a store's "host/repo:tag". */
static char *store_prefix(const struct oci_ref *ref)
{
    struct oci_ref any = *ref;
    any.digest[0] = '\0';
    any.range[0] = '\0';
    snprintf(any.tag, sizeof(any.tag), "x");
    char *prefix = oci_ref_store_name(&any);
    prefix[strlen(prefix) - 1] = '\0';
    return prefix;
}

enum err_kind oci_ref_tags(
    struct oci_session *s,
    const struct oci_ref *ref,
    enum oci_where where,
    struct oci_tag_list *ret,
    struct err *err)
{
    auto_oci_place struct oci_place place = {0};
    struct oci_ref any = *ref;
    struct oci_tag_list tags = {0};
    bool in_store = where == OCI_IN_STORE || ref->kind == OCI_REF_STORE;
    autofree char *prefix = in_store ? store_prefix(ref) : NULL;
    struct listing listing = {.prefix = str_from(prefix), .tags = &tags};
    any.tag[0] = any.digest[0] = any.range[0] = '\0';
    enum err_kind r = oci_session_place(s, &any, in_store, false, &place, err);
    if (r == ERR_OK && place.layout != NULL)
        r = oci_layout_names(place.layout, take_name, &listing, err);
    else if (r == ERR_OK)
        r = oci_registry_tags(place.registry, take_name, &listing, err);
    if (r != ERR_OK) {
        oci_tag_list_deinit(&tags);
        return r;
    }
    *ret = tags;
    return ERR_OK;
}

/* The highest first; a tag of a layout may be any text. */
static enum err_kind
none_fits(const struct oci_ref *ref, struct oci_tag_list *tags, struct err *err)
{
    autobuf struct buf names = {0};
    char shown[OCI_SHOWN_MAX];
    struct oci_ref bare = *ref;
    bare.range[0] = '\0';
    snprintf(bare.tag, sizeof(bare.tag), "x");
    autofree char *place = oci_ref_format(&bare);
    place[strlen(place) - 2] = '\0';
    oci_tag_list_sort(tags);
    for (size_t i = 0; i < tags->count && i < TAGS_SHOWN; i++)
        buf_printf(
            &names, "%s%s", i == 0 ? "" : ", ",
            oci_show(str_from(tags->items[tags->count - 1 - i]), shown));
    if (tags->count > TAGS_SHOWN)
        buf_printf(&names, " and %zu more", tags->count - TAGS_SHOWN);
    return err_set(
        err, ERR_NOT_FOUND, "no tag of '%s' fits '%s': %s%s", place, ref->range,
        names.n == 0 ? "it has none" : "there are ", names.n == 0 ? "" : names.p);
}

static void set_tag(struct oci_ref *ref, const char *tag)
{
    snprintf(ref->tag, sizeof(ref->tag), "%s", tag);
    ref->range[0] = '\0';
}

static const char *pick(
    const struct oci_ref *ref,
    const struct oci_semver_range *range,
    const struct oci_tag_list *tags)
{
    const char *best = NULL;
    for (size_t i = 0; i < tags->count; i++) {
        struct oci_semver version;
        struct str tag = str_from(tags->items[i]);
        if (str_eqz(tag, ref->range))
            return tags->items[i];
        if (!oci_semver_parse(tag, &version) || !oci_semver_range_holds(range, &version))
            continue;
        if (best == NULL || oci_semver_compare_tags(tag, str_from(best)) > 0)
            best = tags->items[i];
    }
    return best;
}

enum err_kind
oci_ref_settle(struct oci_session *s, struct oci_ref *ref, enum oci_where where, struct err *err)
{
    auto_oci_tag_list struct oci_tag_list tags = {0};
    struct oci_semver_range range;
    if (ref->range[0] == '\0')
        return ERR_OK;
    enum err_kind r = oci_semver_range_parse(str_from(ref->range), &range, err);
    if (r == ERR_OK)
        r = oci_ref_tags(s, ref, where, &tags, err);
    if (r != ERR_OK)
        return r;
    const char *tag = pick(ref, &range, &tags);
    /* a registry's answer is not trusted to be a tag: it goes into paths */
    if (tag == NULL || strlen(tag) >= sizeof(ref->tag) || !oci_ref_is_tag(str_from(tag)))
        return none_fits(ref, &tags, err);
    set_tag(ref, tag);
    return ERR_OK;
}
