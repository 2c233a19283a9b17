#!/usr/bin/env python3
"""What cup asks forges for, and what our forge answers, held against the forges' own API descriptions.

  forge_api.py fetch DIR        GitHub's and Gitea's descriptions, what we use of them, into DIR (npm and go get them)
  forge_api.py check DIR LOG…   logs of tests/support/forge.py; exit 1: a request or an answer is not as described

A description that is not in DIR is not checked against, and that is said. GitLab's is not to be had as a package:
GITLAB below holds what we use of docs.gitlab.com, "Merge requests API" and "Merge status".
"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

GITHUB_PACKAGE = "@octokit/openapi@23.0.2"
GITEA_MODULE = "code.gitea.io/gitea@v1.26.0"
GITEA_OLD_NAMES = {"Do", "MergeTitleField", "MergeMessageField"}  # of `merge` before that version

# --- fetching ------------------------------------------------------------------------------------------

PULLS = "/repos/{owner}/{repo}/pulls"
USED = {
    "github": [PULLS, PULLS + "/{pull_number}", PULLS + "/{pull_number}/merge",
               "/repos/{owner}/{repo}/issues/{issue_number}/labels"],
    "gitea": [PULLS, PULLS + "/{index}", PULLS + "/{index}/merge", PULLS + "/{base}/{head}", "/repos/{owner}/{repo}/labels",
              "/repos/{owner}/{repo}/issues/{index}/labels"],
}


def refs(node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from refs(item)


def part(whole, ref):
    for key in ref[2:].split("/"):
        whole = whole[key.replace("~1", "/").replace("~0", "~")]
    return whole


def only_used(whole, paths):
    """The paths and whatever they refer to, by its reference."""
    kept = {"paths": {path: whole["paths"][path] for path in paths}, "refs": {}}
    todo = list(refs(kept["paths"]))
    while todo:
        ref = todo.pop()
        if ref not in kept["refs"]:
            kept["refs"][ref] = part(whole, ref)
            todo += refs(kept["refs"][ref])
    return kept


def github_description(folder):
    subprocess.run(["npm", "pack", "--silent", "--fetch-retries=0", GITHUB_PACKAGE], cwd=folder, check=True,
                   capture_output=True, timeout=120)
    with tarfile.open(glob.glob(folder + "/octokit-openapi-*.tgz")[0]) as tar:
        return json.load(tar.extractfile("package/generated/api.github.com.json"))


def gitea_description(_):
    done = subprocess.run(["go", "mod", "download", "-json", GITEA_MODULE], check=True, capture_output=True, text=True,
                          timeout=120)
    with open(json.loads(done.stdout)["Dir"] + "/templates/swagger/v1_json.tmpl") as f:
        return json.loads(re.sub(r"\{\{[^}]*\}\}", "", f.read()))


def fetch(target):
    os.makedirs(target, exist_ok=True)
    failed = False
    for kind, description in (("github", github_description), ("gitea", gitea_description)):
        if os.path.exists(f"{target}/{kind}.json"):
            continue
        folder = tempfile.mkdtemp()
        try:
            used = only_used(description(folder), USED[kind])
            with open(f"{target}/{kind}.json.part", "w") as f:
                json.dump(used, f)
            os.rename(f"{target}/{kind}.json.part", f"{target}/{kind}.json")
        except (OSError, subprocess.SubprocessError, KeyError, IndexError) as e:
            print(f"forge_api: no description of {kind}: {e}", file=sys.stderr)
            failed = True
        finally:
            shutil.rmtree(folder)
    return 1 if failed else 0


# --- GitLab: what we use ---------------------------------------------------------------------------------

TEXT, COUNT, FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
TEXT_OR_NULL = {"type": "string", "nullable": True}
MERGE_STATUS = ("approvals_syncing checking ci_must_pass ci_still_running commits_status conflict "
                "discussions_not_resolved draft_status jira_association_missing locked_lfs_files locked_paths "
                "merge_request_blocked merge_time mergeable need_rebase not_approved not_open preparing "
                "requested_changes security_policy_pipeline_check security_policy_violations "
                "status_checks_must_pass title_regex unchecked").split()
MERGE_REQUEST = {"type": "object", "properties": {
    "iid": COUNT, "title": TEXT, "description": TEXT_OR_NULL, "web_url": TEXT, "created_at": TEXT, "source_branch": TEXT,
    "target_branch": TEXT, "source_project_id": COUNT, "target_project_id": COUNT, "sha": TEXT, "draft": FLAG,
    "state": {"type": "string", "enum": ["opened", "closed", "locked", "merged"]},
    "detailed_merge_status": {"type": "string", "enum": MERGE_STATUS},
    "merge_commit_sha": TEXT_OR_NULL, "squash_commit_sha": TEXT_OR_NULL, "labels": {"type": "array", "items": TEXT},
    "author": {"type": "object", "properties": {"username": TEXT}, "required": ["username"]},
    "diff_refs": {"type": "object", "properties": {"base_sha": TEXT, "head_sha": TEXT, "start_sha": TEXT}}},
    "required": ["iid", "title", "description", "web_url", "created_at", "source_branch", "target_branch",
                 "source_project_id", "target_project_id", "sha", "draft", "state", "detailed_merge_status",
                 "merge_commit_sha", "squash_commit_sha", "labels", "author"]}


def gitlab_operation(code, answer, body=(), query=None, required=()):
    members = {name: FLAG if name.startswith("should_") else TEXT for name in body}
    return {"parameters": [{"in": "query", "name": name, "schema": schema} for name, schema in (query or {}).items()],
            "requestBody": {"content": {"application/json": {"schema": {
                "type": "object", "properties": members, "required": list(required)}}}},
            "responses": {code: {"content": {"application/json": {"schema": answer}}}}}


def one_of(*names):
    return {"type": "string", "enum": list(names)}


MRS = "/projects/{id}/merge_requests"
GITLAB = {"refs": {}, "paths": {
    MRS: {
        "get": gitlab_operation("200", {"type": "array", "items": MERGE_REQUEST}, query={
            "state": one_of("opened", "closed", "locked", "merged", "all"), "order_by": one_of("created_at", "updated_at"),
            "sort": one_of("asc", "desc"), "source_branch": TEXT, "target_branch": TEXT, "per_page": TEXT, "page": TEXT}),
        "post": gitlab_operation("201", MERGE_REQUEST, ("title", "source_branch", "target_branch", "description"),
                                 required=("title", "source_branch", "target_branch"))},
    MRS + "/{merge_request_iid}": {
        "get": gitlab_operation("200", MERGE_REQUEST),
        "put": gitlab_operation("200", MERGE_REQUEST, ("title", "description", "add_labels", "state_event"))},
    MRS + "/{merge_request_iid}/merge": {
        "put": gitlab_operation("200", MERGE_REQUEST, ("sha", "merge_commit_message", "should_remove_source_branch"))},
}}

# --- checking --------------------------------------------------------------------------------------------

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


class Checker:
    def __init__(self, kind, description):
        self.kind, self.description = kind, description
        self.paths = []
        for template, operations in description["paths"].items():
            names = re.split(r"(\{\w+\})", template)
            # a project's path and a branch hold slashes, which are %2F in the URL and plain in the log
            regex = "".join(".+" if n in ("{id}", "{head}") else "[^/]+" if n[:1] == "{" else re.escape(n) for n in names)
            self.paths.append((regex, template, operations))
        self.paths.sort(key=lambda p: len(p[0]))

    def follow(self, node):
        while "$ref" in node:
            node = self.description["refs"][node["$ref"]]
        return node

    def is_type(self, value, name):
        if name == "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        if name == "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        return isinstance(value, TYPES[name])

    def errors(self, value, schema, where, is_closed):
        """is_closed: members that the schema does not know are wrong (requests)."""
        schema = self.follow(schema)
        if value is None and (schema.get("nullable") or self.kind == "gitea"):  # Swagger 2 knows no null
            return
        for sub in schema.get("allOf", []):
            yield from self.errors(value, sub, where, False)
        for key in ("anyOf", "oneOf"):
            if key in schema and all(any(True for _ in self.errors(value, sub, where, is_closed)) for sub in schema[key]):
                yield f"{where}: none of {key} fits"
                return
        names = schema.get("type", [])
        names = [names] if isinstance(names, str) else names
        if names and not any(self.is_type(value, n) for n in names):
            yield f"{where}: {value!r} is no {' or '.join(names)}"
            return
        if "enum" in schema and value not in schema["enum"]:
            yield f"{where}: {value!r} is not one of {schema['enum']}"
        if isinstance(value, list):
            for i, item in enumerate(value):
                yield from self.errors(item, schema.get("items", {}), f"{where}[{i}]", is_closed)
        if isinstance(value, dict):
            yield from self.member_errors(value, schema, where, is_closed)

    def member_errors(self, value, schema, where, is_closed):
        known = schema.get("properties", {})
        for name in schema.get("required", []):
            if name not in value:
                yield f"{where}.{name} is missing"
        for name, item in value.items():
            if name in known:
                yield from self.errors(item, known[name], f"{where}.{name}", is_closed)
            elif is_closed and known and not schema.get("additionalProperties") and name not in GITEA_OLD_NAMES:
                yield f"{where}.{name} is not known"

    def operation(self, method, path):
        for regex, template, operations in self.paths:
            if re.fullmatch(regex, path) and method.lower() in operations:
                return template, operations[method.lower()]
        return None, None

    def request_errors(self, line, operation):
        parameters = [self.follow(p) for p in operation.get("parameters", [])]
        query = {p["name"]: p for p in parameters if p["in"] == "query"}
        for name, value in line["query"].items():
            allowed = query.get(name, {}).get("schema", query.get(name, {})).get("enum")
            if name not in query:
                yield f"query '{name}' is not known"
            elif allowed and value not in allowed:
                yield f"query '{name}={value}' is not one of {allowed}"
        schema = next((p["schema"] for p in parameters if p["in"] == "body"), None)
        content = self.follow(operation.get("requestBody", {})).get("content", {})
        schema = content.get("application/json", {}).get("schema", schema)
        if line["body"] is not None:
            if schema is None:
                yield "a body, where none is known"
            else:
                yield from self.errors(line["body"], schema, "body", True)

    def answer_errors(self, line, operation):
        answer = operation["responses"].get(str(line["status"]))
        if answer is None:
            if line["status"] < 400:
                yield f"status {line['status']} is not known"
            return
        answer = self.follow(answer)
        content = answer.get("content", {}).get("application/json", {})
        schema = content.get("schema", answer.get("schema"))
        if schema is not None and line["answer"] is not None:
            yield from self.errors(line["answer"], schema, "answer", False)

    def check(self, line):
        template, operation = self.operation(line["method"], line["path"])
        what = f"{self.kind}: {line['method']} {line['path']}"
        if operation is None:
            yield f"{what}: there is no such operation"
            return
        wrong = list(self.request_errors(line, operation))
        if not line["fault"]:
            wrong += self.answer_errors(line, operation)
        for error in wrong:
            yield f"{what} ({line['status']}): {error}"


def load(folder, kind):
    if kind == "gitlab":
        return GITLAB
    try:
        with open(f"{folder}/{kind}.json") as f:
            return json.load(f)
    except OSError:
        return None


def check(folder, logs):
    checkers, count, wrong = {}, {}, []
    for path in logs:
        with open(path) as log:
            for line in map(json.loads, log):
                kind = line["kind"]
                if kind not in checkers:
                    description = load(folder, kind)
                    checkers[kind] = Checker(kind, description) if description else None
                count[kind] = count.get(kind, 0) + 1
                wrong += checkers[kind].check(line) if checkers[kind] else []
    for kind, number in sorted(count.items()):
        if checkers[kind] is None:
            print(f"SKIPPED: {number} requests to {kind} are not checked: its description is not in '{folder}' "
                  "(tools/fetch-forge-api)")
        else:
            print(f"{number} requests to {kind} and their answers are checked")
    for line in sorted(set(wrong))[:50]:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["fetch"] and len(sys.argv) == 3:
        sys.exit(fetch(sys.argv[2]))
    if sys.argv[1:2] == ["check"] and len(sys.argv) > 3:
        sys.exit(check(sys.argv[2], sys.argv[3:]))
    sys.exit(__doc__)
