/* From arguments to a callback, and from its result to an exit code. */
#include "cup_sdk.h"
#include "internal.h"

#include <stdlib.h>
#include <string.h>

struct call {
    const struct cup_sdk_kind *kind;
    int argc;
    char **argv;
    FILE *in;
    struct cup_sdk_out out;
    struct cup_sdk_err err;
};

struct verb {
    const char *name;
    int arguments; /* the program's name, verb and kind included */
    bool (*has)(const struct cup_sdk_kind *kind);
    enum cup_sdk_result (*run)(struct call *call);
};

static enum cup_sdk_result
fill(struct cup_sdk_err *err, enum cup_sdk_result result, const char *format, va_list args)
{
    vsnprintf(err->text, sizeof(err->text), format, args);
    return result;
}

enum cup_sdk_result cup_sdk_fail(struct cup_sdk_err *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum cup_sdk_result r = fill(err, CUP_SDK_ERROR, format, args);
    va_end(args);
    return r;
}

enum cup_sdk_result cup_sdk_not_found(struct cup_sdk_err *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum cup_sdk_result r = fill(err, CUP_SDK_NOT_FOUND, format, args);
    va_end(args);
    return r;
}

static bool has_get(const struct cup_sdk_kind *k)
{
    return k->get != NULL;
}

static bool has_list(const struct cup_sdk_kind *k)
{
    return k->list != NULL;
}

static bool has_put(const struct cup_sdk_kind *k)
{
    return k->put != NULL;
}

static bool has_delete(const struct cup_sdk_kind *k)
{
    return k->delete != NULL;
}

static bool has_namespaces(const struct cup_sdk_kind *k)
{
    return k->namespaces != NULL;
}

static enum cup_sdk_result run_get(struct call *c)
{
    return c->kind->get(c->kind->data, c->argv[3], c->argv[4], &c->out, &c->err);
}

static enum cup_sdk_result run_list(struct call *c)
{
    return c->kind->list(c->kind->data, c->argv[3], &c->out, &c->err);
}

static enum cup_sdk_result run_put(struct call *c)
{
    char *text = NULL;
    size_t n = 0;
    yyjson_doc *doc = NULL;
    enum cup_sdk_result r =
        cup_sdk_read_stream(c->in, "standard input", CUP_SDK_INPUT_MAX, &text, &n, &c->err);
    if (r == CUP_SDK_OK)
        r = cup_sdk_parse(text, n, &doc, &c->err);
    free(text);
    if (r != CUP_SDK_OK)
        return r;
    yyjson_val *object = yyjson_doc_get_root(doc);
    if (yyjson_is_obj(object))
        r = c->kind->put(c->kind->data, c->argv[3], c->argv[4], object, &c->err);
    else
        r = cup_sdk_fail(&c->err, "standard input is not a JSON object");
    yyjson_doc_free(doc);
    return r;
}

static enum cup_sdk_result run_delete(struct call *c)
{
    return c->kind->delete (c->kind->data, c->argv[3], c->argv[4], &c->err);
}

static enum cup_sdk_result run_namespaces(struct call *c)
{
    return c->kind->namespaces(c->kind->data, &c->out, &c->err);
}

static const struct verb verbs[] = {
    {"delete", 5, has_delete, run_delete}, {"get", 5, has_get, run_get},
    {"list", 4, has_list, run_list},       {"namespaces", 3, has_namespaces, run_namespaces},
    {"put", 5, has_put, run_put},
};

/* `text` in double quotes, so that an odd argument cannot start a line of its own. */
static void print_quoted(FILE *to, const char *before, const char *text, const char *after)
{
    fprintf(to, "%s\"", before);
    for (const unsigned char *p = (const unsigned char *)text; *p != 0; p++) {
        if (*p == '"' || *p == '\\')
            fprintf(to, "\\%c", *p);
        else if (*p < 0x20 || *p == 0x7f)
            fprintf(to, "\\x%02x", *p);
        else
            fputc(*p, to);
    }
    fprintf(to, "\"%s", after);
}

static const struct verb *find_verb(const struct cup_sdk_kind *kind, const char *name)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (strcmp(verbs[i].name, name) == 0 && verbs[i].has(kind))
            return &verbs[i];
    return NULL;
}

static int finish(struct call *call, enum cup_sdk_result r, FILE *errors)
{
    if (r == CUP_SDK_OK && fflush(call->out.file) != 0)
        r = cup_sdk_fail(&call->err, "cannot write standard output");
    if (r != CUP_SDK_OK)
        fputs(call->err.text, errors);
    return (int)r;
}

int cup_sdk_run_on(
    const struct cup_sdk_kind *kinds,
    size_t count,
    int argc,
    char **argv,
    FILE *in,
    FILE *out,
    FILE *errors)
{
    struct call call = {.argc = argc, .argv = argv, .in = in, .out = {out}};
    if (argc < 3) {
        fprintf(errors, "too few arguments: count %d\n", argc);
        return CUP_SDK_ERROR;
    }
    for (size_t i = 0; i < count; i++)
        if (strcmp(kinds[i].kind, argv[2]) == 0)
            call.kind = &kinds[i];
    if (call.kind == NULL) {
        print_quoted(errors, "unsupported kind: ", argv[2], "\n");
        return CUP_SDK_ERROR;
    }
    const struct verb *verb = find_verb(call.kind, argv[1]);
    if (verb == NULL) {
        print_quoted(errors, "unexpected command: ", argv[1], "");
        return CUP_SDK_ERROR;
    }
    if (argc < verb->arguments) {
        fprintf(errors, "too few arguments: count %d\n", argc);
        return CUP_SDK_ERROR;
    }
    return finish(&call, verb->run(&call), errors);
}

int cup_sdk_run(const struct cup_sdk_kind *kinds, size_t count, int argc, char **argv)
{
    return cup_sdk_run_on(kinds, count, argc, argv, stdin, stdout, stderr);
}
