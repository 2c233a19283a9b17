#include "repo/wire.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/mem.h"
#include "repo/url.h"

#define TIMEOUT_MS 60000

const char *wire_service_name(enum wire_service service)
{
    return service == WIRE_UPLOAD_PACK ? "git-upload-pack" : "git-receive-pack";
}

char *wire_escape(struct str text, size_t max)
{
    autobuf struct buf out = {0};
    text = str_trim(text);
    for (size_t i = 0; i < text.n && out.n < max; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '\n')
            buf_text(&out, "; ");
        else if (c >= 0x20 && c < 0x7f)
            buf_char(&out, (char)c);
        else if (c != '\r')
            buf_printf(&out, "\\x%02x", c);
    }
    return buf_steal(&out);
}

/* Basic credentials: what the URL says comes before what was given beside it. */
static char *authorization(const struct wire_url *u, const struct repo_remote_options *o)
{
    const char *user = u->user != NULL ? u->user : o->username;
    const char *password = u->password != NULL ? u->password : o->password;
    if (user == NULL && password == NULL)
        return NULL;
    /* forges take any name beside a token, but not none */
    autofree char *pair =
        mem_printf("%s:%s", user == NULL ? "git" : user, password == NULL ? "" : password);
    autobuf struct buf value = {0};
    buf_text(&value, "Basic ");
    base64_encode(&value, str_from(pair));
    return buf_steal(&value);
}

/* Tokens are given as a user without a password as well; what is shorter than any of them is a name. */
static char *secret(const struct wire_url *u, const struct repo_remote_options *o)
{
    static const size_t TOKEN_MIN = 16;
    const char *user = u->user != NULL ? u->user : o->username;
    const char *password = u->password != NULL ? u->password : o->password;
    if (password != NULL && password[0] != '\0')
        return mem_strdup(password);
    return user != NULL && strlen(user) >= TOKEN_MIN ? mem_strdup(user) : NULL;
}

enum err_kind wire_place_new(
    struct str url,
    const struct repo_remote_options *options,
    struct wire_place **ret,
    struct err *err)
{
    static const struct repo_remote_options none;
    const struct repo_remote_options *o = options == NULL ? &none : options;
    struct wire_url parsed;
    enum err_kind r = wire_url_parse(url, &parsed, err);
    if (r != ERR_OK)
        return r;
    struct wire_place *p = mem_new(struct wire_place);
    pthread_mutex_init(&p->lock, NULL);
    p->url = parsed;
    p->shown = repo_url_shown(url);
    p->http = o->http;
    p->authorization = authorization(&parsed, o);
    p->secret = secret(&parsed, o);
    p->ssh_command = mem_strdup(o->ssh_command != NULL ? o->ssh_command : "ssh");
    p->ssh_key = mem_strdup(o->ssh_key);
    p->ssh_known_hosts = mem_strdup(o->ssh_known_hosts);
    p->timeout_ms = o->timeout_ms > 0 ? o->timeout_ms : TIMEOUT_MS;
    p->upload_version = -1;
    *ret = p;
    if (parsed.scheme != WIRE_HTTP || o->http != NULL)
        return ERR_OK;
    *ret = wire_place_free(p);
    return err_set(err, ERR_INTERNAL, "no HTTP client was given for a remote repository");
}

struct wire_place *wire_place_free(struct wire_place *p)
{
    if (p == NULL)
        return NULL;
    wire_url_deinit(&p->url);
    free(p->shown);
    free(p->authorization);
    free(p->secret);
    free(p->ssh_command);
    free(p->ssh_key);
    free(p->ssh_known_hosts);
    free(p->moved_to);
    pthread_mutex_destroy(&p->lock);
    free(p);
    return NULL;
}

struct wire wire_begin(struct wire_place *place, const atomic_bool *cancel)
{
    return (struct wire){
        .place = place, .end_ms = clock_monotonic_ms() + place->timeout_ms, .cancel = cancel};
}

int64_t wire_left_ms(const struct wire *w)
{
    int64_t left = w->end_ms - clock_monotonic_ms();
    return left > 0 ? left : 1;
}

static enum err_kind run(struct wire_call *c, struct err *err)
{
    bool is_http = c->wire->place->url.scheme == WIRE_HTTP;
    const struct wire_transport *t = is_http ? &wire_http : &wire_ssh;
    enum err_kind r = t->call(c, err);
    if (r == ERR_OK)
        r = wire_reader_finish(c->reader, err);
    return r == ERR_OK ? r : err_wrap(err, "repository '%s'", c->wire->place->shown);
}

enum err_kind wire_advertise(
    const struct wire *w,
    enum wire_service service,
    const struct wire_filter *filter,
    struct wire_advert *ret,
    struct err *err)
{
    struct wire_advert_reader state = {
        .advert = ret, .filter = filter, .is_over_http = w->place->url.scheme == WIRE_HTTP};
    auto_wire_reader struct wire_reader reader = {.take = wire_advert_take, .data = &state};
    struct wire_call call = {
        .wire = w,
        .service = service,
        .version = service == WIRE_UPLOAD_PACK ? 2 : 0, /* pushes know no version 2 */
        .reader = &reader};
    enum err_kind r = run(&call, err);
    struct str format;
    if (r == ERR_OK && !state.is_done)
        r = err_set(
            err, ERR_FAILED, "repository '%s': what answers there does not speak Git's protocol",
            w->place->shown);
    if (r == ERR_OK && wire_advert_has(ret, "object-format", &format) && !str_eqz(format, "sha1"))
        r = err_set(
            err, ERR_UNSUPPORTED,
            "repository '%s' uses an object format other than sha1, which is not supported",
            w->place->shown);
    if (r != ERR_OK)
        wire_advert_deinit(ret);
    return r;
}

enum err_kind wire_ask(
    const struct wire *w,
    enum wire_service service,
    int version,
    struct str request,
    struct wire_reader *reader,
    bool *ret_is_sent,
    struct err *err)
{
    struct wire_call call = {
        .wire = w, .service = service, .version = version, .request = request, .reader = reader};
    enum err_kind r = run(&call, err);
    if (ret_is_sent != NULL)
        *ret_is_sent = call.is_sent;
    return r;
}
