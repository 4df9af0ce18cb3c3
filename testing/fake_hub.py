"""A model hub on loopback that can lie: for tests of downloads, and to be started by hand (script/fake-hub FOLDER).

    with FakeHub(folder) as hub:                      # folder: org/name/files…; each org/name is a model's repository,
                                                      # each datasets/org/name one of a data set
        hub.fault("blob", cut(1000, rst=True))        # the next answer of the content server breaks off
        …                                             # HF_ENDPOINT=hub.endpoint
        hub.requests("blob")                          # what was asked for: method, path, headers, range, bytes sent

Two origins as at the real one: the hub (127.0.0.1) tells what there is and redirects to the content server (localhost,
another port) with an address that expires. Raw sockets, because a well-made server library would not send wrong
lengths.
Kinds of requests: info, refs, tree, paths, resolve, small (small files, by a relative redirect), blob, manifest.

Source   the API as huggingface_hub 1.29 and llama.cpp use it: doc strings of both, and hub-docs (rate-limits.md).
"""
import argparse
import collections
import dataclasses
import datetime
import hashlib
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import struct
import sys
import threading
import time
import urllib.parse

import fake_hub_faults

SMALL = 10_000  # bytes: smaller files that are no models lie in the repository itself
DATE = 1_770_000_000  # of the first commit


@dataclasses.dataclass
class Request:
    origin: str
    method: str
    path: str
    query: dict
    headers: dict
    kind: str = ""
    raw: str = ""  # the path as it came, percent-encoded
    status: int = 0
    sent: int = 0  # bytes of the body
    when: float = 0

    @property
    def range(self):
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("range", ""))
        return (int(found[1]), int(found[2]) + 1 if found[2] else None) if found else None


@dataclasses.dataclass
class Response:
    status: int = 200
    headers: dict = dataclasses.field(default_factory=dict)
    body: object = b""  # bytes, or (path, begin, end) of a file
    length: object = "true"  # "true": as long as it is; a number: a lie; None: chunked, without a length
    cut: object = None  # (bytes, rst): break off
    flip: object = None  # offset of a byte to damage
    extra: bytes = b""  # after the body
    stall: object = None  # (bytes, seconds)
    header_delay: float = 0  # seconds per byte
    rate: float = 0  # bytes per second
    close: bool = False

    def size(self):
        return len(self.body) if isinstance(self.body, bytes) else self.body[2] - self.body[1]


class File:
    def __init__(self, source):
        self.source = source  # bytes or a path
        self.size = len(source) if isinstance(source, bytes) else source.stat().st_size
        sha256, sha1 = hashlib.sha256(), hashlib.sha1(b"blob %d\0" % self.size)
        for block in self.blocks():
            sha256.update(block)
            sha1.update(block)
        self.sha256, self.sha1 = sha256.hexdigest(), sha1.hexdigest()

    def blocks(self):
        if isinstance(self.source, bytes):
            yield self.source
            return
        with open(self.source, "rb") as file:
            while block := file.read(1 << 20):
                yield block

    def part(self, begin, end):
        return self.source[begin:end] if isinstance(self.source, bytes) else (self.source, begin, end)


class FakeHub:
    def __init__(self, folder=None, *, port=0, cdn_port=0, page_size=1000, rate_per_connection=0, token="", private=(),
                 gated=(), expires=3600, log=False, certificate=None):
        """certificate: a PEM file with key and certificate; both origins then speak TLS."""
        self.page_size, self.rate_per_connection, self.token = page_size, rate_per_connection, token
        self.expires, self.log = expires, log
        self.private, self.gated, self.disabled = set(private), set(gated), set()
        self.repos = collections.defaultdict(dict)  # repo -> commit -> {path: File}
        self.main = {}  # repo -> commit
        self.refs = collections.defaultdict(dict)  # repo -> other branches and tags -> commit
        self.all_requests, self.faults, self.leaked_tokens = [], [], []
        self.lock = threading.Lock()
        for file in sorted(pathlib.Path(folder).glob("*/*/**/*")) if folder else ():
            if file.is_file():
                parts = file.relative_to(folder).parts
                depth = 3 if parts[0] == "datasets" and len(parts) > 3 else 2
                self.add("/".join(parts[:depth]), "/".join(parts[depth:]), file)
        self.tls = None
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(certificate)
        self.listeners = {}
        for origin, number in (("hub", port), ("cdn", cdn_port)):
            listener = socket.create_server(("127.0.0.1", number), backlog=128)
            self.listeners[origin] = listener
            threading.Thread(target=self.accept, args=(origin, listener), daemon=True).start()
        scheme = "https" if self.tls else "http"
        self.endpoint = f"{scheme}://127.0.0.1:{self.listeners['hub'].getsockname()[1]}"
        self.cdn = f"{scheme}://localhost:{self.listeners['cdn'].getsockname()[1]}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """No new connections: the hub is down."""
        for listener in self.listeners.values():
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()

    # Content

    def add(self, repo, path, content, revision="main"):
        """Puts a file in: main (or another branch, which begins empty) moves to a new commit, the old ones stay."""
        before = self.main.get(repo) if revision == "main" else self.refs[repo].get(revision)
        files = {**self.repos[repo].get(before, {}), path: File(content)}
        commit = hashlib.sha1(json.dumps(sorted((p, f.sha256) for p, f in files.items())).encode()).hexdigest()
        self.repos[repo][commit] = files
        if revision == "main":
            self.main[repo] = commit
        else:
            self.refs[repo][revision] = commit

    def file(self, repo, path):
        return self.repos[repo][self.main[repo]][path]

    # What tests ask and add

    def fault(self, kind, edit, *, times=1, after=0, path="", offset=None):
        """The next `times` (None: all) answers to requests of this kind, after the first `after`, are edited.

        With an offset only answers whose body has that byte of the file count; cut, flip and stall then go by the
        file's offsets."""
        self.faults.append({"kind": kind, "edit": edit, "times": times, "after": after, "path": path, "offset": offset})

    def requests(self, *kinds):
        with self.lock:
            return [r for r in self.all_requests if not kinds or r.kind in kinds]

    def sent(self):
        return sum(r.sent for r in self.requests("blob", "small"))

    def forget(self):
        with self.lock:
            self.all_requests.clear()

    # Sockets

    def accept(self, origin, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(origin, connection), daemon=True).start()

    def serve(self, origin, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.tls:
            try:
                connection = self.tls.wrap_socket(connection, server_side=True)
            except OSError:  # a client that does not trust us
                connection.close()
                return
        with connection, connection.makefile("rb") as incoming:
            try:
                while request := self.read(origin, incoming):
                    with self.lock:
                        self.all_requests.append(request)
                    response = self.answer(request)
                    request.status = response.status
                    try:
                        again = self.send(connection, request, response)
                    finally:
                        if self.log:
                            print(f"{request.origin} {request.method} {request.path} "
                                  f"{request.headers.get('range', '')} {request.status} {request.sent}", flush=True)
                    if not again:
                        return
            except (OSError, ValueError):
                pass

    def read(self, origin, incoming):
        line = incoming.readline(65536).decode("latin-1").split()
        if len(line) != 3:
            return None
        headers = {}
        while (header := incoming.readline(65536).strip()):
            name, _, value = header.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", 0))
        if length:
            headers["body"] = incoming.read(length).decode()
        url = urllib.parse.urlsplit(line[1])
        request = Request(origin, line[0], urllib.parse.unquote(url.path), dict(urllib.parse.parse_qsl(url.query)),
                          headers, raw=url.path, when=time.time())
        if origin == "cdn" and "authorization" in headers:
            self.leaked_tokens.append(headers["authorization"])
        return request

    def send(self, connection, request, response):
        """Returns whether the connection goes on."""
        body_size = response.size() + len(response.extra)
        headers = dict(response.headers)
        chunked = response.length is None
        if chunked:
            headers["Transfer-Encoding"] = "chunked"
        else:
            headers["Content-Length"] = response.size() if response.length == "true" else response.length
        if response.close:
            headers["Connection"] = "close"
        head = f"HTTP/1.1 {response.status} Answer\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n"
        if response.header_delay:
            for byte in head.encode("latin-1"):
                connection.sendall(bytes([byte]))
                time.sleep(response.header_delay)
        else:
            connection.sendall(head.encode("latin-1"))
        if request.method == "HEAD":
            return not response.close
        rate = response.rate or (self.rate_per_connection if request.kind == "blob" else 0)
        stop_at, rst = response.cut or (None, False)
        started = time.monotonic()
        for block in self.blocks(response, rate):
            if response.stall and request.sent <= response.stall[0] < request.sent + len(block):
                connection.sendall(block[:response.stall[0] - request.sent])
                time.sleep(response.stall[1])
                block, response.stall = block[response.stall[0] - request.sent:], None
            if stop_at is not None and request.sent + len(block) >= stop_at:
                block = block[:stop_at - request.sent]
            connection.sendall(b"%x\r\n%s\r\n" % (len(block), block) if chunked and block else block)
            request.sent += len(block)
            if stop_at is not None and request.sent >= stop_at:
                if rst:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            if rate:
                time.sleep(max(0.0, started + request.sent / rate - time.monotonic()))
        if chunked:
            connection.sendall(b"0\r\n\r\n")
        lied = response.length not in ("true", None) and response.length != body_size
        return not (response.close or lied or response.extra)

    @staticmethod
    def blocks(response, rate):
        step = max(1, min(1 << 20, int(rate / 20))) if rate else 1 << 20
        at = 0

        def damaged(block):
            if response.flip is not None and at <= response.flip < at + len(block):
                changed = bytearray(block)
                changed[response.flip - at] ^= 1
                return bytes(changed)
            return block

        if isinstance(response.body, bytes):
            for begin in range(0, len(response.body), step):
                block = response.body[begin:begin + step]
                yield damaged(block)
                at += len(block)
        else:
            path, begin, end = response.body
            with open(path, "rb") as file:
                file.seek(begin)
                while begin < end and (block := file.read(min(step, end - begin))):
                    yield damaged(block)
                    at += len(block)
                    begin += len(block)
        if response.extra:
            yield response.extra

    # Answers

    def answer(self, request):
        response = self.on_cdn(request) if request.origin == "cdn" else self.on_hub(request)
        with self.lock:
            for fault in self.faults:
                if fault["kind"] != request.kind or fault["path"] not in request.path:
                    continue
                begin = request.range[0] if request.range else 0
                if fault["offset"] is not None and (request.method != "GET"
                                                    or not begin <= fault["offset"] < begin + response.size()):
                    continue
                if fault["after"] > 0:
                    fault["after"] -= 1
                    continue
                if fault["times"] == 0:
                    continue
                if fault["times"] is not None:
                    fault["times"] -= 1
                edited = fault["edit"](response, request, self)
                response = edited or response
                if fault["offset"] is not None and begin:
                    response.flip = response.flip and response.flip - begin
                    response.cut = response.cut and (response.cut[0] - begin, response.cut[1])
                    response.stall = response.stall and (response.stall[0] - begin, response.stall[1])
        return response

    def on_hub(self, request):
        response = self.route(request)
        response.headers.setdefault("RateLimit", '"api";r=499;t=300')
        response.headers.setdefault("RateLimit-Policy", '"fixed window";"api";q=500;w=300')
        return response

    def route(self, request):
        def match(pattern):
            """Of the path as it came: a revision's slashes are encoded in it."""
            found = re.fullmatch(pattern, request.raw)
            return found and [part and urllib.parse.unquote(part) for part in found.groups()]

        if found := match(r"/v2/([^/]+/[^/]+)/manifests/(.+)"):
            request.kind = "manifest"
            return self.with_repo(request, found[0], "main", lambda files: self.manifest(files, found[1]))
        if found := match(r"/api/(models|datasets)/([^/]+/[^/]+)(?:/revision/(.+))?"):
            request.kind, repo = "info", repo_of(*found[:2])
            return self.with_repo(request, repo, found[2] or "main", lambda files: self.info(repo, files))
        if found := match(r"/api/(models|datasets)/([^/]+/[^/]+)/refs"):
            request.kind, repo = "refs", repo_of(*found)
            return self.with_repo(request, repo, "main", lambda _: as_json(
                {"branches": [{"name": "main", "ref": "refs/heads/main", "targetCommit": self.main[repo]}],
                 "tags": [], "converts": []}))
        if found := match(r"/api/(models|datasets)/([^/]+/[^/]+)/tree/([^/]+)(?:/(.*))?"):
            request.kind = "tree"
            return self.with_repo(request, repo_of(*found[:2]), found[2],
                                  lambda files: self.tree(request, files, found[3] or ""))
        if found := match(r"/api/(models|datasets)/([^/]+/[^/]+)/paths-info/([^/]+)"):
            request.kind = "paths"
            body = request.headers.get("body", "")
            wanted = json.loads(body)["paths"] if body.startswith("{") else urllib.parse.parse_qs(body).get("paths", [])
            return self.with_repo(request, repo_of(*found[:2]), found[2],
                                  lambda files: as_json([entry(p, files[p], True) for p in wanted if p in files]))
        if found := match(r"/((?:datasets/)?[^/]+/[^/]+)/resolve/([^/]+)/(.+)"):
            request.kind = "resolve"
            return self.with_repo(request, found[0], found[1], lambda files: self.resolve(found[0], files, found[2]))
        if found := match(r"/api/resolve-cache/(models|datasets)/([^/]+/[^/]+)/([^/]+)/(.+)"):
            request.kind = "small"
            file = self.repos[repo_of(*found[:2])][found[2]][found[3]]
            return self.content(request, file, {"ETag": f'"{file.sha1}"', "X-Repo-Commit": found[2]})
        return Response(404, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})

    def with_repo(self, request, repo, revision, give):
        authorization = request.headers.get("authorization", "")
        known = self.token and authorization == f"Bearer {self.token}"
        if authorization and self.token and not known:
            return Response(401, {"X-Error-Message": "Invalid credentials in Authorization header"})
        if repo not in self.main or (repo in self.private and not known):
            return Response(404 if known else 401,
                            {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})
        if repo in self.disabled:
            return Response(403, {"X-Error-Message": "Access to this resource is disabled."})
        if repo in self.gated and not known and request.kind == "resolve":
            return Response(401,
                            {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access to this model is restricted."})
        if revision.startswith("~"):
            revision = "refs/convert/" + revision[1:]
        commit = self.main[repo] if revision == "main" else self.refs[repo].get(revision, revision)
        if commit not in self.repos[repo]:
            return Response(404, {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "Invalid rev id"})
        response = give(self.repos[repo][commit])
        response.headers.setdefault("X-Repo-Commit", commit)
        return response

    def info(self, repo, files):
        commit = next(c for c, f in self.repos[repo].items() if f is files)
        return as_json({"id": repo, "modelId": repo, "sha": commit, "private": repo in self.private,
                        "gated": "auto" if repo in self.gated else False,
                        "disabled": False, "lastModified": moment(), "tags": ["gguf"],
                        "siblings": [{"rfilename": p} for p in sorted(files)]})

    def tree(self, request, files, folder):
        below = folder + "/" if folder else ""
        files = {p: f for p, f in files.items() if p.startswith(below)}
        if below and not files:
            return Response(404, {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"})
        folders = sorted({"/".join(p.split("/")[:n]) for p in files for n in range(1, p.count("/") + 1)})
        entries = [{"type": "directory", "oid": "0" * 40, "size": 0, "path": f} for f in folders if f.startswith(below)]
        entries += [entry(p, f, request.query.get("expand") == "true") for p, f in sorted(files.items())]
        if request.query.get("recursive", "false").lower() != "true":
            entries = [e for e in entries if "/" not in e["path"][len(below):]]
        at = int(request.query.get("cursor", 0))
        size = min(self.page_size, int(request.query.get("limit", self.page_size)))
        response = as_json(entries[at:at + size])
        if at + size < len(entries):
            query = urllib.parse.urlencode({**request.query, "cursor": at + size})
            response.headers["Link"] = f'<{self.endpoint}{urllib.parse.quote(request.path)}?{query}>; rel="next"'
        return response

    def manifest(self, files, tag):
        names = sorted(p for p in files if p.endswith(".gguf") and (tag == "latest" or tag.lower() in p.lower()))
        if not names:
            return Response(404, {"X-Error-Code": "EntryNotFound"})
        return as_json({"ggufFile": {"rfilename": names[0], "size": files[names[0]].size,
                                     "blobId": files[names[0]].sha256}})

    def resolve(self, repo, files, path):
        if path not in files:
            return Response(404, {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"})
        file = files[path]
        commit = next(c for c, f in self.repos[repo].items() if f is files)
        common = {"X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        if not is_large(path, file):
            kind = "" if repo.startswith("datasets/") else "models/"
            location = f"/api/resolve-cache/{kind}{repo}/{commit}/{urllib.parse.quote(path)}?etag={file.sha1}"
            return Response(307, {**common, "Location": location, "ETag": f'"{file.sha1}"', "X-Linked-Size": file.size})
        query = urllib.parse.urlencode({"Expires": int(time.time() + self.expires), "Signature": "secret", "repo": repo,
                                        "commit": commit, "path": path})
        return Response(302, {**common, "Location": f"{self.cdn}/xet-bridge/{file.sha256}?{query}",
                              "X-Linked-Etag": f'"{file.sha256}"',
                              "X-Linked-Size": file.size, "X-Xet-Hash": file.sha256[::-1], "ETag": f'"{file.sha1}"'},
                              b"Found. Redirecting")

    def on_cdn(self, request):
        request.kind = "blob"
        if int(request.query.get("Expires", 0)) <= time.time():
            return Response(403, {"Content-Type": "application/xml"},
                            b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>")
        file = self.repos[request.query["repo"]][request.query["commit"]][request.query["path"]]
        return self.content(request, file, {"ETag": f'"{file.sha256[::-1]}"'})

    @staticmethod
    def content(request, file, headers):
        headers = {**headers, "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
        if not request.range:
            return Response(200, headers, file.part(0, file.size))
        begin, end = request.range
        end = min(file.size, end if end is not None else file.size)
        if begin >= end:
            return Response(416, {**headers, "Content-Range": f"bytes */{file.size}"})
        return Response(206, {**headers, "Content-Range": f"bytes {begin}-{end - 1}/{file.size}"},
                        file.part(begin, end))


def repo_of(kind, name):
    return name if kind == "models" else f"datasets/{name}"


def is_large(path, file):
    return path.endswith(".gguf") or file.size > SMALL


def moment():
    return datetime.datetime.fromtimestamp(DATE, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def entry(path, file, expand):
    found = {"type": "file", "path": path, "size": file.size, "oid": file.sha1}
    if is_large(path, file):
        found["lfs"] = {"oid": file.sha256, "size": file.size, "pointerSize": 134}
        found["xetHash"] = file.sha256[::-1]
    if expand:
        found["lastCommit"] = {"id": "c" * 40, "title": "Upload", "date": moment()}
    return found


def as_json(value):
    return Response(200, {"Content-Type": "application/json"}, json.dumps(value).encode())


def main():
    parser = argparse.ArgumentParser(
        description="Serve a folder of model repositories (org/name/files) as a hub on this machine")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--cdn-port", type=int, default=0)
    parser.add_argument("--page-size", type=int, default=1000)
    parser.add_argument("--rate-per-connection", type=float, default=0, help="bytes per second")
    parser.add_argument("--token", default="")
    parser.add_argument("--private", nargs="*", default=[])
    parser.add_argument("--gated", nargs="*", default=[])
    parser.add_argument("--fault", action="append", default=[],
                        help='as in \'{"kind": "blob", "edit": "cut", "with": [1000], "times": 1}\'')
    parser.add_argument("--certificate", help="PEM file with key and certificate: speak TLS")
    parser.add_argument("--log", action="store_true", help="print every request")
    arguments = vars(parser.parse_args())
    faults = [json.loads(text) for text in arguments.pop("fault")]
    with FakeHub(**arguments) as hub:
        for fault in faults:
            edit = getattr(fake_hub_faults, fault.pop("edit"))(*fault.pop("with", []))
            hub.fault(fault.pop("kind"), edit, **fault)
        print(f"HF_ENDPOINT={hub.endpoint}", flush=True)
        for repo, commit in hub.main.items():
            print(f"  {repo} {commit[:12]}: {', '.join(sorted(hub.repos[repo][commit]))}", flush=True)
        signal.sigwait([signal.SIGINT, signal.SIGTERM])


if __name__ == "__main__":
    sys.exit(main())
