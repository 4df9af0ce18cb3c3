"""Shards: every row in one of them, and what `llama-cli shards` says and merges.

What of a run a shard is known by, so that no others' goes with it: shard_runs_test.py.
"""

import json
import os
import subprocess

import pyarrow as pa
import pyarrow.parquet
import pytest
from program import CLI, MODELS, rows

MODEL = MODELS / "bert.gguf"
COUNT = 50


def run(*arguments, status=0, **options):
    done = subprocess.run([CLI, *map(str, arguments)], capture_output=True, text=True, timeout=600, **options)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def embed(source, folder, shard, *flags, status=0, **options):
    return run(
        "embed",
        "-m",
        MODEL,
        "-i",
        source,
        "--column",
        "text",
        "-o",
        folder,
        "--shard",
        shard,
        *flags,
        status=status,
        **options,
    )


@pytest.fixture
def source(tmp_path):
    texts = [None if i % 11 == 3 else f"text {i % 40}" for i in range(COUNT)]
    pa.parquet.write_table(
        pa.table({"id": range(COUNT), "text": texts, "row": ["x"] * COUNT}), tmp_path / "in.parquet"
    )
    return tmp_path / "in.parquet"


def test_every_row_is_in_one_shard_and_the_merge_is_the_run_without_shards(tmp_path, source):
    folder = tmp_path / "out"
    for index in (2, 0, 1):
        embed(source, folder, f"{index}/3")
    said = json.loads(run("shards", folder, "--json").stdout)
    assert said["is_whole"] and (said["rows_in"], said["skipped"], said["rows_out"]) == (COUNT, 5, COUNT - 5)
    run("shards", folder, "--merge", tmp_path / "merged.parquet")
    run("embed", "-m", MODEL, "-i", source, "--column", "text", "-o", tmp_path / "whole.parquet", "--with", "row")
    merged, whole = rows(tmp_path / "merged.parquet"), rows(tmp_path / "whole.parquet")
    assert merged.schema.names == whole.schema.names and merged.schema.types == whole.schema.types
    for name in set(merged.schema.names) - {"processing_time_ms", "embedding"}:
        assert merged[name].to_pylist() == whole[name].to_pylist(), name
    assert merged["row"].to_pylist() == merged["id"].to_pylist() and set(merged["row_input"].to_pylist()) == {"x"}


def metadata_of(path):
    found = {key.decode(): value.decode() for key, value in (rows(path).schema.metadata or {}).items()}
    return {key: value for key, value in found.items() if key.startswith("llama.")}


def merged_and_whole(tmp_path, source, flags, kernels=("auto", "auto")):
    folder, merged, whole = (tmp_path / name for name in ("out", "m.parquet", "w.parquet"))
    for index in (0, 1):
        embed(source, folder, f"{index}/2", *flags, "--kernels", kernels[index], "--split-rows", 10)
    run("shards", folder, "--merge", merged)
    run("embed", "-m", MODEL, "-i", source, "--column", "text", "-o", whole, "--with", "row", *flags)
    return merged, whole, [metadata_of(path) for path in sorted(folder.glob("*.parquet"))]


@pytest.fixture
def int8(tmp_path):
    (tmp_path / "c.txt").write_text("".join(f"text {i}\n" for i in range(40)))
    return ["--dtype", "int8", "--calibration", tmp_path / "c.txt"]


@pytest.mark.parametrize("kind", ["int8", "of other kernels"])
def test_the_merge_says_of_its_vectors_what_the_run_without_shards_says(tmp_path, source, int8, kind):
    flags = ["--prompt", "about: {text}", "--pooling", "cls", *(int8 if kind == "int8" else [])]
    kernels = ("auto", "auto" if kind == "int8" else "stock")
    merged, whole, parts = merged_and_whole(tmp_path, source, flags, kernels)
    found, expected = metadata_of(merged), metadata_of(whole)
    assert found["llama.created"] == max(part["llama.created"] for part in parts)
    assert found["llama.kernels"] == ", ".join(dict.fromkeys(part["llama.kernels"] for part in parts))
    assert (found["llama.kernels"] == expected["llama.kernels"]) == (kind == "int8")
    assert found["llama.setting.prompt"] == expected["llama.prompt"]
    other = {"llama.created", "llama.kernels", "llama.model_sha256"} | {k for k in found if ".setting." in k}
    assert {k: v for k, v in found.items() if k not in other} == {k: v for k, v in expected.items() if k not in other}


def test_the_merge_is_searched_as_the_run_without_shards_is(tmp_path, source, int8):
    def scores(file):
        hits = run("search", file, "text 7", "-k", COUNT, "--json").stdout.splitlines()
        return sorted(json.loads(hit)["score"] for hit in hits)

    merged, whole, _ = merged_and_whole(tmp_path, source, int8)
    assert scores(merged) == pytest.approx(scores(whole), abs=0.001)


def test_a_shard_counts_its_own_rows(tmp_path, source):
    lines = tmp_path / "in.txt"
    lines.write_text("".join(f"line {i}\n" for i in range(1, 101)))
    counts = {}
    for shard in ("0/8", "1/8", "4/8", "5/8"):
        done = run("embed", "-m", MODEL, "-i", lines, "-o", tmp_path / "lines", "--shard", shard, "--json")
        counts[shard] = json.loads(done.stdout)["rows_in"]
        assert f"Processing {counts[shard]} rows" in done.stderr
        assert f"{counts[shard]}/{counts[shard]} (100%)" in done.stderr
    assert counts == {"0/8": 12, "1/8": 13, "4/8": 13, "5/8": 12}
    for shard, count in (("0/3", 17), ("2/3", 16)):
        done = embed(source, tmp_path / "rows", shard)
        assert f"Processing {count} rows" in done.stdout and f"{count}/{count} (100%)" in done.stderr


def test_what_is_missing_cut_short_or_foreign_is_named(tmp_path, source):
    folder = tmp_path / "out"
    for index in (0, 1):
        embed(source, folder, f"{index}/4")
    assert "--normalize" in embed(source, folder, "3/4", "--normalize", status=2).stderr
    embed(source, folder, "3/4", "--normalize", "--force")
    part = folder / "part-00001-of-00004-00000.parquet"
    part.write_bytes(part.read_bytes()[:-10])
    done = run("shards", folder, status=3)
    for words in ("1/4: cut short", "2/4: missing", "3/4: foreign", "--normalize"):
        assert words in done.stdout
    assert "nothing to merge" in run("shards", folder, "--merge", tmp_path / "x.parquet", status=3).stderr
    assert not (tmp_path / "x.parquet").exists()
    assert "--force" in embed(source, folder, "1/4", status=5).stderr
    for index in (1, 2, 3):
        embed(source, folder, f"{index}/4", "--force")
    assert json.loads(run("shards", folder, "--json").stdout)["is_whole"]


def test_a_finished_shard_given_again_is_done(tmp_path, source):
    folder = tmp_path / "out"
    for index in (0, 1):
        embed(source, folder, f"{index}/2")
    before = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()}
    assert "Shard 1/2 is done already: 22 rows out" in embed(source, folder, "1/2").stdout
    told = json.loads(embed(source, folder, "1/2", "--json").stdout)
    assert (told["rows_in"], told["rows_out"], told["computed"]) == (25, 22, 0)
    assert {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()} == before
    # Another run's, and one that is not whole, are not.
    (folder / ".part-00000-of-00002.json").unlink()
    assert "--normalize" in embed(source, folder, "1/2", "--normalize", status=5).stderr
    part = folder / "part-00001-of-00002-00000.parquet"
    part.write_bytes(part.read_bytes()[:-10])
    assert "--force" in embed(source, folder, "1/2", status=5).stderr
    assert "Total embeddings: 22" in embed(source, folder, "1/2", "--force").stdout


def test_a_file_whose_name_is_not_utf8_is_the_same_again(tmp_path):
    lines, folder = tmp_path / os.fsdecode(b"caf\xe9.txt"), tmp_path / "out"
    lines.write_text("one\ntwo\nthree\n")
    for index in (0, 1, 1):
        command = [CLI, "embed", "-m", MODEL, "-i", lines, "-o", folder, "--shard", f"{index}/2"]
        done = subprocess.run(command, capture_output=True, timeout=600)
        assert done.returncode == 0, done.stderr
    assert b"Shard 1/2 is done already" in done.stdout
    assert json.loads(run("shards", folder, "--json").stdout)["is_whole"]


def test_tables_that_are_no_part_of_the_run_are_named(tmp_path, source):
    folder = tmp_path / "out"
    for index in (0, 1):
        embed(source, folder, f"{index}/2")
    (folder / "README.md").write_text("not a table")
    run("shards", folder)
    (folder / "part-00000-of-00002-00001.parquet").write_bytes(b"of an earlier run")
    merged = folder / "all.parquet"
    assert "earlier run" in run("shards", folder, "--merge", merged).stdout
    assert rows(merged).num_rows == COUNT - 5
    done = run("shards", folder, status=3)
    assert "all.parquet': it is no part of the run" in done.stdout and "earlier run" in done.stdout
    assert "every shard is whole, but" in done.stderr
    assert ".parquet" in run("shards", folder, "--merge", tmp_path / "all.csv", status=2).stderr


def test_the_scheduler_says_which(tmp_path, source):
    schedulers = [
        {
            "SLURM_ARRAY_TASK_ID": "5",
            "SLURM_ARRAY_TASK_MIN": "4",
            "SLURM_ARRAY_TASK_MAX": "6",
            "SLURM_ARRAY_TASK_COUNT": "3",
        },
        {"RANK": "1", "WORLD_SIZE": "3"},
        {"JOB_COMPLETION_INDEX": "1", "JOB_COMPLETIONS": "3"},
        {"AWS_BATCH_JOB_ARRAY_INDEX": "1", "AWS_BATCH_JOB_ARRAY_SIZE": "3"},
    ]
    for number, variables in enumerate(schedulers):
        folder = tmp_path / str(number)
        embed(source, folder, "auto", env=os.environ | variables)
        assert [path.name for path in folder.glob("*.parquet")] == ["part-00001-of-00003-00000.parquet"]
        assert pa.parquet.read_table(folder)["id"].to_pylist() == [
            i for i in range(COUNT) if i % 3 == 1 and i % 11 != 3
        ]
    assert "auto" in embed(source, tmp_path / "none", "auto", status=2).stderr


@pytest.mark.parametrize("column, flags", [
    ("Error", ["--on-error", "null"]),
    ("row", ["--shard", "0/2"]),
    ("embedding", []),
    ("words", ["--text-as", "Text_Hash"]),
    ("chunk_index", ["--on-long", "chunk"]),
])
def test_a_text_that_is_called_like_a_column_of_ours_is_refused_at_once(tmp_path, column, flags):
    pa.parquet.write_table(pa.table({column: ["one", "two"]}), tmp_path / "in.parquet")
    command = ["embed", "-m", MODEL, "-i", tmp_path / "in.parquet", "--column", column, "-o", tmp_path / "out"]
    command += ["--split-rows", 10, *flags]
    done = run(*command, status=2)
    assert "--text-as" in done.stderr and "Loading" not in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]
    run(*(flag for flag in command if flag not in ("--text-as", "Text_Hash")), "--text-as", "body")
    assert "body" in pa.parquet.read_table(tmp_path / "out").schema.names


def test_no_shard_at_all(tmp_path):
    assert "Error: " in run("shards", tmp_path, status=3).stderr
    assert "Error: " in run("shards", tmp_path / "missing", status=3).stderr
