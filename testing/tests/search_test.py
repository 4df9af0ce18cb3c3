"""Exact search: the rows and their order are numpy's, of every kind of vector, of our files and of others'."""

import json
import subprocess

import numpy
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest
from program import CLI, PROJECT, REAL, embed, rows, vectors

MINILM = REAL / "minilm" / "all-MiniLM-L6-v2-F16.gguf"
KINDS = ["float32", "float16", "int8", "binary"]
QUERIES = ["how is a model downloaded", "which texts are left out", "a table of speeds", "Ctrl-C and signals"]


def run(*arguments, status=0, **options):
    done = subprocess.run([CLI, *map(str, arguments)], capture_output=True, text=True, timeout=600, **options)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def search(file, *arguments, **options):
    return [json.loads(line) for line in run("search", file, *arguments, "--json", **options).stdout.splitlines()]


def write_arrow(table, path, rows=None, compression=None):
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_file(path, table.schema, options=options) as file:
        file.write_table(table, rows)


def values_of(path):
    """The vectors as numbers, as their metadata says."""
    table = rows(path)
    stored = numpy.stack(table["embedding"].to_numpy(zero_copy_only=False))
    metadata = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    if stored.dtype == numpy.uint8:
        return numpy.unpackbits(stored, axis=1) * 2.0 - 1.0
    if stored.dtype == numpy.int8:
        scales = json.loads(metadata["llama.int8_scales"])
        start, step = (numpy.array(scales[name], numpy.float32).astype(float) for name in ("start", "step"))
        return start + (stored.astype(float) + 128) * step
    return stored.astype(float)


def cosines_to(values, query):
    query = numpy.asarray(query, float)
    return values @ query / (numpy.linalg.norm(values, axis=1) * numpy.linalg.norm(query))


def nearest(scores, k):
    """By score, equal ones by row."""
    return numpy.lexsort((numpy.arange(len(scores)), -scores))[:k]


def assert_same(hits, scores, k, tolerance):
    """The rows are numpy's, in its order, but for rows whose scores are nearer to each other than the tolerance."""
    expected = nearest(scores, k)
    assert len(hits) == len(expected)
    assert len({hit["row"] for hit in hits}) == len(hits)
    for hit, row in zip(hits, expected):
        assert abs(hit["score"] - scores[hit["row"]]) <= tolerance
        assert hit["row"] == row or abs(scores[hit["row"]] - scores[row]) <= tolerance, (hit, row)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Lines of the documentation, embedded once and written in every kind."""
    if not MINILM.exists():
        pytest.skip("no MiniLM here: script/models fetches it")
    folder = tmp_path_factory.mktemp("vectors")
    lines = [line[:200] for page in sorted(PROJECT.glob("doc/*.md")) for line in page.read_text().splitlines()]
    texts = list(dict.fromkeys(line for line in lines if len(line) > 20))[:1000]
    texts += texts[:30]  # some come twice
    (folder / "input.txt").write_text("\n".join(texts))
    for kind in KINDS:
        done = embed(MINILM, folder / "input.txt", folder / f"{kind}.parquet", "--dtype", kind, "--vector-store",
                     folder / "store.db", "--row-group", "150")  # fmt: skip
        assert done.returncode == 0, done.stderr
    (folder / "queries.txt").write_text("\n".join(QUERIES))
    done = embed(MINILM, folder / "queries.txt", folder / "queries.parquet")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_rows_like_one_are_those_that_numpy_finds(files, kind):
    values = values_of(files / f"{kind}.parquet")
    for row in (0, 7, 734, len(values) - 1):
        query = values[row].astype(numpy.float32)
        scores = cosines_to(values, query)
        expected = [int(found) for found in nearest(scores, 52) if found != row][:50]
        hits = search(files / f"{kind}.parquet", "--like", row, "-k", 50)
        # Equal vectors have equal scores here and not always in numpy: they are told by their rows.
        assert_same(hits, numpy.where(numpy.arange(len(scores)) == row, -2, scores), 50, 1e-12)
        distinct = [found for found in expected if numpy.sum(numpy.abs(scores - scores[found]) < 1e-12) == 1]
        assert [hit["row"] for hit in hits if hit["row"] in distinct] == distinct


@pytest.mark.parametrize("kind", KINDS)
def test_rows_for_a_query_are_those_that_numpy_finds(files, kind):
    values = values_of(files / f"{kind}.parquet")
    texts = rows(files / f"{kind}.parquet")["text"].to_pylist()
    hits = search(files / f"{kind}.parquet", "--queries", files / "queries.txt", "-k", 20)
    for text, query in zip(QUERIES, vectors(files / "queries.parquet")):
        found = [hit for hit in hits if hit["query"] == text]
        assert_same(found, cosines_to(values, query), 20, 1e-5)
        assert [hit["text"] for hit in found] == [texts[hit["row"]] for hit in found]
        alone = search(files / f"{kind}.parquet", text, "-k", 20)
        assert [hit["row"] for hit in alone] == [hit["row"] for hit in found] and "query" not in alone[0]


def test_the_answer_is_the_same_whatever_the_threads_and_the_format(files, tmp_path):
    table = rows(files / "float32.parquet")
    expected = search(files / "float32.parquet", "--like", 5, "-k", 3000, "--threads", 1)
    assert search(files / "float32.parquet", "--like", 5, "-k", 3000, "--threads", 5) == expected
    write_arrow(table, tmp_path / "a.arrow", rows=111)
    write_arrow(table, tmp_path / "packed.arrow", compression="zstd")
    with pa.ipc.new_stream(tmp_path / "a.arrows", table.schema) as stream:
        stream.write_table(table, 30)
    parts = tmp_path / "parts"
    parts.mkdir()
    for i in range(3):
        pa.parquet.write_table(table.slice(i * 300, 300 if i < 2 else None), parts / f"{i}.parquet")
    for path in (tmp_path / "a.arrow", tmp_path / "packed.arrow", tmp_path / "a.arrows", parts):
        assert search(path, "--like", 5, "-k", 3000) == expected, path


def test_equal_vectors_come_by_their_rows(files):
    twins = [
        row
        for row in range(len(values_of(files / "float32.parquet")) - 30, len(values_of(files / "float32.parquet")))
    ]
    for kind in KINDS:
        first = search(files / f"{kind}.parquet", "--like", 3, "-k", 1)[0]
        assert first["row"] == twins[3] and first["score"] > 1 - 1e-6, kind
        assert search(files / f"{kind}.parquet", "--like", twins[3], "-k", 1)[0]["row"] == 3, kind


def test_a_condition_leaves_only_its_rows(files):
    table = rows(files / "int8.parquet")
    values = values_of(files / "int8.parquet")
    long = numpy.array(table["sequence_length"].to_pylist()) > 30
    scores = numpy.where(long, cosines_to(values, values[9].astype(numpy.float32)), -2)
    scores[9] = -2
    hits = search(files / "int8.parquet", "--like", 9, "--where", "sequence_length > 30", "-k", 25)
    assert_same(hits, scores, 25, 1e-12)
    wanted = "text LIKE '%model%' AND \"sequence_length\" < 40"
    hits = search(files / "int8.parquet", "--like", 9, "--where", wanted, "--column", "sequence_length", "-k", 9999)
    cells = zip(table["text"].to_pylist(), table["sequence_length"].to_pylist())
    expected = {i for i, (text, length) in enumerate(cells) if "model" in text and length < 40}
    assert {hit["row"] for hit in hits} == expected - {9}
    assert all(hit["sequence_length"] < 40 for hit in hits)
    # The vectors themselves may be meant.
    hits = search(files / "float32.parquet", "--like", 9, "--where", "embedding[1] > 0", "-k", 9999)
    assert {hit["row"] for hit in hits} == set(numpy.flatnonzero(values_of(files / "float32.parquet")[:, 0] > 0)) - {
        9
    }
    for condition in ("nothing_there = 1", "sequence_length >", "1); DROP TABLE x"):
        assert "Error" in run("search", files / "int8.parquet", "--like", 9, "--where", condition, status=2).stderr


def test_a_file_is_written_with_the_kept_columns(files, tmp_path):
    output = tmp_path / "found.parquet"
    flags = ("-k", 7, "--column", "sequence_length", "--column", "text_hash", "-o", output)
    run("search", files / "float16.parquet", "--queries", files / "queries.txt", *flags)
    hits = search(files / "float16.parquet", "--queries", files / "queries.txt", "-k", 7)
    found = rows(output)
    assert found.column_names == ["sequence_length", "text_hash", "query", "row", "score", "text"]
    for name in ("query", "row", "score", "text"):
        assert found[name].to_pylist() == [hit[name] for hit in hits]
    source = rows(files / "float16.parquet")
    assert found["text_hash"].to_pylist() == [source["text_hash"][hit["row"]].as_py() for hit in hits]
    assert found.schema.field("sequence_length").type == source.schema.field("sequence_length").type
    assert "--force" in run("search", files / "float16.parquet", "--like", 1, "-o", output, status=5).stderr
    assert "replace" in run("search", files / "float16.parquet", "--like", 1, "-o", files / "float16.parquet",
                            "--force", status=2).stderr  # fmt: skip


def test_a_file_is_what_its_name_says(files, tmp_path):
    for command in (["search", files / "float16.parquet", "--like", 1], ["dedup", files / "float16.parquet"]):
        refused = run(*command, "-o", tmp_path / "found.csv", status=2).stderr
        assert "no csv file is written" in refused and not (tmp_path / "found.csv").exists()
        run(*command, "-o", tmp_path / f"{command[0]}.ipc")
        assert pa.ipc.open_file(tmp_path / f"{command[0]}.ipc").read_all().num_rows > 0


def test_the_queries_are_not_replaced(files, tmp_path):
    (tmp_path / "queries.parquet").write_text("one\n")
    told = run("search", files / "float16.parquet", "--queries", tmp_path / "queries.parquet",
               "-o", tmp_path / "queries.parquet", "--force", status=2).stderr  # fmt: skip
    assert "would replace the queries' file" in told and (tmp_path / "queries.parquet").read_text() == "one\n"


def test_which_file_of_no_model_is_a_contradiction(files):
    for flag in ("--quant", "--filename"):
        assert "--model" in run("search", files / "float16.parquet", "x", flag, "Q8_0", status=2).stderr


def test_a_null_text_is_null(tmp_path):
    table = pa.table({"text": ["one", None, ""], "embedding": pa.array([[1.0, 0.0], [1.0, 0.1], [1.0, 0.2]])})
    pa.parquet.write_table(table, tmp_path / "a.parquet")
    assert [hit["text"] for hit in search(tmp_path / "a.parquet", "--like", 0)] == [None, ""]
    run("search", tmp_path / "a.parquet", "--like", 0, "-o", tmp_path / "found.parquet")
    assert rows(tmp_path / "found.parquet")["text"].to_pylist() == [None, ""]


def test_the_table_fits_the_terminal(files):
    for columns in (40, 80, 133):
        done = run(
            "search", files / "float32.parquet", "--like", 2, "-k", 40, env={"COLUMNS": str(columns), "PATH": "/"}
        )
        lines = done.stdout.splitlines()
        assert len(lines) == 41 and all(len(line) <= columns for line in lines)
        assert lines[0].split() == ["score", "row", "text"]
    assert any(len(line) > 120 for line in lines)


# Files that are not ours, and what is wrong with files.


def foreign(path, column=None, **others):
    numpy_values = numpy.random.default_rng(4).normal(size=(300, 24)).astype(numpy.float32)
    array = column(numpy_values) if column else pa.array(numpy_values.tolist(), pa.list_(pa.float32()))
    pa.parquet.write_table(pa.table({"id": pa.array(range(300)), "vec": array, **others}), path, row_group_size=64)
    return numpy_values.astype(float)


FOREIGN = {
    "list of doubles": lambda v: pa.array(v.tolist(), pa.list_(pa.float64())),
    "large list": lambda v: pa.array(v.tolist(), pa.large_list(pa.float32())),
    "fixed list": lambda v: pa.array(v.tolist(), pa.list_(pa.float32(), 24)),
    "fixed list of float16": lambda v: pa.array(v.astype(numpy.float16).tolist(), pa.list_(pa.float16(), 24)),
    "tensor": lambda v: pa.FixedShapeTensorArray.from_numpy_ndarray(v),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_any_list_of_floats_is_searched(tmp_path, kind):
    values = foreign(tmp_path / "a.parquet", FOREIGN[kind])
    if "float16" in kind:
        values = values.astype(numpy.float16).astype(float)
    scores = cosines_to(values, values[11])
    scores[11] = -2
    hits = search(tmp_path / "a.parquet", "--like", 11, "-k", 500, "--column", "id")
    assert_same(hits, scores, 500 - 201, 1e-12)
    assert [hit["id"] for hit in hits] == [hit["row"] for hit in hits] and "text" not in hits[0]
    assert hits == search(tmp_path / "a.parquet", "--vector-column", "vec", "--like", 11, "-k", 500, "--column", "id")


def test_int8_of_others_is_taken_as_numbers(tmp_path):
    values = numpy.random.default_rng(5).integers(-128, 128, (200, 16)).astype(numpy.int8)
    pa.parquet.write_table(pa.table({"v": pa.array(values.tolist(), pa.list_(pa.int8()))}), tmp_path / "a.parquet")
    scores = cosines_to(values.astype(float), values[3])
    scores[3] = -2
    assert_same(search(tmp_path / "a.parquet", "--like", 3, "-k", 50), scores, 50, 1e-12)


def test_rows_without_a_usable_vector_are_left_out_and_told(tmp_path):
    values = numpy.random.default_rng(6).normal(size=(40, 8)).astype(numpy.float32)
    lists = values.tolist()
    lists[1], lists[5], lists[6] = None, lists[5][:5], []
    lists[7][2], lists[8][0], lists[9] = float("nan"), float("inf"), [0.0] * 8
    lists[10][3] = None
    table = pa.table({"v": pa.array(lists, pa.list_(pa.float32()))})
    fixed = pa.array([None if i in (5, 6) else row for i, row in enumerate(lists)], pa.list_(pa.float32(), 8))
    pa.parquet.write_table(table, tmp_path / "a.parquet")
    write_arrow(pa.table({"v": fixed}), tmp_path / "a.arrow")
    good = [i for i in range(40) if i not in (1, 5, 6, 7, 8, 9, 10)]
    for path, said in (
        (tmp_path / "a.parquet", "1 without a vector, 2 with other dimensions, 3 with NaN or infinity, 1 all zeros"),
        (tmp_path / "a.arrow", "3 without a vector, 3 with NaN or infinity, 1 all zeros"),
    ):
        done = run("search", path, "--like", 0, "-k", 100, "--json")
        assert f"7 rows were left out: {said}" in done.stderr
        found = [json.loads(line)["row"] for line in done.stdout.splitlines()]
        assert sorted(found) == good[1:]
        scores = cosines_to(values[good].astype(float), values[0])
        assert found == [good[i] for i in nearest(scores, 100)][1:]
        for row, why in ((1, "no vector"), (7, "NaN"), (9, "zeros"), (40, "the last is 39")):
            assert why in run("search", path, "--like", row, status=2).stderr
    done = run("search", tmp_path / "a.parquet", "--like", 0, "--where", "length(v) = 99", "--json")
    assert done.stdout == "" and "holds for none" in done.stderr
