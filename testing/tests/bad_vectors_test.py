"""Files of vectors with something wrong: one line that says what and the way out, and an exit status."""

import json
import shutil
import subprocess

import numpy
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest
from program import CLI, MODELS, embed, rows

MODEL = MODELS / "bert.gguf"
TEXTS = [f"text number {i} of some" for i in range(60)]


def run(*arguments, status=0, **options):
    done = subprocess.run([CLI, *map(str, arguments)], capture_output=True, text=True, timeout=600, **options)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def error(*arguments, status=3):
    """The one line that it ends with."""
    done = run(*arguments, status=status)
    assert done.stdout == "" and done.stderr.count("\n") == 1 and done.stderr.startswith("Error: "), done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """A file whose model lies beside it."""
    folder = tmp_path_factory.mktemp("ours")
    shutil.copy(MODEL, folder / "model.gguf")
    done = embed(folder / "model.gguf", "\n".join(TEXTS).encode(), folder / "ours.parquet", "--row-group", "20")
    assert done.returncode == 0, done.stderr
    return folder / "ours.parquet"


def write(path, **columns):
    pa.parquet.write_table(pa.table(columns), path)
    return path


def lists(count, dimension, kind=None):
    values = numpy.random.default_rng(count).normal(size=(count, dimension)).astype(numpy.float32)
    return pa.array(values.tolist(), kind or pa.list_(pa.float32()))


@pytest.mark.parametrize("command", [("inspect",), ("search", "--like", "0")])
def test_a_file_that_cannot_be_read_is_named(tmp_path, ours, command):
    command, *flags = command
    (tmp_path / "empty.parquet").write_bytes(b"")
    (tmp_path / "text.csv").write_text("a,b\n1,2\n")
    (tmp_path / "cut.parquet").write_bytes(ours.read_bytes()[:-500])
    (tmp_path / "folder").mkdir()
    for name, said in (
        ("gone.parquet", "does not exist"),
        ("empty.parquet", "cut short"),
        ("cut.parquet", "cut short"),
        ("text.csv", "is csv, and vectors are read from Parquet and Arrow"),
        ("folder", "holds no table"),
    ):
        message = error(command, tmp_path / name, *flags)
        assert said in message and name in message


@pytest.mark.parametrize("command", [("inspect",), ("search", "--like", "0")])
def test_a_damaged_part_is_named(tmp_path, ours, command):
    """Its footer is whole, so that it is met while reading."""
    command, *flags = command
    shutil.copy(ours, tmp_path / "a.parquet")
    broken = bytearray(ours.read_bytes())
    broken[4 : len(broken) * 3 // 4] = bytes(len(broken) * 3 // 4 - 4)
    (tmp_path / "b.parquet").write_bytes(broken)
    message = error(command, tmp_path, *flags)
    assert "b.parquet" in message and "damaged" in message


@pytest.mark.parametrize("format", ["arrow", "arrows"])
def test_an_arrow_file_that_is_cut_short_is_named(tmp_path, ours, format):
    table = rows(ours)
    path = tmp_path / f"a.{format}"
    make = pa.ipc.new_file if format == "arrow" else pa.ipc.new_stream
    with make(path, table.schema) as file:
        file.write_table(table, 20)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    for command in (("inspect", path), ("search", path, "--like", "0")):
        message = error(*command)
        assert str(path) in message and "damaged, cut short" in message


def test_parts_of_other_columns_are_refused(tmp_path, ours):
    shutil.copy(ours, tmp_path / "a.parquet")
    write(tmp_path / "b.parquet", embedding=lists(5, 64))
    message = error("search", tmp_path, "--like", "0")
    assert "b.parquet" in message and "other columns" in message and "lacks 'text'" in message


def test_parts_that_cannot_be_compared_are_refused(tmp_path, ours):
    table = rows(ours)
    pa.parquet.write_table(table, tmp_path / "a.parquet")
    metadata = dict(table.schema.metadata) | {b"llama.model_file": b"other.gguf"}
    pa.parquet.write_table(table.replace_schema_metadata(metadata), tmp_path / "b.parquet")
    message = error("search", tmp_path, "--like", "0")
    assert "b.parquet' is of another model" in message and "belong together" in message


def test_the_vectors_column_must_be_one(tmp_path):
    path = write(tmp_path / "a.parquet", id=list(range(9)), name=["x"] * 9)
    assert "has no column of vectors" in error("inspect", path)
    path = write(tmp_path / "b.parquet", title=lists(9, 4), body=lists(9, 4), name=["x"] * 9)
    message = error("inspect", path)
    assert "'title', 'body'" in message and "--vector-column" in message
    assert json.loads(run("inspect", path, "--vector-column", "body", "--json").stdout)["vector_column"] == "body"
    message = error("search", path, "--like", "0", "--vector-column", "bdy")
    assert "did you mean 'body'" in message and str(path) in message
    assert "'name' is string, not a list of numbers" in error("inspect", path, "--vector-column", "name")
    path = write(tmp_path / "c.parquet", v=pa.array([[], [1.0]], pa.list_(pa.float32())))
    assert "has 0 dimensions" in error("inspect", path)


def test_a_column_that_is_missing_is_told_before_the_model_loads(ours):
    for flags in (("--column", "txt"), ("--text-column", "txt")):
        message = error("search", ours, "query", *flags, status=2)
        assert "no column 'txt'" in message and "did you mean 'text'" in message
    assert "no column 'txt'" in error("inspect", ours, "--text-column", "txt")
    assert "'sequence_length' is no text" in error("inspect", ours, "--text-column", "sequence_length")


def test_a_file_that_names_no_model_needs_one(tmp_path):
    path = write(tmp_path / "a.parquet", v=lists(9, 64), text=["x"] * 9)
    message = error("search", path, "query", status=2)
    assert "does not say which model" in message and "--model" in message
    assert len(run("search", path, "query", "-m", MODEL, "--json").stdout.splitlines()) == 9


def test_a_model_that_is_gone_is_told(tmp_path, ours):
    done = run("search", ours, "text number 7 of some", "-k", "1", "--json")
    assert json.loads(done.stdout)["row"] == 7
    moved = ours.parent / "moved.gguf"
    (ours.parent / "model.gguf").rename(moved)
    try:
        message = error("search", ours, "query", status=4)
        assert "'model.gguf'" in message and str(ours.parent) in message and "--model" in message
        assert run("search", ours, "text number 7 of some", "-k", "1", "--json", "-m", moved).stdout == done.stdout
        # What needs no model goes on.
        assert len(run("search", ours, "--like", "3", "--json").stdout.splitlines()) == 10
        # Another one under the name: it is told, and taken where it is named.
        (ours.parent / "model.gguf").write_bytes(MODEL.read_bytes() + b"\0" * 32)
        assert "its size is another" in error("search", ours, "query", status=4)
        done = run("search", ours, "query", "-m", ours.parent / "model.gguf")
        assert "Warning: the model 'model.gguf' is not the one" in done.stderr
        (ours.parent / "model.gguf").write_bytes(b"GGUF")
        message = error("search", ours, "query", status=4)
        assert "model.gguf" in message and "--model names another" in message
    finally:
        moved.rename(ours.parent / "model.gguf")


def test_a_model_of_other_dimensions_is_refused(tmp_path):
    path = write(tmp_path / "a.parquet", v=lists(9, 63))
    message = error("search", path, "query", "-m", MODEL, status=4)
    assert "has 64 dimensions" in message and "have 63" in message and str(path) in message


def test_scales_for_other_dimensions_are_refused(tmp_path):
    done = embed(MODEL, "\n".join(TEXTS).encode(), tmp_path / "a.parquet", "--dtype", "int8")
    assert done.returncode == 0, done.stderr
    table = rows(tmp_path / "a.parquet")
    for scales, said in ((b'{"start":[1,2],"step":[1,2]}', "scales for 2"), (b"nonsense", "llama.int8_scales")):
        metadata = dict(table.schema.metadata) | {b"llama.int8_scales": scales}
        pa.parquet.write_table(table.replace_schema_metadata(metadata), tmp_path / "b.parquet")
        message = error("search", tmp_path / "b.parquet", "--like", "0")
        assert said in message and "b.parquet" in message


def test_a_file_without_rows_has_no_answer(tmp_path):
    for name, kind in (("a", pa.list_(pa.float32())), ("b", pa.list_(pa.float32(), 64))):
        path = write(tmp_path / f"{name}.parquet", v=pa.array([], kind), text=pa.array([], pa.string()))
        said = json.loads(run("inspect", path, "--json", "--check").stdout)
        assert said["rows"] == 0 and said["norms"] is None and said["pair_similarity"] is None
        assert "Rows: 0" in run("inspect", path).stdout
        done = run("search", path, "query", "-m", MODEL, "--json")
        assert done.stdout == "" and "no row was searched: there is none" in done.stderr
        assert "there are none" in error("search", path, "--like", "0", status=2)
        output = tmp_path / f"{name}-found.parquet"
        run("search", path, "query", "-m", MODEL, "-o", output)
        assert rows(output).num_rows == 0
    path = write(tmp_path / "c.parquet", v=pa.array([None, None], pa.list_(pa.float32())))
    assert json.loads(run("inspect", path, "--json").stdout)["nulls"] == 2
    assert "2 rows were left out" in run("search", path, "query", "-m", MODEL).stderr


def test_more_rows_than_there_are_can_be_asked_for(ours):
    hits = [json.loads(line) for line in run("search", ours, "some text", "-k", 10**12, "--json").stdout.splitlines()]
    assert sorted(hit["row"] for hit in hits) == list(range(60))
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)


def test_what_is_asked_for_must_make_sense(ours, tmp_path):
    (tmp_path / "blank.txt").write_text("\n  \n")
    (tmp_path / "bad.txt").write_bytes(b"good\nb\xffd\n")
    for flags, status, said in (
        ((), 2, "nothing to search for"),
        (("query", "--like", "1"), 2, "exclude"),
        (("",), 2, "the query is empty"),
        (("query", "-k", "0"), 2, "--top"),
        (("query", "--prompt", "{title}: {text}"), 2, "no column 'title'"),
        (("query", "--prompt", "no place"), 2, "{text}"),
        (("query", "--prompt-name", "query"), 2, "no family"),
        (("--like", "60"), 2, "the last is 59"),
        (("--queries", tmp_path / "gone.txt"), 3, "gone.txt"),
        (("--queries", tmp_path / "blank.txt"), 3, "blank.txt"),
        (("--queries", tmp_path / "bad.txt"), 3, "line 2"),
        (("query", "-o", "/nowhere/a.parquet"), 5, "/nowhere"),
        (("query", "-o", tmp_path / "a.parquet", "--json"), 2, "--json"),
    ):
        assert said in error("search", ours, *flags, status=status), flags


def test_texts_cannot_command_the_terminal(tmp_path):
    texts = ["\x1b[31mred\x1b[0m", "two\nlines\tand more", "\u202eturned", "\x9b2J", "日本語" * 60, "e\u0301" * 50]
    path = write(tmp_path / "a.parquet", v=lists(6, 4), text=texts)
    done = run("search", path, "--like", "0", env={"COLUMNS": "60", "PATH": "/"})
    assert not any(ord(c) < 32 and c != "\n" or 0x7F <= ord(c) < 0xA0 or c == "\u202e" for c in done.stdout)
    assert len(done.stdout.splitlines()) == 6 and "two lines and more" in done.stdout
    wide = next(line for line in done.stdout.splitlines() if "日" in line)
    assert wide.endswith("…") and 56 <= len(wide) + wide.count("日") + wide.count("本") + wide.count("語") <= 60
    kept = json.loads(run("search", path, "--like", "1", "--json", "-k", "5").stdout.splitlines()[0])
    assert kept["text"] in texts


def test_columns_that_are_called_as_ours_get_another_name(tmp_path):
    path = write(tmp_path / "a.parquet", v=lists(5, 4), text=["x"] * 5, row=[10, 11, 12, 13, 14], score=["a"] * 5)
    hits = [
        json.loads(line)
        for line in run(*f"search {path} --like 0 --column row --column score --json".split()).stdout.splitlines()
    ]
    assert all(hit["row_input"] == hit["row"] + 10 and hit["score_input"] == "a" for hit in hits) and len(hits) == 4
    run("search", path, "--like", "0", "--column", "row", "-o", tmp_path / "found.parquet")
    assert rows(tmp_path / "found.parquet").column_names == ["row_input", "query", "row", "score", "text"]


def test_kept_columns_keep_their_types_in_json(tmp_path):
    columns = {
        "whole": pa.array([2**63 - 1, None]),
        "real": pa.array([0.1, float("nan")]),
        "single": pa.array([0.1, 2.5], pa.float32()),
        "flag": pa.array([True, False]),
        "words": pa.array([["a", None], []], pa.list_(pa.string())),
        "point": pa.array([{"x": 1, "y": "é"}, None]),
        "day": pa.array([1, 2], pa.date32()),
        "coded": pa.array(["u", "v"]).dictionary_encode(),
    }
    path = write(tmp_path / "a.parquet", v=pa.array([[1.0, 0.0], [0.0, 1.0]]), **columns)
    flags = [flag for name in columns for flag in ("--column", name)]
    first, second = (json.loads(run("search", path, "--like", row, "--json", *flags).stdout) for row in ("1", "0"))
    assert {name: first[name] for name in columns} == {
        "whole": 2**63 - 1, "real": 0.1, "single": 0.1, "flag": True, "words": ["a", None],
        "point": {"x": 1, "y": "é"}, "day": "1970-01-02", "coded": "u",
    }  # fmt: skip
    assert second["whole"] is None and second["real"] is None and second["point"] is None and second["words"] == []


def test_folders_that_say_something_are_columns(tmp_path):
    for year in (2023, 2024):
        (tmp_path / f"year={year}").mkdir()
        write(tmp_path / f"year={year}" / "a.parquet", v=lists(6, 4), id=list(range(6)))
    done = run(
        "search", tmp_path, "--like", "0", "--where", "year = '2024'", "--column", "year", "--json", "-k", "99"
    )
    hits = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted(hit["row"] for hit in hits) == list(range(6, 12)) and {hit["year"] for hit in hits} == {"2024"}
