"""Shards: every row in one of them, and what `llama-cli shards` says and merges."""

import json
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


def test_the_scheduler_says_which(tmp_path, source):
    import os

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


def test_no_shard_at_all(tmp_path):
    assert "Error: " in run("shards", tmp_path, status=3).stderr
    assert "Error: " in run("shards", tmp_path / "missing", status=3).stderr
