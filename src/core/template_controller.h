/*
 * The template controller: one JSON file per object, its path made by a template. Lists read what a
 * second template, a pattern, matches.
 */
#pragma once

#include "core/controller.h"

#define CORE_TEMPLATE_LIST "{{ .Namespace }}/{{ .Group }}-{{ .Version }}-{{ .Kind }}-*.json"
#define CORE_TEMPLATE_RESOURCE                                                                     \
    "{{ .Namespace }}/{{ .Group }}-{{ .Version }}-{{ .Kind }}-{{ .Name }}.json"

/*
 * NULL or an empty template is upstream's default above. Files come to the caller's emit as they are
 * stored (of several documents in one the first counts, as JSON_STORED reads).
 *
 * fails  INVALID  a template that cannot be used: which, where, why and what to write instead
 */
enum err_kind core_template_controller_new(
    const char *name,
    const char *list_template,
    const char *resource_template,
    struct core_controller **ret,
    struct err *err) MUST_USE;
