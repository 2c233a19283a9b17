#include "repo/testing.h"

#include <pthread.h>

static const struct repo_id none;

/* Three commits a, b, c on main. */
static void make_history(struct lab *l)
{
    lab_sh(
        l,
        "for n in a b c; do echo $n >$n && git add $n && git commit -q -m $n && git tag $n; done");
}

static enum err_kind move(
    struct lab *l,
    const char *name,
    const struct repo_id *from,
    const struct repo_id *to,
    struct err *err)
{
    struct repo_ref_update update = {.name = name, .old_commit = *from, .new_commit = *to};
    return repo_ref_update(l->repo, &update, 1, err);
}

static void assert_at(struct lab *l, const char *name, const char *revision)
{
    autofree char *script = mem_printf("git rev-parse --verify -q %s || echo none", name);
    autofree char *wanted = mem_printf("git rev-parse --verify -q %s || echo none", revision);
    autofree char *is = lab_out(l, script);
    autofree char *ought = lab_out(l, wanted);
    assert_string_equal(is, ought);
}

static void test_ref_update__creates_moves_and_deletes_where_it_stands_as_told(void **state)
{
    struct lab *l = *state;
    struct err err;
    make_history(l);
    struct repo_id a = lab_rev(l, "a");
    struct repo_id b = lab_rev(l, "b");
    lab_ok(move(l, "refs/heads/x", &none, &a, &err), &err);
    assert_at(l, "refs/heads/x", "a");
    assert_int_equal(move(l, "refs/heads/x", &none, &b, &err), ERR_CONFLICT);
    assert_non_null(strstr(err.text, "refs/heads/x"));
    assert_int_equal(move(l, "refs/heads/x", &b, &a, &err), ERR_CONFLICT);
    assert_at(l, "refs/heads/x", "a");
    lab_ok(move(l, "refs/heads/x", &a, &b, &err), &err);
    assert_at(l, "refs/heads/x", "b");
    assert_int_equal(move(l, "refs/heads/x", &a, &none, &err), ERR_CONFLICT);
    lab_ok(move(l, "refs/heads/x", &b, &none, &err), &err);
    assert_at(l, "refs/heads/x", "refs/heads/none");
    lab_sh(l, "test -z \"$(find .git -name '*.lock')\"");
}

static void test_ref_update__moves_all_or_none(void **state)
{
    struct lab *l = *state;
    struct err err;
    make_history(l);
    struct repo_id a = lab_rev(l, "a");
    struct repo_id b = lab_rev(l, "b");
    struct repo_ref_update both[] = {
        {.name = "refs/heads/x", .old_commit = none, .new_commit = a},
        {.name = "refs/tags/b", .old_commit = a, .new_commit = a},
    };
    assert_int_equal(repo_ref_update(l->repo, both, 2, &err), ERR_CONFLICT);
    assert_non_null(strstr(err.text, "refs/tags/b"));
    assert_at(l, "refs/heads/x", "refs/heads/none");
    both[1].old_commit = b;
    lab_ok(repo_ref_update(l->repo, both, 2, &err), &err);
    assert_at(l, "refs/heads/x", "a");
    assert_at(l, "refs/tags/b", "a");
}

static void test_ref_update__sees_what_git_packed_or_moved_meanwhile(void **state)
{
    struct lab *l = *state;
    struct err err;
    struct repo_id at;
    make_history(l);
    struct repo_id b = lab_rev(l, "b");
    struct repo_id c = lab_rev(l, "c");
    lab_sh(l, "git branch x a");
    lab_ok(repo_ref_read(l->repo, "refs/heads/x", &at, &err), &err);
    lab_sh(l, "git update-ref refs/heads/x b && git pack-refs --all");
    lab_ok(repo_ref_read(l->repo, "refs/heads/x", &at, &err), &err);
    assert_true(repo_id_eq(&at, &b));
    lab_ok(move(l, "refs/heads/x", &b, &c, &err), &err);
    assert_at(l, "refs/heads/x", "c");
    lab_ok(move(l, "refs/heads/x", &c, &none, &err), &err);
    assert_at(l, "refs/heads/x", "refs/heads/none"); /* nor does the packed one come back */
}

static void test_ref_update__a_name_that_clashes_or_is_no_ref_is_refused(void **state)
{
    struct lab *l = *state;
    struct err err;
    make_history(l);
    struct repo_id a = lab_rev(l, "a");
    static const char *const bad[] = {
        "refs/heads/main/sub", "refs/heads",     "main", "refs/heads/a..b",
        "refs/heads/x.lock",   "refs/heads/a b", "../x"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (move(l, bad[i], &none, &a, &err) == ERR_OK)
            fail_msg("'%s' was made", bad[i]);
    lab_sh(l, "git symbolic-ref refs/heads/s refs/heads/main");
    assert_int_equal(move(l, "refs/heads/s", &a, &a, &err), ERR_INVALID);
    assert_at(l, "refs/heads/main", "c");
    lab_fsck(l);
}

static void test_ref_update__a_stale_lock_is_named_and_loses_nothing(void **state)
{
    struct lab *l = *state;
    struct err err;
    make_history(l);
    struct repo_id a = lab_rev(l, "a");
    struct repo_id b = lab_rev(l, "b");
    lab_sh(l, "git branch x a && touch .git/refs/heads/x.lock");
    assert_int_equal(move(l, "refs/heads/x", &a, &b, &err), ERR_FAILED);
    assert_non_null(strstr(err.text, "refs/heads/x.lock"));
    lab_sh(l, "rm .git/refs/heads/x.lock");
    assert_at(l, "refs/heads/x", "a");
    lab_ok(move(l, "refs/heads/x", &a, &b, &err), &err);
}

#define RACERS 4
#define ROUNDS 25

struct racer {
    struct lab *lab;
    struct repo_id commits[2];
    int won;
    bool has_failed;
};

/* Flips refs/heads/x between two commits; each success is one move that nobody else made. */
static void *race(void *data)
{
    struct racer *me = data;
    for (int i = 0; i < ROUNDS; i++) {
        struct repo_id now;
        struct err err;
        if (repo_ref_read(me->lab->repo, "refs/heads/x", &now, &err) != ERR_OK) {
            me->has_failed = true;
            break;
        }
        const struct repo_id *next = &me->commits[repo_id_eq(&now, &me->commits[0]) ? 1 : 0];
        enum err_kind kind = move(me->lab, "refs/heads/x", &now, next, &err);
        me->won += kind == ERR_OK;
        if (kind != ERR_OK && kind != ERR_CONFLICT)
            me->has_failed = true;
    }
    return NULL;
}

static void test_ref_update__of_racing_threads_each_move_is_made_once(void **state)
{
    struct lab *l = *state;
    pthread_t threads[RACERS];
    struct racer racers[RACERS];
    int won = 0;
    make_history(l);
    lab_sh(l, "git config core.logAllRefUpdates true && git branch x a");
    for (size_t i = 0; i < RACERS; i++) {
        racers[i] = (struct racer){.lab = l, .commits = {lab_rev(l, "a"), lab_rev(l, "b")}};
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    }
    for (size_t i = 0; i < RACERS; i++) {
        pthread_join(threads[i], NULL);
        assert_false(racers[i].has_failed);
        won += racers[i].won;
    }
    assert_true(won > 0);
    assert_at(l, "refs/heads/x", won % 2 == 0 ? "a" : "b");
}

static void test_ref_list__is_sorted_and_only_what_starts_so(void **state)
{
    struct lab *l = *state;
    struct repo_refs refs = {0};
    struct err err;
    make_history(l);
    lab_sh(
        l,
        "git branch p/b a && git branch p/a b && git pack-refs --all && git branch p/c c && "
        "git branch q c && git rev-parse a:a >.git/refs/heads/p/blob");
    lab_ok(repo_ref_list(l->repo, "refs/heads/p/", &refs, &err), &err);
    assert_int_equal(refs.count, 3);
    assert_string_equal(refs.items[0].name, "refs/heads/p/a");
    assert_string_equal(refs.items[1].name, "refs/heads/p/b");
    assert_string_equal(refs.items[2].name, "refs/heads/p/c");
    struct repo_id a = lab_rev(l, "a");
    assert_true(repo_id_eq(&refs.items[1].commit, &a));
    repo_refs_deinit(&refs);
    lab_ok(repo_ref_list(l->repo, "refs/heads/nothing/", &refs, &err), &err);
    assert_int_equal(refs.count, 0);
    repo_refs_deinit(&refs);
}

/* The value of each ref below refs/heads/p/, as "name=letter", in one line. */
static char *listed(struct lab *l)
{
    struct repo_refs refs = {0};
    struct err err;
    autobuf struct buf line = {0};
    lab_ok(repo_ref_list(l->repo, "refs/heads/p/", &refs, &err), &err);
    for (size_t i = 0; i < refs.count; i++) {
        const char *letter = "?";
        for (const char *const *at = (const char *const[]){"a", "b", "c", NULL}; *at != NULL;
             at++) {
            struct repo_id id = lab_rev(l, *at);
            letter = repo_id_eq(&id, &refs.items[i].commit) ? *at : letter;
        }
        buf_printf(&line, "%s=%s ", refs.items[i].name + strlen("refs/heads/p/"), letter);
    }
    repo_refs_deinit(&refs);
    return line.n == 0 ? mem_strdup("") : buf_steal(&line);
}

static void test_ref_list__shows_what_others_did_to_refs_it_knows(void **state)
{
    static const struct {
        const char *script;
        const char *wanted;
    } rows[] = {
        {"git update-ref refs/heads/p/x a && git update-ref refs/heads/p/deep/y b",
         "deep/y=b x=a "},
        {"find .git/refs/heads/p -exec touch -d '1 hour ago' {} +", "deep/y=b x=a "},
        {"true", "deep/y=b x=a "},
        {"git update-ref refs/heads/p/x b", "deep/y=b x=b "},
        {"git update-ref refs/heads/p/x c", "deep/y=b x=c "},
        {"git update-ref refs/heads/p/x a", "deep/y=b x=a "},
        {"git pack-refs --all", "deep/y=b x=a "},
        {"git update-ref refs/heads/p/x c", "deep/y=b x=c "}, /* loose over packed */
        {"git update-ref -d refs/heads/p/x", "deep/y=b "},
        {"git symbolic-ref refs/heads/p/link refs/heads/p/deep/y", "deep/y=b link=b "},
        {"git tag -a -m x t c && git rev-parse t >.git/refs/heads/p/tag", "deep/y=b link=b tag=c "},
        {"echo 1 >.git/refs/heads/p/x.lock && rm .git/refs/heads/p/tag", "deep/y=b link=b "},
        {"git update-ref -d refs/heads/p/deep/y && git symbolic-ref -d refs/heads/p/link", ""},
    };
    struct lab *l = *state;
    make_history(l);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        lab_sh(l, rows[i].script);
        autofree char *line = listed(l);
        if (strcmp(line, rows[i].wanted) != 0)
            fail_msg("after '%s': %s", rows[i].script, line);
    }
}

static void test_resolve__takes_branch_tag_full_ref_and_commit_id(void **state)
{
    struct lab *l = *state;
    struct err err;
    struct repo_id id;
    char hex[REPO_ID_HEX + 1];
    make_history(l);
    lab_sh(l, "git tag -a -m x annotated b && git branch a c");
    struct repo_id b = lab_rev(l, "b");
    struct repo_id c = lab_rev(l, "c");
    lab_ok(repo_resolve(l->repo, STR("annotated"), &id, &err), &err);
    assert_true(repo_id_eq(&id, &b));
    lab_ok(repo_resolve(l->repo, STR("a"), &id, &err), &err); /* a branch goes before a tag */
    assert_true(repo_id_eq(&id, &c));
    lab_ok(repo_resolve(l->repo, STR("refs/tags/b"), &id, &err), &err);
    assert_true(repo_id_eq(&id, &b));
    lab_ok(repo_resolve(l->repo, str_from(lab_hex(&b, hex)), &id, &err), &err);
    assert_true(repo_id_eq(&id, &b));
}

static void test_resolve__refuses_what_is_not_one_thing(void **state)
{
    struct lab *l = *state;
    struct err err;
    struct repo_id id;
    make_history(l);
    autofree char *blob = lab_out(l, "git rev-parse a:a");
    autofree char *brief = lab_out(l, "git rev-parse --short=12 a");
    const char *const bad[] = {"",         "-x",      "main^", "main~1",
                               "main@{0}", "@",       ":/a",   "a:a",
                               "main..a",  "../../",  "a b",   "nope",
                               "refs/x",   "a\n",     "*",     "refs/heads/",
                               "a\xff",    blob,      brief,   "HEAD@{1 day ago}",
                               "^a",       "a^{tree}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (repo_resolve(l->repo, str_from(bad[i]), &id, &err) == ERR_OK)
            fail_msg("'%s' was taken", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lab_test(test_ref_update__creates_moves_and_deletes_where_it_stands_as_told),
        lab_test(test_ref_update__moves_all_or_none),
        lab_test(test_ref_update__sees_what_git_packed_or_moved_meanwhile),
        lab_test(test_ref_update__a_name_that_clashes_or_is_no_ref_is_refused),
        lab_test(test_ref_update__a_stale_lock_is_named_and_loses_nothing),
        lab_test(test_ref_update__of_racing_threads_each_move_is_made_once),
        lab_test(test_ref_list__is_sorted_and_only_what_starts_so),
        lab_test(test_ref_list__shows_what_others_did_to_refs_it_knows),
        lab_test(test_resolve__takes_branch_tag_full_ref_and_commit_id),
        lab_test(test_resolve__refuses_what_is_not_one_thing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
