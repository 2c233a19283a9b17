/*
 * What a proposal says at its forge: title and body by templates, labels, draft or not. What people made up
 * (names, messages) is put into Markdown as text: it formats nothing, mentions nobody, closes no issue and is
 * no command to the forge. Not the truth about a proposal: that is in its commits' trailers.
 */
#pragma once

#include "core/objects_of.h"

struct core_proposal_text; /* immutable; any thread */

struct core_proposal_text_options {
    const char *title;         /* template; NULL or "": the first commit's first line */
    const char *body;          /* template; NULL or "": a list of the objects */
    const char *const *labels; /* NULL-terminated; NULL: none */
    bool is_draft;
};
/* INVALID: a template that does not parse, or names a member that there is not. */
enum err_kind core_proposal_text_new(
    const struct core_proposal_text_options *options,
    struct core_proposal_text **ret,
    struct err *err) MUST_USE;
struct core_proposal_text *core_proposal_text_free(struct core_proposal_text *t);

/* What templates are filled in with. */
struct core_proposal_facts {
    const char *id;
    const char *target;    /* branch */
    const char *verb;      /* "create", "update", "delete"; "change" of several objects */
    const char *message;   /* of the first commit */
    const char *requester; /* its author */
    const struct core_objects *objects;
};
/* Does a template look at the verb? It costs reads of the object to know it. */
bool core_proposal_text_needs_verb(const struct core_proposal_text *t);

struct core_proposal_said {
    char *title; /* one line */
    char *body;
    const char *const *labels; /* borrowed; NULL-terminated or NULL */
    bool is_draft;
};
void core_proposal_said_deinit(struct core_proposal_said *s);
#define auto_said CLEANUP(core_proposal_said_deinit)
/* INVALID: the values do not fit the template (bounds of index and slice). */
enum err_kind core_proposal_text_render(
    const struct core_proposal_text *t,
    const struct core_proposal_facts *facts,
    struct core_proposal_said *ret,
    struct err *err) MUST_USE;
