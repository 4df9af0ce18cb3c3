"""Our downloads against curl on the same hub on this machine, in turn: medians of the times and their ratio.

    script/enter python3 bench/loader_speed.py [RUNS]       (default 5 each; needs script/bootstrap, 2 GB of disk)

hash        curl --location | sha256sum: one stream, hashed, nothing kept
file        curl --location | tee FILE | sha256sum: one stream, hashed and kept
pull        llama-cli models pull: several streams where one is slow; written, hashed, checked, synced
20 MB/s     the same on a hub that gives each connection 20 MB/s
"""
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

PROJECT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT / "testing"))
from fake_hub import FakeHub

CLI = PROJECT / "build/release/llama-cli/llama-cli"
WORK = PROJECT / "build/bench"
RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 5


def model():
    path = WORK / "hub/org/full/full-Q8_0.gguf"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, PROJECT / "testing/make_models.py", "--full-qwen3", path], check=True)
    return path


def timed(command, **options):
    started = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **options)
    return time.monotonic() - started


def ours(hub):
    shutil.rmtree(WORK / "cache", ignore_errors=True)
    return timed([CLI, "models", "pull", "org/full", "--quiet", "--cache-dir", WORK / "cache"],
                 env={**os.environ, "HF_ENDPOINT": hub.endpoint})


def curl(hub, keep=""):
    url = f"{hub.endpoint}/org/full/resolve/main/full-Q8_0.gguf"
    (WORK / "kept").unlink(missing_ok=True)
    return timed(["bash", "-c", f"set -o pipefail; curl --silent --fail --location {url} {keep} | sha256sum"])


def compare(words, hub, size):
    rounds = [(curl(hub), curl(hub, f"| tee {WORK / 'kept'}"), ours(hub)) for _ in range(RUNS)]
    hashed, kept, pulled = (statistics.median(column) for column in zip(*rounds))
    print(f"{words:10} {size / 1e6:.0f} MB: hash {hashed:.2f} s, file {kept:.2f} s, "
          f"pull {pulled:.2f} s ({size / pulled / 1e6:.0f} MB/s); "
          f"pull is {hashed / pulled:.2f} times as fast as hash, {kept / pulled:.2f} times as file", flush=True)


def main():
    path = model()
    # The hub in a process of its own, as a real one is: it must not wait for this one.
    for words, rate in (("unlimited", 0), ("20 MB/s", 20_000_000)):
        command = [sys.executable, PROJECT / "testing/fake_hub.py", WORK / "hub", "--rate-per-connection", str(rate)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            class Hub:
                endpoint = process.stdout.readline().strip().removeprefix("HF_ENDPOINT=")
            compare(words, Hub, path.stat().st_size)
            process.terminate()


if __name__ == "__main__":
    main()
