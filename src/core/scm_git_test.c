/* The plain driver over a real repository: what scm/ makes of refs and log, through struct scm_git. */
#include "core/scm_git.h"

#include "repo/testing.h"

#define ID_A "01ARZ3NDEKTSV4RRFFQ69G5FAV"
#define ID_B "01BX5ZZKBKACTAV9WEVGEMMVRZ"

struct desk {
    struct lab *lab;
    struct scm_git git;
    struct scm *scm;
};

static int desk_up(void **state)
{
    struct desk *d = mem_new(struct desk);
    struct err err;
    void *lab = NULL;
    lab_up(&lab);
    d->lab = lab;
    lab_sh(d->lab, "seq 9 >f && git add f && git commit -q -m base && git tag base");
    core_scm_git_init(&d->git, d->lab->repo);
    struct scm_options options = {
        .git = &d->git, .target_branch = "main", .self_url = "http://127.0.0.1:8181/"};
    lab_ok(scm_driver_find(STR("plain"))->open(&options, &d->scm, &err), &err);
    *state = d;
    return 0;
}

static int desk_down(void **state)
{
    struct desk *d = *state;
    void *lab = d->lab;
    d->scm->driver->free(d->scm);
    free(d);
    return lab_down(&lab);
}

#define desk_test(f) cmocka_unit_test_setup_teardown(f, desk_up, desk_down)

/* A proposal's branch as cupd makes it: one commit over `from`. */
static void propose(struct desk *d, const char *id, const char *from, const char *script)
{
    struct err err;
    autofree char *url = NULL;
    autofree char *line = mem_printf(
        "git checkout -q -b cup/proposal/%s %s && %s && git add -A && git commit -q -m 'feat: of "
        "%s' "
        "&& git checkout -q main",
        id, from, script, id);
    lab_sh(d->lab, line);
    autofree char *name = mem_printf("cup/proposal/%s", id);
    struct repo_id head = lab_rev(d->lab, name);
    char hex[REPO_ID_HEX + 1];
    struct scm_new proposal = {
        .id = id, .head = lab_hex(&head, hex), .title = "title", .body = "body"};
    lab_ok(d->scm->driver->create(d->scm, &proposal, &url, &err), &err);
    autofree char *wanted =
        mem_printf("http://127.0.0.1:8181/apis/cup.flipt.io/v1alpha1/proposals/%s", id);
    assert_string_equal(url, wanted);
}

static enum err_kind merge(struct desk *d, const char *id, struct err *err)
{
    char commit[SCM_COMMIT_HEX + 1];
    return d->scm->driver->merge(d->scm, id, "Ann", "ann@example.com", commit, err);
}

static void assert_state(struct desk *d, const char *id, enum scm_state state)
{
    struct scm_proposal p;
    struct err err;
    lab_ok(d->scm->driver->show(d->scm, id, &p, &err), &err);
    if (p.state != state)
        fail_msg("'%s' is %s", id, scm_state_name(p.state));
    scm_proposal_deinit(&p);
}

static void test_plain__shows_an_open_proposal(void **state)
{
    struct desk *d = *state;
    struct scm_proposal p;
    struct err err;
    propose(d, ID_A, "main", "echo 1 >n");
    struct repo_id head = lab_rev(d->lab, "cup/proposal/" ID_A);
    struct repo_id base = lab_rev(d->lab, "base");
    char hex[REPO_ID_HEX + 1];
    lab_ok(d->scm->driver->show(d->scm, ID_A, &p, &err), &err);
    assert_string_equal(p.id, ID_A);
    assert_int_equal(p.state, SCM_OPEN);
    assert_string_equal(p.title, "feat: of " ID_A);
    assert_string_equal(p.author, "Ann");
    assert_int_equal(p.created_unix_s, 1700000000);
    assert_string_equal(p.head, lab_hex(&head, hex));
    assert_string_equal(p.base, lab_hex(&base, hex));
    assert_string_equal(p.merged, "");
    scm_proposal_deinit(&p);
}

static void test_plain__merge_makes_one_merge_commit_and_ends_the_branch(void **state)
{
    struct desk *d = *state;
    struct scm_proposal p;
    struct err err;
    propose(d, ID_A, "main", "echo 1 >n");
    struct repo_id head = lab_rev(d->lab, "cup/proposal/" ID_A);
    struct repo_id base = lab_rev(d->lab, "base");
    char hex[REPO_ID_HEX + 1];
    lab_ok(merge(d, ID_A, &err), &err);
    lab_sh(d->lab, "test \"$(git rev-list --count base..main)\" = 2");
    lab_sh(
        d->lab,
        "test \"$(git show main:n)\" = 1 && ! git rev-parse -q --verify cup/proposal/" ID_A);
    lab_ok(d->scm->driver->show(d->scm, ID_A, &p, &err), &err);
    assert_int_equal(p.state, SCM_MERGED);
    assert_string_equal(p.head, lab_hex(&head, hex));
    assert_string_equal(p.base, lab_hex(&base, hex)); /* so that its diff can still be shown */
    lab_expect(d->lab, "git rev-parse main", p.merged);
    scm_proposal_deinit(&p);
    assert_int_equal(merge(d, ID_A, &err), ERR_INVALID);
    assert_non_null(strstr(err.text, "merged already"));
    lab_fsck(d->lab);
}

static void test_plain__merge_of_a_conflict_moves_nothing(void **state)
{
    struct desk *d = *state;
    struct err err;
    propose(d, ID_A, "main", "sed -i s/^5$/a/ f");
    propose(d, ID_B, "main", "sed -i s/^5$/b/ f");
    lab_ok(merge(d, ID_A, &err), &err);
    autofree char *before = lab_out(d->lab, "git for-each-ref");
    assert_int_equal(merge(d, ID_B, &err), ERR_CONFLICT);
    assert_non_null(strstr(err.text, ID_B));
    assert_non_null(strstr(err.text, "'f'"));
    lab_expect(d->lab, "git for-each-ref", before);
    assert_state(d, ID_B, SCM_OPEN);
}

static void test_plain__close_keeps_the_commits_under_a_ref(void **state)
{
    struct desk *d = *state;
    struct err err;
    propose(d, ID_A, "main", "echo 1 >n");
    lab_ok(d->scm->driver->close(d->scm, ID_A, "", &err), &err);
    assert_state(d, ID_A, SCM_CLOSED);
    lab_sh(d->lab, "! git rev-parse -q --verify refs/heads/cup/proposal/" ID_A);
    lab_sh(d->lab, "test \"$(git show refs/cup/closed/" ID_A ":n)\" = 1");
    assert_int_equal(d->scm->driver->close(d->scm, ID_A, "", &err), ERR_INVALID);
    assert_int_equal(merge(d, ID_A, &err), ERR_INVALID);
    assert_non_null(strstr(err.text, "closed already"));
}

static void test_plain__close_leaves_a_later_commit_open(void **state)
{
    struct desk *d = *state;
    struct err err;
    propose(d, ID_A, "main", "echo 1 >n");
    autofree char *before = lab_out(d->lab, "git rev-parse cup/proposal/" ID_A);
    lab_sh(
        d->lab,
        "git checkout -q cup/proposal/" ID_A " && git commit -q --allow-empty -m later && git "
        "checkout -q main");
    autofree char *after = lab_out(d->lab, "git rev-parse cup/proposal/" ID_A);
    assert_int_equal(d->scm->driver->close(d->scm, ID_A, before, &err), ERR_CONFLICT);
    assert_state(d, ID_A, SCM_OPEN);
    lab_ok(d->scm->driver->close(d->scm, ID_A, after, &err), &err);
    assert_state(d, ID_A, SCM_CLOSED);
}

static void test_plain__lists_the_newest_first_and_ended_ones_where_asked(void **state)
{
    struct desk *d = *state;
    struct scm_proposals list = {0};
    struct err err;
    propose(d, ID_A, "main", "echo 1 >a");
    propose(d, ID_B, "main", "echo 2 >b");
    lab_sh(d->lab, "git branch cup/proposal/not-an-id && git branch other");
    lab_ok(d->scm->driver->list(d->scm, false, &list, &err), &err);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0].id, ID_B); /* of one second: by id */
    scm_proposals_deinit(&list);
    lab_ok(merge(d, ID_A, &err), &err);
    lab_ok(d->scm->driver->close(d->scm, ID_B, "", &err), &err);
    lab_ok(d->scm->driver->list(d->scm, false, &list, &err), &err);
    assert_int_equal(list.count, 0);
    scm_proposals_deinit(&list);
    lab_ok(d->scm->driver->list(d->scm, true, &list, &err), &err);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.items[0].state, SCM_CLOSED);
    assert_int_equal(list.items[1].state, SCM_MERGED);
    scm_proposals_deinit(&list);
}

static void test_plain__a_merge_cut_short_is_finished_by_the_next(void **state)
{
    struct desk *d = *state;
    struct err err;
    propose(d, ID_A, "main", "echo 1 >n");
    autofree char *head = lab_out(d->lab, "git rev-parse cup/proposal/" ID_A);
    lab_ok(merge(d, ID_A, &err), &err);
    autofree char *again = mem_printf("git update-ref refs/heads/cup/proposal/" ID_A " %s", head);
    autofree char *merged = lab_out(d->lab, "git rev-parse main");
    lab_sh(d->lab, again); /* the branch as a crash between the two refs leaves it */
    assert_state(d, ID_A, SCM_MERGED);
    lab_ok(merge(d, ID_A, &err), &err);
    lab_expect(d->lab, "git rev-parse main", merged);
    lab_sh(d->lab, "! git rev-parse -q --verify refs/heads/cup/proposal/" ID_A);
}

static void test_plain__a_proposal_that_came_with_the_target_is_still_open(void **state)
{
    struct desk *d = *state;
    struct err err;
    propose(d, ID_A, "main", "echo 1 >n");
    /* somebody merged the branch with another tool: there is nothing of ours in the log */
    lab_sh(d->lab, "git merge -q --ff-only cup/proposal/" ID_A);
    assert_state(d, ID_A, SCM_OPEN);
    lab_ok(d->scm->driver->close(d->scm, ID_A, "", &err), &err);
    assert_state(d, ID_A, SCM_CLOSED);
}

static void test_plain__refuses_ids_that_are_none(void **state)
{
    struct desk *d = *state;
    struct scm_proposal p;
    struct err err;
    static const char *const bad[] = {"", "x", "../../main", "01ARZ3NDEKTSV4RRFFQ69G5FAU"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(d->scm->driver->show(d->scm, bad[i], &p, &err), ERR_INVALID);
    assert_int_equal(d->scm->driver->show(d->scm, ID_A, &p, &err), ERR_NOT_FOUND);
    assert_int_equal(merge(d, ID_A, &err), ERR_NOT_FOUND);
    assert_int_equal(d->scm->driver->close(d->scm, ID_A, "", &err), ERR_NOT_FOUND);
}

static void test_plain__shows_hostile_titles_as_one_harmless_line(void **state)
{
    struct desk *d = *state;
    struct scm_proposal p;
    struct err err;
    lab_sh(
        d->lab,
        "git checkout -q -b cup/proposal/" ID_A
        " && echo 1 >n && git add n && printf 'a\\033[31m b\\t%s\\n\\nCup-Proposal: " ID_B
        "\\n' \"$(head -c 500 /dev/zero | tr '\\0' x)\" | git commit -q -F - && "
        "git checkout -q main");
    lab_ok(d->scm->driver->show(d->scm, ID_A, &p, &err), &err);
    for (const char *c = p.title; *c != '\0'; c++)
        assert_true((unsigned char)*c >= 0x20);
    assert_true(strlen(p.title) < 210);
    scm_proposal_deinit(&p);
    lab_ok(merge(d, ID_A, &err), &err);
    /* what its own commit claims is not a merge of that one */
    assert_int_equal(d->scm->driver->show(d->scm, ID_B, &p, &err), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        desk_test(test_plain__shows_an_open_proposal),
        desk_test(test_plain__merge_makes_one_merge_commit_and_ends_the_branch),
        desk_test(test_plain__merge_of_a_conflict_moves_nothing),
        desk_test(test_plain__close_keeps_the_commits_under_a_ref),
        desk_test(test_plain__close_leaves_a_later_commit_open),
        desk_test(test_plain__lists_the_newest_first_and_ended_ones_where_asked),
        desk_test(test_plain__a_merge_cut_short_is_finished_by_the_next),
        desk_test(test_plain__a_proposal_that_came_with_the_target_is_still_open),
        desk_test(test_plain__refuses_ids_that_are_none),
        desk_test(test_plain__shows_hostile_titles_as_one_harmless_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
