"""Fetch models in tests, and look at what came of it."""
import ctypes
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest
from program import CLI, MODELS, PROJECT

sys.path.insert(0, str(PROJECT / "testing"))
import make_models

FETCH = os.environ["FETCH_MODEL"]
MODEL = (MODELS / "bert.gguf").read_bytes()
SIZE = len(MODEL)  # a bit over one piece of 1 MiB


def environment(hub, tmp_path, **more):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("HF_") and not k.lower().endswith("_proxy")}
    return {**clean, "HF_ENDPOINT": hub.endpoint if hub else "http://127.0.0.1:9",
            "XDG_CACHE_HOME": str(tmp_path / "xdg"), "HOME": str(tmp_path),
            "HF_HUB_DOWNLOAD_TIMEOUT": "2", "HF_HUB_ETAG_TIMEOUT": "2", **more}


def command(tmp_path, *arguments, repo="org/model"):
    return [FETCH, str(tmp_path / "cache"), repo, "delay=20", *arguments]


def fetch(hub, tmp_path, *arguments, repo="org/model", timeout=60, **more):
    run = subprocess.run(command(tmp_path, *arguments, repo=repo), env=environment(hub, tmp_path, **more),
                         capture_output=True, text=True, timeout=timeout)
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


def leave_partial(tmp_path, content, done):
    """What an earlier run of these bytes leaves."""
    folder = tmp_path / "cache/.incoming" / hashlib.sha256(content).hexdigest()
    folder.mkdir(parents=True)
    (folder / "data").write_bytes(content[:done] + bytes(len(content) - done))
    journal = {"version": 1, "digest": folder.name, "size": len(content), "synced": [[0, done]], "written": [],
               "boot": ""}
    (folder / "journal.json").write_text(json.dumps(journal))
    return folder


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
            steps += [(bytes(folder), bytes(folder), None, bind, None),
                      (None, bytes(folder), None, bind | remount | flags, None)]
        for step in steps:
            if libc.mount(*step[:3], ctypes.c_ulong(step[3]), step[4]) != 0:
                os._exit(77)
    return mount


def fetch_mounted(hub, tmp_path, mounts, *arguments, repo="org/model"):
    (tmp_path / "cache").mkdir(exist_ok=True)
    run = subprocess.run(command(tmp_path, *arguments, repo=repo), env=environment(hub, tmp_path),
                         capture_output=True, text=True, timeout=60, preexec_fn=mounts)
    if run.returncode == 77:
        pytest.skip("no mounts of one's own here")
    return run


def preloaded(tmp_path, name, code):
    """The environment with which a C library's functions are replaced by these."""
    if not shutil.which("gcc"):
        pytest.skip("no C compiler")
    if "-fsanitize" in os.environ.get("BUILD_FLAGS", ""):
        pytest.skip("the sanitizer wants to be loaded first")
    source, library = tmp_path / f"{name}.c", tmp_path / f"{name}.so"
    source.write_text("#define _GNU_SOURCE\n" + code)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return {"LD_PRELOAD": str(library)}


def split_model(tmp_path):
    (tmp_path / "parts").mkdir()
    make_models.bert(tmp_path / "parts/m.gguf", split_tensors=20)
    return sorted((tmp_path / "parts").glob("*.gguf"))


def cli(hub, tmp_path, *arguments, **more):
    return subprocess.run([CLI, *arguments, "--cache-dir", str(tmp_path / "cache")],
                          env=environment(hub, tmp_path, **more), capture_output=True, text=True, timeout=60)
