"""What a shard is known by: one of another run, or of an input or model that has changed, is not taken for the same."""

import hashlib
import json
import os
import shutil
import subprocess

import pyarrow as pa
import pyarrow.parquet
import pytest
from fetching import environment, split_model
from program import CLI, MODELS, rows

MODEL = MODELS / "bert.gguf"


def run(*arguments, status=0, **options):
    done = subprocess.run([CLI, *map(str, arguments)], capture_output=True, text=True, timeout=600, **options)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def embed(source, folder, shard, *flags, model=MODEL, **options):
    command = ["embed", "-m", model, "-i", source, "--column", "text", "-o", folder, "--shard", shard]
    return run(*command, *flags, **options)


@pytest.fixture
def source(tmp_path):
    pa.parquet.write_table(pa.table({"text": [f"text {i}" for i in range(20)]}), tmp_path / "in.parquet")
    return tmp_path / "in.parquet"


def without(folder, shard, *names):
    """Its manifest as older versions wrote it, which did not know these members."""
    file = folder / f".part-{int(shard[0]):05}-of-{int(shard[2]):05}.json"
    manifest = json.loads(file.read_text())
    for name in names:
        (manifest["input"] if name == "times" else manifest).pop(name, None)
    file.write_text(json.dumps(manifest))
    return file


# The model


def test_a_model_of_this_machine_is_known_by_its_content(tmp_path, source):
    """Wherever it lies; one of the same name and size with other weights is another."""
    folder, elsewhere = tmp_path / "out", tmp_path / "elsewhere" / MODEL.name
    elsewhere.parent.mkdir()
    weights = bytearray(MODEL.read_bytes())
    elsewhere.write_bytes(weights)
    command = ["embed", "-m", elsewhere, "-i", source, "--column", "text", "-o", folder, "--shard"]
    embed(source, folder, "0/3")
    run(*command, "1/3")
    weights[-100] ^= 1
    elsewhere.write_bytes(weights)
    assert "another model" in run(*command, "2/3", status=2).stderr


def test_a_split_model_is_known_by_all_its_parts(tmp_path, source):
    folder, merged, parts = tmp_path / "out", tmp_path / "m.parquet", split_model(tmp_path)
    for index in (0, 1):
        embed(source, folder, f"{index}/3", model=parts[0])
    whole = parts[-1].read_bytes()
    changed = bytearray(whole)
    changed[-100] ^= 1
    parts[-1].write_bytes(changed)
    assert "another model" in embed(source, folder, "2/3", model=parts[0], status=2).stderr
    parts[-1].write_bytes(whole)
    embed(source, folder, "2/3", model=parts[0])
    run("shards", folder, "--merge", merged)
    lines = "".join(hashlib.sha256(part.read_bytes()).hexdigest() + "\n" for part in parts)
    expected = hashlib.sha256(lines.encode()).hexdigest()
    assert rows(merged).schema.metadata[b"llama.model_sha256"].decode() == expected


def test_a_model_may_lie_below_its_folder(tmp_path, source):
    (tmp_path / "models/F32").mkdir(parents=True)
    shutil.copy(MODEL, tmp_path / "models/F32")
    embed(source, tmp_path / "out", "0/2", "--filename", "F32/bert.gguf", model=tmp_path / "models")
    embed(source, tmp_path / "out", "1/2")


# The calibration texts


def calibrated(tmp_path, words):
    (tmp_path / "c.txt").write_text(f"text {words}\nother words {words}\n")
    return ["--dtype", "int8", "--calibration", tmp_path / "c.txt"]


def test_other_calibration_texts_are_noticed_when_a_shard_begins(tmp_path, source):
    folder = tmp_path / "out"
    embed(source, folder, "0/2", *calibrated(tmp_path, 0))
    told = embed(source, folder, "1/2", *calibrated(tmp_path, 1), status=2).stderr
    assert "its int8 scales are from other texts than those of this one" in told and "--force" in told
    assert "other texts" in embed(source, folder, "0/2", *calibrated(tmp_path, 1), status=5).stderr
    assert "is done already" in embed(source, folder, "0/2", *calibrated(tmp_path, 0)).stdout
    embed(source, folder, "1/2", *calibrated(tmp_path, 1), "--force")
    told = run("shards", folder, status=3).stdout
    assert "0/2: foreign: its int8 scales are from other texts than those of the others" in told
    embed(source, folder, "0/2", *calibrated(tmp_path, 1), "--force")
    run("shards", folder, "--merge", tmp_path / "m.parquet")


def test_parts_with_other_scales_are_not_merged(tmp_path, source):
    """Of shards that older versions have written, whose manifests do not say it."""
    folder, merged = tmp_path / "out", tmp_path / "m.parquet"
    for index in (0, 1):
        embed(source, folder, f"{index}/2", *calibrated(tmp_path, index))
        without(folder, f"{index}/2", "calibration")
    told = run("shards", folder, "--merge", merged, status=3).stderr
    for words in ("'llama.int8_scales'", "part-00000-of-00002", "part-00001-of-00002", "--force"):
        assert words in told
    assert not merged.exists()
    embed(source, folder, "0/2", *calibrated(tmp_path, 1), "--force")
    run("shards", folder, "--merge", merged)


# The input


INPUTS = {
    "csv": lambda file: ["-i", file, "--column", "text"],
    "lines": lambda file: ["-i", file, "--input-format", "text"],
    "query": lambda file: ["--query", f"select text from read_csv('{file}', header = true)", "--column", "text"],
}


@pytest.mark.parametrize("kind", INPUTS)
def test_an_input_that_has_changed_is_another_though_its_size_is_the_same(tmp_path, kind):
    folder, source = tmp_path / "out", tmp_path / "in.csv"
    command = ["embed", "-m", MODEL, *INPUTS[kind](source), "-o", folder, "--shard", "1/2"]

    def written(words):
        source.write_text("".join(f"{word}\n" for word in ["text", *words]))

    def texts():
        (part,) = folder.glob("*.parquet")
        return rows(part)["text"].to_pylist()

    written(["one", "two", "six", "ten"])
    run(*command)
    before, marks = texts(), source.stat()
    assert "is done already" in run(*command).stdout
    written(["ten", "six", "two", "one"])
    os.utime(source, ns=(marks.st_atime_ns, marks.st_mtime_ns + 1))  # not in the same tick of the clock
    told = run(*command, status=5).stderr
    assert "shard 1/2 is there already" in told and "written at another time" in told and "--force" in told
    assert texts() == before
    run(*command, "--force")
    assert texts() != before
    assert "is done already" in run(*command).stdout


def test_shards_from_an_input_of_other_times_are_told_of(tmp_path, source):
    """It was changed in between, or each machine has a copy of its own: that nobody can tell without reading it."""
    folder = tmp_path / "out"
    assert "Warning" not in embed(source, folder, "0/2").stderr
    os.utime(source, (1_000_000_000, 1_000_000_000))
    told = embed(source, folder, "1/2").stderr
    assert "Warning: shard 0/2 is from the input (file '" in told and "at another time" in told
    listed = run("shards", folder)
    assert "Note: shard 1/2 is, other than shard 0/2, from the input" in listed.stdout
    assert len(json.loads(run("shards", folder, "--json").stdout)["notes"]) == 1
    run("shards", folder, "--merge", tmp_path / "m.parquet")
    embed(source, folder, "0/2", "--force")
    assert json.loads(run("shards", folder, "--json").stdout)["notes"] == []


def test_a_shard_of_an_older_version_is_done_where_nothing_was_written_since(tmp_path, source):
    folder = tmp_path / "out"
    embed(source, folder, "0/2")
    manifest = without(folder, "0/2", "times")
    done = embed(source, folder, "0/2", "--quiet")
    assert "older version" in done.stderr and "--force" in done.stderr
    assert "is done already" in embed(source, folder, "0/2").stdout
    later = manifest.stat().st_mtime_ns + 1_000_000_000
    os.utime(source, ns=(later, later))
    told = embed(source, folder, "0/2", status=5).stderr
    assert "in.parquet' was written after it" in told and "--force" in told
    embed(source, folder, "0/2", "--force")
    assert embed(source, folder, "0/2").stderr.count("older version") == 0


def test_a_data_set_is_known_by_its_content(hub, tmp_path):
    """Fetched again it has another time, and changed on the hub it may have the same size."""
    def shard(cache, status=0):
        more = ["--shard", "0/2", "--cache-dir", tmp_path / cache]
        source = "hf://datasets/org/texts/a.csv"
        command = ["embed", "-m", MODEL, "-i", source, "--column", "text", "-o", tmp_path / "out", *more]
        return run(*command, status=status, env=environment(hub, tmp_path))

    hub.add("datasets/org/texts", "a.csv", b"text\none\ntwo\n")
    shard("here")
    (file,) = (tmp_path / "here").glob("[!.]*/a.csv")
    os.utime(file, (1_000_000_000, 1_000_000_000))
    for cache in ("here", "elsewhere"):
        done = shard(cache)
        assert "is done already" in done.stdout and "Warning" not in done.stderr
    hub.add("datasets/org/texts", "a.csv", b"text\ntwo\none\n")
    assert "written at another time" in shard("here", status=5).stderr
