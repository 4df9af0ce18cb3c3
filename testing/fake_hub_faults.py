"""What a server, a proxy or a cable can do to an answer: edits for FakeHub.fault(kind, edit).

Each returns a function (response, request, hub) that changes the response, or gives another.
"""
import gzip as gzip_module
import time


def _set(**values):
    def edit(response, _request, _hub):
        for name, value in values.items():
            setattr(response, name, value)
    return edit


def cut(count, rst=False):
    """The body breaks off after so many bytes, politely (FIN) or not (RST)."""
    return _set(cut=(count, rst))


def flip(offset):
    """One bit of the body is another; the size stays."""
    return _set(flip=offset)


def flip_at(offset_in_file):
    """The same, by the offset in the file, in whatever range it comes."""
    def edit(response, request, _hub):
        begin = request.range[0] if request.range else 0
        if begin <= offset_in_file < begin + response.size():
            response.flip = offset_in_file - begin
    return edit


def length(number):
    """Content-Length says so."""
    return _set(length=number)


def chunked():
    """No Content-Length: chunks."""
    return _set(length=None)


def extra(count):
    """More bytes than asked for, and the length says so."""
    def edit(response, _request, _hub):
        response.extra = b"x" * count
        response.length = response.size() + count
    return edit


def slow_header(seconds_per_byte):
    return _set(header_delay=seconds_per_byte)


def stall(count, seconds):
    """Nothing for a while, after so many bytes."""
    return _set(stall=(count, seconds))


def trickle(bytes_per_second):
    return _set(rate=bytes_per_second)


def status(code, headers=None, body=b""):
    def edit(response, _request, _hub):
        response.status, response.body = code, body if isinstance(body, bytes) else body.encode()
        response.headers.update(headers or {})
        response.headers.pop("Location", None)
        response.length = "true"
    return edit


def hang_up():
    """The connection ends without an answer."""
    def edit(response, _request, _hub):
        raise ConnectionResetError
    return edit


def whole(content_range=False):
    """200 and the whole file, though a part was asked for."""
    def edit(response, request, hub):
        file = _file(request, hub)
        response.status, response.body = 200, file.part(0, file.size)
        response.headers.pop("Content-Range", None)
        if content_range:
            response.headers["Content-Range"] = f"bytes 0-{file.size - 1}/{file.size}"
    return edit


def part_as_200():
    """The right part with its Content-Range, but status 200 (ModelScope)."""
    return _set(status=200)


def shifted(by):
    """206 with another part than asked for."""
    def edit(response, request, hub):
        file = _file(request, hub)
        begin = max(0, (request.range[0] if request.range else 0) + by)
        end = min(file.size, begin + response.size())
        response.body = file.part(begin, end)
        response.headers["Content-Range"] = f"bytes {begin}-{end - 1}/{file.size}"
    return edit


def without(header):
    def edit(response, _request, _hub):
        response.headers.pop(header, None)
    return edit


def without_hub_headers():
    """As mirrors answer: none of the X- headers."""
    def edit(response, _request, _hub):
        for name in [h for h in response.headers if h.startswith("X-") or h.startswith("RateLimit")]:
            del response.headers[name]
    return edit


def other_total(total):
    def edit(response, _request, _hub):
        response.headers["Content-Range"] = response.headers["Content-Range"].split("/")[0] + f"/{total}"
    return edit


def other_content(byte):
    """The file has changed: another ETag, another content of the same size."""
    def edit(response, _request, _hub):
        response.body = bytes([byte]) * response.size()
        response.headers["ETag"] = f'"changed-{byte}"'
    return edit


def redirect(location):
    """{n} in the address becomes a number that grows with each."""
    count = 0

    def edit(response, _request, _hub):
        nonlocal count
        count += 1
        response.status, response.body = 302, b""
        response.headers["Location"] = location.replace("{n}", str(count))
    return edit


def expired():
    """The signed address that the hub gives has expired already."""
    def edit(response, _request, _hub):
        response.headers["Location"] = response.headers["Location"].replace("Expires=", "Expires=1&was=")
    return edit


def gzip():
    """Compressed, though identity was asked for."""
    def edit(response, request, hub):
        file = _file(request, hub)
        response.status, response.body = 200, gzip_module.compress(b"".join(file.blocks()))
        response.headers.pop("Content-Range", None)
        response.headers["Content-Encoding"] = "gzip"
    return edit


def web_page():
    page = b"<!DOCTYPE html><html><body>Please log in to the network.</body></html>"
    return lambda response, request, hub: type(response)(200, {"Content-Type": "text/html"}, page)


def lfs_pointer():
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 1\n"
    return lambda response, request, hub: type(response)(200, {"Content-Type": "text/plain"}, pointer)


def only_with_range():
    """400 without a Range header, as the bridge does for large files."""
    def edit(response, request, _hub):
        if not request.range:
            response.status, response.body = 400, b""
    return edit


def next_link(address):
    def edit(response, request, hub):
        response.headers["Link"] = f'<{address.replace("{self}", hub.endpoint + request.path)}>; rel="next"'
    return edit


def tree_entries(change):
    """change(list of entries) may do anything to the listing."""
    import json

    def edit(response, _request, _hub):
        entries = json.loads(response.body)
        response.body = json.dumps(change(entries) or entries).encode()
    return edit


def do(action):
    """Calls action(hub): a branch that moves between two requests."""
    def edit(_response, _request, hub):
        action(hub)
    return edit


def wait(seconds):
    def edit(_response, _request, _hub):
        time.sleep(seconds)
    return edit


def _file(request, hub):
    if request.kind == "blob":
        return hub.repos[request.query["repo"]][request.query["commit"]][request.query["path"]]
    _, _, _, _, organization, name, commit, *path = request.path.split("/")
    return hub.repos[f"{organization}/{name}"][commit]["/".join(path)]
