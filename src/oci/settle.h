/*
 * What a version range of a reference picks: "repo:~1.2" becomes "repo:1.2.7" before anything is
 * fetched, so that all that follows, and what is shown, has the real tag. Ranges themselves are
 * semver.h's.
 */
#pragma once

#include "oci/image.h"

/*
 * Put the highest tag that fits ref->range into ref->tag and empty the range; a reference without a
 * range stays as it is. The tags are the registry's or the layout's, with OCI_IN_STORE the store's for
 * this repository. A tag that is spelled like the range ("1.x") is taken as it stands.
 *
 * fails   NOT_FOUND  none fits: the text says which tags there are; or no such repository or layout
 *         and what listing tags fails with (oci/registry.h)
 * threads one call at a time per session
 */
enum err_kind oci_ref_settle(
    struct oci_session *s, struct oci_ref *ref, enum oci_where where, struct err *err) MUST_USE;

/* Tags on the heap, in the order they came. */
struct oci_tag_list {
    char **items;
    size_t count;
    size_t cap;
};
void oci_tag_list_deinit(struct oci_tag_list *list);
#define auto_oci_tag_list CLEANUP(oci_tag_list_deinit)
void oci_tag_list_sort(struct oci_tag_list *list); /* by oci_semver_compare_tags */

/* All tags of the place that `ref` names (its tag and digest are passed over); kinds as above. */
enum err_kind oci_ref_tags(
    struct oci_session *s,
    const struct oci_ref *ref,
    enum oci_where where,
    struct oci_tag_list *ret,
    struct err *err) MUST_USE;
