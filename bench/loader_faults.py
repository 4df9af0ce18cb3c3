"""What our loader, huggingface_hub and llama.cpp's downloader make of the same hub and the same faults.

    script/loader-faults [--json FILE] [ROW…]

Each client gets an empty cache for each row, the hub of testing/fake_hub.py with a model of 13 MB, and 60 seconds. What
counts is what lies under the model's name afterwards: the right bytes, nothing, or something else.
"""
import argparse
import dataclasses
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PROJECT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT / "testing"))
import fake_hub_faults as faults
import make_models
from fake_hub import FakeHub

CLI = PROJECT / "build/release/llama-cli/llama-cli"
REPO, NAME = "org/model", "tiny-Q8_0.gguf"
LIMIT = 60  # seconds
RATE = 4_000_000  # bytes per second and connection, where a process has to be met on its way
def model_bytes():
    path = PROJECT / "build/release/test-models/bert-12mb.gguf"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        make_models.bert(path, extra_rows=48_000)
    return path.read_bytes()


MODEL = model_bytes()
SIZE = len(MODEL)
GET = ("import sys; from huggingface_hub import hf_hub_download; "
       f"print(hf_hub_download('{REPO}', sys.argv[1], revision='main'))")


class Ours:
    title = "llama-cli models pull"

    def command(self, _name):
        return [CLI, "models", "pull", REPO, "--quiet"]

    def again(self, _name):
        return [CLI, "models", "pull", REPO, "--quiet"]

    def environment(self, folder):
        return {"XDG_CACHE_HOME": str(folder)}

    def files(self, folder):
        return [*folder.glob("llama-loader/models/[!.]*/**/*.gguf"), *folder.glob("*/models/[!.]*/**/*.gguf")]


class HuggingFace:
    title = "huggingface_hub"

    def command(self, name):
        return [sys.executable, "-c", GET, name]

    again = command

    def environment(self, folder):
        return {"HF_HOME": str(folder), "PYTHONPATH": os.environ["HUB_PEERS"], "HF_HUB_DISABLE_PROGRESS_BARS": "1",
                "HF_HUB_DISABLE_XET": "1"}

    def files(self, folder):
        return list(folder.glob("hub/models--*/snapshots/**/*.gguf"))


class LlamaCpp:
    title = "llama.cpp (-hf)"

    def command(self, _name):
        return ["llama-embedding", "-hf", REPO, "-p", "hello", "--no-warmup", "-t", "1"]

    again = command

    def environment(self, folder):
        return {"LLAMA_CACHE": str(folder), "HF_HOME": str(folder), "XDG_CACHE_HOME": str(folder)}

    def files(self, folder):
        return [p for p in folder.glob("models--*/snapshots/**/*.gguf")]


CLIENTS = [Ours(), HuggingFace(), LlamaCpp()]


@dataclasses.dataclass
class Verdict:
    good: bool
    words: str


class Trial:
    """One row for one client."""

    def __init__(self, client, hub, folder, model):
        self.client, self.hub, self.folder, self.model = client, hub, folder, model
        self.name = NAME

    def environment(self, **more):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("HF_") and not k.lower().endswith("_proxy")}
        return {**clean, "HF_ENDPOINT": self.hub.endpoint, "MODEL_ENDPOINT": self.hub.endpoint + "/",
                "HF_HUB_DOWNLOAD_TIMEOUT": "3",
                "HF_HUB_ETAG_TIMEOUT": "3", "HF_HUB_DISABLE_TELEMETRY": "1", "HOME": str(self.folder),
                **self.client.environment(self.folder), **more}

    def start(self, **more):
        return subprocess.Popen(self.client.command(self.name), env=self.environment(**more), cwd=self.folder,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                start_new_session=True, preexec_fn=self.before)

    before = None

    def run(self, **more):
        """The exit status; None where it does not end."""
        process = self.start(**more)
        try:
            return process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return None

    def files(self):
        return [p.read_bytes() for p in self.client.files(self.folder) if p.exists()]

    def judge(self, status, error_is_good=False):
        """Right bytes; with error_is_good also an error and nothing under the model's name."""
        found = self.files()
        if any(content != self.model for content in found):
            return Verdict(False, "a wrong file is in the cache" + (", exit status 0" if status == 0 else ""))
        if status is None:
            return Verdict(False, f"no end in {LIMIT} s")
        if status < 0:
            return Verdict(False, f"crashes ({signal.Signals(-status).name})")
        if found and status == 0:
            return Verdict(True, "right file")
        if found:
            return Verdict(error_is_good, "right file, but an error")
        if status == 0:
            return Verdict(False, "no file, yet exit status 0")
        return Verdict(error_is_good, "error" if error_is_good else "gives up")

    def usual(self, error_is_good=False):
        return self.judge(self.run(), error_is_good)

    def stop_on_the_way(self, how):
        """Starts a slow download, ends it after a third and goes on; the share of the file that the second run
        fetched."""
        self.hub.rate_per_connection = RATE
        process = self.start()
        until = time.monotonic() + LIMIT
        while self.hub.sent() < len(self.model) * 0.5 and time.monotonic() < until and process.poll() is None:
            time.sleep(0.01)
        os.killpg(process.pid, how)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return Verdict(False, "does not end for 10 s")
        first = self.hub.sent()
        if any(content != self.model for content in self.files()):
            return Verdict(False, "half a file is in the cache")
        self.hub.rate_per_connection = 0
        verdict = self.usual()
        share = (self.hub.sent() - first) / len(self.model)
        if verdict.good:
            return Verdict(share < 0.9, "goes on where it was" if share < 0.9 else "fetches all of it again")
        return verdict


ROWS = {}


def row(words):
    def add(function):
        ROWS[words] = function
        return function
    return add


def faulty(words, kind, edit, error_is_good=False, **how):
    def trial(t):
        t.hub.fault(kind, edit(), **how)
        return t.usual(error_is_good)
    ROWS[words] = trial


row("no fault at all")(lambda t: t.usual())
faulty("the connection breaks off in the middle", "blob", lambda: faults.cut(5_000_000), offset=5_000_000)
faulty("it is reset at the last byte", "blob", lambda: faults.cut(SIZE - 1, rst=True), offset=SIZE - 1)


@row("every connection breaks off after 500 KB")
def breaks_always(t):
    t.hub.fault("blob", faults.cut(500_000), times=None)
    return t.usual()


faulty("one bit is wrong, once", "blob", lambda: faults.flip(70_000), offset=70_000)
faulty("one bit is wrong, each time", "blob", lambda: faults.flip(70_000), offset=70_000, times=None,
       error_is_good=True)
faulty("Content-Length is too small", "blob", lambda: faults.length(500_000), offset=0)
faulty("the answer is longer than asked for", "blob", lambda: faults.extra(1000), offset=0, error_is_good=True)
faulty("three answers of the list are 503", "tree", lambda: faults.status(503), times=3)
faulty("three answers for the file are 503", "resolve", lambda: faults.status(503), times=3)
faulty("429 with Retry-After: 2", "resolve", lambda: faults.status(429, {"Retry-After": "2"}), times=2)
faulty("nothing comes for 40 s in the middle", "blob", lambda: faults.stall(5_000_000, 40), offset=5_000_000)


def only_rests(edit):
    """For answers to ranges that do not begin with the file."""
    def of(response, request, hub):
        asks = request.method == "GET" and request.range and request.range[0]
        return edit(response, request, hub) if asks else None
    return of


@row("after a break, the server sends the whole file instead of the rest")
def no_ranges(t):
    t.hub.fault("blob", faults.cut(400_000), offset=0)
    t.hub.fault("blob", only_rests(faults.whole()), times=None)
    return t.usual()


@row("after a break, the server sends another part than asked for")
def other_part(t):
    t.hub.fault("blob", faults.cut(400_000), offset=0)
    t.hub.fault("blob", only_rests(faults.shifted(-1000)), times=None)
    return t.usual(error_is_good=True)


@row("the file is another one after a break")
def other_content(t):
    t.hub.fault("blob", faults.cut(400_000), offset=0)
    t.hub.fault("blob", only_rests(faults.other_content(7)), times=None)
    return t.usual(error_is_good=True)


faulty("an endless redirect", "resolve", lambda: faults.redirect("/org/model/resolve/main/" + NAME), times=None,
       error_is_good=True)
faulty("the signed address has expired", "resolve", lambda: faults.expired(), times=1)
faulty("a login page instead of the file", "blob", lambda: faults.web_page(), times=None, error_is_good=True)
faulty("a login page instead of the file, once", "blob", lambda: faults.web_page(), offset=0)


@row("the list has two pages, the model is on the second")
def two_pages(t):
    for n in range(4):
        t.hub.add(REPO, f"a{n}.txt", b"x")
    t.hub.page_size = 3
    return t.usual()


@row("a published file with a hostile header")
def hostile(t):
    t.model = (PROJECT / "llama-loader/fuzz/corpus/cve-2025-53630_sizes_add_up.gguf").read_bytes()
    t.hub.add(REPO, NAME, t.model)
    status = t.run()
    found = t.files()
    if status is not None and status < 0:
        return Verdict(False, f"crashes ({signal.Signals(-status).name})")
    return Verdict(not found, "error" if not found else "is in the cache" + (", exit status 0" if status == 0 else ""))


def small_disk():
    """Writing fails with EFBIG in the place of ENOSPC."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000_000, 5_000_000))


@row("the disk is full in the middle")
def full(t):
    t.before = small_disk
    status = t.run()
    t.before = None
    if any(content != t.model for content in t.files()):
        return Verdict(False, "a wrong file is in the cache")
    if status is None or status < 0:
        return Verdict(False, "no end" if status is None else f"crashes ({signal.Signals(-status).name})")
    return t.usual() if status else Verdict(False, "exit status 0")


row("Ctrl-C in the middle, then again")(lambda t: t.stop_on_the_way(signal.SIGINT))
row("kill -9 in the middle, then again")(lambda t: t.stop_on_the_way(signal.SIGKILL))


@row("8 processes want the same file at once")
def eight(t):
    t.hub.rate_per_connection = 2 * RATE
    processes = [t.start() for _ in range(8)]
    statuses = []
    for process in processes:
        try:
            statuses.append(process.wait(LIMIT))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            statuses.append(None)
    verdict = t.judge(0)
    times = t.hub.sent() / len(t.model)
    if not verdict.good:
        return Verdict(False, "a wrong file is in the cache" if t.files() else verdict.words)
    failed = sum(status != 0 for status in statuses)
    return Verdict(failed == 0 and times < 1.1, f"{8 - failed} succeed, {times:.1f} downloads")


@row("a bit of the cached file rots")
def rots(t):
    verdict = t.usual()
    if not verdict.good:
        return verdict
    for path in t.client.files(t.folder):
        with open(path.resolve(), "r+b") as file:
            file.seek(700_000)
            byte = file.read(1)
            file.seek(700_000)
            file.write(bytes([byte[0] ^ 1]))
    return t.usual()


@row("the hub is down, the model is in the cache")
def down(t):
    verdict = t.usual()
    if not verdict.good:
        return verdict
    t.hub.stop()
    return t.judge(t.run())


@row("a split model lacks a part")
def part(t):
    t.hub.repos.clear()
    t.hub.main.clear()
    first = PROJECT / "build/release/test-models/bert.gguf"
    t.hub.add(REPO, "m-00001-of-00002.gguf", first.read_bytes())
    t.name, t.model = "m-00001-of-00002.gguf", first.read_bytes()
    status = t.run()
    found = t.files()
    return Verdict(status not in (0, None) and not found,
                   "error before the download" if not found
                   else "one part is in the cache" + (", exit status 0" if status == 0 else ""))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", nargs="*")
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()
    results = {}
    for words, trial in ROWS.items():
        if arguments.rows and not any(wanted in words for wanted in arguments.rows):
            continue
        results[words] = {}
        for client in CLIENTS:
            folder = pathlib.Path(tempfile.mkdtemp(prefix="faults-"))
            try:
                with FakeHub() as hub:
                    hub.add(REPO, NAME, MODEL)
                    results[words][client.title] = trial(Trial(client, hub, folder, MODEL))
            finally:
                shutil.rmtree(folder, ignore_errors=True)
        print(f"{words}: " + " | ".join(f"{'ok' if v.good else 'NO'} {v.words}" for v in results[words].values()),
              file=sys.stderr, flush=True)
    titles = [client.title for client in CLIENTS]
    print("| fault | " + " | ".join(titles) + " |\n|---|" + "---|" * len(titles))
    for words, found in results.items():
        print(f"| {words} | " + " | ".join(("✓ " if found[t].good else "✗ ") + found[t].words for t in titles) + " |")
    print("| **passed** | " + " | ".join(f"**{sum(f[t].good for f in results.values())} of {len(results)}**"
                                         for t in titles) + " |")
    if arguments.json:
        arguments.json.write_text(json.dumps({w: {t: dataclasses.asdict(v) for t, v in f.items()}
                                              for w, f in results.items()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
