#!/usr/bin/env python3
"""A forge of ours: the part of GitHub's, Gitea's or GitLab's REST API that cup uses, over a real bare repository.

  forge.py --kind github|gitea|gitlab --repo DIR --name OWNER/NAME --token TOKEN --log FILE
           [--page-size N] [--port N]

Prints "url=http://127.0.0.1:PORT/…" (the address of the API), then answers until it is ended. Requests are pull
(merge) requests in memory; branches, merges and heads are those of the repository. Without a script it is honest:
tests/support/forge_api.py checks its log against the forges' own descriptions. Every request and its answer is a
JSON line of the log.

Scripted by PUT /_/faults with a list; each is used up `times` times (1), by requests that its `on` (a regular
expression over "METHOD /path") matches, after `skip` (0) of them:
  {"on": …, "status": 422, "body": {…}, "headers": {…}}   answer so, carry nothing out
  {"on": …, "cut": "before"}    break the connection, carry nothing out
  {"on": …, "cut": "after"}     carry it out, then break the connection: the answer is lost
  {"on": …, "cut": "middle"}    carry it out, send half of the answer
PUT /_/settings {"reviews": true, "methods": ["squash"], "checking": 2, "drop_branch": true, "protected": true}:
reviews missing, ways of merging that are allowed, how often it is still looking whether it can merge, branches
dropped when merged, nobody may merge. GET /_/state tells all requests; PUT /_/close/N, /_/edit/N as a person would; PUT /_/forget forgets all.
"""
import argparse
import datetime
import json
import re
import subprocess
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Refused(Exception):
    def __init__(self, status, body=None, headers=None):
        super().__init__(status)
        self.status, self.body, self.headers = status, body, headers or {}


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Git:
    """The bare repository."""

    def __init__(self, path):
        self.path = path

    def run(self, *args, ok=True, stdin=None):
        done = subprocess.run(["git", "-C", self.path, *args], capture_output=True, text=True, input=stdin)
        if ok and done.returncode != 0:
            raise Refused(500, {"message": done.stderr})
        return done.stdout.strip() if done.returncode == 0 else None

    def head(self, branch):
        return self.run("rev-parse", "-q", "--verify", f"refs/heads/{branch}^{{commit}}", ok=False)

    def base(self, a, b):
        return self.run("merge-base", a, b, ok=False)

    def merged_tree(self, ours, theirs):
        out = self.run("merge-tree", "--write-tree", ours, theirs, ok=False)
        return out.split("\n")[0] if out else None

    def commit(self, tree, parents, message):
        who = ["-c", "user.name=forge", "-c", "user.email=forge@example.com"]
        return self.run(*who, "commit-tree", tree, *[a for p in parents for a in ("-p", p)], "-F", "-", stdin=message)


class Request:
    """A pull or merge request."""

    def __init__(self, number, head, base, title, body, draft=False):
        self.number, self.head, self.base, self.title, self.body = number, head, base, title, body or ""
        self.draft, self.labels, self.state = draft, [], "open"
        self.head_sha = self.base_sha = self.merge_sha = self.merged_at = self.closed_at = None
        self.created = self.updated = now()


class Forge:
    """What all three have in common; a kind says how it looks."""

    needs_encoding = False

    def __init__(self, args, git):
        self.git, self.token, self.page_size = git, args.token, args.page_size
        self.owner, self.repo = args.name.rsplit("/", 1)
        self.requests, self.labels, self.faults = [], [], []
        self.settings = {"reviews": False, "methods": ["merge", "squash", "rebase"], "checking": 0, "drop_branch": False,
                         "protected": False}
        self.lock, self.origin = threading.Lock(), ""

    # --- requests and Git -----------------------------------------------------------------------------

    def refresh(self):
        """A forge sees pushes: heads move, and what lost its branch is closed."""
        for r in self.requests:
            if r.state != "open":
                continue
            sha = self.git.head(r.head)
            if sha is None:
                r.state, r.closed_at = "closed", now()
                continue
            r.head_sha = sha
            r.base_sha = self.git.head(r.base)
            self.git.run("update-ref", f"refs/pull/{r.number}/head", sha)

    def find(self, number):
        for r in self.requests:
            if r.number == int(number):
                return r
        raise Refused(404, {"message": "Not Found"})

    def open_of(self, head, base):
        return next((r for r in self.requests if (r.head, r.base, r.state) == (head, base, "open")), None)

    def add(self, head, base, title, body, draft=False):
        r = Request(len(self.requests) + 1, head, base, title, body, draft)
        self.requests.append(r)
        self.refresh()
        return r

    def has_conflict(self, r):
        return r.state == "open" and self.git.merged_tree(self.git.head(r.base), r.head_sha) is None

    def is_checking(self):
        if self.settings["checking"] > 0:
            self.settings["checking"] -= 1
            return True
        return False

    def merge(self, r, method, message):
        base = self.git.head(r.base)
        tree = self.git.merged_tree(base, r.head_sha)
        parents = [base, r.head_sha] if method == "merge" else [base]
        r.merge_sha = self.git.commit(tree, parents, message)
        self.git.run("update-ref", f"refs/heads/{r.base}", r.merge_sha, base)
        r.state, r.merged_at, r.closed_at = "merged", now(), now()
        if self.settings["drop_branch"]:
            self.git.run("update-ref", "-d", f"refs/heads/{r.head}", r.head_sha)

    def page(self, items, query, path, size_name):
        size = min(int(query.get(size_name, 30)), self.page_size)
        at = int(query.get("page", 1))
        links = {}
        if len(items) > at * size:
            following = urllib.parse.urlencode({**query, "page": at + 1})
            links["Link"] = f'<{self.origin}{self.prefix}{self.own_path(path)}?{following}>; rel="next"'
        return 200, items[(at - 1) * size:at * size], links

    # --- one call -------------------------------------------------------------------------------------

    def call(self, method, path, query, headers, body):
        self.authorize(headers)
        for verb, pattern, name in self.routes:
            match = re.fullmatch(pattern.format(repo=re.escape(self.repo_path())), path)
            if verb == method and match:
                self.refresh()
                answer = getattr(self, name)(*match.groups(), query=query, body=body, path=path)
                return (*answer, {}) if len(answer) == 2 else answer
        raise Refused(404, {"message": "404 Not Found"})

    def authorize(self, headers):
        if headers.get(self.token_header) != self.token_prefix + self.token:
            raise Refused(401, {"message": "Bad credentials"})

    def own_path(self, path):
        return path.replace(f"{self.owner}/{self.repo}", f"{self.owner}%2F{self.repo}") if self.needs_encoding else path

    def repo_path(self):
        return f"{self.owner}/{self.repo}"


class GitHub(Forge):
    prefix, token_header, token_prefix = "/api/v3", "Authorization", "Bearer "
    routes = [
        ("GET", "/repos/{repo}/pulls", "list"),
        ("POST", "/repos/{repo}/pulls", "create"),
        ("GET", r"/repos/{repo}/pulls/(\d+)", "get"),
        ("PATCH", r"/repos/{repo}/pulls/(\d+)", "edit"),
        ("PUT", r"/repos/{repo}/pulls/(\d+)/merge", "merge_it"),
        ("POST", r"/repos/{repo}/issues/(\d+)/labels", "label"),
    ]

    def invalid(self, *errors):
        return Refused(422, {"message": "Validation Failed", "errors": list(errors),
                             "documentation_url": "https://docs.github.com/rest/pulls/pulls"})

    def user(self):
        url = f"{self.origin}/users/cup-bot"
        links = ("events", "followers", "following", "gists", "organizations", "received_events", "repos", "starred",
                 "subscriptions")
        return {"login": "cup-bot", "id": 7, "node_id": "U7", "avatar_url": url, "gravatar_id": "", "url": url,
                "html_url": f"{self.origin}/cup-bot", "type": "User", "site_admin": False,
                **{f"{name}_url": f"{url}/{name}" for name in links}}

    def repository(self):
        url = f"{self.origin}/repos/{self.owner}/{self.repo}"
        html = f"{self.origin}/{self.owner}/{self.repo}"
        links = ("archive assignees blobs branches collaborators comments commits compare contents contributors "
                 "deployments downloads events forks git_commits git_refs git_tags hooks issue_comment issue_events "
                 "issues keys labels languages merges milestones notifications pulls releases stargazers statuses "
                 "subscribers subscription tags teams trees").split()
        return {"id": 42, "node_id": "R42", "name": self.repo, "full_name": f"{self.owner}/{self.repo}",
                "owner": self.user(), "private": True, "html_url": html, "description": None, "fork": False, "url": url,
                **{f"{name}_url": f"{url}/{name}" for name in links}, "clone_url": html + ".git", "git_url": html,
                "ssh_url": html, "svn_url": html, "mirror_url": None, "homepage": None, "language": None, "forks": 0,
                "forks_count": 0, "stargazers_count": 0, "watchers": 0, "watchers_count": 0, "size": 1,
                "default_branch": "main", "open_issues": 0, "open_issues_count": 0, "has_issues": True,
                "has_projects": False, "has_wiki": False, "has_pages": False, "has_downloads": False,
                "has_discussions": False, "archived": False, "disabled": False, "visibility": "private", "license": None,
                "pushed_at": now(), "created_at": now(), "updated_at": now(), "topics": [], "allow_forking": True,
                "is_template": False, "web_commit_signoff_required": False}

    def end(self, branch, sha):
        return {"label": f"{self.owner}:{branch}", "ref": branch, "sha": sha, "user": self.user(),
                "repo": self.repository()}

    def show_label(self, name):
        return {"id": 1 + self.labels.index(name), "node_id": name, "url": f"{self.origin}/labels/{name}", "name": name,
                "description": "", "color": "ededed", "default": False}

    def show(self, r, whole=False):
        url = f"{self.origin}/repos/{self.owner}/{self.repo}/pulls/{r.number}"
        html = f"{self.origin}/{self.owner}/{self.repo}/pull/{r.number}"
        links = ("comments", "commits", "statuses", "html", "issue", "review_comments", "review_comment", "self")
        view = {"id": 1000 + r.number, "node_id": f"P{r.number}", "number": r.number, "url": url, "html_url": html,
                "diff_url": html + ".diff", "patch_url": html + ".patch", "issue_url": url, "commits_url": url,
                "review_comments_url": url, "review_comment_url": url, "comments_url": url, "statuses_url": url,
                "state": "open" if r.state == "open" else "closed", "locked": False, "title": r.title,
                "body": r.body or None, "user": self.user(), "labels": [self.show_label(name) for name in r.labels],
                "milestone": None, "assignee": None, "author_association": "MEMBER", "auto_merge": None, "draft": r.draft,
                "created_at": r.created, "updated_at": r.updated, "closed_at": r.closed_at, "merged_at": r.merged_at,
                # of an open one GitHub gives its merge for trial
                "merge_commit_sha": r.merge_sha or r.base_sha, "head": self.end(r.head, r.head_sha),
                "base": self.end(r.base, r.base_sha), "_links": {name: {"href": url} for name in links}}
        if whole:
            view.update(self.merging(r))
        return view

    def merging(self, r):
        checking = r.state == "open" and self.is_checking()
        conflict = self.has_conflict(r)
        state = "unknown" if checking or r.state != "open" else "dirty" if conflict else "draft" if r.draft \
            else "blocked" if self.settings["reviews"] else "clean"
        return {"mergeable": None if checking else not conflict, "mergeable_state": state, "merged": r.state == "merged",
                "merged_by": self.user() if r.merged_at else None, "comments": 0, "review_comments": 0,
                "maintainer_can_modify": False, "commits": 1, "additions": 1, "deletions": 0, "changed_files": 1}

    def list(self, query, body, path):
        state = query.get("state", "open")
        found = [r for r in reversed(self.requests)
                 if (state == "all" or (r.state == "open") == (state == "open"))
                 and query.get("base", r.base) == r.base
                 and query.get("head", f"{self.owner}:{r.head}") == f"{self.owner}:{r.head}"]
        return self.page([self.show(r) for r in found], query, path, "per_page")

    def create(self, query, body, path):
        if self.git.head(body["head"]) is None:
            raise self.invalid({"resource": "PullRequest", "field": "head", "code": "invalid"})
        if self.open_of(body["head"], body["base"]):
            raise self.invalid({"resource": "PullRequest", "code": "custom", "message":
                                f"A pull request already exists for {self.owner}:{body['head']}."})
        if self.git.base(body["head"], body["base"]) == self.git.head(body["head"]):
            raise self.invalid({"resource": "PullRequest", "code": "custom", "message":
                                f"No commits between {body['base']} and {body['head']}"})
        r = self.add(body["head"], body["base"], body["title"], body.get("body"), body.get("draft", False))
        return 201, self.show(r, True)

    def get(self, number, query, body, path):
        return 200, self.show(self.find(number), True)

    def edit(self, number, query, body, path):
        r = self.find(number)
        r.title, r.body, r.updated = body.get("title", r.title), body.get("body", r.body), now()
        if body.get("state") == "closed" and r.state == "open":
            r.state, r.closed_at = "closed", now()
        return 200, self.show(r, True)

    def label(self, number, query, body, path):
        r = self.find(number)
        for name in body["labels"]:
            self.labels += [name] if name not in self.labels else []
            r.labels += [name] if name not in r.labels else []
        return 200, [self.show_label(name) for name in r.labels]

    def merge_it(self, number, query, body, path):
        r = self.find(number)
        method = body.get("merge_method", "merge")
        words = {"merge": "Merge commits", "squash": "Squash merges", "rebase": "Rebase merges"}
        if self.settings["protected"]:
            raise Refused(403, {"message": "Resource not accessible by personal access token"})
        if r.state != "open" or self.has_conflict(r):
            raise Refused(405, {"message": "Pull Request is not mergeable"})
        if body.get("sha", r.head_sha) != r.head_sha:
            raise Refused(409, {"message": "Head branch was modified. Review and try the merge again."})
        if r.draft:
            raise Refused(405, {"message": "Pull Request is still a draft"})
        if method not in self.settings["methods"]:
            raise Refused(405, {"message": f"{words[method]} are not allowed on this repository."})
        if self.settings["reviews"]:
            raise Refused(405, {"message": "At least 1 approving review is required by reviewers with write access."})
        self.merge(r, method, f"{body['commit_title']}\n\n{body['commit_message']}")
        return 200, {"sha": r.merge_sha, "merged": True, "message": "Pull Request successfully merged"}


class Gitea(Forge):
    prefix, token_header, token_prefix = "/api/v1", "Authorization", "token "
    routes = [
        ("GET", "/repos/{repo}/pulls", "list"),
        ("POST", "/repos/{repo}/pulls", "create"),
        ("PATCH", r"/repos/{repo}/pulls/(\d+)", "edit"),
        ("POST", r"/repos/{repo}/pulls/(\d+)/merge", "merge_it"),
        ("GET", "/repos/{repo}/pulls/([^/]+)/(.+)", "get_by_head"),
        ("GET", "/repos/{repo}/labels", "list_labels"),
        ("POST", "/repos/{repo}/labels", "create_label"),
        ("POST", r"/repos/{repo}/issues/(\d+)/labels", "label"),
    ]

    def is_draft(self, r):
        return r.title.startswith(("WIP:", "[WIP]"))

    def error(self, status, message):
        return Refused(status, {"message": message, "url": f"{self.origin}/api/swagger"})

    def user(self):
        return {"id": 7, "login": "cup-bot", "login_name": "", "full_name": "", "email": "cup@example.com",
                "avatar_url": self.origin, "html_url": f"{self.origin}/cup-bot", "created": now(), "is_admin": False}

    def end(self, branch, sha, number=None):
        is_gone = number is not None and self.git.head(branch) is None
        return {"label": branch, "ref": f"refs/pull/{number}/head" if is_gone else branch, "sha": sha, "repo_id": 42,
                "repo": {"id": 42, "name": self.repo, "full_name": f"{self.owner}/{self.repo}"}}

    def show_label(self, name):
        return {"id": 1 + self.labels.index(name), "name": name, "color": "ededed", "description": "", "url": self.origin,
                "exclusive": False, "is_archived": False}

    def show(self, r):
        html = f"{self.origin}/{self.owner}/{self.repo}/pulls/{r.number}"
        base_sha = r.base_sha or self.git.head(r.base)
        mergeable = r.state == "open" and not self.is_draft(r) and not self.has_conflict(r) and not self.is_checking()
        return {"id": 1000 + r.number, "url": html, "number": r.number, "user": self.user(), "title": r.title,
                "body": r.body, "labels": [self.show_label(name) for name in r.labels], "milestone": None,
                "assignee": None, "assignees": [], "requested_reviewers": [], "requested_reviewers_teams": [],
                "state": "open" if r.state == "open" else "closed", "draft": self.is_draft(r), "is_locked": False,
                "comments": 0, "html_url": html, "diff_url": html + ".diff", "patch_url": html + ".patch",
                "mergeable": mergeable, "merged": r.state == "merged", "merged_at": r.merged_at,
                "merge_commit_sha": r.merge_sha, "merged_by": self.user() if r.merged_at else None,
                "allow_maintainer_edit": False, "base": self.end(r.base, base_sha),
                "head": self.end(r.head, r.head_sha, r.number), "merge_base": self.git.base(base_sha, r.head_sha) or "",
                "due_date": None, "created_at": r.created, "updated_at": r.updated, "closed_at": r.closed_at, "pin_order": 0}

    def list(self, query, body, path):
        state = query.get("state", "open")
        found = [r for r in reversed(self.requests)
                 if (state == "all" or (r.state == "open") == (state == "open"))
                 and query.get("base_branch", r.base) == r.base]
        return self.page([self.show(r) for r in found], query, path, "limit")

    def create(self, query, body, path):
        head, base = body["head"], body["base"]
        if self.git.head(head) is None or self.git.head(base) is None:
            raise self.error(404, "The target couldn't be found.")
        there = self.open_of(head, base)
        if there:
            raise self.error(409, "pull request already exists for these targets [id: %d, issue_id: %d, head_repo_id: 42, "
                             "base_repo_id: 42, head_branch: %s, base_branch: %s]" % (there.number, there.number, head, base))
        return 201, self.show(self.add(head, base, body["title"], body.get("body")))

    def get_by_head(self, base, head, query, body, path):
        wanted = [r for r in self.requests if (r.base, r.head) == (base, head)]
        if not wanted:
            raise self.error(404, "The target couldn't be found.")
        return 200, self.show(wanted[0])

    def edit(self, number, query, body, path):
        r = self.find(number)
        r.title, r.body, r.updated = body.get("title") or r.title, body.get("body", r.body), now()
        if body.get("state") == "closed" and r.state == "open":
            r.state, r.closed_at = "closed", now()
        return 201, self.show(r)

    def list_labels(self, query, body, path):
        return self.page([self.show_label(name) for name in self.labels], query, path, "limit")

    def create_label(self, query, body, path):
        self.labels.append(body["name"])
        return 201, self.show_label(body["name"])

    def label(self, number, query, body, path):
        r = self.find(number)
        for wanted in body["labels"]:
            name = self.labels[wanted - 1]
            r.labels += [name] if name not in r.labels else []
        return 200, [self.show_label(name) for name in r.labels]

    def merge_it(self, number, query, body, path):
        r = self.find(number)
        if self.settings["protected"]:
            raise self.error(405, "User not allowed to merge PR")
        if r.state == "merged":
            raise self.error(405, "The PR is already merged")
        if r.state == "closed":
            raise self.error(404, "The target couldn't be found.")
        if self.is_draft(r):
            raise self.error(405, "Work in progress PRs cannot be merged")
        if self.has_conflict(r) or self.is_checking():
            raise self.error(405, "Please try again later")
        if self.settings["reviews"]:
            raise self.error(405, "not ready to be merged: Does not have enough approvals")
        if body["do"] not in self.settings["methods"]:
            raise self.error(405, f"{body['do']} is not allowed an allowed merge style for this repository")
        if body.get("head_commit_id", r.head_sha) != r.head_sha:
            raise self.error(409, "head out of date")
        self.merge(r, body["do"], f"{body['merge_title_field']}\n\n{body['merge_message_field']}")
        return 200, None


class GitLab(Forge):
    prefix, token_header, token_prefix = "/api/v4", "PRIVATE-TOKEN", ""
    routes = [
        ("GET", "/projects/{repo}/merge_requests", "list"),
        ("POST", "/projects/{repo}/merge_requests", "create"),
        ("GET", r"/projects/{repo}/merge_requests/(\d+)", "get"),
        ("PUT", r"/projects/{repo}/merge_requests/(\d+)", "edit"),
        ("PUT", r"/projects/{repo}/merge_requests/(\d+)/merge", "merge_it"),
    ]
    states, needs_encoding = {"open": "opened"}, True

    def is_draft(self, r):
        return r.title.startswith(("Draft:", "[Draft]", "(Draft)"))

    def user(self):
        return {"id": 7, "username": "cup-bot", "name": "cup", "state": "active", "avatar_url": None,
                "web_url": f"{self.origin}/cup-bot"}

    def show(self, r, whole=False):
        checking = r.state == "open" and self.is_checking()
        conflict = self.has_conflict(r)
        status = "not_open" if r.state != "open" else "checking" if checking else "conflict" if conflict \
            else "draft_status" if self.is_draft(r) else "not_approved" if self.settings["reviews"] else "mergeable"
        html = f"{self.origin}/{self.owner}/{self.repo}/-/merge_requests/{r.number}"
        base_sha = r.base_sha or self.git.head(r.base)
        view = {"id": 1000 + r.number, "iid": r.number, "project_id": 42, "title": r.title, "description": r.body,
                "state": self.states.get(r.state, r.state), "created_at": r.created[:-1] + ".123Z",
                "updated_at": r.updated, "merged_at": r.merged_at, "closed_at": r.closed_at, "target_branch": r.base,
                "source_branch": r.head, "author": self.user(), "source_project_id": 42, "target_project_id": 42,
                "labels": list(r.labels), "draft": self.is_draft(r), "work_in_progress": self.is_draft(r),
                "merge_status": "cannot_be_merged" if conflict else "can_be_merged", "detailed_merge_status": status,
                "sha": r.head_sha, "merge_commit_sha": r.merge_sha if "merge" in self.settings["methods"] else None,
                "squash_commit_sha": None if "merge" in self.settings["methods"] else r.merge_sha,
                "has_conflicts": conflict, "web_url": html, "references": {"short": f"!{r.number}"}, "squash": False}
        if whole:
            view["diff_refs"] = {"base_sha": self.git.base(base_sha, r.head_sha), "head_sha": r.head_sha,
                                 "start_sha": base_sha}
        return view

    def list(self, query, body, path):
        state = query.get("state", "all")
        found = [r for r in reversed(self.requests)
                 if state in ("all", self.states.get(r.state, r.state))
                 and query.get("source_branch", r.head) == r.head and query.get("target_branch", r.base) == r.base]
        return self.page([self.show(r) for r in found], query, path, "per_page")

    def create(self, query, body, path):
        head, base = body["source_branch"], body["target_branch"]
        there = self.open_of(head, base)
        if there:
            raise Refused(409, {"message": ["Another open merge request already exists for this source branch: "
                                            f"!{there.number}"]})
        if self.git.head(head) is None:
            raise Refused(400, {"message": {"source_branch": ["does not exist"]}})
        return 201, self.show(self.add(head, base, body["title"], body.get("description")), True)

    def get(self, number, query, body, path):
        return 200, self.show(self.find(number), True)

    def edit(self, number, query, body, path):
        r = self.find(number)
        r.title, r.body, r.updated = body.get("title", r.title), body.get("description", r.body), now()
        for name in filter(None, body.get("add_labels", "").split(",")):
            r.labels += [name] if name not in r.labels else []
        if body.get("state_event") == "close" and r.state == "open":
            r.state, r.closed_at = "closed", now()
        return 200, self.show(r, True)

    def merge_it(self, number, query, body, path):
        r = self.find(number)
        if self.settings["protected"]:
            raise Refused(401, {"message": "401 Unauthorized"})
        if r.state != "open" or self.is_draft(r) or self.settings["reviews"] or self.is_checking():
            raise Refused(405, {"message": "405 Method Not Allowed"})
        if self.has_conflict(r):
            raise Refused(422, {"message": "Branch cannot be merged"})
        if body.get("sha", r.head_sha) != r.head_sha:
            raise Refused(409, {"message": f"SHA does not match HEAD of source branch: {r.head_sha}"})
        self.merge(r, self.settings["methods"][0], body["merge_commit_message"])
        return 200, self.show(r, True)


KINDS = {"github": GitHub, "gitea": Gitea, "gitlab": GitLab}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def setup(self):
        super().setup()
        self.connection.settimeout(60)

    def answer(self, status, body, headers=(), cut=None):
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        if body is not None:
            self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[:len(data) // 2] if cut == "middle" else data)

    def control(self, forge, method, path, body):
        parts = path.split("/")[2:]
        if parts[0] == "faults":
            forge.faults = [{"skip": 0, "times": 1, **fault} for fault in body]
        elif parts[0] == "settings":
            forge.settings.update(body)
        elif parts[0] == "close":
            forge.find(parts[1]).state = "closed"
        elif parts[0] == "forget":
            forge.requests = []
        elif parts[0] == "edit":
            vars(forge.find(parts[1])).update(body)
        forge.refresh()
        return {"faults": forge.faults, "requests": [vars(r) for r in forge.requests]}

    def fault_for(self, forge, what):
        for fault in forge.faults:
            if fault["times"] > 0 and re.search(fault["on"], what):
                if fault["skip"] > 0:
                    fault["skip"] -= 1
                    continue
                fault["times"] -= 1
                return fault
        return {}

    def carry_out(self, forge, path, query, body, fault):
        try:
            if "status" in fault:
                raise Refused(fault["status"], fault.get("body", {"message": "scripted"}), fault.get("headers"))
            return forge.call(self.command, path, query, self.headers, body)
        except Refused as refused:
            return refused.status, refused.body, refused.headers

    def handle_any(self):
        forge = self.server.forge
        target = urllib.parse.urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        path = urllib.parse.unquote(target.path)
        if forge.needs_encoding and "/merge_requests" in path and "%2F" not in target.path:
            path = "/"  # GitLab takes a project's path for one part of the URL
        with forge.lock:
            if path.startswith("/_/"):
                return self.answer(200, self.control(forge, self.command, path, body))
            query = dict(urllib.parse.parse_qsl(target.query))
            below = path[len(forge.prefix):] if path.startswith(forge.prefix) else "/not-the-api" + path
            fault = self.fault_for(forge, f"{self.command} {below}")
            cut = fault.get("cut")
            status, answer, headers = (0, None, {}) if cut == "before" else \
                self.carry_out(forge, below, query, body, fault)
            line = {"kind": type(forge).__name__.lower(), "method": self.command, "path": below, "query": query,
                    "body": body, "status": status, "answer": answer, "fault": bool(fault), "cut": cut}
            with open(self.server.log, "a") as log:
                log.write(json.dumps(line) + "\n")
        if cut in ("before", "after"):
            self.close_connection = True
            return None
        self.answer(status, answer, headers, cut)
        if cut == "middle":
            self.close_connection = True
        return None

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--kind", choices=KINDS, required=True)
    for name in ("--repo", "--name", "--token", "--log"):
        p.add_argument(name, required=True)
    p.add_argument("--page-size", type=int, default=100)
    p.add_argument("--port", type=int, default=0)
    args = p.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", args.port), Handler)
    server.daemon_threads = True
    server.log = args.log
    server.forge = KINDS[args.kind](args, Git(args.repo))
    server.forge.origin = f"http://127.0.0.1:{server.server_address[1]}"
    print(f"url={server.forge.origin}{server.forge.prefix}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
