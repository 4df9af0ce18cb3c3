"""The cache: small, full, read-only and damaged disks, split models, models of a wrong kind.

The numbers are those of doc/loader.md's list of faults.
"""
import email.utils
import hashlib
import os
import pathlib
import resource
import shutil
import subprocess
import time

import pytest
from fetching import (MODEL, command, environment, fetch, fetch_mounted, own_mounts, preloaded, published, right,
                      split_model, wrong)

import fake_hub_faults as faults  # fetching knows where
import make_models


# 21: the disk


def test_21_a_disk_that_is_too_small(hub, tmp_path, big):
    hub.add("org/big", "m.gguf", big)
    mounts = own_mounts(tmp_path / "cache", "tmpfs", 0, "size=5m")
    wrong(fetch_mounted(hub, tmp_path, mounts, repo="org/big"), "NoSpace", "MB free")
    assert hub.requests("blob") == []


def test_21_a_disk_that_is_too_small_for_two(hub, tmp_path, big):
    """The first attempt takes the space and gets no byte; the second has that space."""
    hub.add("org/big", "m.gguf", big)
    hub.fault("blob", faults.hang_up())
    (tmp_path / "cache").mkdir()
    twice = ["sh", "-c", '"$@"; exec "$@"', "sh", *command(tmp_path, "retries=0", "lanes=1", repo="org/big")]
    run = subprocess.run(twice, env=environment(hub, tmp_path), capture_output=True, text=True, timeout=60,
                         preexec_fn=own_mounts(tmp_path / "cache", "tmpfs", 0, "size=20m"))
    if run.returncode == 77:
        pytest.skip("no mounts of one's own here")
    first, second = run.stdout.splitlines()
    assert first.startswith("error Network") and second.startswith("ok new"), run


def test_21_a_disk_that_fills_up(hub, tmp_path, big):
    """It has room when the download begins; a file-size limit stands in for what fills it."""
    hub.add("org/big", "m.gguf", big)
    run = subprocess.run(command(tmp_path, repo="org/big"), env=environment(hub, tmp_path), capture_output=True,
                         text=True, timeout=60,
                         preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (5_000_000, 5_000_000)))
    wrong(run, "NoSpace", "cache", tmp_path=tmp_path)


def test_21_a_read_only_cache_serves(hub, tmp_path):
    right(fetch(hub, tmp_path))
    read_only = own_mounts(tmp_path / "cache", "bind", 1)
    right(fetch_mounted(hub, tmp_path, read_only), hit="hit")
    run = fetch_mounted(hub, tmp_path, read_only, "again")  # what the hub says cannot be noted
    right(run, hit="hit")
    assert "ead-only" in run.stderr
    hub.add("org/other", "o.gguf", MODEL[:-1] + b"o")
    wrong(fetch_mounted(hub, tmp_path, read_only, repo="org/other"), "Io", "cache", "ead-only")


def test_21_a_read_only_cache_serves_data_sets(hub, tmp_path):
    hub.add("datasets/org/texts", "a.csv", b"text\nhello\n")
    for hit, mounts in (("new", None), ("hit", own_mounts(tmp_path / "cache", "bind", 1))):
        run = fetch_mounted(hub, tmp_path, mounts, repo="hf://datasets/org/texts")
        assert run.stdout.startswith(f"ok {hit} "), run


FAILING = """#include <dlfcn.h>
#include <errno.h>
#include <sys/types.h>
static long left = 5000000;
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
  ssize_t (*real)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
  if ((left -= size) < 0) { errno = CODE; return -1; }
  return real(fd, data, size, at);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return pwrite64(fd, data, size, at); }
"""


@pytest.mark.parametrize("code,told", [("EDQUOT", "NoSpace"), ("EIO", "Io")])
def test_21_a_disk_that_fails(hub, tmp_path, big, code, told):
    hub.add("org/big", "m.gguf", big)
    failing = preloaded(tmp_path, code, FAILING.replace("CODE", code))
    wrong(fetch(hub, tmp_path, repo="org/big", **failing), told, "cache", tmp_path=tmp_path)
    before = hub.sent()
    right(fetch(hub, tmp_path, repo="org/big"), big)
    assert hub.sent() - before < len(big)  # the part that was written is kept


def test_21_a_cache_on_another_file_system(hub, tmp_path):
    """Hugging Face's cache and the temporary folder lie elsewhere."""
    run = fetch_mounted(hub, tmp_path, own_mounts(tmp_path / "cache", "tmpfs", 0, "size=50m"), "hold=0")
    assert run.stdout.startswith("ok new"), run


# 24: split models


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


@pytest.mark.parametrize("names", [("m-00001-of-00003.gguf", "m-00002-of-00003.gguf"),
                                   ("m-00001-of-00002.gguf", "m-00002-of-00003.gguf"),
                                   ("m-00002-of-00002.gguf", "m-00003-of-00003.gguf")])
def test_24_counts_that_do_not_fit(hub, tmp_path, names):
    for name in names:
        hub.add("org/split", name, MODEL)
    wrong(fetch(hub, tmp_path, repo="org/split"), "NotFound", "part", tmp_path=tmp_path)
    assert hub.requests("blob") == []


def test_24_parts_of_two_models(hub, tmp_path):
    """Names fit, contents do not."""
    parts = split_model(tmp_path)
    make_models.bert(tmp_path / "parts/other.gguf", split_tensors=9)
    others = sorted((tmp_path / "parts").glob("other*"))
    hub.add("org/split", "m-00001-of-00002.gguf", parts[0].read_bytes())
    hub.add("org/split", "m-00002-of-00002.gguf", others[-1].read_bytes())
    wrong(fetch(hub, tmp_path, repo="org/split"), "InvalidModel", tmp_path=tmp_path)


# 26: clocks

def test_26_a_stamp_from_the_future_protects_no_longer_than_one_of_now(hub, tmp_path, big):
    """A and B fit, C makes one of them go: A was used by a clock that is ten years ahead, B after it by the right
    one."""
    a = right(fetch(hub, tmp_path))
    hub.add("org/b", "b.gguf", MODEL[:-1] + b"b")
    hub.add("org/c", "c.gguf", MODEL[:-1] + b"c")
    right(fetch(hub, tmp_path, repo="org/b"), MODEL[:-1] + b"b")
    stamp = pathlib.Path(a).parent / ".last_used"
    os.utime(stamp, (time.time() + 1e8, time.time() + 1e8))
    right(fetch(hub, tmp_path), hit="hit")  # and its use now takes the stamp back
    assert stamp.stat().st_mtime < time.time() + 5
    os.utime(stamp, (time.time() - 1e8, time.time() - 1e8))
    right(fetch(hub, tmp_path, f"limit={int(2.5 * len(MODEL))}", repo="org/c"), MODEL[:-1] + b"c")
    assert not pathlib.Path(a).exists() and len(published(tmp_path)) == 2


JUMPING = """#include <dlfcn.h>
#include <time.h>
int clock_gettime(clockid_t clock, struct timespec *now) {
  static int calls;
  int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(clock, now);
  if (clock == CLOCK_REALTIME) now->tv_sec += ++calls % 2 ? 100000000 : -100000000;
  return result;
}
"""


def test_26_a_clock_that_jumps_during_a_download(hub, tmp_path):
    """Three years back and forth at every look: waiting and stalls go by the steady clock, a server's date by the
    server's."""
    hub.fault("resolve", faults.status(503), times=2)
    date = lambda ahead: email.utils.formatdate(time.time() + ahead, usegmt=True)
    hub.fault("tree", faults.status(429, {"Retry-After": date(1), "Date": date(0)}), times=1)
    started = time.monotonic()
    right(fetch(hub, tmp_path, **preloaded(tmp_path, "jumping", JUMPING)))
    assert time.monotonic() - started < 120  # and not years


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


@pytest.mark.parametrize("damage", [lambda m: m.write_text("{"), lambda m: m.unlink(), lambda m: m.write_text("[]"),
                                    lambda m: m.write_text('{"version": 1}')])
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
