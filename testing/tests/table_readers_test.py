"""What llama-table writes, read by others: pyarrow, DuckDB, and polars, pandas and Hugging Face datasets where they are
installed (script/peers tables). Spark: table_spark_test.py. What a reader refuses stands in doc/tables.md."""

import json
import subprocess

import pyarrow
import pyarrow.dataset
import pyarrow.ipc
import pyarrow.parquet
import pytest
from program import CLI, MODELS, duckdb
from reader_tables import ELEMENTS, KEPT, ROWS, differences, expected, kept_schema, write, write_source

# Every kind of vector with and without nulls; what depends on the file alone has one of each.
VECTORS = [(element, nulls) for element in ELEMENTS for nulls in (False, True)]
FEW_VECTORS = [("float32", True), ("float16", False), ("int8", True), ("bits", False)]
FORMATS = ["parquet", "arrow", "arrow-stream"]
PARQUET_MAKES = {
    "at_s": pyarrow.timestamp("ms"),
    "code": pyarrow.int64(),
    "colors": pyarrow.list_(pyarrow.field("element", pyarrow.string())),
    "date_ms": pyarrow.date32(),
    "holed_vector": pyarrow.list_(pyarrow.field("element", pyarrow.float32())),
    "list_view": pyarrow.list_(pyarrow.field("element", pyarrow.int32())),
}
# Types that a reader refuses, and with them the whole file.
POLARS_REFUSES = {"parquet": {"decimal50"}, "arrow": {"decimal50", "list_view"}}
DATASETS_REFUSES = {"parquet": {"map", "uuid"}, "arrow": {"map", "uuid", "list_view"}}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_source(tmp_path_factory.mktemp("kept") / "kept.arrows")


@pytest.fixture(scope="module")
def source_without(tmp_path_factory):
    folder = tmp_path_factory.mktemp("some")
    return lambda names: write_source(folder / f"{hash(frozenset(names))}.arrows", names)


@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("kind", FORMATS)
def test_pyarrow_reads_every_format(source, tmp_path, kind, element, nulls):
    path = "-" if kind == "arrow-stream" else tmp_path / f"out.{kind}"
    written = write(source, path, format=kind, element=element, nulls=nulls)
    if kind == "parquet":
        table = pyarrow.parquet.read_table(path)
        assert table.schema.metadata == {b"llama.test": b"yes", b"llama.late": b"yes"}
    elif kind == "arrow":
        table = pyarrow.ipc.open_file(path).read_all()
    else:
        batches = list(pyarrow.ipc.open_stream(written))
        assert [batch.num_rows for batch in batches] == [60, 60, 60, 60, 10], "one answer for each batch"
        table = pyarrow.Table.from_batches(batches)
    table.validate(full=True)
    wanted = expected(element, nulls)
    assert table.column_names == list(wanted)
    assert differences(wanted, lambda name: table[name].to_pylist()) == {}
    # The types stay, but for those that Parquet has not, and those that its readers could not read (stored_schema.h).
    for field in kept_schema():
        kept = PARQUET_MAKES.get(field.name, field.type) if kind == "parquet" else field.type
        assert table.schema.field(field.name).type == kept, field.name


@pytest.mark.parametrize("compression", ["zstd", "snappy", "gzip", "lz4", "none"])
def test_every_compression_is_read(source, tmp_path, compression):
    write(source, tmp_path / "out.parquet", compression=compression)
    chunk = pyarrow.parquet.ParquetFile(tmp_path / "out.parquet").metadata.row_group(0).column(0)
    assert chunk.compression == {"none": "UNCOMPRESSED"}.get(compression, compression.upper())
    tables = [pyarrow.parquet.read_table(tmp_path / "out.parquet")]
    if compression in ("zstd", "lz4", "none"):
        write(source, tmp_path / "out.arrow", format="arrow", compression=compression)
        tables.append(pyarrow.ipc.open_file(tmp_path / "out.arrow").read_all())
    for table in tables:
        assert differences(expected(), lambda name: table[name].to_pylist()) == {}


@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("nulls", [False, True])
def test_parts_are_one_dataset(source, tmp_path, element, nulls):
    folder = tmp_path / "parts"
    write(source, folder, element=element, split_rows=70, nulls=nulls)
    assert [path.name for path in sorted(folder.iterdir())] == [f"part-{i:05}.parquet" for i in range(4)]
    assert len({str(pyarrow.parquet.read_schema(path)) for path in folder.iterdir()}) <= 2, "late metadata apart"
    table = pyarrow.dataset.dataset(folder).to_table()
    assert differences(expected(element, nulls), lambda name: table[name].to_pylist()) == {}


def duckdb_rows(query):
    return json.loads(duckdb("-json", "-c", "set timezone = 'UTC'", "-c", query))


# How SQL says a value so that JSON keeps it, and how Python says the same. Others are themselves.
DUCKDB_SAYS = {
    **dict.fromkeys(["int64", "uint64", "decimal18", "decimal38"], ("{}::varchar", str)),
    "float64": ("{}::varchar", lambda x: {"inf": "inf", "-inf": "-inf", "nan": "nan"}.get(str(x), str(x))),
    **dict.fromkeys(["binary", "large_binary", "fixed_binary"], ("hex({})", lambda x: x.hex().upper())),
    **dict.fromkeys(["date", "date_ms"], ("{}::varchar", str)),
    **dict.fromkeys(["time_ms", "time_us"], ("{}::varchar", lambda x: x.isoformat().rstrip("0"))),
    **dict.fromkeys(
        ["at_s", "at_ms", "at_us", "at_ns"],
        (
            "epoch_us({})",
            lambda x: round((x - pyarrow.scalar(0, pyarrow.timestamp("us")).as_py()).total_seconds() * 10**6),
        ),
    ),
    **dict.fromkeys(["at_utc", "at_berlin"], ("epoch({})::bigint", lambda x: int(x.timestamp()))),
    "duration": ("{}", lambda x: int(x.total_seconds() * 10**6)),
    "decimal50": ("round({} / 1e25)::int", lambda x: round(x / 10**25)),  # it is a float64
    "deep": ("{}::varchar", lambda x: str(x["a"] and [(str(b["b"]), str(b["c"])[:19]) for b in x["a"]])),
    "map": ("{}", dict),
    "uuid": ("{}", str),
    "json": ("{}::varchar", str),
}


@pytest.mark.parametrize("parts", [False, True])
@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize("element", ELEMENTS)
def test_duckdb_reads_parquet(source, tmp_path, element, nulls, parts):
    path = tmp_path / "out.parquet"
    write(source, path, element=element, nulls=nulls, **({"split_rows": 70} if parts else {}))
    wanted = expected(element, nulls, without={"deep"})
    said = ", ".join(DUCKDB_SAYS.get(name, ["{}"])[0].format(f'"{name}"') + f' as "{name}"' for name in wanted)
    rows = duckdb_rows(f"select {said} from '{path}{'/*.parquet' if parts else ''}'")
    assert len(rows) == ROWS
    changes = {name: change for name, (_, change) in DUCKDB_SAYS.items()}
    changes["decimal18"] = lambda x: f"{x:.3f}"
    changes["decimal38"] = lambda x: f"{x:.10f}"
    assert differences(wanted, lambda name: [row[name] for row in rows], changes) == {}
    deep = duckdb_rows(
        f"select id, unnest(deep.a).b::varchar as b, epoch(unnest(deep.a).c)::bigint as c from '{path}"
        f"{'/*.parquet' if parts else ''}' order by id"
    )
    assert deep == [
        {"id": f"{i:05}", "b": f"{i}.00", "c": 1767225600} for i in range(ROWS) if i % 5 != 1 and i % 3 != 0
    ]


@pytest.mark.parametrize(
    "kind,element,nulls",
    [
        *[("parquet", *vector) for vector in VECTORS],
        *[(kind, *vector) for kind in ("arrow", "arrow-stream", "parts") for vector in FEW_VECTORS],
    ],
)
def test_polars_reads_every_format(source_without, tmp_path, kind, element, nulls):
    polars = pytest.importorskip("polars")
    without = POLARS_REFUSES["parquet" if kind == "parts" else "arrow" if kind != "parquet" else kind]
    path = "-" if kind == "arrow-stream" else tmp_path / f"out.{kind}"
    options = {"split_rows": 70} if kind == "parts" else {"format": kind}
    written = write(source_without(without), path, element=element, nulls=nulls, **options)
    if kind == "arrow-stream":
        frame = polars.read_ipc_stream(written)
    elif kind == "parts":
        frame = polars.scan_parquet(path).collect()
    else:
        frame = (polars.read_parquet if kind == "parquet" else polars.read_ipc)(path)
    wanted = expected(element, nulls, without)
    assert frame.columns == list(wanted)
    midnight = pyarrow.scalar(0, pyarrow.time32("s")).as_py()
    changes = {
        "uuid": lambda x: x.bytes,
        "map": dict,
        "date_ms": lambda day: type(pyarrow.scalar(0, pyarrow.timestamp("us")).as_py()).combine(day, midnight),
    }
    assert differences(wanted, lambda name: list(frame[name]), changes) == {}


@pytest.mark.parametrize("element,nulls", FEW_VECTORS)
@pytest.mark.parametrize("kind", ["parquet", "arrow", "parts"])
def test_pandas_reads_every_file(source, tmp_path, kind, element, nulls):
    pandas = pytest.importorskip("pandas")
    path = tmp_path / f"out.{kind}"
    write(source, path, element=element, nulls=nulls, **({"split_rows": 70} if kind == "parts" else {"format": kind}))
    read = pandas.read_feather if kind == "arrow" else pandas.read_parquet
    wanted = expected(element, nulls)
    frame = read(path, dtype_backend="pyarrow")
    assert list(frame.columns) == list(wanted)
    assert differences(wanted, lambda name: pyarrow.array(frame[name]).to_pylist()) == {}
    # Its own types have no null for numbers.
    frame = read(path)
    ours = {name: wanted[name] for name in ("our_text", "our_flag", "embedding")}
    assert differences(ours, lambda name: frame[name]) == {}
    assert frame["our_score"].isna().tolist() == [value is None for value in wanted["our_score"]]


@pytest.mark.parametrize("element,nulls", FEW_VECTORS)
@pytest.mark.parametrize("kind", [*FORMATS, "parts"])
def test_hugging_face_datasets_reads_every_format(source_without, tmp_path, monkeypatch, kind, element, nulls):
    datasets = offline_datasets(monkeypatch)
    without = DATASETS_REFUSES["parquet" if kind in ("parquet", "parts") else "arrow"]
    path = tmp_path / f"out.{kind}"
    options = {"split_rows": 70} if kind == "parts" else {"format": kind}
    written = write(
        source_without(without), "-" if kind == "arrow-stream" else path, element=element, nulls=nulls, **options
    )
    if kind == "arrow-stream":
        path.write_bytes(written)
    loaded = datasets.load_dataset(
        "arrow" if kind.startswith("arrow") else "parquet",
        split="train",
        data_files=str(path / "*.parquet" if kind == "parts" else path),
        cache_dir=str(tmp_path / "cache"),
    )
    wanted = expected(element, nulls, without)
    assert loaded.column_names == list(wanted)
    assert differences(wanted, lambda name: loaded[name][:], {"json": json.loads}) == {}


def offline_datasets(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    return pytest.importorskip("datasets")


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_what_polars_and_datasets_refuse(source_without, tmp_path, monkeypatch, kind):
    """Where this fails, a reader has learnt a type: the table in doc/tables.md changes."""
    polars, datasets = pytest.importorskip("polars"), offline_datasets(monkeypatch)
    read = polars.read_parquet if kind == "parquet" else polars.read_ipc
    for name in POLARS_REFUSES[kind] | DATASETS_REFUSES[kind]:
        path = tmp_path / f"{name}.{kind}"
        write(source_without(set(KEPT) - {name}), path, format=kind)
        if name in POLARS_REFUSES[kind]:
            with pytest.raises(
                BaseException, match="not yet implemented|precision|Int256"
            ):  # a panic is no Exception
                read(path)
        if name in DATASETS_REFUSES[kind]:
            with pytest.raises(ValueError, match="datasets dtype equivalent"):
                datasets.load_dataset(kind, data_files=str(path), cache_dir=str(tmp_path / "cache"))


def test_columns_that_embed_adds_are_read(tmp_path, monkeypatch):
    """Chunks, what --with adds, and a row without a text."""
    texts = [" ".join(f"Sentence number {j} is here." for j in range(4 * i)) for i in range(1, 6)]
    pyarrow.parquet.write_table(pyarrow.table({"text": [*texts, None]}), tmp_path / "in.parquet")
    out = tmp_path / "out.parquet"
    flags = [
        "--on-long",
        "chunk",
        "--chunk-tokens",
        "32",
        "--on-error",
        "null",
        "--with",
        "token_count,truncated,row",
    ]
    command = [
        CLI,
        "embed",
        "-m",
        str(MODELS / "bert.gguf"),
        "-i",
        str(tmp_path / "in.parquet"),
        "-o",
        str(out),
        *flags,
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=600)
    table = pyarrow.parquet.read_table(out)
    wanted = {name: table[name].to_pylist() for name in table.column_names}
    assert wanted["text"][-1] is None and wanted["embedding"][-1] is None and wanted["error"][-1]
    assert {"chunk_index", "chunk_start", "chunk_end", "token_count", "truncated", "row"} <= set(wanted)
    found = duckdb_rows(f"from '{out}'")
    exact = {name: values for name, values in wanted.items() if name != "embedding"}  # JSON rounds float32
    assert differences(exact, lambda name: [row[name] for row in found]) == {}
    frame = pytest.importorskip("polars").read_parquet(out)
    assert differences(wanted, lambda name: list(frame[name])) == {}
    frame = pytest.importorskip("pandas").read_parquet(out, dtype_backend="pyarrow")
    assert differences(wanted, lambda name: pyarrow.array(frame[name]).to_pylist()) == {}
    datasets = offline_datasets(monkeypatch)
    loaded = datasets.load_dataset("parquet", data_files=str(out), split="train", cache_dir=str(tmp_path / "cache"))
    assert differences(wanted, lambda name: loaded[name][:]) == {}


def test_what_is_not_asked_for_is_not_read(source, tmp_path):
    """The page index: one page's worth of a column can be found without the others."""
    write(source, tmp_path / "out.parquet")
    group = pyarrow.parquet.ParquetFile(tmp_path / "out.parquet").metadata.row_group(0)
    assert all(group.column(i).has_offset_index for i in range(group.num_columns))
    assert [
        group.column(i).path_in_schema for i in range(group.num_columns) if not group.column(i).has_column_index
    ] == ["nothing"]
    dictionary = {
        group.column(i).path_in_schema for i in range(group.num_columns) if group.column(i).has_dictionary_page
    }
    assert "color" in dictionary and not dictionary & {"our_text", "embedding.list.element"}
