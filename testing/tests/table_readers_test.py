"""What llama-table writes, read by others: pyarrow, DuckDB, and polars and pandas where they are installed."""
import datetime
import decimal
import json
import os
import shutil
import subprocess

import numpy
import pyarrow
import pyarrow.dataset
import pyarrow.ipc
import pyarrow.parquet
import pytest

WRITE = os.environ["WRITE_TABLE"]
ROWS = 250
ELEMENTS = ["float32", "float16", "int8", "bits"]
POINT = pyarrow.struct([("x", pyarrow.int8()), ("y", pyarrow.string())])


def every_fifth_null(make):
    return [None if i % 5 == 1 else make(i) for i in range(ROWS)]


def kept_table():
    zoned = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    columns = {
        "id": (pyarrow.string(), [f"{i:05}" for i in range(ROWS)]),
        "count": (pyarrow.int64(), every_fifth_null(lambda i: i * 10**12)),
        "unsigned": (pyarrow.uint32(), every_fifth_null(lambda i: 4_000_000_000 + i)),
        "price": (pyarrow.decimal128(18, 3), every_fifth_null(lambda i: decimal.Decimal(i) / 8)),
        "when": (pyarrow.timestamp("us", "UTC"), every_fifth_null(lambda i: zoned + datetime.timedelta(seconds=i))),
        "day": (pyarrow.date32(), every_fifth_null(lambda i: datetime.date(2026, 1, 1) + datetime.timedelta(days=i))),
        "color": (pyarrow.dictionary(pyarrow.int8(), pyarrow.string()), every_fifth_null(lambda i: f"color {i // 20}")),
        "tags": (pyarrow.list_(pyarrow.string()), every_fifth_null(lambda i: [f"tag {j}" for j in range(i % 4)])),
        "point": (POINT, every_fifth_null(lambda i: {"x": i % 100, "y": None if i % 2 else f"y {i}"})),
        "points": (pyarrow.list_(POINT), every_fifth_null(lambda i: [{"x": 1, "y": "a"}] * (i % 3))),
        "old_vector": (pyarrow.list_(pyarrow.float32(), 3), [[i, i + 1, i + 2] for i in range(ROWS)]),
        "holed_vector": (pyarrow.list_(pyarrow.float32(), 2), every_fifth_null(lambda i: [i, -i])),
    }
    return pyarrow.table({name: pyarrow.array(values, kind) for name, (kind, values) in columns.items()})


def computed(element, dimension, nulls):
    """The columns of llama-table/tests/write_table.cc."""
    index = numpy.arange(ROWS)
    values = ((index[:, None] + numpy.arange(dimension)) % 17 - 8).astype(numpy.float32)
    if element == "bits":
        values = numpy.packbits(values > 0, axis=1)
    vectors = values.tolist() if element != "int8" else values.astype(int).tolist()
    scores = (index / 4).tolist()
    if nulls:
        scores = [None if i % 3 == 0 else score for i, score in enumerate(scores)]
        vectors = [None if i % 3 == 0 else vector for i, vector in enumerate(vectors)]
    return {"our_text": [f"text {i}" for i in range(ROWS)], "our_score": scores,
            "our_flag": (index % 2 == 0).tolist(), "embedding": vectors}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Each batch with a dictionary of its own."""
    path = tmp_path_factory.mktemp("kept") / "kept.arrows"
    table = kept_table()
    with pyarrow.ipc.new_stream(path, table.schema) as stream:
        for begin in range(0, ROWS, 60):
            rows = table.slice(begin, 60).to_pydict()
            stream.write_batch(pyarrow.record_batch(
                [pyarrow.array(rows[field.name], field.type) for field in table.schema], schema=table.schema))
    return path


def write(source, output, **options):
    arguments = [f"{name.replace('_', '-')}={value}" for name, value in options.items()]
    run = subprocess.run([WRITE, source, output, *arguments], capture_output=True, timeout=120)
    assert run.returncode == 0, run.stderr.decode()
    return run.stdout


def expected(element="float32", dimension=8, nulls=False):
    return kept_table().to_pydict() | computed(element, dimension, nulls)


def assert_same(table, wanted):
    assert table.column_names == list(wanted)
    for name, values in wanted.items():
        assert table[name].to_pylist() == values, name


@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("kind", ["parquet", "arrow", "arrow-stream"])
def test_pyarrow_reads_every_format(source, tmp_path, kind, element, nulls):
    path = "-" if kind == "arrow-stream" else tmp_path / f"out.{kind}"
    written = write(source, path, format=kind, element=element, **({"nulls": 1} if nulls else {}))
    if kind == "parquet":
        table = pyarrow.parquet.read_table(path)
        assert table.schema.metadata == {b"llama.test": b"yes", b"llama.late": b"yes"}
    elif kind == "arrow":
        table = pyarrow.ipc.open_file(path).read_all()
    else:
        stream = pyarrow.ipc.open_stream(written)
        batches = list(stream)
        assert [batch.num_rows for batch in batches] == [60, 60, 60, 60, 10], "one answer for each batch"
        table = pyarrow.Table.from_batches(batches)
    assert_same(table, expected(element, nulls=nulls))
    # The types stay, but for fixed-size lists with nulls in Parquet.
    holed = {"holed_vector"} if kind == "parquet" else set()
    before = kept_table().schema
    for field in before:
        if field.name not in holed:
            assert table.schema.field(field.name).type == field.type, field.name


@pytest.mark.parametrize("compression", ["zstd", "snappy", "gzip", "lz4", "none"])
def test_every_compression_is_read(source, tmp_path, compression):
    write(source, tmp_path / "out.parquet", compression=compression)
    chunk = pyarrow.parquet.ParquetFile(tmp_path / "out.parquet").metadata.row_group(0).column(0)
    assert chunk.compression == {"none": "UNCOMPRESSED"}.get(compression, compression.upper())
    assert_same(pyarrow.parquet.read_table(tmp_path / "out.parquet"), expected())
    if compression in ("zstd", "lz4", "none"):
        write(source, tmp_path / "out.arrow", format="arrow", compression=compression)
        assert_same(pyarrow.ipc.open_file(tmp_path / "out.arrow").read_all(), expected())


@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("nulls", [False, True])
def test_parts_are_one_dataset(source, tmp_path, element, nulls):
    folder = tmp_path / "parts"
    write(source, folder, element=element, split_rows=70, **({"nulls": 1} if nulls else {}))
    assert [path.name for path in sorted(folder.iterdir())] == [f"part-{i:05}.parquet" for i in range(4)]
    assert len({str(pyarrow.parquet.read_schema(path)) for path in folder.iterdir()}) <= 2, "late metadata apart"
    assert_same(pyarrow.dataset.dataset(folder).to_table(), expected(element, nulls=nulls))
    if shutil.which("duckdb"):
        assert duckdb(f"select count(*) as n, max(id) as last from '{folder}/*.parquet'") == [
            {"n": ROWS, "last": f"{ROWS - 1:05}"}]


def duckdb(query):
    run = subprocess.run(["duckdb", "-json", "-c", query], capture_output=True, timeout=120, check=True)
    return json.loads(run.stdout)


@pytest.mark.skipif(not shutil.which("duckdb"), reason="no duckdb here")
@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize("element", ELEMENTS)
def test_duckdb_reads_parquet(source, tmp_path, element, nulls):
    path = tmp_path / "out.parquet"
    write(source, path, element=element, **({"nulls": 1} if nulls else {}))
    wanted = expected(element, nulls=nulls)
    columns = ["id", "count", "unsigned", "tags", "point", "points", "holed_vector", "our_text", "our_score",
               "our_flag", "embedding"]
    rows = duckdb("select price::varchar as price, color, epoch(\"when\")::bigint as seconds, "
                  + ", ".join(f'"{column}"' for column in columns) + f" from '{path}'")
    assert len(rows) == ROWS
    for name in columns:
        assert [row[name] for row in rows] == wanted[name], name
    assert [row["color"] for row in rows] == wanted["color"]
    assert [row["seconds"] for row in rows] == [when and int(when.timestamp()) for when in wanted["when"]]
    assert [row["price"] and decimal.Decimal(row["price"]) for row in rows] == wanted["price"]


@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize("element", ELEMENTS)
def test_polars_reads_every_format(source, tmp_path, element, nulls):
    polars = pytest.importorskip("polars")
    wanted = expected(element, nulls=nulls)
    for kind in ("parquet", "arrow"):
        path = tmp_path / f"out.{kind}"
        write(source, path, format=kind, element=element, **({"nulls": 1} if nulls else {}))
        frame = polars.read_parquet(path) if kind == "parquet" else polars.read_ipc(path)
        assert frame.columns == list(wanted)
        for name, values in wanted.items():
            assert [cell.to_list() if isinstance(cell, polars.Series) else cell for cell in frame[name]] == values, name
    folder = tmp_path / "parts"
    write(source, folder, element=element, split_rows=70, **({"nulls": 1} if nulls else {}))
    assert polars.scan_parquet(folder).select("embedding").collect().height == ROWS


@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize("element", ELEMENTS)
def test_pandas_reads_parquet(source, tmp_path, element, nulls):
    pandas = pytest.importorskip("pandas")
    path = tmp_path / "out.parquet"
    write(source, path, element=element, **({"nulls": 1} if nulls else {}))
    frame = pandas.read_parquet(path)
    found = [None if cell is None else cell.tolist() for cell in frame["embedding"]]
    assert found == computed(element, 8, nulls)["embedding"]
    assert frame["our_text"].tolist() == computed(element, 8, nulls)["our_text"]


@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize("element", ELEMENTS)
def test_hugging_face_datasets_reads_parquet(source, tmp_path, monkeypatch, element, nulls):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    folder = tmp_path / "parts"
    write(source, folder, element=element, split_rows=70, **({"nulls": 1} if nulls else {}))
    loaded = datasets.load_dataset("parquet", data_files=str(folder / "*.parquet"), split="train",
                                   cache_dir=str(tmp_path / "cache"))
    assert loaded.num_rows == ROWS
    assert loaded["embedding"][:] == computed(element, 8, nulls)["embedding"]
    assert loaded["id"][:] == [f"{i:05}" for i in range(ROWS)]


def test_what_is_not_asked_for_is_not_read(source, tmp_path):
    """The page index: one page's worth of a column can be found without the others."""
    write(source, tmp_path / "out.parquet")
    group = pyarrow.parquet.ParquetFile(tmp_path / "out.parquet").metadata.row_group(0)
    assert all(group.column(i).has_offset_index and group.column(i).has_column_index
               for i in range(group.num_columns))
    dictionary = {group.column(i).path_in_schema for i in range(group.num_columns)
                  if group.column(i).has_dictionary_page}
    assert "color" in dictionary and not dictionary & {"our_text", "embedding.list.element"}
