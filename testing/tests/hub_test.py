"""Downloads from a hub that lies, stalls and breaks off: the right bytes, or a clear error and nothing published.

The numbers in the names of sections are those of doc/loader.md's list of faults.
"""
import ctypes
import hashlib
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import time

import pytest
from program import CLI, MODELS, PROJECT, embed, rows

sys.path.insert(0, str(PROJECT / "testing"))
import fake_hub_faults as faults
import make_models
from fake_hub import FakeHub

FETCH = os.environ["FETCH_MODEL"]
MODEL = (MODELS / "bert.gguf").read_bytes()
SIZE = len(MODEL)  # a bit over one piece of 1 MiB


@pytest.fixture(scope="session")
def big():
    """A model of several pieces: the tiny one, with a tensor of 12 MB more."""
    path = MODELS / "bert-12mb.gguf"
    if not path.exists():
        make_models.bert(path.with_suffix(".partial"), extra_rows=48_000)
        path.with_suffix(".partial").rename(path)
    return path.read_bytes()


@pytest.fixture
def hub():
    with FakeHub() as one:
        one.add("org/model", "README.md", b"# A model\n")
        one.add("org/model", "tiny-Q8_0.gguf", MODEL)
        yield one
        assert one.leaked_tokens == []


def environment(hub, tmp_path, **more):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("HF_") and not k.lower().endswith("_proxy")}
    return {**clean, "HF_ENDPOINT": hub.endpoint if hub else "http://127.0.0.1:9", "XDG_CACHE_HOME": str(tmp_path / "xdg"), "HOME": str(tmp_path),
            "HF_HUB_DOWNLOAD_TIMEOUT": "2", "HF_HUB_ETAG_TIMEOUT": "2", **more}


def command(tmp_path, *arguments, repo="org/model"):
    return [FETCH, str(tmp_path / "cache"), repo, "delay=20", *arguments]


def fetch(hub, tmp_path, *arguments, repo="org/model", timeout=60, **more):
    run = subprocess.run(command(tmp_path, *arguments, repo=repo), env=environment(hub, tmp_path, **more), capture_output=True, text=True, timeout=timeout)
    assert run.returncode in (0, 1), run
    return run


def published(tmp_path):
    """What is in the cache under a model's key."""
    return sorted(str(p.relative_to(tmp_path / "cache")) for p in (tmp_path / "cache").glob("[!.]*/**/*.gguf"))


def right(run, content=MODEL, hit="new"):
    assert run.returncode == 0, run.stdout + run.stderr
    word, found, path = run.stdout.split()
    assert (word, found) == ("ok", hit), run.stdout
    assert pathlib.Path(path).read_bytes() == content
    return path


def wrong(run, code, *parts, tmp_path=None):
    assert run.returncode == 1, run.stdout + run.stderr
    assert run.stdout.startswith(f"error {code} "), run.stdout + run.stderr
    assert run.stdout.count("\n") == 1
    for part in parts:
        assert part in run.stdout, run.stdout
    if tmp_path:
        assert published(tmp_path) == []


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


@pytest.mark.parametrize("edit", [faults.length(1000), faults.length(5_000_000), faults.chunked(), faults.extra(1), faults.extra(100_000)],
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


@pytest.mark.parametrize("headers,least", [({"RateLimit": '"resolvers";r=0;t=1'}, 1), ({"RateLimit": '"resolvers";r=7;t=250'}, 0),
                                           ({"Retry-After": "1"}, 1), ({"Retry-After": "-5"}, 0), ({"Retry-After": "nonsense"}, 0),
                                           ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0)],
                         ids=["limit reached", "limit not reached", "seconds", "negative", "nonsense", "a date that is over"])
def test_6_too_many_requests(hub, tmp_path, headers, least):
    hub.fault("resolve", faults.status(429, headers))
    started = time.monotonic()
    right(fetch(hub, tmp_path, "lanes=1"))
    assert least <= time.monotonic() - started < least + 8


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

@pytest.mark.parametrize("edit", [faults.whole(), faults.whole(True), faults.part_as_200(), faults.shifted(1000), faults.without("Content-Range"), faults.other_total(77)],
                         ids=["200 whole", "200 whole with a range", "200 part", "another part", "no range", "another total"])
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


@pytest.mark.parametrize("edit", [faults.shifted(1000), faults.other_total(77), faults.status(416)], ids=["another part", "another total", "416"])
def test_8_9_always(hub, tmp_path, edit):
    hub.fault("blob", edit, times=None)
    wrong(fetch(hub, tmp_path), "Network", tmp_path=tmp_path)


def leave_partial(tmp_path, content, done):
    """What an earlier run of these bytes leaves."""
    folder = tmp_path / "cache/.incoming" / hashlib.sha256(content).hexdigest()
    folder.mkdir(parents=True)
    (folder / "data").write_bytes(content[:done] + bytes(len(content) - done))
    journal = {"version": 1, "digest": folder.name, "size": len(content), "synced": [[0, done]], "written": [], "boot": ""}
    (folder / "journal.json").write_text(json.dumps(journal))
    return folder


@pytest.mark.parametrize("done", [0, 1, 500_000, SIZE - 1, SIZE])
def test_9_what_is_there_is_not_fetched_again(hub, tmp_path, done):
    leave_partial(tmp_path, MODEL, done)
    right(fetch(hub, tmp_path))
    assert hub.sent() == SIZE - done


@pytest.mark.parametrize("damage", [lambda f: (f / "journal.json").write_text("{"), lambda f: (f / "journal.json").unlink(), lambda f: (f / "data").unlink(),
                                    lambda f: os.truncate(f / "data", 1000), lambda f: os.truncate(f / "data", SIZE + 1000),
                                    lambda f: (f / "data").write_bytes(bytes(SIZE)),
                                    lambda f: (f / "journal.json").write_text(json.dumps({"version": 1, "digest": f.name, "size": SIZE, "synced": [[5, 2], [0, 10**30], "x", [-1, 5]]}))],
                         ids=["journal damaged", "no journal", "no data", "data too short", "data too long", "data wrong", "ranges wrong"])
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

@pytest.mark.parametrize("location,told", [("/org/model/resolve/x/tiny-Q8_0.gguf?{n}", "more than 10 times"), ("https://127.0.0.1:1/{n}", "127.0.0.1"),
                                           ("file:///etc/passwd", "file address"), ("ftp://localhost/x", "ftp address"), ("", "without saying where")])
def test_11_redirects_that_are_not_followed(hub, tmp_path, location, told):
    hub.fault("resolve", faults.redirect(location), times=None)
    wrong(fetch(hub, tmp_path, "retries=0"), "Network", told, tmp_path=tmp_path)


def test_11_a_circle(hub, tmp_path):
    hub.fault("resolve", lambda r, q, h: faults.redirect(q.path)(r, q, h), times=None)
    wrong(fetch(hub, tmp_path), "Network", "in a circle", tmp_path=tmp_path)


def test_11_the_token_stays_at_home(hub, tmp_path):
    """An address without a scheme leads to another host; the token does not go there."""
    hub.fault("resolve", lambda r, q, h: r.headers.update(Location=r.headers["Location"].removeprefix("http:")), times=None)
    right(fetch(hub, tmp_path, HF_TOKEN="hf_secret"))
    assert hub.leaked_tokens == []


# 12 to 15

def test_12_an_address_that_has_expired(hub, tmp_path, big):
    hub.add("org/big", "m.gguf", big)
    hub.fault("resolve", faults.expired(), times=1)
    hub.fault("blob", faults.status(403), after=6)
    right(fetch(hub, tmp_path, repo="org/big"), big)
    assert len(hub.requests("resolve")) >= 2


@pytest.mark.parametrize("edit", [faults.gzip(), faults.web_page(), faults.lfs_pointer()], ids=["gzip", "a web page", "an LFS pointer"])
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


@pytest.mark.parametrize("link,told", [("http://example.com/next", "another host"), ("{self}?recursive=true&expand=true", "in a circle"), ("file:///etc/passwd", "file address")])
def test_16_a_list_that_goes_astray(hub, tmp_path, link, told):
    hub.fault("tree", faults.next_link(link), times=None)
    wrong(fetch(hub, tmp_path), "Network", told)


@pytest.mark.parametrize("path", ["../evil.gguf", "/etc/evil.gguf", "a/../../evil.gguf", "a\\evil.gguf", "evil\0.gguf", "evil\n.gguf", "x" * 300 + ".gguf", "c:evil.gguf", "", "a//b.gguf", "./a.gguf"])
def test_17_hostile_names(hub, tmp_path, path):
    def change(entries):
        entries.append({**next(e for e in entries if e["path"].endswith(".gguf")), "path": path})
    hub.fault("tree", faults.tree_entries(change), times=None)
    right(fetch(hub, tmp_path))
    hub.forget()
    run = fetch(hub, tmp_path, f"file={path}", "again") if path and "\0" not in path else None
    assert run is None or run.returncode == 1
    assert [p for p in tmp_path.rglob("*evil*")] == []


@pytest.mark.parametrize("change", [{"lfs": {"oid": "../../x", "size": 5}}, {"lfs": {"oid": "A" * 64, "size": SIZE}}, {"lfs": {"oid": "0" * 63, "size": SIZE}},
                                    {"lfs": {"size": SIZE}}, {"lfs": {"oid": "0" * 64, "size": -1}}, {"lfs": {"oid": "0" * 64}}, {"path": 5}, {"type": []},
                                    {"lfs": {"oid": "0" * 64, "size": 2**70}}])
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


# 18: killed

def test_18_killed_at_random_points(hub, tmp_path, big):
    hub.add("org/big", "m.gguf", big)
    hub.rate_per_connection = 8_000_000
    rng = random.Random(5)
    for n in range(int(os.environ.get("KILLS", "12"))):
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)
        hub.forget()
        for attempt in range(20):
            process = subprocess.Popen(command(tmp_path, repo="org/big"), env=environment(hub, tmp_path), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            try:
                process.wait(rng.uniform(0.02, 0.5))
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                assert published(tmp_path) in ([], ["m.gguf"]) or all(pathlib.Path(tmp_path / "cache" / p).read_bytes() == big for p in published(tmp_path))
        # Lost: what came since the last quarter of a second, and what was on the wire.
        assert hub.sent() <= len(big) + (attempt + 1) * 4 * 4_000_000, (n, attempt, hub.sent())
        right(fetch(hub, tmp_path, repo="org/big"), big, hit="hit" if published(tmp_path) else "new")


def test_18_killed_between_the_last_byte_and_the_name(hub, tmp_path):
    leave_partial(tmp_path, MODEL, SIZE)
    (tmp_path / "cache/.incoming/model-abandoned").mkdir()
    right(fetch(hub, tmp_path))
    assert hub.sent() == 0


# 19: several processes

def test_19_eight_processes_make_one_download(hub, tmp_path, big, no_flock=None):
    hub.add("org/big", "m.gguf", big)
    hub.rate_per_connection = 8_000_000
    more = {"LD_PRELOAD": str(no_flock)} if no_flock else {}
    processes = [subprocess.Popen(command(tmp_path, repo="org/big"), env=environment(hub, tmp_path, **more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(8)]
    outputs = [p.communicate(timeout=120) for p in processes]
    assert all(out.startswith("ok ") for out, _ in outputs), outputs
    assert hub.sent() == len(big)
    assert sum("new" in out.split()[1] for out, _ in outputs) == 1
    assert any("waiting for process" in err for _, err in outputs)


def test_19_the_same_where_flock_does_nothing(hub, tmp_path, big):
    source = tmp_path / "no_flock.c"
    source.write_text("int flock(int fd, int operation) { (void)fd; (void)operation; return 0; }\n")
    if not shutil.which("gcc"):
        pytest.skip("no C compiler")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", tmp_path / "no_flock.so", source], check=True)
    if "-fsanitize" in os.environ.get("BUILD_FLAGS", ""):
        pytest.skip("the sanitizer wants to be loaded first")
    test_19_eight_processes_make_one_download(hub, tmp_path, big, tmp_path / "no_flock.so")


def test_19_whoever_waits_takes_over_when_the_holder_dies(hub, tmp_path, big):
    hub.add("org/big", "m.gguf", big)
    hub.rate_per_connection = 1_500_000
    first = subprocess.Popen(command(tmp_path, repo="org/big"), env=environment(hub, tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(1)
    second = subprocess.Popen(command(tmp_path, repo="org/big"), env=environment(hub, tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(0.5)
    first.kill()
    hub.rate_per_connection = 0
    out, err = second.communicate(timeout=60)
    assert out.startswith("ok new") and f"waiting for process {first.pid}" in err


# 20: eviction

def test_20_the_model_not_used_for_longest_goes(hub, tmp_path):
    for name in ("a", "b", "c"):
        hub.add(f"org/{name}", f"{name}.gguf", MODEL[:-1] + name.encode())
    limit = f"limit={2 * SIZE + 100}"
    for name in ("a", "b"):
        right(fetch(hub, tmp_path, limit, repo=f"org/{name}"), MODEL[:-1] + name.encode())
        time.sleep(1.1)
    right(fetch(hub, tmp_path, limit, repo="org/a"), MODEL[:-1] + b"a", hit="hit")
    run = fetch(hub, tmp_path, limit, repo="org/c")
    right(run, MODEL[:-1] + b"c")
    assert "removed 'org%2Fb" in run.stderr
    assert sorted(pathlib.Path(p).name for p in published(tmp_path)) == ["a.gguf", "c.gguf"]


def test_20_a_model_in_use_stays(hub, tmp_path):
    for name in ("a", "b"):
        hub.add(f"org/{name}", f"{name}.gguf", MODEL[:-1] + name.encode())
    holder = subprocess.Popen(command(tmp_path, "hold=30", repo="org/a"), env=environment(hub, tmp_path), stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline().startswith("ok new")
    wrong(fetch(hub, tmp_path, f"limit={SIZE + 100}", repo="org/b"), "NoSpace", "in use")
    holder.kill()
    holder.wait()
    right(fetch(hub, tmp_path, f"limit={SIZE + 100}", repo="org/b"), MODEL[:-1] + b"b")


def test_20_a_model_larger_than_the_limit(hub, tmp_path):
    hub.add("org/model", "small-Q4_K_M.gguf", MODEL[:1000])
    wrong(fetch(hub, tmp_path, "limit=100000"), "NoSpace", "--no-cache-limit", "small-Q4_K_M.gguf", tmp_path=tmp_path)
    assert hub.requests("resolve", "blob") == []


# 21: the disk

def own_mounts(folder, kind, flags, data=""):
    """For preexec_fn: a mount that this process alone sees. Exit status 77 where that is not allowed."""
    def mount():
        libc = ctypes.CDLL(None, use_errno=True)
        try:
            os.unshare(os.CLONE_NEWNS | (0 if os.getuid() == 0 else os.CLONE_NEWUSER))
        except OSError:
            os._exit(77)
        private, bind, remount = 1 << 14 | 1 << 18, 1 << 12, 1 << 5
        steps = [(b"none", b"/", None, private, None)]
        if kind == "tmpfs":
            steps.append((b"none", bytes(folder), b"tmpfs", flags, data.encode()))
        else:
            steps += [(bytes(folder), bytes(folder), None, bind, None), (None, bytes(folder), None, bind | remount | flags, None)]
        for step in steps:
            if libc.mount(*step[:3], ctypes.c_ulong(step[3]), step[4]) != 0:
                os._exit(77)
    return mount


def fetch_mounted(hub, tmp_path, mounts, *arguments, repo="org/model"):
    (tmp_path / "cache").mkdir(exist_ok=True)
    run = subprocess.run(command(tmp_path, *arguments, repo=repo), env=environment(hub, tmp_path), capture_output=True, text=True, timeout=60, preexec_fn=mounts)
    if run.returncode == 77:
        pytest.skip("no mounts of one's own here")
    return run


def test_21_a_disk_that_is_too_small(hub, tmp_path, big):
    hub.add("org/big", "m.gguf", big)
    wrong(fetch_mounted(hub, tmp_path, own_mounts(tmp_path / "cache", "tmpfs", 0, "size=5m"), repo="org/big"), "NoSpace", "MB free")
    assert hub.requests("blob") == []


def test_21_a_disk_that_fills_up(hub, tmp_path, big):
    """It has room when the download begins; a file-size limit stands in for what fills it."""
    hub.add("org/big", "m.gguf", big)
    run = subprocess.run(command(tmp_path, repo="org/big"), env=environment(hub, tmp_path), capture_output=True, text=True, timeout=60,
                         preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (5_000_000, 5_000_000)))
    wrong(run, "NoSpace", "cache", tmp_path=tmp_path)


def test_21_a_read_only_cache_serves(hub, tmp_path):
    right(fetch(hub, tmp_path))
    read_only = own_mounts(tmp_path / "cache", "bind", 1)
    right(fetch_mounted(hub, tmp_path, read_only), hit="hit")
    hub.add("org/other", "o.gguf", MODEL[:-1] + b"o")
    wrong(fetch_mounted(hub, tmp_path, read_only, repo="org/other"), "Io", "cache", "ead-only")


# 22, 23: interrupted, offline

def test_22_interrupted_and_taken_up_again(hub, tmp_path, big):
    hub.add("org/big", "m.gguf", big)
    hub.rate_per_connection = 1_500_000
    process = subprocess.Popen([CLI, "models", "pull", "org/big", "--cache-dir", str(tmp_path / "cache")], env=environment(hub, tmp_path), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    time.sleep(1.2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=5)
    assert process.returncode == 130 and "run again to go on" in err
    assert published(tmp_path) == []
    before = hub.sent()
    assert before > 1_000_000
    hub.rate_per_connection = 0
    right(fetch(hub, tmp_path, repo="org/big"), big)
    assert hub.sent() <= len(big) + 4_000_000


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_23_offline(hub, tmp_path, variable):
    wrong(fetch(hub, tmp_path, **{variable: "1"}), "Offline", "org/model")
    right(fetch(hub, tmp_path))
    hub.forget()
    right(fetch(hub, tmp_path, **{variable: "yes"}), hit="hit")
    right(fetch(None, tmp_path, HF_ENDPOINT=hub.endpoint.replace("127.0.0.1", "127.0.0.1"), HF_HUB_OFFLINE="TRUE"), hit="hit")
    assert hub.requests() == []


def test_23_a_hub_that_is_down(tmp_path):
    wrong(fetch(None, tmp_path), "Network", "127.0.0.1")


# 24: split models

def split_model(tmp_path):
    (tmp_path / "parts").mkdir()
    make_models.bert(tmp_path / "parts/m.gguf", split_tensors=20)
    return sorted((tmp_path / "parts").glob("*.gguf"))


def test_24_a_split_model(hub, tmp_path):
    parts = split_model(tmp_path)
    for part in parts:
        hub.add("org/split", f"Q8_0/{part.name}", part.read_bytes())
    run = fetch(hub, tmp_path, repo="org/split")
    assert run.returncode == 0, run.stdout
    paths = [pathlib.Path(p) for p in run.stdout.split()[2:]]
    assert [p.name for p in paths] == [p.name for p in parts] and len({p.parent for p in paths}) == 1
    held = fetch(None, tmp_path, "hold=0", repo="org/split", HF_ENDPOINT=hub.endpoint, HF_HUB_OFFLINE="1")
    assert held.stdout.startswith("ok hit"), held.stdout  # loaded from the warm cache


def test_24_a_part_is_missing(hub, tmp_path):
    parts = split_model(tmp_path)
    for part in parts[:-1]:
        hub.add("org/split", part.name, part.read_bytes())
    wrong(fetch(hub, tmp_path, repo="org/split"), "NotFound", parts[-1].name)
    assert hub.requests("resolve", "blob") == []


def test_24_a_part_is_damaged(hub, tmp_path):
    parts = split_model(tmp_path)
    for part in parts:
        hub.add("org/split", part.name, part.read_bytes())
    digest = hashlib.sha256(parts[1].read_bytes()).hexdigest()
    hub.fault("blob", faults.flip(10), times=None, path=digest)
    wrong(fetch(hub, tmp_path, repo="org/split"), "Corrupt", parts[1].name, tmp_path=tmp_path)


# 25: proxies

def test_25_no_proxy_for_this_host(hub, tmp_path):
    right(fetch(hub, tmp_path, http_proxy="http://127.0.0.1:9", no_proxy="127.0.0.1,localhost"))


def test_25_a_proxy_that_is_not_there(hub, tmp_path):
    wrong(fetch(hub, tmp_path, "retries=0", http_proxy="http://user:secret@127.0.0.1:9"), "Network", "through the proxy http://127.0.0.1:9")


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


@pytest.mark.parametrize("name,value", [("HF_ENDPOINT", "ftp://x"), ("HF_ENDPOINT", "hub"), ("HF_HUB_OFFLINE", "maybe"), ("HF_HUB_DOWNLOAD_TIMEOUT", "soon"),
                                        ("HF_HUB_DOWNLOAD_TIMEOUT", "-1"), ("HF_TOKEN", "two words")])
def test_variables_that_make_no_sense(hub, tmp_path, name, value):
    wrong(fetch(hub, tmp_path, **{name: value}), "InvalidArgument")


# The cache

def test_a_cached_file_that_was_changed_is_found_out(hub, tmp_path):
    path = pathlib.Path(right(fetch(hub, tmp_path)))
    content = bytearray(MODEL)
    content[-1] ^= 1
    path.write_bytes(content)
    run = fetch(hub, tmp_path)
    right(run)
    assert "damaged" in run.stderr


def test_a_cached_file_that_only_looks_changed_is_kept(hub, tmp_path):
    path = pathlib.Path(right(fetch(hub, tmp_path)))
    os.utime(path)
    hub.forget()
    right(fetch(hub, tmp_path), hit="hit")
    assert hub.requests() == []


@pytest.mark.parametrize("damage", [lambda m: m.write_text("{"), lambda m: m.unlink(), lambda m: m.write_text("[]"), lambda m: m.write_text('{"version": 1}')])
def test_a_damaged_manifest_is_mended_without_a_download(hub, tmp_path, damage):
    path = pathlib.Path(right(fetch(hub, tmp_path)))
    damage(path.parent / "manifest.json")
    hub.forget()
    right(fetch(hub, tmp_path), hit="hit")
    assert hub.requests("blob") == []


def test_a_cache_of_a_newer_version(hub, tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/VERSION").write_text("2\n")
    wrong(fetch(hub, tmp_path), "InvalidArgument", "newer version")


def test_hugging_faces_cache_is_used_in_place(hub, tmp_path):
    blobs = tmp_path / "hf/models--org--model/blobs"
    blobs.mkdir(parents=True)
    blob = blobs / hashlib.sha256(MODEL).hexdigest()
    blob.write_bytes(MODEL)
    run = fetch(hub, tmp_path, HF_HUB_CACHE=str(tmp_path / "hf"))
    path = pathlib.Path(right(run, hit="hit"))
    assert path.is_symlink() and path.resolve() == blob and hub.requests("blob") == []
    blob.unlink()
    right(fetch(hub, tmp_path, HF_HUB_CACHE=str(tmp_path / "hf")))  # it went: downloaded after all
    blob.write_bytes(MODEL[:-1] + b"!")  # damaged: not used
    shutil.rmtree(tmp_path / "cache")
    assert not pathlib.Path(right(fetch(hub, tmp_path, HF_HUB_CACHE=str(tmp_path / "hf")))).is_symlink()


def test_a_published_file_that_is_no_model(hub, tmp_path):
    hub.add("org/odd", "odd.gguf", b"GGUF" + bytes(100))
    wrong(fetch(hub, tmp_path, repo="org/odd"), "InvalidModel", "as published", tmp_path=tmp_path)


# The specification's own tests, by its names

def test_cache_sharing_between_crates(hub, tmp_path):
    """What one library downloaded is a cache hit for the other."""
    (tmp_path / "in.txt").write_text("hello world\n")
    run = cli(hub, tmp_path, "embed", "-m", "org/model", "-i", str(tmp_path / "in.txt"), "-o", str(tmp_path / "out.parquet"))
    assert run.returncode == 0, run.stderr
    hub.forget()
    held = fetch(hub, tmp_path, "hold=0")
    assert held.stdout.startswith("ok hit") and hub.requests() == []


def test_multipart_download_preservation(hub, tmp_path):
    for part in split_model(tmp_path):
        hub.add("org/split", part.name, part.read_bytes())
    assert fetch(hub, tmp_path, "hold=0", repo="org/split").stdout.startswith("ok new")
    assert fetch(hub, tmp_path, "hold=0", repo="org/split").stdout.startswith("ok hit")


def test_retry_logic_preservation(hub, tmp_path):
    hub.fault("resolve", faults.status(500), times=None)
    run = fetch(hub, tmp_path, "retries=2", "delay=100", "lanes=1")
    wrong(run, "Network", "500", tmp_path=tmp_path)
    assert len(hub.requests("resolve")) == 3 and "(2 of 2)" in run.stderr


def test_the_example(hub, tmp_path):
    for found in ("new", "from the cache"):
        run = subprocess.run([os.environ["LOAD_MODEL"], "org/model"], env=environment(hub, tmp_path), capture_output=True, text=True)
        assert run.returncode == 0 and f"64 dimensions, {found}" in run.stdout, run


# The program

def cli(hub, tmp_path, *arguments, **more):
    return subprocess.run([CLI, *arguments, "--cache-dir", str(tmp_path / "cache")], env=environment(hub, tmp_path, **more), capture_output=True, text=True, timeout=60)


def test_embed_from_the_hub(hub, tmp_path):
    (tmp_path / "in.txt").write_text("hello world\n")
    for expected in (1, 0):
        hub.forget()
        run = cli(hub, tmp_path, "embed", "-m", "org/model:Q8_0", "-i", str(tmp_path / "in.txt"), "-o", str(tmp_path / "out.parquet"), "--force")
        assert run.returncode == 0, run.stderr
        assert ("downloading tiny-Q8_0.gguf (1.1 MB)" in run.stderr) == bool(expected)
    metadata = rows(tmp_path / "out.parquet").schema.metadata
    assert metadata[b"llama.model_sha256"].decode() == hashlib.sha256(MODEL).hexdigest()
    assert metadata[b"llama.model_commit"].decode() == hub.main["org/model"] and metadata[b"llama.model_source"] == b"org/model:Q8_0"


def test_the_models_command(hub, tmp_path):
    assert cli(hub, tmp_path, "models", "list").stdout.startswith("No models")
    assert cli(hub, tmp_path, "models", "path", "org/model").returncode == 4
    pulled = cli(hub, tmp_path, "models", "pull", "org/model", "--json")
    assert json.loads(pulled.stdout)["cache_hit"] is False, pulled.stderr
    path = cli(hub, tmp_path, "models", "path", "org/model:q8_0").stdout.strip()
    assert pathlib.Path(path).read_bytes() == MODEL
    (one,) = json.loads(cli(hub, tmp_path, "models", "list", "--json").stdout)
    assert one["repo"] == "org/model" and one["size_bytes"] == SIZE and not one["in_use"] and one["commit"] == hub.main["org/model"]
    assert cli(hub, tmp_path, "models", "verify").returncode == 0
    listed = cli(hub, tmp_path, "models", "pull", "org/model", "--list-files")
    assert "*     1.1 MB  tiny-Q8_0.gguf" in listed.stdout and "README.md" in listed.stdout
    with open(path, "r+b") as file:
        file.seek(1000)
        file.write(b"!!")
    os.utime(path, ns=(0, one_time := os.stat(path).st_mtime_ns))
    verified = cli(hub, tmp_path, "models", "verify")
    assert verified.returncode == 4 and "digest" in verified.stderr and one_time
    assert cli(hub, tmp_path, "models", "remove", "org/model").returncode == 0
    assert published(tmp_path) == [] and cli(hub, tmp_path, "models", "prune").returncode == 0


@pytest.mark.parametrize("arguments,status", [(("models",), 2), (("models", "pull"), 2), (("models", "pull", "../x/y"), 2), (("models", "pull", "a/b/c"), 2), (("models", "pull", "org/none"), 4),
                                              (("models", "pull", "org/model", "--quant", "Q8_0", "--filename", "x.gguf"), 2), (("models", "pull", "org/model", "--offline"), 4),
                                              (("models", "pull", "org/model", "--revision", "../x"), 2), (("models", "remove", "org/none"), 4)])
def test_what_the_program_refuses(hub, tmp_path, arguments, status):
    run = cli(hub, tmp_path, *arguments) if arguments != ("models",) else subprocess.run([CLI, "models"], capture_output=True, text=True)
    assert run.returncode == status and run.stderr.startswith("Error: ") and run.stderr.count("\n") == 1, run
