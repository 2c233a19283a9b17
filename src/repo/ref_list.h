/* What repo_ref_list (repo.h) keeps between calls. */
#pragma once

struct ref_memo; /* any thread */
struct ref_memo *ref_memo_new(void);
struct ref_memo *ref_memo_free(struct ref_memo *m); /* NULL is fine; returns NULL */
