/*
 * A resource as text: read as Go's decoder reads it (as upstream writes JSON), written in
 * upstream's member order with the spec's own tokens. What a kind's spec means is not known here.
 */
#pragma once

#include "base/buf.h"
#include "json/json.h"

struct core_pair {
    struct str key;
    struct str value;
};
/* labels or annotations: sorted by key; null and {} are told apart */
struct core_map {
    bool is_null;
    struct core_pair *items;
    size_t count;
    size_t cap;
};

struct core_resource {
    struct json_doc doc; /* the views below point into it and into the text that was parsed */
    struct str api_version;
    struct str kind;
    struct str ns;
    struct str name;
    struct str resource_version; /* metadata.resourceVersion; never written */
    struct core_map labels;
    struct core_map annotations;
    struct str spec; /* own tokens; {NULL, 0} when absent */
};

/*
 * Parse the resource in `text`, which must outlive ret. Members that are not known are dropped.
 *
 * mode    JSON_STRICT (what clients send): duplicate keys, and known keys in other letter case, are
 *         MALFORMED; JSON_STORED: as upstream reads files
 * fails   MALFORMED: not JSON, not an object, a member of the wrong type (named); LIMIT
 */
enum err_kind core_resource_parse(
    struct str text, enum json_mode mode, struct core_resource *ret, struct err *err) MUST_USE;
void core_resource_deinit(struct core_resource *r);
#define auto_resource CLEANUP(core_resource_deinit)

/* Without final newline. indent: 0 compact, else blanks a level. */
void core_resource_write(struct buf *to, const struct core_resource *r, unsigned indent);
/* {"name":…,"labels":…,"annotations":…}, with the namespace in front where has_namespace. */
void core_resource_write_metadata(
    struct buf *to, const struct core_resource *r, bool has_namespace);
/*
 * The resource as the client sent it, for its schema: its own members and spelling of numbers, unknown
 * ones too, with the names that were filled in since, without what only a server sets (top-level
 * status; resourceVersion, uid, generation, creationTimestamp and managedFields of the metadata).
 */
void core_resource_write_sent(struct buf *to, const struct core_resource *r);
