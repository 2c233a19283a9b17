/*
 * Objects that people hand over: files, directories and standard input, as JSON or YAML, several in
 * one where they like; and what an object of them is called on the server.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "cli/kinds.h"
#include "cli/options.h"

struct cli;

struct cli_document {
    char *where; /* "flags.yaml" or "flags.yaml, document 2": for messages */
    char *text;  /* one JSON document, with its own tokens */
};
struct cli_documents {
    struct cli_document *items;
    size_t count;
    size_t cap;
};

/* -f and -R: the first members of the options of a command that takes objects. */
struct cli_files {
    struct cli_list paths; /* files, directories, "-" for standard input */
    bool is_recursive;
};
extern const struct cli_option cli_file_options[];

/*
 * Read everything that `files` names; all of it parses, or nothing is returned. Of a directory the
 * files *.json, *.yaml and *.yml, in the order of their names.
 * fails: NOT_FOUND, IO, LIMIT; MALFORMED names the place, also where there is no document at all
 */
enum err_kind cli_documents_read(
    struct cli *c,
    const struct cli_files *files,
    struct cli_documents *ret,
    struct err *err) MUST_USE;
/* Append the documents of one text. is_yaml: by the file's name, or guessed for standard input. */
enum err_kind cli_documents_add(
    struct cli_documents *documents,
    const char *source,
    struct str text,
    bool is_yaml,
    struct err *err) MUST_USE;
void cli_documents_deinit(struct cli_documents *documents);
#define auto_documents CLEANUP(cli_documents_deinit)

/* What a document means on the server. */
struct cli_named {
    struct cli_kind kind;
    char *ns; /* the document's own, else that of this run */
    char *name;
    struct buf path;
    char *label; /* "widgets 'a' in namespace 'b'" */
};
void cli_named_deinit(struct cli_named *named);
#define auto_named CLEANUP(cli_named_deinit)
/* INVALID when apiVersion, kind or metadata.name is missing, NOT_FOUND for a kind that is not served;
 * both name the place. `kinds` is asked of the server when it is empty, and owns the names. */
enum err_kind cli_document_name(
    struct cli *c,
    const struct cli_document *document,
    struct cli_kinds *kinds,
    struct cli_named *ret,
    struct err *err) MUST_USE;
/* Each of them; ret has room for all, and what is filled in is to be released in any case. */
enum err_kind cli_documents_name(
    struct cli *c,
    const struct cli_documents *documents,
    struct cli_kinds *kinds,
    struct cli_named *ret,
    struct err *err) MUST_USE;
