/*
 * A child ssh for each request: OpenSSH has the keys, agents and known hosts that people have set up.
 * It never asks (BatchMode), never takes an unknown host's key, and is killed when time is over.
 *
 * source  gitprotocol-pack(5), "SSH Transport"; ssh(1), ssh_config(5)
 */
#include "base/child.h"
#include "base/mem.h"
#include "repo/wire.h"

#define ANSWER_MAX ((size_t)17 << 30) /* packs are the largest, see pack_scan.h */
#define ARGS_MAX 32

/* The advertisement comes before each answer; it is passed over where it is not what was asked for. */
struct ssh_reader {
    struct wire_call *call;
    struct wire_reader pkts;
    struct wire_advert advert;
    struct wire_advert_reader head;
    bool is_wrong_version;
};

static enum err_kind
take_pkt(void *data, enum wire_pkt_kind kind, struct str payload, struct err *err)
{
    struct ssh_reader *s = data;
    if (s->head.is_done) {
        struct wire_reader *to = s->call->reader;
        return to->take(to->data, kind, payload, err);
    }
    enum err_kind r = wire_advert_take(&s->head, kind, payload, err);
    if (r == ERR_OK && s->head.is_done && (s->advert.version == 2) != (s->call->version == 2)) {
        s->is_wrong_version = true;
        return err_set(err, ERR_FAILED, "the protocol's version has changed: once more");
    }
    return r;
}

static enum err_kind take_output(void *data, struct str piece, struct err *err)
{
    struct ssh_reader *s = data;
    return s->call->request.n == 0 ? wire_reader_feed(s->call->reader, piece, err)
                                   : wire_reader_feed(&s->pkts, piece, err);
}

/* For the shell on the other side, as git quotes it. */
static char *remote_command(const char *service, const char *path)
{
    autobuf struct buf b = {0};
    buf_printf(&b, "%s '", service);
    for (const char *p = path; *p != '\0'; p++) {
        if (*p == '\'' || *p == '!')
            buf_printf(&b, "'\\%c'", *p);
        else
            buf_char(&b, *p);
    }
    buf_char(&b, '\'');
    return buf_steal(&b);
}

/* ssh's own exit code is 255; what it says then tells who is to do what. */
static enum err_kind judge(const struct child_end *end, const struct buf *errors, struct err *err)
{
    struct str text = buf_view(errors);
    autofree char *words = wire_escape(text.n > 400 ? str_skip(text, text.n - 400) : text, 400);
    if (end->exit_code == 0)
        return ERR_OK;
    if (end->exit_code == 255 && str_search(text, STR("Host key verification failed")) >= 0)
        return err_set(
            err, ERR_UNVERIFIED,
            "the host's key is not among the known hosts, or is another one now: check it and add "
            "it "
            "(ssh-keyscan; -api-git-ssh-known-hosts): %s",
            words);
    if (end->exit_code == 255 && str_search(text, STR("Permission denied")) >= 0)
        return err_set(err, ERR_UNAUTHENTICATED, "ssh is not let in: %s", words);
    if (end->exit_code == 255)
        return err_set(err, ERR_UNAVAILABLE, "ssh does not get through: %s", words);
    if (str_search(text, STR("does not appear to be a git repository")) >= 0 ||
        str_search(text, STR("not found")) >= 0 || str_search(text, STR("does not exist")) >= 0)
        return err_set(err, ERR_NOT_FOUND, "there is no such repository: %s", words);
    return err_set(
        err, ERR_FAILED, "the other side ended with %d: %s", end->exit_code,
        words[0] == '\0' ? "it says nothing" : words);
}

/* A failure of ours counts for less than what ssh says: it is mostly that the other side went away. */
static enum err_kind finish(
    enum err_kind kind,
    const struct ssh_reader *s,
    const struct child_end *end,
    const struct buf *errors,
    struct err *err)
{
    if (kind == ERR_NOT_FOUND && end->exit_code == 0 && end->signal == 0)
        return err_wrap(err, "running ssh"); /* no such program */
    if (kind != ERR_OK)
        return kind;
    enum err_kind r = judge(end, errors, err);
    if (r == ERR_OK && s->call->request.n > 0)
        r = wire_reader_finish(&s->pkts, err);
    return r;
}

static enum err_kind run_ssh(struct wire_call *c, struct ssh_reader *s, struct err *err)
{
    const struct wire_place *p = c->wire->place;
    const char *args[ARGS_MAX] = {
        p->ssh_command,
        "-o",
        "BatchMode=yes",
        "-o",
        "StrictHostKeyChecking=yes",
        "-o",
        "ClearAllForwardings=yes",
        "-o",
        "SendEnv=GIT_PROTOCOL"};
    size_t n = 9;
    autofree char *known = NULL;
    autofree char *where = p->url.user == NULL ? mem_strdup(p->url.host)
                                               : mem_printf("%s@%s", p->url.user, p->url.host);
    autofree char *command = remote_command(wire_service_name(c->service), p->url.path);
    if (p->ssh_known_hosts != NULL) {
        known = mem_printf("UserKnownHostsFile=\"%s\"", p->ssh_known_hosts);
        args[n++] = "-o";
        args[n++] = known;
        args[n++] = "-o";
        args[n++] = "GlobalKnownHostsFile=/dev/null";
    }
    if (p->ssh_key != NULL) {
        args[n++] = "-o";
        args[n++] = "IdentitiesOnly=yes";
        args[n++] = "-i";
        args[n++] = p->ssh_key;
    }
    if (p->url.port != NULL) {
        args[n++] = "-p";
        args[n++] = p->url.port;
    }
    args[n++] = "--";
    args[n++] = where;
    args[n++] = command;
    static const char *const version_2[] = {"GIT_PROTOCOL=version=2", NULL};
    static const char *const version_0[] = {"GIT_PROTOCOL=", NULL};
    autobuf struct buf errors = {0};
    struct child_end end = {0};
    struct child child = {
        .program = p->ssh_command,
        .args = args,
        .env = c->version == 2 ? version_2 : version_0,
        .input = c->request.n == 0 ? STR("0000") : c->request,
        .output_max = ANSWER_MAX,
        .timeout_ms = wire_left_ms(c->wire),
        .cancel = c->wire->cancel,
        .take = take_output,
        .take_data = s,
        .errors = &errors,
        .has_own_group = true /* its configuration may start a proxy */};
    return finish(child_run(&child, NULL, &end, err), s, &end, &errors, err);
}

static enum err_kind call_ssh(struct wire_call *c, struct err *err)
{
    struct ssh_reader s = {.call = c};
    s.head.advert = &s.advert;
    s.pkts = (struct wire_reader){.take = take_pkt, .data = &s};
    c->is_sent = c->request.n > 0;
    enum err_kind r = run_ssh(c, &s, err);
    if (s.is_wrong_version) {
        pthread_mutex_lock(&c->wire->place->lock);
        c->wire->place->upload_version = -1;
        pthread_mutex_unlock(&c->wire->place->lock);
    }
    wire_reader_deinit(&s.pkts);
    wire_advert_deinit(&s.advert);
    return r;
}

const struct wire_transport wire_ssh = {.call = call_ssh};
