"""`llama-cli map`: what its page holds is what the table has, whatever the table is like."""

import json
import pathlib
import subprocess
import sys

import numpy
import pyarrow
import pyarrow.parquet
import pytest
from program import CLI

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))
import map_page


def run(*arguments):
    return subprocess.run([CLI, *map(str, arguments)], capture_output=True, text=True, timeout=300)


def vectors_of(rows, dimension=16, seed=3):
    return numpy.random.default_rng(seed).normal(size=(rows, dimension)).astype(numpy.float32)


def write_table(path, vectors, **columns):
    lists = pyarrow.list_(pyarrow.float32(), vectors.shape[1])
    table = pyarrow.table({**columns, "embedding": pyarrow.array(list(vectors), lists)})
    pyarrow.parquet.write_table(table, path)
    return path


def make_map(path, page, *flags):
    done = run("map", path, "-o", page, *flags)
    assert done.returncode == 0, done.stderr
    return done


def texts_of(rows):
    return [f"text number {i} é 日本" for i in range(rows)]


def test_a_page_has_every_row_with_its_text_its_columns_and_its_nearest(tmp_path):
    vectors = vectors_of(300)
    kinds = [None if i == 9 else f"kind {i % 5}" for i in range(300)]
    notes = [f"note {i}" for i in range(300)]
    table = write_table(
        tmp_path / "a.parquet", vectors, text=texts_of(300), kind=kinds, note=notes, size=numpy.arange(300) / 2
    )
    done = make_map(table, tmp_path / "a.html", "--color-by", "kind")
    assert "300 texts in" in done.stdout and "Output written to" in done.stdout
    page = map_page.Page(tmp_path / "a.html")
    assert page.about["title"] == "a.parquet"
    assert list(page.rows) == list(range(300))
    assert page.texts == texts_of(300)
    assert page.columns["kind"] == kinds
    assert page.columns["note"] == notes
    assert list(page.columns["size"]) == list(numpy.arange(300) / 2)
    assert page.about["color_by"] == [c["name"] for c in page.about["columns"]].index("kind")
    assert numpy.abs(page.places).max() <= 1
    units = vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = units @ units.T
    numpy.fill_diagonal(cosines, -2)
    assert (page.near == numpy.argsort(-cosines, axis=1)[:, :10]).mean() > 0.999
    assert numpy.allclose(page.similarities, numpy.sort(-cosines, axis=1)[:, :10] * -1, atol=1e-4)


def test_a_column_that_is_named_gives_colours_however_few_the_rows_are(tmp_path):
    kinds = [f"kind {i % 30}" for i in range(40)]
    table = write_table(tmp_path / "a.parquet", vectors_of(40), text=texts_of(40), kind=kinds, other=kinds)
    make_map(table, tmp_path / "a.html", "--color-by", "kind")
    page = map_page.Page(tmp_path / "a.html")
    assert [(c["name"], c["kind"]) for c in page.about["columns"]] == [("kind", "category"), ("other", "text")]
    assert page.about["color_by"] == 0 and page.columns["kind"] == page.columns["other"] == kinds
    table = write_table(tmp_path / "b.parquet", vectors_of(1001), text=texts_of(1001), note=texts_of(1001))
    done = run("map", table, "-o", tmp_path / "b.html", "--color-by", "note")
    assert done.returncode == 2 and "'note' has more than 1000 different texts" in done.stderr


def test_whole_numbers_that_a_page_does_not_keep_are_told(tmp_path):
    small, large = 2**53 - 1, 2**53 + 1
    columns = {"small": [small, -small, 0], "large": [1, 2, large], "float": [1e300, -1e300, 0.5]}
    table = write_table(tmp_path / "a.parquet", vectors_of(3), text=texts_of(3), **columns)
    done = make_map(table, tmp_path / "a.html", "--quiet")
    assert done.stderr.count("Warning") == 1 and "column 'large' has whole numbers from 2^53 on" in done.stderr
    page = map_page.Page(tmp_path / "a.html")
    assert [int(n) for n in page.columns["small"]] == columns["small"]
    assert int(page.columns["large"][2]) == large - 1


def test_the_same_seed_makes_the_same_page(tmp_path):
    table = write_table(tmp_path / "a.parquet", vectors_of(200), text=texts_of(200))
    pages = []
    for name, flags in {"a": [], "b": ["--threads", "3"], "c": ["--seed", "2"]}.items():
        make_map(table, tmp_path / f"{name}.html", *flags)
        pages.append((tmp_path / f"{name}.html").read_bytes())
    assert pages[0] == pages[1] != pages[2]


def test_a_sample_is_rows_of_the_table(tmp_path):
    table = write_table(tmp_path / "a.parquet", vectors_of(500), text=texts_of(500))
    make_map(table, tmp_path / "a.html", "--sample", "60")
    page = map_page.Page(tmp_path / "a.html")
    assert len(page.rows) == 60 == len(set(page.rows))
    assert page.texts == [texts_of(500)[row] for row in page.rows]
    assert max(page.rows) > 250


def test_rows_without_a_direction_are_left_out(tmp_path):
    vectors = list(vectors_of(50))
    vectors[3] = None
    vectors[7] = numpy.full(16, numpy.nan, dtype=numpy.float32)
    vectors[9] = numpy.zeros(16, dtype=numpy.float32)
    vectors[11] = numpy.full(16, numpy.inf, dtype=numpy.float32)
    lists = pyarrow.list_(pyarrow.float32())  # of a fixed size, and with a null, Arrow could not read it back
    table = pyarrow.table({"text": texts_of(50), "embedding": pyarrow.array(vectors, lists)})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    done = make_map(tmp_path / "a.parquet", tmp_path / "a.html")
    assert "4 rows without a vector" in done.stderr
    page = map_page.Page(tmp_path / "a.html")
    assert list(page.rows) == [i for i in range(50) if i not in (3, 7, 9, 11)]


@pytest.mark.parametrize("kind", [pyarrow.float16(), pyarrow.float64(), pyarrow.int8(), pyarrow.uint8()])
def test_any_kind_of_vector_is_shown(tmp_path, kind):
    numbers = numpy.random.default_rng(1).integers(1, 100, size=(40, 8))
    table = pyarrow.table(
        {"v": pyarrow.array([[kind_value(n, kind) for n in r] for r in numbers], pyarrow.list_(kind, 8))}
    )
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    make_map(tmp_path / "a.parquet", tmp_path / "a.html", "--vector-column", "v")
    page = map_page.Page(tmp_path / "a.html")
    assert len(page.rows) == 40 and page.texts == [""] * 40


def kind_value(number, kind):
    return float(number) if pyarrow.types.is_floating(kind) else int(number)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_few_rows_are_a_map_too(tmp_path, rows):
    table = write_table(tmp_path / "a.parquet", vectors_of(rows), text=texts_of(rows))
    make_map(table, tmp_path / "a.html")
    assert map_page.Page(tmp_path / "a.html").texts == texts_of(rows)


def test_a_text_never_becomes_a_part_of_the_page(tmp_path):
    hostile = ["</script><script>alert(1)</script>", "<!--", "<![CDATA[", "\u2028\u2029", "a\0b", '"><img src=x>']
    columns = {"text": hostile, "</title><b>": hostile, "kind": ["</script>"] * 6}
    table = write_table(tmp_path / "a.parquet", vectors_of(6), **columns)
    make_map(table, tmp_path / "a.html", "--title", "</title><script>alert(2)</script>")
    page = map_page.Page(tmp_path / "a.html")
    scripts = [attrs for tag, attrs, _ in page.elements if tag == "script"]
    assert [attrs for attrs in scripts if attrs.get("class") != "block"] == [{}]
    assert "alert" not in (tmp_path / "a.html").read_text().replace("&lt;script&gt;alert(2)", "")
    assert page.texts == hostile
    assert page.columns["</title><b>"] == hostile


def test_long_texts_are_cut_between_characters(tmp_path):
    texts = ["日" * 5000, "x" * 1999 + "é" + "x" * 100, "short"]
    table = write_table(tmp_path / "a.parquet", vectors_of(3), text=texts)
    make_map(table, tmp_path / "a.html")
    assert map_page.Page(tmp_path / "a.html").texts == ["日" * 666 + "…", "x" * 1999 + "…", "short"]


@pytest.mark.parametrize(
    "flags,status,message",
    [
        (["--color-by", "nothing"], 2, "no column 'nothing' to colour by; there are 'kind'"),
        (["--text-column", "nothing"], 3, "'nothing'"),
        (["--vector-column", "text"], 3, "text"),
        (["--neighbors", "1"], 2, "--neighbors"),
        (["--sample", "0"], 2, "--sample"),
    ],
)
def test_what_cannot_be_is_said(tmp_path, flags, status, message):
    table = write_table(tmp_path / "a.parquet", vectors_of(20), text=texts_of(20), kind=["a", "b"] * 10)
    done = run("map", table, "-o", tmp_path / "a.html", *flags)
    assert done.returncode == status and message in done.stderr
    assert list(tmp_path.glob("*.html*")) == [] and list(tmp_path.glob(".*")) == []


def test_files_that_are_none_are_refused(tmp_path):
    done = run("map", tmp_path / "missing.parquet", "-o", tmp_path / "a.html")
    assert done.returncode == 3 and "missing.parquet" in done.stderr
    empty = write_table(tmp_path / "empty.parquet", vectors_of(1)[:0], text=pyarrow.array([], pyarrow.string()))
    done = run("map", empty, "-o", tmp_path / "a.html")
    assert done.returncode == 3 and "no row has a vector" in done.stderr
    (tmp_path / "cut.parquet").write_bytes(write_table(tmp_path / "b.parquet", vectors_of(90)).read_bytes()[:-900])
    done = run("map", tmp_path / "cut.parquet", "-o", tmp_path / "a.html")
    assert done.returncode == 3 and "cut.parquet" in done.stderr


def test_a_page_that_is_there_is_only_replaced_when_asked(tmp_path):
    table = write_table(tmp_path / "a.parquet", vectors_of(20), text=texts_of(20))
    (tmp_path / "a.html").write_text("mine")
    done = run("map", table, "-o", tmp_path / "a.html")
    assert done.returncode == 2 and "--force" in done.stderr
    assert (tmp_path / "a.html").read_text() == "mine"
    make_map(table, tmp_path / "a.html", "--force")
    assert json.dumps(map_page.Page(tmp_path / "a.html").about)
    done = run("map", table, "-o", tmp_path / "no/such/folder/a.html")
    assert done.returncode == 5


def test_a_page_never_takes_the_vectors_place_and_what_cannot_be_written_is_told_first(tmp_path):
    table = write_table(tmp_path / "a.parquet", vectors_of(20), text=texts_of(20))
    before = table.read_bytes()
    (tmp_path / "link.parquet").symlink_to(table)
    for page in (table, tmp_path / "link.parquet"):
        done = run("map", table, "-o", page, "--force")
        assert done.returncode == 2 and "would replace the vectors' file" in done.stderr
    assert table.read_bytes() == before
    (tmp_path / "folder").mkdir()
    for flags in ([], ["--force"]):
        done = run("map", table, "-o", tmp_path / "folder", *flags)
        assert done.returncode == 5 and "it is a folder; name a file" in done.stderr
    done = run("map", table, "-o", "-")
    assert done.returncode == 2 and "-o names one" in done.stderr
