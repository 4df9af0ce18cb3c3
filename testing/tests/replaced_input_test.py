"""No output may replace a file that the run reads or keeps, however either is called."""

import shutil
import sqlite3
import subprocess

import pyarrow as pa
import pyarrow.parquet
import pytest
from program import CLI, MODELS

USAGE = 2
HERE = ["-i", "a.csv", "--column", "body"]
# Flags, the file that must stay, and the output's name.
CASES = {
    "glob": (["-i", "g/*.csv", "--column", "body"], "g/1.csv", "g/1.csv"),
    "folder": (["-i", "g", "--column", "body"], "g/2.csv", "g/2.csv"),
    "link": (["-i", "g/link.csv", "--column", "body"], "g/1.csv", "g/1.csv"),
    "hard link": (["-i", "g/1.csv", "--column", "body"], "g/1.csv", "hard.csv"),
    "parts": (["-i", "p/*.parquet", "--column", "body", "--split-rows", "1000"], "p/part-00000.parquet", "p"),
    "query": (["--query", "SELECT body FROM 'a.csv'"], "a.csv", "a.csv"),
    "query of a name": (["--query", 'SELECT body FROM "a.csv"'], "a.csv", "a.csv"),
    "query of a pattern": (["--query", "SELECT body FROM read_csv(['g/*.csv'])"], "g/2.csv", "g/2.csv"),
    "attached": (["--query", "SELECT body FROM notes", "--attach", "a.db"], "a.db", "a.db"),
    "attached by kind": (["--query", "SELECT body FROM notes", "--attach", "n=sqlite:a.db"], "a.db", "./a.db"),
    "model": (HERE, "model.gguf", "model.gguf"),
    "store": ([*HERE, "--vector-store", "a.db"], "a.db", "a.db"),
    "calibration": ([*HERE, "--dtype", "int8", "--calibration", "c.txt"], "c.txt", "c.txt"),
    "config": ([*HERE, "--config", "c.toml"], "c.toml", "c.toml"),
    "journal": (["-i", "out.parquet.journal", "--input-format", "csv"], "out.parquet.journal", "out.parquet"),
}


@pytest.fixture
def folder(tmp_path):
    table = "id,body\n1,one\n2,two\n"
    (tmp_path / "g").mkdir()
    (tmp_path / "p").mkdir()
    for name in ("a.csv", "g/1.csv", "g/2.csv", "out.parquet.journal"):
        (tmp_path / name).write_text(table)
    (tmp_path / "hard.csv").hardlink_to(tmp_path / "g/1.csv")
    pa.parquet.write_table(pa.table({"body": ["one", "two"]}), tmp_path / "p/part-00000.parquet")
    with sqlite3.connect(tmp_path / "a.db") as database:
        database.execute("CREATE TABLE notes(body TEXT)")
        database.execute("INSERT INTO notes VALUES ('one')")
    database.close()
    (tmp_path / "c.txt").write_text("one\ntwo\n")
    (tmp_path / "c.toml").write_text("normalize = true\n")
    shutil.copy(MODELS / "bert.gguf", tmp_path / "model.gguf")
    return tmp_path


@pytest.mark.parametrize("case", CASES)
def test_what_is_read_is_not_replaced(folder, case):
    flags, file, output = CASES[case]
    if case == "link":
        (folder / "g/link.csv").symlink_to("1.csv")
    before = (folder / file).read_bytes()
    names = sorted(path for path in folder.rglob("*"))
    command = [CLI, "embed", "-m", "model.gguf", "-o", output, "--force", *flags]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    assert run.returncode == USAGE, (run.stdout, run.stderr)
    assert "Error: the output would replace " in run.stderr
    assert (folder / file).read_bytes() == before
    assert sorted(path for path in folder.rglob("*")) == names


def test_shards_are_not_merged_into_one_of_their_parts(folder):
    for shard in ("0/2", "1/2"):
        command = [CLI, "embed", "-m", "model.gguf", "-o", "s", "--shard", shard, *HERE]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=600)
    parts = {path: path.read_bytes() for path in (folder / "s").iterdir()}
    part = next(path for path in parts if path.suffix == ".parquet")
    command = [CLI, "shards", "s", "--merge", part, "--force"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    assert run.returncode == USAGE and "would replace" in run.stderr, (run.stdout, run.stderr)
    assert {path: path.read_bytes() for path in (folder / "s").iterdir()} == parts


def test_another_name_in_the_same_folder_is_written(folder):
    command = [CLI, "embed", "-m", "model.gguf", "-o", "g/out.parquet", "-i", "g/*.csv", "--column", "body"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stderr
