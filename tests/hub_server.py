# SPDX-License-Identifier: MIT
"""A Hugging Face Hub on loopback with one data set: what of its API lists and reads files; large ones are elsewhere."""

import hashlib
import json
import urllib.parse

from store_server import Handler, StoreServer

LARGE = 100_000  # bytes: from there on, a file is redirected to another server


def blob_id(content):
    return hashlib.sha1(content).hexdigest()


class HubHandler(Handler):
    def do_POST(self):  # noqa: N802
        self.asked = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.answer(True)

    def found(self, has_body):
        hub = self.server.hub
        if hub.token and self.headers.get("Authorization") != f"Bearer {hub.token}":
            return 401, {"X-Error-Code": "RepoNotFound"}, b"{}"
        path, _, query = self.path.partition("?")
        kind, *parts = path.lstrip("/").split("/")
        if kind == "api":
            prefix, (action, revision, *inside) = parts[:3], (urllib.parse.unquote(part) for part in parts[3:])
            known = prefix == ["datasets", *hub.name.split("/")]
        else:
            prefix, (action, revision, *inside) = parts[:2], (urllib.parse.unquote(part) for part in parts[2:])
            known = [kind, *prefix] == ["datasets", *hub.name.split("/")]
        if not known:
            return 404, {"X-Error-Code": "RepoNotFound"}, b"{}"
        commit = hub.branches.get(revision, revision)
        if commit not in hub.commits:
            return 404, {"X-Error-Code": "RevisionNotFound"}, b"{}"
        files = hub.commits[commit]
        if action == "revision":
            return as_json({"id": hub.name, "sha": commit, "siblings": []})
        if action == "paths-info":
            return as_json([entry(name, files) for name in self.asked["paths"] if entry(name, files)])
        inside = "/".join(inside)
        if action == "tree":
            return self.tree(files, inside, query)
        assert action == "resolve"
        if inside not in files:
            return 404, {"X-Error-Code": "EntryNotFound"}, b""
        hub.commits_read.add(revision)
        if len(files[inside]) < LARGE:
            return self.part_of(files[inside], has_body)
        return 302, {"Location": f"{hub.elsewhere.url}/{blob_id(files[inside])}?X-Signature=very-secret"}, b""

    def tree(self, files, folder, query):
        """Return a page of 10 entries, and where the next one is."""
        below = folder and folder + "/"
        names = sorted(name for name in files if name.startswith(below))
        if not names:
            return 404, {"X-Error-Code": "EntryNotFound"}, b"{}"
        folders = {name[: at + 1] for name in names for at in range(len(below), len(name)) if name[at] == "/"}
        every = [*({"type": "directory", "path": name[:-1], "oid": "0", "size": 0} for name in sorted(folders))]
        every += [entry(name, files) for name in names]
        given = urllib.parse.parse_qs(query)
        first = int(given.get("cursor", ["0"])[0])
        status, headers, body = as_json(every[first : first + 10])
        if first + 10 < len(every):
            path = self.path.partition("?")[0]
            headers["Link"] = f'<{self.server.hub.url}{path}?recursive=true&cursor={first + 10}>; rel="next"'
        return status, headers, body


def entry(name, files):
    if name in files:
        return {"type": "file", "path": name, "oid": blob_id(files[name]), "size": len(files[name])}
    if any(other.startswith(name + "/") for other in files):
        return {"type": "directory", "path": name, "oid": "0", "size": 0}
    return None


def as_json(value):
    return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()


class ElsewhereHandler(Handler):
    def found(self, has_body):
        if self.headers.get("Authorization"):
            return 400, {}, b"a token that is not for this server"
        content = self.server.hub.large.get(self.path.partition("?")[0].lstrip("/"))
        return self.part_of(content, has_body) if content else (404, {}, b"")


class HubServer(StoreServer):
    """The Hub. `put` makes a commit on the branch `main`."""

    def __init__(self, name, token=None):
        super().__init__(handler=HubHandler)
        self.elsewhere = StoreServer(handler=ElsewhereHandler)
        self.server.hub = self.elsewhere.server.hub = self
        self.name, self.token = name, token
        self.branches, self.commits, self.large = {"main": "0"}, {"0": {}}, {}
        self.commits_read = set()

    def put(self, **contents):
        files = {**self.commits[self.branches["main"]], **contents}
        self.large.update((blob_id(content), content) for content in contents.values() if len(content) >= LARGE)
        commit = hashlib.sha1(str([(name, blob_id(files[name])) for name in sorted(files)]).encode()).hexdigest()
        self.commits[commit] = files
        self.branches["main"] = commit

    def close(self):
        super().close()
        self.elsewhere.close()
