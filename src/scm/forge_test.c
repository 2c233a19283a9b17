/* The drivers of forges over scripted answers: what they ask for, and what they make of what they get. */
#include "scm/drivers.h"
#include "scm/testing_forge.h"

#define ID "01ARZ3NDEKTSV4RRFFQ69G5FAV"
#define BRANCH "cup/proposal/" ID
#define HEAD "1111111111111111111111111111111111111111"
#define MERGED "2222222222222222222222222222222222222222"
#define BEFORE "3333333333333333333333333333333333333333"
#define FORK "4444444444444444444444444444444444444444"

/* --- Git, one branch ------------------------------------------------------------------------------------ */

struct one_branch {
    char at[SCM_COMMIT_HEX + 1]; /* "": it is gone */
};

static enum err_kind
read_branch(void *context, const char *name, char ret[SCM_COMMIT_HEX + 1], struct err *err)
{
    struct one_branch *b = context;
    (void)err;
    bool is_it = strcmp(name, "refs/heads/" BRANCH) == 0;
    snprintf(ret, SCM_COMMIT_HEX + 1, "%s", is_it ? b->at : "");
    return ERR_OK;
}

static enum err_kind
move_branch(void *context, const char *const (*updates)[3], size_t count, struct err *err)
{
    struct one_branch *b = context;
    assert_int_equal(count, 1);
    if (strcmp(updates[0][1], b->at) != 0)
        return err_set(err, ERR_CONFLICT, "the branch moved");
    snprintf(b->at, sizeof(b->at), "%s", updates[0][2]);
    return ERR_OK;
}

/* The history of what was merged: MERGED, and what was there before. */
static enum err_kind walk_merged(
    void *context,
    const char *from,
    size_t max,
    bool (*visit)(
        const char *commit,
        const char *message,
        const char *author,
        int64_t unix_s,
        const char *second_parent,
        void *data),
    void *data,
    struct err *err)
{
    (void)context;
    (void)err;
    assert_string_equal(from, MERGED);
    assert_true(max >= 2);
    if (visit(MERGED, "", "", 0, HEAD, data))
        visit(BEFORE, "", "", 0, "", data);
    return ERR_OK;
}

static enum err_kind fork_point(
    void *context, const char *a, const char *b, char ret[SCM_COMMIT_HEX + 1], struct err *err)
{
    (void)context;
    (void)err;
    assert_string_equal(a, BEFORE);
    assert_string_equal(b, HEAD);
    snprintf(ret, SCM_COMMIT_HEX + 1, "%s", FORK);
    return ERR_OK;
}

/* --- the desk -------------------------------------------------------------------------------------------- */

struct desk {
    struct scripted_forge forge;
    struct one_branch branch;
    struct scm_git git;
    struct scm *scm;
    struct err err;
};

static void set_up(
    struct desk *d,
    const struct scm_driver *driver,
    const struct scripted_answer *answers,
    size_t n)
{
    *d = (struct desk){.branch = {HEAD}};
    scripted_forge_start(&d->forge, answers, n);
    d->git = (struct scm_git){
        .context = &d->branch,
        .read_ref = read_branch,
        .update_refs = move_branch,
        .log = walk_merged,
        .merge_base = fork_point};
    struct scm_options options = {
        .git = &d->git,
        .target_branch = "main",
        .http = d->forge.http,
        .repo_url = "/srv/acme/site.git",
        .api_url = d->forge.url,
        .token = "secret"};
    assert_int_equal(driver->open(&options, &d->scm, &d->err), ERR_OK);
}

static void tear_down(struct desk *d)
{
    if (d->forge.asked != d->forge.count)
        fail_msg("asked %zu times, not %zu: %s", d->forge.asked, d->forge.count, d->err.text);
    d->scm->driver->free(d->scm);
    scripted_forge_stop(&d->forge);
}

static enum err_kind create(struct desk *d, bool is_draft, const char *const *labels)
{
    autofree char *url = NULL;
    struct scm_new n = {
        .id = ID,
        .head = HEAD,
        .title = "A title",
        .body = "A body",
        .labels = labels,
        .is_draft = is_draft};
    return d->scm->driver->create(d->scm, &n, &url, &d->err);
}

static void assert_asked(struct desk *d, const char *text)
{
    if (times_asked(&d->forge, text) == 0)
        fail_msg("not asked for: %s\nin:\n%s", text, buf_view(&d->forge.requests).p);
}

static const char *const two_labels[] = {"cup", "two words", NULL};

/* --- GitHub ------------------------------------------------------------------------------------------------ */

#define GITHUB(MEMBERS)                                                                            \
    "{\"number\":7,\"html_url\":\"http://f/7\",\"title\":\"A title\",\"body\":\"A body\","         \
    "\"user\":{\"login\":\"bot\"},\"created_at\":\"2022-01-01T00:00:00Z\",\"labels\":[],"          \
    "\"head\":{\"ref\":\"" BRANCH "\",\"sha\":\"" HEAD "\",\"repo\":{\"id\":1}},"                  \
    "\"base\":{\"ref\":\"main\",\"repo\":{\"id\":1}}," MEMBERS "}"
#define GITHUB_OPEN GITHUB("\"state\":\"open\",\"merged_at\":null")
#define GITHUB_MERGED                                                                              \
    GITHUB("\"state\":\"closed\",\"merged_at\":\"2022-01-01T00:00:00Z\",\"merge_commit_sha\":"     \
           "\"" MERGED "\"")

static void test_github__opens_a_draft_with_labels(void **state)
{
    (void)state;
    const struct scripted_answer answers[] = {
        {200, NULL, "[]"}, {201, NULL, GITHUB_OPEN}, {200, NULL, "[]"}};
    struct desk d;
    set_up(&d, &scm_github, answers, ARRAY_LEN(answers));
    assert_int_equal(create(&d, true, two_labels), ERR_OK);
    assert_asked(&d, "head=acme:cup%2Fproposal%2F" ID);
    assert_asked(
        &d,
        "{\"title\":\"A title\",\"head\":\"" BRANCH
        "\",\"base\":\"main\",\"body\":\"A body\",\"draft\":true}");
    assert_asked(&d, "POST /api/v3/repos/acme/site/issues/7/labels");
    assert_asked(&d, "{\"labels\":[\"cup\",\"two words\"]}");
    tear_down(&d);
}

static void test_github__one_that_is_as_it_should_be_is_left_alone(void **state)
{
    (void)state;
    const struct scripted_answer answers[] = {{200, NULL, "[" GITHUB_OPEN "]"}};
    struct desk d;
    set_up(&d, &scm_github, answers, ARRAY_LEN(answers));
    assert_int_equal(create(&d, false, NULL), ERR_OK);
    tear_down(&d);
}

static void test_github__what_ended_is_not_opened_again(void **state)
{
    (void)state;
    const struct scripted_answer answers[] = {{200, NULL, "[" GITHUB_MERGED "]"}};
    struct desk d;
    set_up(&d, &scm_github, answers, ARRAY_LEN(answers));
    assert_int_equal(create(&d, false, NULL), ERR_CONFLICT);
    tear_down(&d);
}

static void test_github__requests_of_forks_and_other_targets_are_not_ours(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "{\"number\":7,\"state\":\"open\",\"head\":{\"ref\":\"" BRANCH
        "\",\"repo\":{\"id\":2}},\"base\":{\"ref\":\"main\",\"repo\":{\"id\":1}}}",
        "{\"number\":7,\"state\":\"open\",\"head\":{\"ref\":\"" BRANCH
        "\",\"repo\":null},\"base\":{\"ref\":\"main\",\"repo\":{\"id\":1}}}",
        "{\"number\":7,\"state\":\"open\",\"head\":{\"ref\":\"" BRANCH
        "\",\"repo\":{\"id\":1}},\"base\":{\"ref\":\"other\",\"repo\":{\"id\":1}}}",
        "{\"number\":7,\"state\":\"open\",\"head\":{\"ref\":\"cup/proposal/"
        "x\",\"repo\":{\"id\":1}},"
        "\"base\":{\"ref\":\"main\",\"repo\":{\"id\":1}}}",
        "17",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct scm_proposals list;
        autofree char *body = mem_printf("[%s]", rows[i]);
        const struct scripted_answer answers[] = {{200, NULL, body}};
        struct desk d;
        set_up(&d, &scm_github, answers, ARRAY_LEN(answers));
        assert_int_equal(d.scm->driver->list(d.scm, true, &list, &d.err), ERR_OK);
        assert_int_equal(list.count, 0);
        scm_proposals_deinit(&list);
        tear_down(&d);
    }
}

/* --- Gitea and GitLab --------------------------------------------------------------------------------------- */

#define GITEA(TITLE, MEMBERS)                                                                      \
    "{\"number\":7,\"html_url\":\"http://f/7\",\"title\":\"" TITLE "\",\"body\":\"A body\","       \
    "\"user\":{\"login\":\"bot\"},\"created_at\":\"2022-01-01T00:00:00Z\",\"labels\":[],"          \
    "\"head\":{\"label\":\"" BRANCH "\",\"ref\":\"refs/pull/7/head\",\"sha\":\"" HEAD              \
    "\",\"repo_id\":1},\"base\":{\"ref\":\"main\",\"repo_id\":1}," MEMBERS "}"

static void test_gitea__opens_a_draft_and_makes_the_labels_that_lack(void **state)
{
    (void)state;
    const struct scripted_answer answers[] = {
        {404, NULL, "{}"},
        {201, NULL, GITEA("WIP: A title", "\"state\":\"open\",\"draft\":true")},
        {200, NULL, "[{\"id\":3,\"name\":\"Cup\"}]"},
        {200, NULL, "[{\"id\":3,\"name\":\"Cup\"}]"},
        {201, NULL, "{\"id\":4,\"name\":\"two words\"}"},
        {200, NULL, "[]"},
    };
    struct desk d;
    set_up(&d, &scm_gitea, answers, ARRAY_LEN(answers));
    assert_int_equal(create(&d, true, two_labels), ERR_OK);
    assert_asked(&d, "GET /api/v1/repos/acme/site/pulls/main/cup%2Fproposal%2F" ID);
    assert_asked(&d, "\"title\":\"WIP: A title\"");
    assert_asked(&d, "{\"labels\":[3,4]}");
    tear_down(&d);
}

static void test_gitea__another_title_of_a_draft_leaves_it_one(void **state)
{
    (void)state;
    const struct scripted_answer answers[] = {
        {200, NULL, GITEA("WIP: An old title", "\"state\":\"open\",\"draft\":true")},
        {201, NULL, "{}"},
    };
    struct desk d;
    set_up(&d, &scm_gitea, answers, ARRAY_LEN(answers));
    assert_int_equal(create(&d, false, NULL), ERR_OK);
    assert_asked(&d, "PATCH /api/v1/repos/acme/site/pulls/7");
    assert_asked(&d, "{\"title\":\"WIP: A title\",\"body\":\"A body\"}");
    tear_down(&d);
}

static void test_gitea__merges_under_the_names_of_old_and_new_versions(void **state)
{
    (void)state;
    const struct scripted_answer answers[] = {
        {200, NULL, GITEA("A title", "\"state\":\"open\",\"mergeable\":true")},
        {200, NULL, NULL},
        {200, NULL,
         GITEA(
             "A title",
             "\"state\":\"closed\",\"merged\":true,\"merge_commit_sha\":\"" MERGED "\"")},
    };
    char commit[SCM_COMMIT_HEX + 1];
    struct desk d;
    set_up(&d, &scm_gitea, answers, ARRAY_LEN(answers));
    assert_int_equal(
        d.scm->driver->merge(d.scm, ID, "Ann", "a@example.com", commit, &d.err), ERR_OK);
    assert_asked(&d, "\"do\":\"merge\",\"Do\":\"merge\"");
    assert_asked(&d, "\"merge_title_field\":\"Merge proposal " ID ": A title\"");
    assert_asked(&d, "\"MergeTitleField\":\"Merge proposal " ID ": A title\"");
    tear_down(&d);
}

#define GITLAB(TITLE, MEMBERS)                                                                     \
    "{\"iid\":7,\"web_url\":\"http://f/7\",\"title\":\"" TITLE "\",\"description\":\"A body\","    \
    "\"author\":{\"username\":\"bot\"},\"created_at\":\"2022-01-01T00:00:00.5Z\","                 \
    "\"source_branch\":\"" BRANCH "\",\"target_branch\":\"main\",\"source_project_id\":1,"         \
    "\"target_project_id\":1,\"sha\":\"" HEAD "\",\"labels\":[\"cup\"]," MEMBERS "}"

static void test_gitlab__opens_a_draft_with_labels(void **state)
{
    (void)state;
    const struct scripted_answer answers[] = {
        {200, NULL, "[]"},
        {201, NULL, GITLAB("Draft: A title", "\"state\":\"opened\",\"draft\":true")},
        {200, NULL, "{}"},
    };
    struct desk d;
    set_up(&d, &scm_gitlab, answers, ARRAY_LEN(answers));
    assert_int_equal(create(&d, true, two_labels), ERR_OK);
    assert_asked(&d, "GET /api/v4/projects/acme%2Fsite/merge_requests?state=all");
    assert_asked(&d, "\"title\":\"Draft: A title\"");
    assert_asked(&d, "{\"add_labels\":\"two words\"}");
    tear_down(&d);
}

static void test_gitlab__shows_what_blocks_a_merge(void **state)
{
    (void)state;
    static const struct {
        const char *status;
        const char *why; /* NULL: nothing */
    } ROWS[] = {
        {"mergeable", NULL},
        {"conflict", NULL},
        {"checking", NULL},
        {"not_approved", "a required approval is missing"},
        {"ci_still_running", "its pipeline is still running"},
        {"something_new", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct scm_proposal p;
        autofree char *one = mem_printf(
            GITLAB("A title", "\"state\":\"opened\",\"detailed_merge_status\":\"%s\""),
            ROWS[i].status);
        autofree char *list = mem_printf("[%s]", one);
        const struct scripted_answer answers[] = {{200, NULL, list}, {200, NULL, one}};
        struct desk d;
        set_up(&d, &scm_gitlab, answers, ARRAY_LEN(answers));
        assert_int_equal(d.scm->driver->show(d.scm, ID, &p, &d.err), ERR_OK);
        assert_int_equal(p.number, 7);
        assert_int_equal(p.created_unix_s, 1640995200);
        assert_string_equal(p.labels[0], "cup");
        if ((p.blocked == NULL) != (ROWS[i].why == NULL) ||
            (p.blocked != NULL && strcmp(p.blocked, ROWS[i].why) != 0))
            fail_msg("%s: %s", ROWS[i].status, p.blocked);
        scm_proposal_deinit(&p);
        tear_down(&d);
    }
}

/* --- merging and closing ------------------------------------------------------------------------------------ */

static enum err_kind merge(struct desk *d)
{
    char commit[SCM_COMMIT_HEX + 1] = "";
    enum err_kind r = d->scm->driver->merge(
        d->scm, ID, "Ann\nSigned-off-by: x", "a@example.com", commit, &d->err);
    if (r == ERR_OK)
        assert_string_equal(commit, MERGED);
    return r;
}

static void test_merge__is_guarded_by_the_head_and_drops_the_branch(void **state)
{
    (void)state;
    const struct scripted_answer answers[] = {
        {200, NULL, "[" GITHUB_OPEN "]"},
        {200, NULL, "{\"sha\":\"" MERGED "\",\"merged\":true}"},
        {200, NULL, GITHUB_MERGED},
    };
    struct desk d;
    set_up(&d, &scm_github, answers, ARRAY_LEN(answers));
    assert_int_equal(merge(&d), ERR_OK);
    assert_asked(&d, "\"sha\":\"" HEAD "\"");
    assert_asked(&d, "Cup-Proposal: " ID "\\nCup-Requester: Ann\"");
    assert_string_equal(d.branch.at, "");
    tear_down(&d);
}

static void test_show__a_merged_one_began_where_its_target_stood(void **state)
{
    (void)state;
    struct scm_proposal p;
    const struct scripted_answer answers[] = {
        {200, NULL, "[" GITHUB_MERGED "]"}, {200, NULL, GITHUB_MERGED}};
    struct desk d;
    set_up(&d, &scm_github, answers, ARRAY_LEN(answers));
    assert_int_equal(d.scm->driver->show(d.scm, ID, &p, &d.err), ERR_OK);
    assert_string_equal(p.base, FORK);
    assert_string_equal(p.merged, MERGED);
    scm_proposal_deinit(&p);
    tear_down(&d);
}

static void test_merge__one_that_was_cut_short_is_finished_by_the_next(void **state)
{
    (void)state;
    const struct scripted_answer answers[] = {
        {200, NULL, "[" GITHUB_MERGED "]"}, {200, NULL, "[" GITHUB_MERGED "]"}};
    struct desk d;
    set_up(&d, &scm_github, answers, ARRAY_LEN(answers));
    assert_int_equal(merge(&d), ERR_OK);
    assert_string_equal(d.branch.at, "");
    assert_int_equal(merge(&d), ERR_INVALID);
    assert_non_null(strstr(d.err.text, "merged already"));
    tear_down(&d);
}

static void test_merge__a_branch_that_went_on_is_not_dropped(void **state)
{
    (void)state;
    const struct scripted_answer answers[] = {
        {200, NULL, "[" GITHUB_OPEN "]"},
        {200, NULL, "{\"merged\":true}"},
        {200, NULL, GITHUB_MERGED},
    };
    struct desk d;
    set_up(&d, &scm_github, answers, ARRAY_LEN(answers));
    snprintf(d.branch.at, sizeof(d.branch.at), "%s", MERGED);
    assert_int_equal(merge(&d), ERR_OK);
    assert_string_equal(d.branch.at, MERGED);
    tear_down(&d);
}

static void test_merge__refusals_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        struct scripted_answer refusal;
        const char *then; /* the request as it is shown afterwards */
        enum err_kind kind;
        const char *says;
    } ROWS[] = {
        {{405, NULL, "{\"message\":\"At least 1 approving review is required\"}"},
         GITHUB("\"state\":\"open\",\"mergeable\":true,\"mergeable_state\":\"blocked\""),
         ERR_DENIED,
         "review"},
        {{405, NULL, "{\"message\":\"Pull Request is not mergeable\"}"},
         GITHUB("\"state\":\"open\",\"mergeable\":false,\"mergeable_state\":\"dirty\""),
         ERR_CONFLICT,
         "cannot be merged"},
        {{405, NULL, "{\"message\":\"Pull Request is not mergeable\"}"},
         GITHUB("\"state\":\"closed\",\"merged_at\":null"),
         ERR_INVALID,
         "closed already"},
        {{403, NULL, "{\"message\":\"Resource not accessible\"}"},
         GITHUB_OPEN,
         ERR_DENIED,
         "Resource not accessible"},
        {{409, NULL, "{\"message\":\"Head branch was modified\"}"},
         "{\"number\":7,\"state\":\"open\",\"head\":{\"ref\":\"" BRANCH "\",\"sha\":\"" MERGED
         "\",\"repo\":{\"id\":1}},\"base\":{\"ref\":\"main\",\"repo\":{\"id\":1}}}",
         ERR_CONFLICT,
         "look at it again"},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        const struct scripted_answer answers[] = {
            {200, NULL, "[" GITHUB_OPEN "]"}, ROWS[i].refusal, {200, NULL, ROWS[i].then}};
        struct desk d;
        set_up(&d, &scm_github, answers, ARRAY_LEN(answers));
        enum err_kind r = merge(&d);
        if (r != ROWS[i].kind || strstr(d.err.text, ROWS[i].says) == NULL)
            fail_msg("row %zu: kind %d: %s", i, r, d.err.text);
        assert_string_equal(d.branch.at, HEAD);
        tear_down(&d);
    }
}

static void test_close__a_branch_whose_request_never_came_to_be_goes(void **state)
{
    (void)state;
    const struct scripted_answer answers[] = {{200, NULL, "[]"}, {200, NULL, "[]"}};
    struct desk d;
    set_up(&d, &scm_gitlab, answers, ARRAY_LEN(answers));
    assert_int_equal(d.scm->driver->close(d.scm, ID, "", &d.err), ERR_OK);
    assert_string_equal(d.branch.at, "");
    assert_int_equal(d.scm->driver->close(d.scm, ID, "", &d.err), ERR_NOT_FOUND);
    tear_down(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_github__opens_a_draft_with_labels),
        cmocka_unit_test(test_github__one_that_is_as_it_should_be_is_left_alone),
        cmocka_unit_test(test_github__what_ended_is_not_opened_again),
        cmocka_unit_test(test_github__requests_of_forks_and_other_targets_are_not_ours),
        cmocka_unit_test(test_gitea__opens_a_draft_and_makes_the_labels_that_lack),
        cmocka_unit_test(test_gitea__another_title_of_a_draft_leaves_it_one),
        cmocka_unit_test(test_gitea__merges_under_the_names_of_old_and_new_versions),
        cmocka_unit_test(test_gitlab__opens_a_draft_with_labels),
        cmocka_unit_test(test_gitlab__shows_what_blocks_a_merge),
        cmocka_unit_test(test_merge__is_guarded_by_the_head_and_drops_the_branch),
        cmocka_unit_test(test_show__a_merged_one_began_where_its_target_stood),
        cmocka_unit_test(test_merge__one_that_was_cut_short_is_finished_by_the_next),
        cmocka_unit_test(test_merge__a_branch_that_went_on_is_not_dropped),
        cmocka_unit_test(test_merge__refusals_are_told_apart),
        cmocka_unit_test(test_close__a_branch_whose_request_never_came_to_be_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
