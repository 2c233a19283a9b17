#include "core/template_controller.h"
#include "base/mem.h"
#include "core/gotemplate.h"
#include "core/names.h"
#include "core/paths.h"
#include "core/treeglob.h"
#include "json/json.h"

static const size_t FILE_MAX_BYTES = (size_t)16 << 20;
#define PATH_BYTES_MAX 4096

/* What the templates may name, as upstream's requests offer it to get, put and delete alike. */
enum member {
    MEMBER_GROUP,
    MEMBER_VERSION,
    MEMBER_KIND,
    MEMBER_NAMESPACE,
    MEMBER_STRING, /* the four above with slashes; .Request prints the same */
    MEMBER_REQUEST,
    MEMBER_REQUEST_GROUP,
    MEMBER_REQUEST_VERSION,
    MEMBER_REQUEST_KIND,
    MEMBER_REQUEST_NAMESPACE,
    MEMBER_REQUEST_STRING,
    MEMBER_NAME, /* of resource_template alone */
    MEMBER_COUNT
};

#define LIST_MEMBERS                                                                               \
    "Group", "Version", "Kind", "Namespace", "String", "Request", "Request.Group",                 \
        "Request.Version", "Request.Kind", "Request.Namespace", "Request.String"
static const char *const list_members[] = {LIST_MEMBERS, NULL};
static const char *const resource_members[] = {LIST_MEMBERS, "Name", NULL};

struct template_controller {
    struct core_controller base;
    struct core_gotemplate *list;
    struct core_gotemplate *resource;
    struct core_globs write; /* everything; what steers Git and forges stays closed */
};

static struct template_controller *self(struct core_controller *c)
{
    return (struct template_controller *)c;
}

/* --- paths ----------------------------------------------------------------------------------------- */

static void join(struct buf *to, struct str part)
{
    if (part.n == 0)
        return;
    if (to->n > 0)
        buf_char(to, '/');
    buf_str(to, part);
}

static enum err_kind render(
    const struct core_gotemplate *t,
    const struct core_call *call,
    struct str ns,
    struct buf *to,
    struct err *err)
{
    autobuf struct buf joined = {0};
    struct str group = str_from(call->kind->group);
    struct str version = str_from(call->kind->version);
    struct str kind = str_from(call->kind->kind);
    join(&joined, group);
    join(&joined, version);
    join(&joined, kind);
    join(&joined, ns);
    struct str values[MEMBER_COUNT] = {
        [MEMBER_GROUP] = group,
        [MEMBER_VERSION] = version,
        [MEMBER_KIND] = kind,
        [MEMBER_NAMESPACE] = ns,
        [MEMBER_STRING] = buf_view(&joined),
        [MEMBER_REQUEST] = buf_view(&joined),
        [MEMBER_REQUEST_GROUP] = group,
        [MEMBER_REQUEST_VERSION] = version,
        [MEMBER_REQUEST_KIND] = kind,
        [MEMBER_REQUEST_NAMESPACE] = ns,
        [MEMBER_REQUEST_STRING] = buf_view(&joined),
        [MEMBER_NAME] = call->name,
    };
    buf_init(to, PATH_BYTES_MAX);
    return core_gotemplate_render(t, values, to, err);
}

/* What was made must be a path inside the tree, in text that a terminal and Git can take. */
static enum err_kind check_path(struct str path, struct err *err)
{
    for (size_t i = 0; i < path.n; i++) {
        unsigned char c = (unsigned char)path.p[i];
        if (c < ' ' || c == 0x7F)
            return err_set(err, ERR_INVALID, "it holds the control character 0x%02x", c);
    }
    if (!str_is_utf8(path))
        return err_set(err, ERR_INVALID, "it is not UTF-8");
    if (path.n == 0)
        return err_set(err, ERR_INVALID, "it is empty");
    return vfs_check_path(path, err);
}

static enum err_kind render_path(
    const struct template_controller *t,
    const struct core_gotemplate *template,
    const char *label,
    const struct core_call *call,
    struct str ns,
    struct buf *to,
    struct err *err)
{
    enum err_kind r = render(template, call, ns, to, err);
    if (r == ERR_OK) {
        r = check_path(buf_view(to), err);
        if (r != ERR_OK)
            err_wrap(err, "%s makes no usable path", label);
    }
    if (r != ERR_OK)
        err_wrap(err, "controller '%s'", t->base.name);
    return r;
}

static enum err_kind object_path(
    const struct template_controller *t,
    const struct core_call *call,
    struct buf *to,
    struct err *err)
{
    return render_path(t, t->resource, "resource_template", call, call->ns, to, err);
}

/* --- reading --------------------------------------------------------------------------------------- */

static const char *type_name(enum vfs_type type)
{
    switch (type) {
    case VFS_FILE:
        return "file";
    case VFS_DIR:
        return "directory";
    case VFS_LINK:
        return "link";
    case VFS_OTHER:
    default:
        return "submodule or special file";
    }
}

static enum err_kind
give(const struct vfs_data *file, struct str path, core_emit_fn emit, void *data, struct err *err)
{
    if (file->bytes.n > FILE_MAX_BYTES)
        return err_set(
            err, ERR_FAILED, "file '" STR_FMT "' is larger than %zu bytes", STR_ARG(path),
            FILE_MAX_BYTES);
    autofree char *origin = mem_printf("file '" STR_FMT "'", STR_ARG(path));
    return emit(data, file->bytes, origin, err);
}

static enum err_kind not_found(const struct core_call *call, struct str path, struct err *err)
{
    return err_set(
        err, ERR_NOT_FOUND, "no %s '" STR_FMT "' in namespace '" STR_FMT "': no file '" STR_FMT "'",
        call->kind->singular, STR_ARG(call->name), STR_ARG(call->ns), STR_ARG(path));
}

/* Links are not followed: they lead wherever the repository's author wants. */
static enum err_kind
check_is_file(struct vfs *tree, const struct core_call *call, struct str path, struct err *err)
{
    struct vfs_stat st;
    enum err_kind r = vfs_stat(tree, path, 0, &st, err);
    if (r == ERR_NOT_FOUND)
        return not_found(call, path, err);
    if (r == ERR_OK && st.type != VFS_FILE)
        return err_set(
            err, ERR_CONFLICT, "path conflict: '" STR_FMT "' is a %s, not a file", STR_ARG(path),
            type_name(st.type));
    return r;
}

static enum err_kind template_get(
    struct core_controller *c,
    const struct core_call *call,
    core_emit_fn emit,
    void *data,
    struct err *err)
{
    autobuf struct buf path = {0};
    enum err_kind r = object_path(self(c), call, &path, err);
    if (r == ERR_OK)
        r = check_is_file(call->tree, call, buf_view(&path), err);
    if (r != ERR_OK)
        return r;
    auto_vfs_data struct vfs_data file = {0};
    r = vfs_read(call->tree, buf_view(&path), &file, err);
    return r == ERR_OK ? give(&file, buf_view(&path), emit, data, err) : r;
}

/* --- lists ----------------------------------------------------------------------------------------- */

struct sink {
    struct vfs *tree;
    core_emit_fn emit;
    void *data;
};

static enum err_kind emit_match(void *data, struct str path, enum vfs_type type, struct err *err)
{
    const struct sink *sink = data;
    auto_vfs_data struct vfs_data file = {0};
    if (type != VFS_FILE)
        return err_set(
            err, ERR_FAILED, "'" STR_FMT "' matches list_template but is a %s", STR_ARG(path),
            type_name(type));
    enum err_kind r = vfs_read(sink->tree, path, &file, err);
    if (r == ERR_NOT_FOUND) /* a local directory changes under us: it was deleted meanwhile */
        return ERR_OK;
    return r == ERR_OK ? give(&file, path, sink->emit, sink->data, err) : r;
}

/* Also leaves out directories that are no names: they cannot be asked for as a namespace either. */
static bool is_namespace(struct str name)
{
    return core_names_check_namespace(name, NULL) == ERR_OK;
}

/* any_segment: the number of the pattern's segment that is any namespace; CORE_TREEGLOB_NONE: none. */
static enum err_kind list_pattern(
    const struct template_controller *t,
    const struct core_call *call,
    struct str pattern,
    size_t any_segment,
    core_emit_fn emit,
    void *data,
    struct err *err)
{
    struct sink sink = {.tree = call->tree, .emit = emit, .data = data};
    const struct core_treeglob glob = {
        .tree = call->tree,
        .pattern = pattern,
        .filtered_segment = any_segment,
        .filter = is_namespace,
        .visit = emit_match,
        .data = &sink,
    };
    if (core_treeglob_check(pattern, err) != ERR_OK)
        return err_wrap(err, "controller '%s': list_template", t->base.name);
    return core_treeglob_walk(&glob, err);
}

static enum err_kind template_list(
    struct core_controller *c,
    const struct core_call *call,
    core_emit_fn emit,
    void *data,
    struct err *err)
{
    autobuf struct buf pattern = {0};
    enum err_kind r =
        render_path(self(c), self(c)->list, "list_template", call, call->ns, &pattern, err);
    return r == ERR_OK
        ? list_pattern(self(c), call, buf_view(&pattern), CORE_TREEGLOB_NONE, emit, data, err)
        : r;
}

/* --- across namespaces ------------------------------------------------------------------------------ */

/* Stands for the namespace while the place of it is looked for: no name of the grammar. */
static const char ANY[] = "any namespace";

static unsigned namespace_mentions(const struct core_gotemplate *t)
{
    static const enum member all[] = {
        MEMBER_NAMESPACE, MEMBER_STRING, MEMBER_REQUEST, MEMBER_REQUEST_NAMESPACE,
        MEMBER_REQUEST_STRING};
    unsigned count = 0;
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        count += core_gotemplate_mentions(t, all[i]);
    return count;
}

/* Put `*` in place of the one segment that is the namespace; false: there is not just one. */
static bool open_namespace(struct str pattern, struct buf *to, size_t *ret_segment)
{
    size_t found = 0;
    for (size_t i = 0; pattern.p != NULL; i++) {
        struct str segment = str_cut(&pattern, '/');
        bool is_any = str_eqz(segment, ANY);
        join(to, is_any ? STR("*") : segment);
        if (is_any)
            *ret_segment = i;
        found += is_any;
    }
    return found == 1;
}

/*
 * One mention that becomes one whole segment: only then does a `*` there find what the lists of all
 * namespaces together find. A template without the namespace lists the same files for each.
 */
static enum err_kind template_list_all(
    struct core_controller *c,
    const struct core_call *call,
    core_emit_fn emit,
    void *data,
    struct err *err)
{
    autobuf struct buf one = {0};
    autobuf struct buf all = {0};
    const struct template_controller *t = self(c);
    unsigned mentions = namespace_mentions(t->list);
    enum err_kind r = render_path(t, t->list, "list_template", call, str_from(ANY), &one, err);
    if (r != ERR_OK)
        return r;
    size_t any = CORE_TREEGLOB_NONE;
    bool is_whole = open_namespace(buf_view(&one), &all, &any);
    if (mentions > 1 || (mentions == 1 && !is_whole))
        return err_set(
            err, ERR_UNSUPPORTED,
            "NamespacesUnknown: controller '%s' cannot list across namespaces, because "
            "'.Namespace' "
            "is not one whole path segment of its list_template: name a namespace",
            t->base.name);
    return list_pattern(t, call, buf_view(&all), any, emit, data, err);
}

/* --- writing --------------------------------------------------------------------------------------- */

/* A file or link where the path needs a directory: it is never written through. */
static enum err_kind check_parents(struct vfs *tree, struct str path, struct err *err)
{
    for (size_t i = 0; i < path.n; i++) {
        struct vfs_stat st;
        if (path.p[i] != '/')
            continue;
        struct str parent = str_take(path, i);
        enum err_kind r = vfs_stat(tree, parent, 0, &st, err);
        if (r == ERR_NOT_FOUND)
            return ERR_OK;
        if (r != ERR_OK)
            return r;
        if (st.type != VFS_DIR)
            return err_set(
                err, ERR_CONFLICT, "path conflicts with '" STR_FMT "': it is a %s, not a directory",
                STR_ARG(parent), type_name(st.type));
    }
    return ERR_OK;
}

static enum err_kind write_path(
    const struct template_controller *t,
    const struct core_call *call,
    struct buf *path,
    struct err *err)
{
    enum err_kind r = object_path(t, call, path, err);
    if (r == ERR_OK && core_paths_check_write(&t->write, 1, buf_view(path), err) != ERR_OK)
        r = err_wrap(err, "controller '%s'", t->base.name);
    return r;
}

/* As upstream writes it: two blanks a level, one final newline. */
static enum err_kind template_put(
    struct core_controller *c, const struct core_call *call, struct str body, struct err *err)
{
    autobuf struct buf path = {0};
    autobuf struct buf file = {0};
    struct vfs *tree = overlay_vfs(call->overlay);
    enum err_kind r = write_path(self(c), call, &path, err);
    if (r == ERR_OK)
        r = check_parents(tree, buf_view(&path), err);
    if (r == ERR_OK) {
        r = check_is_file(tree, call, buf_view(&path), err);
        r = r == ERR_NOT_FOUND ? ERR_OK : r;
    }
    if (r != ERR_OK)
        return r;
    buf_init(&file, FILE_MAX_BYTES);
    json_text_write(&file, body, 2, 0);
    buf_char(&file, '\n');
    r = buf_check(&file, "object as a file", err);
    if (r == ERR_OK)
        r = overlay_write(call->overlay, buf_view(&path), buf_view(&file), false, err);
    /* what stands there is another thing than a moment ago: that of a local directory may be */
    return r == ERR_INVALID ? err_as(err, ERR_CONFLICT) : r;
}

static enum err_kind
template_remove(struct core_controller *c, const struct core_call *call, struct err *err)
{
    autobuf struct buf path = {0};
    enum err_kind r = write_path(self(c), call, &path, err);
    if (r == ERR_OK)
        r = check_is_file(overlay_vfs(call->overlay), call, buf_view(&path), err);
    if (r != ERR_OK)
        return r;
    r = overlay_remove(call->overlay, buf_view(&path), err);
    return r == ERR_INVALID ? err_as(err, ERR_CONFLICT) : r; /* as in template_put */
}

static void template_free(struct core_controller *c)
{
    core_gotemplate_free(self(c)->list);
    core_gotemplate_free(self(c)->resource);
    core_globs_deinit(&self(c)->write);
    free(c);
}

static const struct core_controller_ops template_ops = {
    .get = template_get,
    .list = template_list,
    .list_all = template_list_all,
    .put = template_put,
    .remove = template_remove,
    .free = template_free,
};

static const char *or_default(const char *text, const char *otherwise)
{
    return text == NULL || text[0] == '\0' ? otherwise : text;
}

static enum err_kind init_templates(
    struct template_controller *t,
    const char *list_template,
    const char *resource_template,
    struct err *err)
{
    enum err_kind r = core_gotemplate_new(
        "list_template", str_from(or_default(list_template, CORE_TEMPLATE_LIST)), list_members,
        &t->list, err);
    if (r == ERR_OK)
        r = core_gotemplate_new(
            "resource_template", str_from(or_default(resource_template, CORE_TEMPLATE_RESOURCE)),
            resource_members, &t->resource, err);
    if (r == ERR_OK)
        r = core_globs_init(&t->write, NULL, err);
    return r == ERR_OK ? r : err_wrap(err, "controller '%s'", t->base.name);
}

enum err_kind core_template_controller_new(
    const char *name,
    const char *list_template,
    const char *resource_template,
    struct core_controller **ret,
    struct err *err)
{
    struct template_controller *t = mem_new(struct template_controller);
    core_controller_init(&t->base, &template_ops, name, "template");
    enum err_kind r = init_templates(t, list_template, resource_template, err);
    if (r != ERR_OK) {
        core_controller_unref(&t->base);
        return r;
    }
    t->base.identity = mem_printf(
        "template;%s;%s", or_default(list_template, CORE_TEMPLATE_LIST),
        or_default(resource_template, CORE_TEMPLATE_RESOURCE));
    *ret = &t->base;
    return ERR_OK;
}
