"""A run that is killed, or meets a full disk, at a chosen step of its work: the same command goes on, nothing is lost.

resume_test.py kills at random times; here the steps are named: each call that changes a file of the output's folder can
be the last one (file_events.cc). KILLS=50 takes 50 steps of each kind of output instead of the few of every run.
"""

import os
import random
import re
import signal
import subprocess

import numpy
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet
import pytest
from program import CLI, MODELS, cosines

KILLS = int(os.environ.get("KILLS", "8"))
COUNT = 1_200
OUTPUTS = {"file": [], "parts": ["--split-rows", "250"], "shards": ["--shard", "1/3"]}

pytestmark = pytest.mark.skipif(
    "sanitize" in os.environ.get("BUILD_FLAGS", ""), reason="a sanitizer must be loaded first"
)


def command(source, output, *flags):
    return [CLI, "embed", "-m", MODELS / "bert.gguf", "-i", source, "-o", output, "--column", "text", *flags]


def run(words, folder=None, **events):
    """events: at, kind, name, do, log; of the files below the folder."""
    environment = dict(os.environ)
    if folder is not None:
        environment |= {"LD_PRELOAD": os.environ["FILE_EVENTS"], "FILE_EVENTS_FOLDER": str(folder)}
        environment |= {f"FILE_EVENTS_{name.upper()}": str(value) for name, value in events.items()}
    return subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=600, env=environment)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crash")
    rng = random.Random(1)
    texts = [" ".join(f"w{rng.randrange(400)}" for _ in range(rng.choice([3, 10, 20]))) for _ in range(COUNT)]
    texts[100:200] = texts[:100]
    texts[50] = texts[700] = None
    pa.parquet.write_table(pa.table({"id": range(COUNT), "text": texts}), folder / "in.parquet")
    done = run(command(folder / "in.parquet", folder / "whole.parquet"))
    assert done.returncode == 0, done.stderr
    return folder / "in.parquet", pa.parquet.read_table(folder / "whole.parquet")


def read(output):
    files = sorted(map(str, output.glob("*.parquet"))) if output.is_dir() else [str(output)]
    return pa.dataset.dataset(files).to_table()


def check(output, whole, kind):
    found = read(output)
    if kind == "shards":
        whole = whole.filter(pa.array([i % 3 == 1 for i in whole["id"].to_pylist()]))
    assert found["id"].to_pylist() == whole["id"].to_pylist()
    assert found["text"].to_pylist() == whole["text"].to_pylist()
    vectors = [numpy.array(table["embedding"].to_pylist()) for table in (found, whole)]
    assert cosines(*vectors).min() >= 0.9999
    names = sorted(path.name for path in (output if output.is_dir() else output.parent).iterdir())
    if kind == "store":
        return
    expected = {
        "file": r"out\.parquet",
        "parts": r"part-\d{5}\.parquet",
        "shards": r"part-00001-of-00003-\d{5}\.parquet|\.part-00001-of-00003\.json",
    }[kind]
    assert [name for name in names if not re.fullmatch(expected, name)] == []


def steps(log):
    """All events of a run as {(kind, file without numbers): how many}."""
    found = {}
    for line in log.read_text().splitlines():
        kind, path = line.split(" ", 1)
        name = re.sub(r"\.\d+-\d+\.partial", ".*.partial", os.path.basename(path))
        found[kind, name] = found.get((kind, name), 0) + 1
    return found


def chosen(log, count):
    """Steps to end at, as (kind, part of the name, number): the rare ones first, the many writes by chance."""
    rng, rare, many = random.Random(3), [], []
    for (kind, name), times in steps(log).items():
        named = name.split("*")[0].rstrip(".") if "*" in name else name
        for number in range(1, times + 1):
            (many if kind == "write" and times > 4 else rare).append((kind, named, number))
    rng.shuffle(rare)
    taken = rare[: max(1, count * 3 // 4)]
    return taken + rng.sample(many, min(len(many), count - len(taken)))


@pytest.fixture(scope="session", params=OUTPUTS)
def kind(request):
    return request.param


@pytest.fixture(scope="session")
def log(kind, corpus, tmp_path_factory):
    folder = tmp_path_factory.mktemp("steps")
    output = folder / ("out.parquet" if kind == "file" else "out")
    done = run(command(corpus[0], output, *OUTPUTS[kind]), folder, log=folder.parent / f"{folder.name}.log")
    assert done.returncode == 0, done.stderr
    check(output, corpus[1], kind)
    return folder.parent / f"{folder.name}.log"


def begin(kind, corpus, tmp_path, number):
    folder = tmp_path / str(number)
    folder.mkdir()
    output = folder / ("out.parquet" if kind == "file" else "out")
    return folder, output, command(corpus[0], output, *OUTPUTS[kind])


def test_the_steps_are_all_there(kind, log):
    kinds = {kind for kind, _ in steps(log)}
    assert kinds >= {"create", "write", "sync", "truncate", "name", "remove"}
    assert {name for kind, name in steps(log) if kind == "name"} != set()


def test_killed_before_a_step(kind, log, corpus, tmp_path):
    """Twice: the run that goes on is killed as well, at another step."""
    points = chosen(log, KILLS)
    kills = 0
    for number, point in enumerate(points):
        folder, output, words = begin(kind, corpus, tmp_path, number)
        for step, name, at in (point, points[number // 2]):
            ended = run(words, folder, do="kill", kind=step, name=name, at=at)
            if ended.returncode == 0:
                break  # the run that goes on has less to do
            assert ended.returncode == -signal.SIGKILL, (point, ended.returncode, ended.stderr)
            kills += 1
        if ended.returncode != 0:
            ended = run(words)
            assert ended.returncode == 0, (point, ended.stderr)
        check(output, corpus[1], kind)
    assert kills >= len(points)


def test_killed_twice_at_the_very_beginning(corpus, tmp_path):
    """What the first has begun is rolled back by the second, which is killed a write further each time."""
    for second in range(1, 7):
        folder, output, words = begin("file", corpus, tmp_path, second)
        for name, at in (("journal-journal", 2), ("journal", second)):
            ended = run(words, folder, do="kill", kind="write", name=name, at=at)
            assert ended.returncode == -signal.SIGKILL, ended.stderr
        ended = run(words)
        assert ended.returncode == 0, ended.stderr
        check(output, corpus[1], "file")


def test_a_full_disk_at_a_step(kind, log, corpus, tmp_path):
    failures = 0
    for number, (step, name, at) in enumerate(chosen(log, KILLS)):
        if step in ("sync", "truncate", "remove"):
            continue
        folder, output, words = begin(kind, corpus, tmp_path, number)
        ended = run(words, folder, do="full", kind=step, name=name, at=at)
        if ended.returncode != 0:  # SQLite can do without some of its files
            failures += 1
            errors = [line for line in ended.stderr.splitlines() if line.startswith("Error: ")]
            assert ended.returncode == 5 and len(errors) == 1 and "No space left" in errors[0], (
                step,
                name,
                at,
                ended,
            )
            again = run(words)
            assert again.returncode == 0, (step, name, at, again.stderr)
            if "rows are done" in errors[0]:
                assert "Resuming: " in again.stdout
        check(output, corpus[1], kind)
    assert failures > 0


def full_disk(words, folder, **events):
    """Fails as on a full disk, with one line that says so; then there is room again."""
    ended = run(words, folder, do="full", **events)
    errors = [line for line in ended.stderr.splitlines() if line.startswith("Error: ")]
    assert ended.returncode == 5 and len(errors) == 1 and "No space left" in errors[0], ended
    again = run(words)
    assert again.returncode == 0, again.stderr
    return errors[0]


@pytest.mark.parametrize("at", [1, 2, 5, 9])
def test_a_full_disk_below_the_vector_store(corpus, tmp_path, at):
    (tmp_path / "store").mkdir()
    output = tmp_path / "out.parquet"
    store = tmp_path / "store" / "vectors.db"
    words = command(corpus[0], output, "--vector-store", store)
    assert str(store) in full_disk(words, tmp_path / "store", at=at)
    check(output, corpus[1], "store")
    # What is in the store is right: nothing is computed again.
    done = run(command(corpus[0], tmp_path / "again.parquet", "--vector-store", store, "--json"))
    assert '"computed":0' in done.stdout, done.stdout


@pytest.mark.parametrize("flags", [[], ["--dtype", "float16", "--dimensions", "32", "--force-dimensions"]])
def test_what_the_journal_has_is_in_the_vector_store(corpus, tmp_path, flags):
    """Killed when the journal has a thousand texts, or the store's disk is full at any of its writes."""
    log = tmp_path / "log"
    again = command(corpus[0], tmp_path / "again.parquet", "--force", "--json", *flags)
    (tmp_path / "plain").mkdir()
    words = command(corpus[0], tmp_path / "out.parquet", *flags, "--vector-store", tmp_path / "plain" / "s.db")
    assert run(words, tmp_path / "plain", kind="write", name="s.db-wal", log=log).returncode == 0
    writes = len(log.read_text().splitlines())
    for at in (0, writes // 2, writes * 3 // 4, writes):
        store = tmp_path / str(at) / "s.db"
        store.parent.mkdir()
        output = store.parent / "out.parquet"
        words = command(corpus[0], output, *flags, "--vector-store", store)
        if at == 0:
            ended = run(words, store.parent, do="kill", kind="create", name=".out.parquet", at=1)
            assert ended.returncode == -signal.SIGKILL, ended.stderr
            ended = run(words)
            assert ended.returncode == 0 and "Resuming: " in ended.stdout, ended
        else:
            assert str(store) in full_disk(words, store.parent, kind="write", name="s.db-wal", at=at)
        done = run([*again, "--vector-store", store])
        assert '"computed":0' in done.stdout, (at, done)


def test_the_output_names_all_kernels_that_were_at_work(corpus, tmp_path):
    own = corpus[1].schema.metadata[b"llama.kernels"].decode()
    if own.startswith("stock"):
        pytest.skip("there are no other kernels here")
    output, store = tmp_path / "out.parquet", tmp_path / "store.db"
    ended = run(command(corpus[0], output), tmp_path, do="kill", kind="create", name=".out.parquet", at=1)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    said = run(command(corpus[0], output, "--kernels", "stock"))
    assert "Resuming: " in said.stdout, said
    assert pa.parquet.read_schema(output).metadata[b"llama.kernels"].decode() == f"{own}; stock"
    check(output, corpus[1], "file")
    words = command(corpus[0], tmp_path / "out", "--split-rows", "500", "--force", "--vector-store", store)
    for kernels, named in (("auto", own), ("stock", f"{own}; stock"), ("auto", own)):
        assert run([*words, "--kernels", kernels]).returncode == 0
        found = {pa.parquet.read_schema(part).metadata[b"llama.kernels"] for part in (tmp_path / "out").iterdir()}
        assert found == {named.encode()}


def test_a_full_disk_below_the_manifest(corpus, tmp_path):
    output = tmp_path / "out"
    words = command(corpus[0], output, "--shard", "1/3")
    for step in ("create", "write", "name"):
        error = full_disk(words, tmp_path, at=1, kind=step, name=".part-00001-of-00003.json")
        assert ".json" in error and "rows are done, and the same command goes on from there" in error
        check(output, corpus[1], "shards")
        words = command(corpus[0], output, "--shard", "1/3", "--force")


def test_a_full_disk_below_a_merge(corpus, tmp_path):
    for shard in range(2):
        assert run(command(corpus[0], tmp_path / "parts", "--shard", f"{shard}/2")).returncode == 0
    words = [CLI, "shards", tmp_path / "parts", "--merge", tmp_path / "merged" / "out.parquet"]
    for step in ("create", "write", "name"):
        (tmp_path / "merged").mkdir(exist_ok=True)
        assert "merged/out.parquet" in full_disk(words, tmp_path / "merged", at=1, kind=step)
        check(tmp_path / "merged" / "out.parquet", corpus[1], "store")
        (tmp_path / "merged" / "out.parquet").unlink()


def larger_than_memory(tmp_path, monkeypatch):
    (tmp_path / "scratch").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    query = "SET memory_limit='64MB'; SELECT md5(i::VARCHAR) AS text FROM range(2000000) t(i) ORDER BY text"
    words = [CLI, "embed", "-m", MODELS / "bert.gguf", "--query", query, "--column", "text", "--limit", "50"]
    return [*words, "-o", tmp_path / "out.parquet"]


def test_what_others_have_in_tmpdir_is_no_hindrance(tmp_path, monkeypatch):
    """Another user's, and what a killed run has left, which goes."""
    words = larger_than_memory(tmp_path, monkeypatch)
    scratch = tmp_path / "scratch"
    (scratch / "llama-table.tmp").write_text("of another user")
    ended = run(words, scratch, do="kill", kind="write", at=3)
    assert ended.returncode == -signal.SIGKILL and len(list(scratch.iterdir())) == 2, ended
    ended = run(words)
    assert ended.returncode == 0, ended.stderr
    assert [path.name for path in scratch.iterdir()] == ["llama-table.tmp"]


def test_a_full_disk_below_what_does_not_fit_into_memory(tmp_path, monkeypatch):
    words = larger_than_memory(tmp_path, monkeypatch)
    assert "TMPDIR" in full_disk(words, tmp_path / "scratch", at=3)
    assert pa.parquet.read_table(tmp_path / "out.parquet").num_rows == 50
    assert list((tmp_path / "scratch").iterdir()) == []
