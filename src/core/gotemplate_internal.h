/*
 * What the three files of the template language share: gotemplate_parse.c builds these nodes (with
 * the tokens of gotemplate_lex.c), gotemplate.c runs them, gotemplate_functions.c is called by it.
 */
#pragma once

#include "core/gotemplate.h"

/* --- tokens ---------------------------------------------------------------------------------------- */

enum token_kind {
    TOKEN_END,
    TOKEN_TEXT,
    TOKEN_CLOSE,
    TOKEN_SPACE,
    TOKEN_WORD,     /* function or keyword */
    TOKEN_FIELD,    /* .A or .A.B, dot included */
    TOKEN_DOT,      /* . alone */
    TOKEN_VARIABLE, /* $ or $x */
    TOKEN_STRING,   /* with its quotes */
    TOKEN_NUMBER,
    TOKEN_PIPE,
    TOKEN_DECLARE, /* := */
    TOKEN_ASSIGN,  /* = */
    TOKEN_LEFT_PAREN,
    TOKEN_RIGHT_PAREN,
};

struct token {
    enum token_kind kind;
    struct str text;
    size_t at; /* byte of the template */
};

struct lexer {
    const char *label;
    struct str input;
    size_t at;
    bool in_action;
    bool trims_next; /* the last action ended in -}} */
};

enum err_kind gotemplate_next(struct lexer *l, struct token *ret, struct err *err) MUST_USE;
/* Always INVALID: "<label>, line 1, column 9: …". */
enum err_kind
gotemplate_error(const struct lexer *l, size_t at, struct err *err, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* --- tree ------------------------------------------------------------------------------------------ */

enum value_kind { VALUE_STRING, VALUE_INT, VALUE_BOOL };

struct value {
    enum value_kind kind;
    struct str text;
    int64_t number;
    bool is_true;
};

enum operand_kind { OPERAND_LITERAL, OPERAND_MEMBER, OPERAND_DOT, OPERAND_VARIABLE, OPERAND_PIPE };

struct operand {
    enum operand_kind kind;
    struct value literal;
    size_t index; /* of the member or variable */
    struct pipeline *pipe;
};

struct function;

struct command {
    const struct function *function; /* NULL: the one operand is the value */
    struct operand *operands;
    size_t operand_count;
    size_t operand_cap;
    size_t at;
    struct command *next;
};

struct pipeline {
    struct command *first;
    bool sets_variable;
    size_t variable;
};

enum node_kind { NODE_TEXT, NODE_PRINT, NODE_IF, NODE_WITH };

struct node {
    enum node_kind kind;
    struct str text;
    struct pipeline *pipe;
    struct node *body;
    struct node *otherwise;
    struct node *next;
};

#define GOTEMPLATE_VARIABLES_MAX 32

struct core_gotemplate {
    char *label;
    char *text;
    size_t text_bytes;
    const char *const *members;
    size_t member_count;
    unsigned *mentions; /* one a member */
    struct node *nodes;
    void **owned; /* nodes and literals, freed with the template */
    size_t owned_count;
    size_t owned_cap;
};

enum err_kind gotemplate_parse(struct core_gotemplate *t, struct err *err) MUST_USE;
void *gotemplate_keep(struct core_gotemplate *t, void *take);

/* --- running --------------------------------------------------------------------------------------- */

/*
 * One rendering. A trial runs each branch with made-up values, to find wrong types and argument
 * counts at the start; what depends on values (bounds, lengths) is no error then.
 */
struct run {
    const struct core_gotemplate *t;
    const struct str *values;
    struct value variables[GOTEMPLATE_VARIABLES_MAX];
    struct value dot; /* inside `with` */
    bool is_trial;
    struct buf *strings; /* made by functions, live as long as the run */
    size_t string_count;
    size_t string_cap;
};

struct function {
    const char *name;
    unsigned args_min;
    unsigned args_max;
    /* NULL: `and` and `or`, which look at no more arguments than they need. The text of an error says what is wrong with the arguments, without the function's name. */
    enum err_kind (*call)(
        struct run *run,
        const struct value *args,
        size_t count,
        struct value *ret,
        struct err *err);
};

#define GOTEMPLATE_ARGS_MAX 16

const struct function *gotemplate_function(struct str name);
/* Is it one of text/template's that cup leaves out? */
bool gotemplate_is_left_out(struct str name);
/* Names of all functions, for error texts. */
#define GOTEMPLATE_FUNCTION_NAMES                                                                  \
    "and eq ge gt index le len lt ne not or print printf println replace slice urlquery"
bool gotemplate_truth(const struct value *v);
/* As Go's fmt prints it with %v. */
void gotemplate_print(struct buf *to, const struct value *v);
/* Keep what a function made until the run ends. */
enum err_kind
gotemplate_string(struct run *run, struct buf *take, struct value *ret, struct err *err) MUST_USE;
/* gotemplate_printf.c: args[0] is the format */
enum err_kind gotemplate_printf(
    struct run *run,
    const struct value *args,
    size_t count,
    struct value *ret,
    struct err *err) MUST_USE;
