"""Spark: what it reads of our tables, and we of its. script/spark runs this; without a JVM it skips."""

import datetime
import importlib.util
import shutil
import subprocess

import pyarrow.dataset
import pyarrow.parquet
import pytest
from program import CLI, MODELS
from reader_tables import KEPT, ROWS, differences, expected, write, write_source

pytestmark = pytest.mark.skipif(
    not shutil.which("java") or importlib.util.find_spec("pyspark") is None, reason="no Spark here: script/spark"
)

# Types that Spark 4.3 refuses, and with them the whole file; a schema that leaves the column out helps.
REFUSED = {
    "float16": "PARQUET_TYPE_ILLEGAL",
    "time_ms": "PARQUET_TYPE_ILLEGAL",
    "time_us": "UNSUPPORTED_TIME_TYPE",
    "at_ns": "PARQUET_TYPE_ILLEGAL",
    "uuid": "PARQUET_TYPE_ILLEGAL",
    "decimal50": "DECIMAL_PRECISION_EXCEEDS",
}


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    builder = pytest.importorskip("pyspark.sql").SparkSession.builder.master("local[1]")
    builder = builder.config("spark.ui.enabled", "false")
    builder = builder.config("spark.ui.showConsoleProgress", "false").config("spark.sql.session.timeZone", "UTC")
    builder = builder.config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
    builder = builder.config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("warehouse")))
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_source(tmp_path_factory.mktemp("kept") / "kept.arrows", set(REFUSED))


def in_utc(moment):
    return moment.astimezone(datetime.timezone.utc).replace(tzinfo=None)


CHANGES = {
    "at_utc": in_utc,
    "at_berlin": in_utc,
    "map": dict,
    "duration": lambda x: int(x.total_seconds() * 10**6),
    "deep": lambda x: {"a": x["a"] and [{"b": b["b"], "c": in_utc(b["c"])} for b in x["a"]]},
}


# Spark has no float16. Each kind of vector with and without nulls, as a file and as a folder.
OUTPUTS = [
    ("float32", False, False),
    ("float32", True, True),
    ("int8", False, True),
    ("int8", True, False),
    ("bits", False, False),
    ("bits", True, True),
]


@pytest.mark.parametrize("element,nulls,parts", OUTPUTS)
def test_spark_reads_parquet(spark, source, tmp_path, element, nulls, parts):
    path = tmp_path / "out.parquet"
    write(source, path, element=element, nulls=nulls, **({"split_rows": 70} if parts else {}))
    frame = spark.read.parquet(str(path))
    wanted = expected(element, nulls, set(REFUSED))
    assert frame.columns == list(wanted)
    rows = sorted(frame.collect(), key=lambda row: row.id)
    assert len(rows) == ROWS
    assert differences(wanted, lambda name: [row[name] for row in rows], CHANGES) == {}
    kinds = {"float32": "array<float>", "int8": "array<tinyint>", "bits": "array<smallint>"}
    assert frame.schema["embedding"].dataType.simpleString() == kinds[element]
    assert frame.schema["uint64"].dataType.simpleString() == "decimal(20,0)"


@pytest.mark.parametrize("compression", ["zstd", "snappy", "gzip", "lz4", "none"])
def test_spark_reads_every_compression(spark, source, tmp_path, compression):
    write(source, tmp_path / "out.parquet", compression=compression)
    rows = spark.read.parquet(str(tmp_path / "out.parquet")).select("our_text").collect()
    assert sorted(row.our_text for row in rows) == sorted(expected()["our_text"])


@pytest.mark.parametrize("name", [*REFUSED, "embedding"])
def test_what_spark_refuses(spark, tmp_path, name):
    """Where this fails Spark has learnt a type: the table in doc/tables.md changes."""
    kept = write_source(tmp_path / "kept.arrows", set(KEPT) - {"id", name})
    write(kept, tmp_path / "out.parquet", element="float16" if name == "embedding" else "float32")
    with pytest.raises(Exception, match=REFUSED.get(name, "PARQUET_TYPE_ILLEGAL")):
        spark.read.parquet(str(tmp_path / "out.parquet"))
    rows = spark.read.schema("id string, our_text string").parquet(str(tmp_path / "out.parquet")).collect()
    assert sorted(row.id for row in rows) == KEPT["id"][1]


def embed(source, output, *flags):
    command = [CLI, "embed", "-m", str(MODELS / "bert.gguf"), "-i", str(source), "-o", str(output), *flags]
    done = subprocess.run(command, capture_output=True, timeout=600)
    assert done.returncode == 0, done.stderr.decode()
    return pyarrow.parquet.read_table(output)


def test_names_that_differ_in_capitals_alone_are_told_and_ours_make_room(spark, tmp_path):
    spark.sql("select 'a' as text, 1 as Embedding, 'b' as Text_Hash").write.parquet(str(tmp_path / "in"))
    embed(tmp_path / "in", tmp_path / "out.parquet", "--column", "text")
    frame = spark.read.parquet(str(tmp_path / "out.parquet"))
    assert frame.columns[:2] == ["Embedding_input", "Text_Hash_input"]
    assert len(frame.collect()[0].embedding) == 64


ROWS_OF_SPARK = [
    "cast(id as int) as id",
    "concat('text ', id) as text",
    "cast(id / 3 as decimal(10, 3)) as price",
    "date'2026-01-01' as day",
    "timestamp_micros(1767225600000000 + id) as at",
    "cast('0002-01-01 00:00:00' as timestamp) as early",
    "cast('9998-12-31 23:59:59' as timestamp) as late",
    "array(id, null) as ids",
    "named_struct('a', id, 'b', 'x') as point",
    "map('k', id) as map",
    "cast('ab' as binary) as raw",
    "if(id = 3, null, cast(id as float)) as number",
]


@pytest.mark.parametrize("timestamps", ["INT96", "TIMESTAMP_MICROS", "TIMESTAMP_MILLIS"])
def test_what_spark_writes_is_read(spark, tmp_path, timestamps):
    """A folder with _SUCCESS, hidden checksums and parts in snappy; INT96 counts days and nanoseconds."""
    spark.conf.set("spark.sql.parquet.outputTimestampType", timestamps)
    spark.conf.set("spark.sql.parquet.int96RebaseModeInWrite", "CORRECTED")
    spark.conf.set("spark.sql.parquet.datetimeRebaseModeInWrite", "CORRECTED")
    frame = spark.range(0, 20, 1, 3).selectExpr(*ROWS_OF_SPARK)
    frame.write.parquet(str(tmp_path / "in"))
    embed(tmp_path / "in", tmp_path / "out.parquet", "--column", "text")
    before = sorted(frame.collect(), key=lambda row: row.id)
    after = sorted(spark.read.parquet(str(tmp_path / "out.parquet")).collect(), key=lambda row: row.id)
    names = [name for name in frame.columns if name != "at" or timestamps != "TIMESTAMP_MILLIS"]
    assert [[row[name] for name in names] for row in after] == [[row[name] for name in names] for row in before]


def test_partitions_that_spark_writes_are_columns(spark, tmp_path):
    frame = spark.range(20).selectExpr("id", "concat('text ', id) as text", "if(id < 3, null, id % 2) as year")
    frame.repartition(3).write.partitionBy("year").parquet(str(tmp_path / "in"))
    table = embed(tmp_path / "in", tmp_path / "out.parquet", "--column", "text", "--where", "id < 15")
    found = sorted(zip(table["id"].to_pylist(), table["year"].to_pylist()))
    assert found == [(i, None if i < 3 else str(i % 2)) for i in range(15)]


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_text_kinds_that_spark_writes_are_read(spark, tmp_path, kind):
    frame = spark.range(0, 20, 1, 2).selectExpr("id", "concat('a, \"b\" ', id) as text")
    frame.write.option("header", "true").option("escape", '"').format(kind).save(str(tmp_path / "in"))
    table = embed(tmp_path / "in", tmp_path / "out.parquet", "--column", "text")
    assert sorted(table["id"].to_pylist()) == list(range(20))
    assert set(table["text"].to_pylist()) == {f'a, "b" {i}' for i in range(20)}
