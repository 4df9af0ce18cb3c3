"""What a hub, a proxy or a cable can do to an answer: the right bytes, or a clear error and nothing published.

The numbers are those of doc/loader.md's list of faults.
"""
import hashlib
import json
import os
import time

import pytest
from fetching import MODEL, SIZE, fetch, leave_partial, published, right, wrong

import fake_hub_faults as faults  # fetching knows where
from fake_proxy import FakeProxy


def test_a_model_is_downloaded_once(hub, tmp_path):
    right(fetch(hub, tmp_path))
    assert hub.sent() == SIZE
    hub.forget()
    right(fetch(hub, tmp_path), hit="hit")
    assert hub.requests() == []  # a hit needs no network
    right(fetch(hub, tmp_path, "again"), hit="hit")
    assert hub.requests("resolve", "blob") == []


def test_what_every_request_says(hub, tmp_path):
    right(fetch(hub, tmp_path, HF_TOKEN="hf_secret"))
    assert all(r.headers["accept-encoding"] == "identity" for r in hub.requests())
    assert all("range" in r.headers for r in hub.requests("resolve", "blob"))
    assert all(r.headers.get("authorization") == "Bearer hf_secret" for r in hub.requests("info", "tree", "resolve"))
    assert hub.leaked_tokens == []


# 1, 2, 3: broken off, wrong lengths, too much

@pytest.mark.parametrize("rst", [False, True], ids=["FIN", "RST"])
@pytest.mark.parametrize("count", [0, 1, 24, 300_000, -1])
def test_1_a_body_that_breaks_off(hub, tmp_path, count, rst):
    hub.fault("blob", faults.cut(count if count >= 0 else 1_048_575, rst))
    right(fetch(hub, tmp_path, "lanes=1"))
    if not rst and count != 0:  # after a RST what the kernel had is lost
        assert hub.sent() <= SIZE + 1, "only what is missing comes again"


def test_1_a_server_that_always_breaks_off(hub, tmp_path):
    hub.fault("blob", faults.cut(0), times=None)
    wrong(fetch(hub, tmp_path), "Network", "localhost", tmp_path=tmp_path)
    hub.faults.clear()
    right(fetch(hub, tmp_path))


def test_1_many_breaks_with_progress_do_not_use_up_the_retries(hub, tmp_path):
    hub.fault("blob", faults.cut(100_000), times=10)
    right(fetch(hub, tmp_path, "lanes=1"))


@pytest.mark.parametrize("edit", [faults.length(1000), faults.length(5_000_000), faults.chunked(), faults.extra(1),
                                  faults.extra(100_000)],
                         ids=["short length", "long length", "chunks", "one byte more", "many bytes more"])
def test_2_3_lengths_that_lie(hub, tmp_path, edit):
    hub.fault("blob", edit)
    right(fetch(hub, tmp_path))


# 4: damaged

def test_4_one_bit(hub, tmp_path):
    hub.fault("blob", faults.flip_at(500_000), times=2)
    run = fetch(hub, tmp_path)
    right(run)
    assert "came damaged" in run.stderr and "once more" in run.stderr


def test_4_one_bit_each_time(hub, tmp_path):
    hub.fault("blob", faults.flip_at(500_000), times=None)
    digest = hashlib.sha256(MODEL).hexdigest()
    bad = bytearray(MODEL)
    bad[500_000] ^= 1
    wrong(fetch(hub, tmp_path), "Corrupt", digest, hashlib.sha256(bad).hexdigest(), hub.endpoint, tmp_path=tmp_path)
    assert list((tmp_path / "cache/.incoming").rglob("*")) == []  # it takes no space either
    hub.faults.clear()
    right(fetch(hub, tmp_path))


# 5, 6: errors of the server

@pytest.mark.parametrize("kind", ["info", "tree", "resolve", "blob"])
@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_5_a_burst_of_errors(hub, tmp_path, kind, code):
    hub.fault(kind, faults.status(code), times=2)
    right(fetch(hub, tmp_path, "lanes=1"))


def test_5_errors_without_an_end(hub, tmp_path):
    hub.fault("tree", faults.status(503), times=None)
    run = fetch(hub, tmp_path)
    wrong(run, "Network", "503")
    assert len(hub.requests("tree")) == 4 and run.stderr.count("trying again") == 3


def test_5_no_answer_at_all(hub, tmp_path):
    hub.fault("resolve", faults.hang_up(), times=2)
    right(fetch(hub, tmp_path, "lanes=1"))


@pytest.mark.parametrize("headers,least", [
    ({"RateLimit": '"resolvers";r=0;t=1'}, 1), ({"RateLimit": '"resolvers";r=7;t=250'}, 0),
    ({"Retry-After": "1"}, 1), ({"Retry-After": "-5"}, 0), ({"Retry-After": "nonsense"}, 0),
    ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
], ids=["limit reached", "limit not reached", "seconds", "negative", "nonsense", "a date that is over"])
def test_6_too_many_requests(hub, tmp_path, headers, least):
    hub.fault("resolve", faults.status(429, headers))
    started = time.monotonic()
    right(fetch(hub, tmp_path, "lanes=1"))
    assert least <= time.monotonic() - started < 120  # and not 250


def test_6_a_wait_that_nobody_wants(hub, tmp_path):
    hub.fault("resolve", faults.status(429, {"Retry-After": "99999999999999999999"}))
    wrong(fetch(hub, tmp_path), "RateLimited", "limit of requests", tmp_path=tmp_path)


# 7: slow

def test_7_a_body_that_stalls(hub, tmp_path):
    hub.fault("blob", faults.stall(200_000, 30))
    right(fetch(hub, tmp_path, "lanes=1"))


def test_7_a_header_that_trickles(hub, tmp_path):
    hub.fault("blob", faults.slow_header(0.5))
    right(fetch(hub, tmp_path, "lanes=1"))


def test_7_a_byte_a_second(hub, tmp_path):
    hub.fault("blob", faults.trickle(20))
    right(fetch(hub, tmp_path, "lanes=1"))


# 8, 9, 10: answers to ranges

@pytest.mark.parametrize("edit", [
    faults.whole(), faults.whole(True), faults.part_as_200(), faults.shifted(1000), faults.without("Content-Range"),
    faults.other_total(77),
], ids=["200 whole", "200 whole with a range", "200 part", "another part", "no range", "another total"])
@pytest.mark.parametrize("times", [1, 2])
def test_8_odd_answers_to_a_range(hub, tmp_path, edit, times):
    hub.fault("blob", edit, times=times)
    right(fetch(hub, tmp_path))


def test_8_a_server_without_ranges(hub, tmp_path, big):
    hub.add("org/big", "m.gguf", big)
    hub.fault("blob", faults.whole(), times=None)
    right(fetch(hub, tmp_path, repo="org/big"), big)


def test_8_a_server_without_ranges_that_breaks_off_twice(hub, tmp_path, big):
    hub.add("org/big", "m.gguf", big)
    hub.fault("blob", faults.whole(), times=None)
    hub.fault("blob", faults.cut(5_000_000), times=2)
    right(fetch(hub, tmp_path, repo="org/big"), big)


@pytest.mark.parametrize("edit", [faults.shifted(1000), faults.other_total(77), faults.status(416)],
                         ids=["another part", "another total", "416"])
def test_8_9_always(hub, tmp_path, edit):
    hub.fault("blob", edit, times=None)
    wrong(fetch(hub, tmp_path), "Network", tmp_path=tmp_path)


@pytest.mark.parametrize("done", [0, 1, 500_000, SIZE - 1, SIZE])
def test_9_what_is_there_is_not_fetched_again(hub, tmp_path, done):
    leave_partial(tmp_path, MODEL, done)
    right(fetch(hub, tmp_path))
    assert hub.sent() == SIZE - done


@pytest.mark.parametrize("damage", [
    lambda f: (f / "journal.json").write_text("{"),
    lambda f: (f / "journal.json").unlink(),
    lambda f: (f / "data").unlink(),
    lambda f: os.truncate(f / "data", 1000),
    lambda f: os.truncate(f / "data", SIZE + 1000),
    lambda f: (f / "data").write_bytes(bytes(SIZE)),
    lambda f: (f / "journal.json").write_text(json.dumps({
        "version": 1, "digest": f.name, "size": SIZE, "synced": [[5, 2], [0, 10**30], "x", [-1, 5]]})),
], ids=["journal damaged", "no journal", "no data", "data too short", "data too long", "data wrong", "ranges wrong"])
def test_9_a_partial_file_that_is_not_what_it_says(hub, tmp_path, damage):
    damage(leave_partial(tmp_path, MODEL, 700_000))
    right(fetch(hub, tmp_path))


def test_10_content_that_changes_between_ranges(hub, tmp_path):
    hub.fault("blob", faults.other_content(65))
    right(fetch(hub, tmp_path))


def test_10_a_branch_that_moves_between_two_requests(hub, tmp_path):
    other = MODEL[:-4] + b"\1\2\3\4"
    hub.fault("tree", faults.do(lambda h: h.add("org/model", "tiny-Q8_0.gguf", other)))
    right(fetch(hub, tmp_path))  # what was main when it was asked
    right(fetch(hub, tmp_path, "again"), other)


# 11: redirects

@pytest.mark.parametrize("location,told", [
    ("/org/model/resolve/x/tiny-Q8_0.gguf?{n}", "more than 10 times"), ("https://127.0.0.1:1/{n}", "127.0.0.1"),
    ("file:///etc/passwd", "file address"), ("ftp://localhost/x", "ftp address"), ("", "without saying where"),
])
def test_11_redirects_that_are_not_followed(hub, tmp_path, location, told):
    hub.fault("resolve", faults.redirect(location), times=None)
    wrong(fetch(hub, tmp_path, "retries=0"), "Network", told, tmp_path=tmp_path)


def test_11_a_circle(hub, tmp_path):
    hub.fault("resolve", lambda r, q, h: faults.redirect(q.path)(r, q, h), times=None)
    wrong(fetch(hub, tmp_path), "Network", "in a circle", tmp_path=tmp_path)


def test_11_the_token_stays_at_home(hub, tmp_path):
    """An address without a scheme leads to another host; the token does not go there."""
    def without_a_scheme(r, q, h):
        r.headers.update(Location=r.headers["Location"].removeprefix("http:"))
    hub.fault("resolve", without_a_scheme, times=None)
    right(fetch(hub, tmp_path, HF_TOKEN="hf_secret"))
    assert hub.leaked_tokens == []


# 12 to 15

def test_12_an_address_that_has_expired(hub, tmp_path, big):
    hub.add("org/big", "m.gguf", big)
    hub.fault("resolve", faults.expired(), times=1)
    hub.fault("blob", faults.status(403), after=6)
    right(fetch(hub, tmp_path, repo="org/big"), big)
    assert len(hub.requests("resolve")) >= 2


@pytest.mark.parametrize("edit", [faults.gzip(), faults.web_page(), faults.lfs_pointer()],
                         ids=["gzip", "a web page", "an LFS pointer"])
@pytest.mark.parametrize("times", [1, None])
def test_13_14_something_else(hub, tmp_path, edit, times):
    hub.fault("blob", edit, times=times)
    run = fetch(hub, tmp_path)
    right(run) if times else wrong(run, "Network", tmp_path=tmp_path)


@pytest.mark.parametrize("kind", ["info", "tree"])
def test_14_a_login_page_instead_of_the_list(hub, tmp_path, kind):
    hub.fault(kind, faults.web_page(), times=None)
    wrong(fetch(hub, tmp_path), "Network", "proxy")


def test_15_a_server_that_wants_a_range(hub, tmp_path):
    hub.fault("blob", faults.only_with_range(), times=None)
    right(fetch(hub, tmp_path))


# 16, 17: listings

def test_16_a_list_of_several_pages(hub, tmp_path):
    hub.page_size = 2
    for i in range(7):
        hub.add("org/model", f"notes/{i}.txt", b"x")
    right(fetch(hub, tmp_path))
    assert len(hub.requests("tree")) == 5


@pytest.mark.parametrize("link,told", [("http://example.com/next", "another host"),
                                       ("{self}?recursive=true&expand=true", "in a circle"),
                                       ("file:///etc/passwd", "file address")])
def test_16_a_list_that_goes_astray(hub, tmp_path, link, told):
    hub.fault("tree", faults.next_link(link), times=None)
    wrong(fetch(hub, tmp_path), "Network", told)


@pytest.mark.parametrize("path", ["../evil.gguf", "/etc/evil.gguf", "a/../../evil.gguf", "a\\evil.gguf",
                                  "evil\0.gguf", "evil\n.gguf", "x" * 300 + ".gguf", "c:evil.gguf", "", "a//b.gguf",
                                  "./a.gguf"])
def test_17_hostile_names(hub, tmp_path, path):
    def change(entries):
        entries.append({**next(e for e in entries if e["path"].endswith(".gguf")), "path": path})
    hub.fault("tree", faults.tree_entries(change), times=None)
    right(fetch(hub, tmp_path))
    hub.forget()
    run = fetch(hub, tmp_path, f"file={path}", "again") if path and "\0" not in path else None
    assert run is None or run.returncode == 1
    assert [p for p in tmp_path.rglob("*evil*")] == []


@pytest.mark.parametrize("change", [
    {"lfs": {"oid": "../../x", "size": 5}}, {"lfs": {"oid": "A" * 64, "size": SIZE}},
    {"lfs": {"oid": "0" * 63, "size": SIZE}}, {"lfs": {"size": SIZE}}, {"lfs": {"oid": "0" * 64, "size": -1}},
    {"lfs": {"oid": "0" * 64}}, {"path": 5}, {"type": []}, {"lfs": {"oid": "0" * 64, "size": 2**70}},
])
def test_17_hostile_entries(hub, tmp_path, change):
    def edit(entries):
        for entry in entries:
            entry.update(change)
    hub.fault("tree", faults.tree_entries(edit), times=None)
    wrong(fetch(hub, tmp_path), "NotFound", "no .gguf")


@pytest.mark.parametrize("size", [10**18, SIZE - 1, SIZE + 1, 0, 5])
def test_17_sizes_that_are_not_true(hub, tmp_path, size):
    def edit(entries):
        next(e for e in entries if e["path"].endswith(".gguf"))["lfs"]["size"] = size
    hub.fault("tree", faults.tree_entries(edit), times=None)
    run = fetch(hub, tmp_path)
    assert run.returncode == 1 and run.stdout.split()[1] in ("Network", "NoSpace", "InvalidModel"), run.stdout
    assert published(tmp_path) == []


def test_a_mirror_without_the_hubs_headers(hub, tmp_path):
    for kind in ("info", "tree", "resolve"):
        hub.fault(kind, faults.without_hub_headers(), times=None)
    right(fetch(hub, tmp_path))


# 25: proxies

def test_25_no_proxy_for_this_host(hub, tmp_path):
    right(fetch(hub, tmp_path, http_proxy="http://127.0.0.1:9", no_proxy="127.0.0.1,localhost"))


@pytest.mark.parametrize("user", ["", "me:secret"])
def test_25_through_a_proxy(hub, tmp_path, user):
    with FakeProxy(user) as proxy:
        right(fetch(hub, tmp_path, http_proxy=proxy.address(user), no_proxy=""))
        assert len(proxy.asked) >= len(hub.requests()) > 3


def test_25_a_proxy_that_wants_a_password(hub, tmp_path):
    with FakeProxy("me:secret") as proxy:
        for user in ("", "me:wrong"):
            run = fetch(hub, tmp_path, http_proxy=proxy.address(user), no_proxy="")
            wrong(run, "Network", "the proxy wants a user and a password", tmp_path=tmp_path)
            assert "wrong" not in run.stdout + run.stderr and hub.requests() == []


@pytest.mark.parametrize("address,told", [("http://user:secret@127.0.0.1:9", "through the proxy http://127.0.0.1:9"),
                                          ("user:secret@127.0.0.1:9", "through the proxy http://127.0.0.1:9"),
                                          ("http://user:x/secret@127.0.0.1:9", "through the proxy 127.0.0.1:9")])
def test_25_a_proxy_that_is_not_there(hub, tmp_path, address, told):
    run = fetch(hub, tmp_path, "retries=0", http_proxy=address)
    wrong(run, "Network", told)
    assert "user:" not in run.stdout + run.stderr and "secret" not in run.stdout + run.stderr


def test_25_an_endpoint_with_a_token_in_it(hub, tmp_path):
    run = fetch(hub, tmp_path, HF_ENDPOINT="user:secret@mirror.test")
    wrong(run, "InvalidArgument", "HF_ENDPOINT='mirror.test'")
    assert "secret" not in run.stdout


# Who may read what

@pytest.mark.parametrize("set_up,token,code,told", [
    (lambda h: h.private.add("org/model"), "", "NotFound", "HF_TOKEN"),
    (lambda h: h.gated.add("org/model"), "", "AccessDenied", "/org/model in a browser"),
    (lambda h: h.disabled.add("org/model"), "", "AccessDenied", "disabled"),
    (lambda h: None, "hf_wrong", "AccessDenied", "does not accept the token"),
], ids=["private", "gated", "disabled", "bad token"])
def test_access(hub, tmp_path, set_up, token, code, told):
    hub.token = "hf_right"
    set_up(hub)
    wrong(fetch(hub, tmp_path, **({"HF_TOKEN": token} if token else {})), code, told, tmp_path=tmp_path)
    if not hub.disabled:
        right(fetch(hub, tmp_path, HF_TOKEN="hf_right\n"))


def test_missing_things(hub, tmp_path):
    wrong(fetch(hub, tmp_path, repo="org/none"), "NotFound", "org/none")
    wrong(fetch(hub, tmp_path, "revision=v9"), "NotFound", "no revision 'v9'")
    wrong(fetch(hub, tmp_path, "file=none.gguf"), "NotFound", "tiny-Q8_0.gguf")
    wrong(fetch(hub, tmp_path, repo="org/model:Q2_K"), "NotFound", "Q2_K", "tiny-Q8_0.gguf")
    right(fetch(hub, tmp_path, f"revision={hub.main['org/model']}"))


@pytest.mark.parametrize("name,value", [("HF_ENDPOINT", "ftp://x"), ("HF_ENDPOINT", "hub"),
                                        ("HF_HUB_OFFLINE", "maybe"), ("HF_HUB_DOWNLOAD_TIMEOUT", "soon"),
                                        ("HF_HUB_DOWNLOAD_TIMEOUT", "-1"), ("HF_TOKEN", "two words")])
def test_variables_that_make_no_sense(hub, tmp_path, name, value):
    wrong(fetch(hub, tmp_path, **{name: value}), "InvalidArgument")
