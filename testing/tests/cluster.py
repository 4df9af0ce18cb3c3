"""What the tests of examples/ share: a table, workers that are killed, and rows that are compared.

A worker is told from other people's by the model's path, which is the test's own folder.
"""

import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import threading
import time

import numpy
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet
from program import CLI, MODELS, PROJECT, REAL

EXAMPLES = PROJECT / "examples"
ROWS = 20_000
PARTS = 6


def write_source(folder, count=ROWS, parts=PARTS):
    """A folder of Parquet files: id, text, lang; some texts come twice."""
    folder.mkdir()
    words = [f"word{i}" for i in range(997)]
    rng = random.Random(count)
    texts = [" ".join(rng.choices(words, k=rng.randint(2, 14))) for _ in range(count)]
    for i in range(0, count, 50):
        texts[i] = texts[i // 2]
    step = -(-count // parts)
    for part in range(parts):
        ids = range(part * step, min(count, (part + 1) * step))
        table = pa.table({"id": ids, "text": [texts[i] for i in ids], "lang": [f"l{i % 7}" for i in ids]})
        pa.parquet.write_table(table, folder / f"part-{part}.parquet")
    return folder


def own_model(folder, name="bert.gguf"):
    """The tiny model at a path that no other process names."""
    path = folder / "model-of-this-test.gguf"
    shutil.copyfile(MODELS / name, path)
    return path


def real_model():
    path = REAL / "minilm" / "all-MiniLM-L6-v2-F16.gguf"
    return path if path.exists() else None


def program_path(folder):
    """A folder for PATH in which llama-cli is the built one."""
    folder.mkdir(exist_ok=True)
    if not (folder / "llama-cli").exists():
        (folder / "llama-cli").symlink_to(CLI)
    return folder


def environment(folder, **more):
    path = f"{program_path(folder / 'bin')}:{os.environ['PATH']}"
    return {
        **os.environ,
        "PATH": path,
        "LLAMA_CLI": CLI,
        "PYTHONPATH": python_path(),
        "PYTHONUNBUFFERED": "1",
        **more,
    }


def python_path():
    return ":".join(filter(None, [str(PROJECT / "python"), os.environ.get("PYTHONPATH")]))


class Killer(threading.Thread):
    """kill -9 to a process that has the model open, or to its parent where parents say so, until `most` are dead."""

    def __init__(self, model, most, parents=0.0, first=0.5, pause=(0.5, 1.5), seed=1, is_victim=lambda words: True):
        super().__init__(daemon=True)
        self.tag, self.most, self.parents, self.first, self.pause = str(model), most, parents, first, pause
        self.is_victim = is_victim
        self.random = random.Random(seed)
        self.killed = []
        self._over = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self.join()

    def run(self):
        self._over.wait(self.first)
        while len(self.killed) < self.most and not self._over.is_set():
            victims = [pid for pid in embedding(self.tag) if age(pid) > 0.3]
            if victims:
                self._kill(self.random.choice(victims))
                self._over.wait(self.random.uniform(*self.pause))
            else:
                self._over.wait(0.02)

    def _kill(self, pid):
        try:
            if self.random.random() < self.parents and self.is_victim(words_of(parent(pid))):
                pid = parent(pid)
            name = " ".join(words_of(pid))[:60]
            os.kill(pid, signal.SIGKILL)
            self.killed.append(name)
        except (OSError, ValueError, IndexError):
            pass  # it ended by itself


def words_of(pid):
    return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")


def parent(pid):
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def age(pid):
    try:
        started = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19])
    except OSError:
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started / os.sysconf("SC_CLK_TCK")


def embedding(tag):
    """The processes of `llama-cli embed` that were given this model."""
    return processes(
        lambda words: len(words) > 1 and words[0].endswith("llama-cli") and words[1] == "embed" and tag in words
    )


def processes(is_wanted, of=None):
    """Those whose command line is wanted; `of`: and that this process started."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if is_wanted(words_of(entry.name)) and (of is None or parent(entry.name) == of):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def plain_run(model, source, output):
    """The same table by one process that nobody kills."""
    command = [CLI, "embed", "-m", model, "-i", source, "--column", "text", "-o", output, "--quiet"]
    subprocess.run(list(map(str, command)), check=True, timeout=600)
    return output


def assert_same_rows(made, plain, hashes=True):
    """Every row once, with its columns and its vector: by pyarrow, and counted by DuckDB."""
    made, plain = (
        pa.dataset.dataset(str(path), format="parquet", exclude_invalid_files=False).to_table().sort_by("id")
        for path in (made, plain)
    )
    assert made.num_rows == plain.num_rows
    for name in ["id", "text", "lang", *(["text_hash"] if hashes else [])]:
        assert made[name].to_pylist() == plain[name].to_pylist(), name
    a, b = (numpy.stack(table["embedding"].to_numpy()).astype(numpy.float64) for table in (made, plain))
    cosine = (a * b).sum(1) / numpy.linalg.norm(a, axis=1) / numpy.linalg.norm(b, axis=1)
    assert cosine.min() >= 0.9999, cosine.min()


def duckdb(query):
    done = subprocess.run(["duckdb", "-csv", "-noheader", "-c", query], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def assert_duckdb_agrees(made, plain, count=ROWS):
    """The count, the ids and the digests of the texts, by a program that is neither ours nor pyarrow."""
    for path in (made, plain):
        said = duckdb(f"select count(*), count(distinct id), sum(id), count(embedding) from '{path}'")
        assert said == f"{count},{count},{count * (count - 1) // 2},{count}", (path, said)
    digest = "select md5(string_agg(md5(text), '' order by id)) from '{}'"
    assert duckdb(digest.format(made)) == duckdb(digest.format(plain))


def wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports
