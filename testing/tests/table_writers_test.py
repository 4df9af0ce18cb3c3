"""Tables that others wrote, read by us: pandas, polars, Hugging Face datasets, DuckDB, pyarrow. What goes along is what
pyarrow reads of the same file, by value and type. Spark: table_spark_test.py."""

import datetime
import decimal
import subprocess

import pyarrow
import pyarrow.compute
import pyarrow.ipc
import pyarrow.parquet
import pytest
from program import CLI, MODELS, duckdb
from reader_tables import differences

ROWS = 40
NOON = datetime.datetime(2026, 3, 1, 12)


def embed(source, output, *flags):
    command = [CLI, "embed", "-m", str(MODELS / "bert.gguf"), "-i", str(source), "-o", str(output), *flags]
    done = subprocess.run(command, capture_output=True, timeout=600)
    assert done.returncode == 0, done.stderr.decode()
    done.out = done.stdout.decode()
    return done


def holed(make):
    return [None if i % 5 == 1 else make(i) for i in range(ROWS)]


def opened(path):
    if path.suffix == ".parquet":
        return pyarrow.parquet.read_table(path)
    first = path.read_bytes()[:6]
    return (pyarrow.ipc.open_file if first == b"ARROW1" else pyarrow.ipc.open_stream)(path.read_bytes()).read_all()


# A condition asks DuckDB about each batch.
@pytest.fixture(params=[[], ["--where", "text <> 'text 7'"]], ids=["all", "where"])
def condition(request):
    return request.param


def assert_kept(source, condition, *, out="arrow"):
    """Column text is embedded, the others go along as they are."""
    path = source.parent / f"out-of-{source.name}.{out}"
    embed(source, path, "--column", "text", *condition)
    before, after = opened(source), opened(path)
    names = [name for name in before.column_names if name != "text"]
    assert after.column_names[: len(names)] == names
    for name in names:
        assert after[name].type == before[name].type, name
    rows = [i for i, text in enumerate(before["text"].to_pylist()) if not condition or text != "text 7"]
    columns = {name: before[name].to_pylist() for name in before.column_names}
    wanted = {name: [values[i] for i in rows] for name, values in columns.items()}
    assert differences(wanted, lambda name: after[name].to_pylist()) == {}
    return after


def pandas_frame(pandas):
    return pandas.DataFrame(
        {
            "text": [f"text {i}" for i in range(ROWS)],
            "whole": pandas.array(holed(lambda i: i), dtype="Int64"),
            "number": holed(lambda i: i / 3),
            "flag": pandas.array(holed(lambda i: i % 2 == 0), dtype="boolean"),
            "color": pandas.Categorical(holed(lambda i: f"c{i % 3}"), ordered=True),
            "level": pandas.Categorical(holed(lambda i: i % 3)),
            "at": pandas.date_range("2026-01-01", periods=ROWS, freq="h", tz="Europe/Berlin"),
            "local": pandas.Series(holed(lambda i: NOON + datetime.timedelta(seconds=i)), dtype="datetime64[ns]"),
            "span": pandas.to_timedelta(range(ROWS), unit="s"),
            "price": holed(lambda i: decimal.Decimal(i) / 4),
            "tags": holed(lambda i: [f"t{j}" for j in range(i % 3)]),
            "point": holed(lambda i: {"x": i, "y": "a"}),
            "raw": holed(lambda i: bytes([i])),
        }
    )


@pytest.mark.parametrize("index", ["range", "named", "unnamed", "several"])
@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_pandas(tmp_path, kind, index, condition):
    pandas = pytest.importorskip("pandas")
    frame = pandas_frame(pandas)
    if index == "named":
        frame.index = pandas.Index([f"key {i}" for i in range(ROWS)], name="key")
    if index == "unnamed":
        frame.index = [3 * i for i in range(ROWS)]
    if index == "several":
        frame.index = pandas.MultiIndex.from_tuples([(i // 7, i) for i in range(ROWS)], names=["a", None])
    path = tmp_path / f"in.{kind}"
    if kind == "feather":
        frame = frame.drop(columns=["price"]).reset_index(names=["a", "b"] if index == "several" else None)
        frame.to_feather(path)
    else:
        frame.to_parquet(path)
    out = "parquet" if kind == "parquet" else "arrow"
    if kind == "parquet":
        assert b"pandas" in opened(path).schema.metadata
        embed(path, tmp_path / "out.parquet", "--column", "text", *condition)
        # The index is a column as it lies in the file, and pandas reads what we write without its note.
        again = pandas.read_parquet(tmp_path / "out.parquet")
        key = {"named": "key", "unnamed": "__index_level_0__", "several": "__index_level_1__"}.get(index)
        if key:
            wanted = frame.index.get_level_values(-1)
            assert again[key].tolist() == [k for k, t in zip(wanted, frame["text"]) if not condition or t != "text 7"]
        assert again.index.equals(pandas.RangeIndex(ROWS - len(condition) // 2))
    assert_kept(path, condition, out="arrow")
    assert out


@pytest.mark.parametrize("kind", ["parquet", "ipc", "ipc-old", "ipc_stream"])
def test_polars(tmp_path, kind, condition):
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(
        {
            "text": [f"text {i}" for i in range(ROWS)],
            "tiny": polars.Series(holed(lambda i: i), dtype=polars.Int8),
            "large": polars.Series(holed(lambda i: 2**64 - 1 - i), dtype=polars.UInt64),
            "number": polars.Series(holed(lambda i: i / 3), dtype=polars.Float32),
            "long": holed(lambda i: f"a text of its own buffer, number {i}"),
            "color": polars.Series(holed(lambda i: f"c{i % 3}"), dtype=polars.Categorical),
            "size": polars.Series(holed(lambda i: "SML"[i % 3]), dtype=polars.Enum(["S", "M", "L"])),
            "price": polars.Series(holed(lambda i: decimal.Decimal(i) / 4), dtype=polars.Decimal(12, 2)),
            "day": holed(lambda i: NOON.date() + datetime.timedelta(days=i)),
            "time": holed(lambda i: datetime.time(1, 2, i)),
            "local": holed(lambda i: NOON + datetime.timedelta(seconds=i)),
            "at": polars.Series(holed(lambda i: NOON), dtype=polars.Datetime("ns", "Europe/Berlin")),
            "span": holed(lambda i: datetime.timedelta(milliseconds=i)),
            "raw": holed(lambda i: bytes([i, 0])),
            "tags": polars.Series(holed(lambda i: [f"t{j}" for j in range(i % 3)]), dtype=polars.List(polars.String)),
            "point": holed(lambda i: {"x": i, "y": "a"}),
            "points": holed(lambda i: [{"x": i, "y": None}] * (i % 3)),
            "vector": polars.Series([[i, i] for i in range(ROWS)], dtype=polars.Array(polars.Float32, 2)),
            "nothing": polars.Series([None] * ROWS, dtype=polars.Null),
        }
    )
    path = tmp_path / f"in.{'parquet' if kind == 'parquet' else 'arrow'}"
    if kind == "ipc-old":
        frame.write_ipc(path, compat_level=polars.CompatLevel.oldest())
    else:
        getattr(frame, f"write_{kind}")(path)
    assert_kept(path, condition)


def test_views_of_strings_in_rows_that_are_left_out(tmp_path):
    """Arrow takes no rows of them, and Polars writes them; we join slices."""
    inner = pyarrow.struct([("inner", pyarrow.string_view())])
    texts = ["" if i % 7 == 3 else f"text {i}" for i in range(ROWS)]
    more = [{"inner": f"{i}, too long to lie inside of the view"} for i in range(ROWS)]
    notes = pyarrow.array([f"note {i}" for i in range(ROWS)], pyarrow.string_view())
    table = pyarrow.table({"text": texts, "note": notes, "more": pyarrow.array(more, inner)})
    with pyarrow.ipc.new_file(tmp_path / "in.arrow", table.schema) as file:
        file.write_table(table)
    embed(tmp_path / "in.arrow", tmp_path / "out.parquet", "--column", "text")
    table = pyarrow.parquet.read_table(tmp_path / "out.parquet")
    kept = [i for i in range(ROWS) if i % 7 != 3]
    assert table["note"].to_pylist() == [f"note {i}" for i in kept]
    assert table["more"].to_pylist() == [more[i] for i in kept]


def test_notes_of_hugging_face_beside_arrow_files_are_no_tables(tmp_path):
    folder = tmp_path / "saved"
    folder.mkdir()
    with pyarrow.ipc.new_stream(folder / "data-00000-of-00001.arrow", pyarrow.schema([("text", "string")])) as stream:
        stream.write_batch(pyarrow.record_batch({"text": ["a", "b"]}))
    (folder / "dataset_info.json").write_text('{"features": {}}')
    (folder / "state.json").write_text('{"_split": null}')
    embed(folder, tmp_path / "out.arrow")
    assert opened(tmp_path / "out.arrow")["text"].to_pylist() == ["a", "b"]


def dataset(datasets):
    return datasets.Dataset.from_dict(
        {
            "text": [f"text {i}" for i in range(ROWS)],
            "label": [i % 2 for i in range(ROWS)],
            "vector": [[i / 2, 1.0] for i in range(ROWS)],
            "tags": holed(lambda i: [f"t{i}"]),
            "point": [{"x": i, "y": "a"} for i in range(ROWS)],
        },
        features=datasets.Features(
            {
                "text": datasets.Value("string"),
                "label": datasets.ClassLabel(names=["no", "yes"]),
                "vector": datasets.List(datasets.Value("float32"), length=2),
                "tags": datasets.List(datasets.Value("string")),
                "point": {"x": datasets.Value("int16"), "y": datasets.Value("large_string")},
            }
        ),
    )


@pytest.fixture
def hugging_face(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return pytest.importorskip("datasets")


def test_hugging_face_files(tmp_path, hugging_face, condition):
    dataset(hugging_face).to_parquet(tmp_path / "in.parquet")
    after = assert_kept(tmp_path / "in.parquet", condition)
    assert b"huggingface" not in after.schema.metadata, "its features are not those of our columns"
    dataset(hugging_face).to_json(tmp_path / "in.jsonl")
    embed(tmp_path / "in.jsonl", tmp_path / "json.parquet", "--column", "text", *condition)
    table = pyarrow.parquet.read_table(tmp_path / "json.parquet")
    assert table.drop_columns(after.column_names[4:])["point"].to_pylist() == after["point"].to_pylist()


def test_hugging_face_folders(tmp_path, hugging_face, condition):
    """save_to_disk: parts as Arrow streams beside dataset_info.json and state.json, and a folder for each split."""
    whole = dataset(hugging_face)
    whole.save_to_disk(tmp_path / "saved", num_shards=3)
    embed(tmp_path / "saved", tmp_path / "a.arrow", "--column", "text", *condition)
    halves = hugging_face.DatasetDict({"train": whole.select(range(20)), "test": whole.select(range(20, ROWS))})
    halves.save_to_disk(tmp_path / "splits")
    embed(tmp_path / "splits" / "train", tmp_path / "b.arrow", "--column", "text", *condition)
    embed(tmp_path / "splits", tmp_path / "c.arrow", "--column", "text", *condition)
    kept = [i for i in range(ROWS) if not condition or i != 7]
    for name, numbers in [("a", kept), ("b", [i for i in kept if i < 20]), ("c", sorted(kept, key=lambda i: i < 20))]:
        table = opened(tmp_path / f"{name}.arrow")
        assert table["text"].to_pylist() == [f"text {i}" for i in numbers]
        assert table["label"].to_pylist() == [i % 2 for i in numbers]
        assert table["vector"].type == pyarrow.list_(pyarrow.float32(), 2)
        assert table["vector"].to_pylist() == [[i / 2, 1.0] for i in numbers]


def test_hugging_face_cache(tmp_path, hugging_face):
    """What load_dataset keeps: a stream, its notes and a lock."""
    dataset(hugging_face).to_parquet(tmp_path / "in.parquet")
    cache = tmp_path / "cache"
    hugging_face.load_dataset("parquet", data_files=str(tmp_path / "in.parquet"), cache_dir=str(cache))
    folder = next(cache.glob("**/*.arrow")).parent
    embed(folder, tmp_path / "out.arrow", "--column", "text")
    assert opened(tmp_path / "out.arrow")["text"].to_pylist() == [f"text {i}" for i in range(ROWS)]


def test_duckdb_folders_by_a_key(tmp_path, condition):
    folder = tmp_path / "in"
    query = (
        "select i, 'text ' || i as text, case when i < 5 then null else 'a/b ' || i % 2 end as part, "
        "i::utinyint as tiny, (i / 4)::decimal(9, 2) as price, timestamptz '2026-01-01 00:00:00+00' as at, "
        "{'x': i, 'y': [i, null]} as point, map {'k': i} as map, "
        "uuid() as key, json_object('i', i) as doc, i::hugeint as huge, "
        "time '01:02:03.000004' as time, 'ab'::blob as raw, interval 1 day as span, null as nothing "
        f"from range({ROWS}) t(i) order by i"
    )
    copied = f"copy ({query}) to '{folder}' (format parquet, partition_by (part))"
    duckdb("-c", "set timezone = 'UTC'", "-c", copied)
    embed(folder, tmp_path / "out.arrow", "--column", "text", *condition)
    table = opened(tmp_path / "out.arrow")
    wanted = pyarrow.concat_tables(
        [pyarrow.parquet.ParquetFile(path).read() for path in sorted(folder.rglob("*.parquet"))]
    )
    if condition:
        wanted = wanted.filter(pyarrow.compute.not_equal(wanted["text"], "text 7"))
    names = {name: wanted[name].to_pylist() for name in wanted.column_names if name != "nothing"}
    assert differences(names, lambda name: table[name].to_pylist()) == {}
    for name in set(names) - {"text"}:
        assert table[name].type == wanted[name].type, name
    embed(folder, tmp_path / "out.parquet", "--column", "doc", *condition)
    kinds = f"select distinct typeof(key), typeof(doc), typeof(huge) from '{tmp_path / 'out.parquet'}'"
    asked = f"copy ({kinds}) to '/dev/stdout' (format csv, header 0)"
    assert duckdb("-c", asked).split() == ["UUID,VARCHAR,DOUBLE"], "the text is ours"
    assert table["part"].to_pylist() == [None if i < 5 else f"a/b {i % 2}" for i in wanted["i"].to_pylist()]


def test_timestamps_of_96_bits(tmp_path, condition):
    """Those that older Spark, Hive and Impala write. Nanoseconds would hold the years 1677 to 2262 alone."""
    moments = [datetime.datetime(2, 1, 1), datetime.datetime(9998, 12, 31, 23, 59, 59, 999_999), NOON, None]
    table = pyarrow.table({"text": list("abcd"), "at": pyarrow.array(moments, pyarrow.timestamp("us"))})
    pyarrow.parquet.write_table(table, tmp_path / "in.parquet", use_deprecated_int96_timestamps=True)
    assert pyarrow.parquet.ParquetFile(tmp_path / "in.parquet").schema.column(1).physical_type == "INT96"
    embed(tmp_path / "in.parquet", tmp_path / "out.parquet", "--column", "text", *condition)
    found = pyarrow.parquet.read_table(tmp_path / "out.parquet")["at"]
    assert found.type == pyarrow.timestamp("us") and found.to_pylist() == moments


def test_names_that_differ_in_capitals_alone(tmp_path):
    """DuckDB and Spark take them for one: ours make room as for the same name, others are told."""
    table = pyarrow.table({"body": ["a"], "Embedding": [1], "TEXT_HASH": ["x"], "Id": [2], "id": [3], "Body": [4]})
    pyarrow.parquet.write_table(table, tmp_path / "in.parquet")
    done = embed(tmp_path / "in.parquet", tmp_path / "out.parquet", "--column", "body")
    names = pyarrow.parquet.read_schema(tmp_path / "out.parquet").names
    assert names[:5] == ["Embedding_input", "TEXT_HASH_input", "Id", "id", "Body_input"]
    assert "'Embedding' is written as 'Embedding_input'" in done.out
    assert "'Id' and 'id' differ only in capitals" in done.out
    assert "'Body'" in done.out and done.out.count("differ only") == 1
