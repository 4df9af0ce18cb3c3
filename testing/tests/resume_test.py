"""A run that is killed at any point goes on when its command is given again, and nothing is lost or doubled.

KILLS=50 kills more often than the few times that fit into every run of the tests. crash_test.py kills at chosen steps.
"""

import json
import os
import random
import signal
import subprocess
import time

import numpy
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet
import pytest
from program import CLI, MODELS, cosines, rows
from pyarrow import parquet

MODEL = MODELS / "bert.gguf"
KILLS = int(os.environ.get("KILLS", "4"))
AT_LEAST, AT_MOST, SECONDS = 2_400, 6_000, 2.5  # rows, and how long a run of them shall take


def start(source, output, *flags, **options):
    command = [
        CLI,
        "embed",
        "-m",
        str(MODEL),
        "-i",
        str(source),
        "-o",
        str(output),
        "--column",
        "text",
        *map(str, flags),
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def finish(*arguments, status=0):
    process = start(*arguments)
    out, err = process.communicate(timeout=600)
    assert process.returncode == status, out + err
    return out, err


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("resume")
    rng = random.Random(1)
    texts = [" ".join(f"w{rng.randrange(400)}" for _ in range(rng.choice([3, 20, 60]))) for _ in range(AT_MOST)]
    texts[100:200] = texts[:100]
    texts[50] = texts[AT_LEAST // 2] = None
    source = folder / "in.parquet"

    def timed(count):
        parquet.write_table(pa.table({"id": range(count), "text": texts[:count]}), source)
        begun = time.monotonic()
        finish(source, folder / "whole.parquet", "--force")
        return time.monotonic() - begun

    count, duration = AT_LEAST, timed(AT_LEAST)
    if duration < SECONDS:  # too quick to be met in its middle
        count = min(AT_MOST, int(AT_LEAST * SECONDS / duration))
        duration = timed(count)
    return source, rows(folder / "whole.parquet"), duration


def same(found, whole):
    found = found.sort_by("id")
    assert found["id"].to_pylist() == whole["id"].to_pylist()
    assert found["text"].to_pylist() == whole["text"].to_pylist()
    assert cosines(*(numpy.array(t["embedding"].to_pylist()) for t in (found, whole))).min() >= 0.9999


def parts_of(output, part):
    """The finished files of a run: the one file, or the parts of a folder that have this name."""
    found = sorted(output.glob(f"{part}*.parquet")) if output.is_dir() else [output]
    return [path for path in found if path.exists()]


def kill_often(source, output, *flags, duration, whole, part="part-"):
    """Killed again and again, until a run survives. Returns how often, and what resumed runs said.

    whole: the rows that belong into the output. A kill that comes after the journal is gone finds everything done.
    """
    rng, kills, said = random.Random(7), 0, []

    def begin_anew():
        folder, name = (output, part) if output.is_dir() else (output.parent, output.name)
        for path in folder.iterdir():
            if path.name.removeprefix(".").startswith(name):
                path.unlink()

    while True:
        process = start(source, output, *flags)
        try:
            out, err = process.communicate(timeout=rng.uniform(0.05, 1.1) * duration if kills < KILLS else 600)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            out, err = process.communicate()
            kills += 1
            done = parts_of(output, part)
            if done and not nothing_left(output if output.is_dir() else output.parent):
                same(pyarrow.dataset.dataset(list(map(str, done))).to_table(), whole)
                begin_anew()
            continue
        assert process.returncode == 0, out + err
        said.append(out)
        if kills >= KILLS:
            return kills, said
        begin_anew()  # it was too quick


def nothing_left(folder):
    return [path.name for path in folder.iterdir() if "journal" in path.name or "partial" in path.name]


def test_a_file(tmp_path, corpus):
    source, whole, duration = corpus
    out = tmp_path / "out.parquet"
    kill_often(source, out, duration=duration, whole=whole)
    same(rows(out), whole)
    assert nothing_left(tmp_path) == []


def test_a_folder_of_parts(tmp_path, corpus):
    source, whole, duration = corpus
    out = tmp_path / "parts"
    kill_often(source, out, "--split-rows", 700, duration=duration, whole=whole)
    same(pyarrow.dataset.dataset(sorted(map(str, out.glob("*.parquet")))).to_table(), whole)
    assert nothing_left(out) == []


def test_shards(tmp_path, corpus):
    source, whole, duration = corpus
    out = tmp_path / "shards"
    for shard in range(3):
        if shard == 1:
            third = whole.filter(pa.array([row % 3 == 1 for row in whole["id"].to_pylist()]))
            kill_often(source, out, "--shard", "1/3", duration=duration / 3, whole=third, part="part-00001-of")
        else:
            finish(source, out, "--shard", f"{shard}/3")
    same(pyarrow.dataset.dataset(sorted(map(str, out.glob("*.parquet")))).to_table(), whole)
    assert nothing_left(out) == []


def interrupted(source, out, *flags, after=0.5, number=signal.SIGINT):
    process = start(source, out, *flags)
    time.sleep(after)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    return process.returncode, stdout, stderr


def test_ctrl_c_says_how_to_go_on_and_the_next_run_says_where(tmp_path, corpus):
    source, whole, duration = corpus
    out = tmp_path / "out.parquet"
    for part in (0.5, 0.7, 0.3, 0.8):
        status, _, err = interrupted(source, out, after=part * duration)
        if status == 130 and "rows are done" in err:
            break
    else:
        pytest.skip("no run was interrupted in its middle: the machine is too uneven")
    assert "the same command goes on from there" in err and not out.exists()
    said, _ = finish(source, out)
    assert "Resuming: " in said and f" of {parquet.read_metadata(source).num_rows:,} rows are done" in said
    same(rows(out), whole)


@pytest.mark.parametrize(
    "flags,named",
    [(["--max-length", "8"], "--max-length"), (["--normalize"], "--normalize"), (["--keep", "none"], "--keep")],
)
def test_another_setting_is_named(tmp_path, corpus, flags, named):
    source, whole, duration = corpus
    out = tmp_path / "out.parquet"
    leave_journal(source, out, duration)
    _, err = finish(source, out, *flags, status=2)
    assert named in err and "--restart" in err and err.count("\n") == 1
    finish(source, out, *flags, "--restart")
    assert out.exists()


def leave_journal(source, out, duration):
    for part in (0.5, 0.7, 0.3, 0.8, 0.6):
        process = start(source, out)
        time.sleep(part * duration)
        process.kill()
        process.communicate()
        if any("journal" in path.name for path in out.parent.iterdir()):
            return
        out.unlink(missing_ok=True)
    pytest.skip("no run was killed in its middle: the machine is too uneven")


def test_a_changed_input_is_named(tmp_path, corpus):
    source, _, duration = corpus
    out, copy = tmp_path / "out.parquet", tmp_path / "in.parquet"
    copy.write_bytes(source.read_bytes())
    leave_journal(copy, out, duration)
    table = parquet.read_table(copy)
    parquet.write_table(table.slice(1), copy)
    _, err = finish(copy, out, status=2)
    assert "changed" in err and "--restart" in err and err.count("\n") == 1


def test_two_runs_do_not_write_the_same_output(tmp_path, corpus):
    source, whole, duration = corpus
    out = tmp_path / "out.parquet"
    first = start(source, out)
    time.sleep(0.5 * duration)
    if first.poll() is not None:
        pytest.skip("the first run was over too soon")
    second = start(source, out, "--force")
    _, err = second.communicate(timeout=60)
    first.communicate(timeout=600)
    assert second.returncode in (0, 2) and (second.returncode == 0 or "another" in err), err
    same(rows(out), whole)


@pytest.mark.parametrize("flags,part", [(["--split-rows", 700], "part-"), (["--shard", "1/2"], "part-00001")])
def test_two_runs_do_not_write_the_same_parts(tmp_path, corpus, flags, part):
    source, whole, duration = corpus
    out = tmp_path / "out"
    first = start(source, out, *flags)
    while first.poll() is None and not any(path.name.endswith(".partial") for path in out.glob(f".{part}*")):
        time.sleep(0.01)
    second = start(source, out, *flags)
    _, err = second.communicate(timeout=60)
    stdout, stderr = first.communicate(timeout=600)
    assert first.returncode == 0, stderr
    # It was refused at once, or found what the first had finished meanwhile.
    assert (second.returncode == 2 and "another process uses the journal" in err) or second.returncode == 5, err
    assert err.count("\n") == 1
    found = pyarrow.dataset.dataset(sorted(map(str, out.glob(f"{part}*.parquet")))).to_table()
    same(
        found,
        whole if "--shard" not in flags else whole.filter(pa.array([i % 2 == 1 for i in whole["id"].to_pylist()])),
    )
    assert nothing_left(out) == []


def test_standard_input_cannot_be_resumed_and_says_so(tmp_path, corpus):
    source, _, _ = corpus
    lines = "".join(
        json.dumps({"text": t or "-"}) + "\n" for t in parquet.read_table(source)["text"].to_pylist()[:100]
    )
    run = subprocess.run(
        [CLI, "embed", "-m", str(MODEL), "-i", "-", "--input-format", "jsonl", "-o", tmp_path / "out.parquet"],
        input=lines,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0 and "cannot be read twice" in run.stdout + run.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["out.parquet"]


def piped(out, *flags):
    command = [CLI, "embed", "-m", str(MODEL), "-i", "-", "-o", str(out), "--split-rows", "10", *flags]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_an_interrupted_pipe_leaves_no_parts_and_begins_anew(tmp_path):
    out, lines = tmp_path / "out", "".join(f"text {i}\n" for i in range(25))
    first = piped(out)
    first.stdin.write(lines)
    first.stdin.flush()
    while first.poll() is None and not (out / "part-00001.parquet").exists():
        time.sleep(0.01)
    first.send_signal(signal.SIGINT)
    assert first.wait(timeout=60) == 130
    assert "no output was written" in first.stderr.read() and list(out.iterdir()) == []
    second = piped(out)
    _, err = second.communicate(lines, timeout=600)
    assert second.returncode == 0, err
    assert [pyarrow.parquet.read_metadata(path).num_rows for path in sorted(out.iterdir())] == [10, 10, 5]


def test_a_pipe_that_breaks_off_says_which_parts_stay(tmp_path):
    out, lines = tmp_path / "out", "".join(f"text {i}\n" for i in range(25)).encode() + b"\xff\n"
    for flags in ([], ["--force"]):
        run = subprocess.run(
            [CLI, "embed", "-m", MODEL, "-i", "-", "-o", out, "--split-rows", "10", "--on-error", "fail", *flags],
            input=lines,
            capture_output=True,
        )
        assert run.returncode == 3 and b"2 whole parts stay in " in run.stderr and b"--force" in run.stderr
        assert sorted(path.name for path in out.iterdir()) == ["part-00000.parquet", "part-00001.parquet"]
