"""Tables that other programs read: what goes along, what llama-table/tests/write_table.cc computes beside it, and how
values are compared across the readers' own types."""

import datetime
import decimal
import math
import os
import subprocess
import uuid

import numpy
import pyarrow
import pyarrow.ipc

WRITE = os.environ["WRITE_TABLE"]
ROWS = 250
ELEMENTS = ["float32", "float16", "int8", "bits"]
POINT = pyarrow.struct([("x", pyarrow.int8()), ("y", pyarrow.string())])
DEEP = pyarrow.struct(
    [("a", pyarrow.list_(pyarrow.struct([("b", pyarrow.decimal128(9, 2)), ("c", pyarrow.timestamp("us", "UTC"))])))]
)
LOCAL = datetime.datetime(2026, 1, 1)
ZONED = LOCAL.replace(tzinfo=datetime.timezone.utc)
DAY = datetime.date(1900, 1, 1)
Decimal, delta = decimal.Decimal, datetime.timedelta


def holed(make):
    return [None if i % 5 == 1 else make(i) for i in range(ROWS)]


# name -> type, values
KEPT = {
    "id": (pyarrow.string(), [f"{i:05}" for i in range(ROWS)]),
    "bool": (pyarrow.bool_(), holed(lambda i: i % 2 == 0)),
    "int8": (pyarrow.int8(), holed(lambda i: i % 256 - 128)),
    "int16": (pyarrow.int16(), holed(lambda i: i * 100 - 12_000)),
    "int32": (pyarrow.int32(), holed(lambda i: -i * 10**6)),
    "int64": (pyarrow.int64(), holed(lambda i: i * 10**16 + 1)),
    "uint8": (pyarrow.uint8(), holed(lambda i: i)),
    "uint16": (pyarrow.uint16(), holed(lambda i: 2**16 - 1 - i)),
    "uint32": (pyarrow.uint32(), holed(lambda i: 2**32 - 1 - i)),
    "uint64": (pyarrow.uint64(), holed(lambda i: 2**64 - 1 - i)),
    "float16": (pyarrow.float16(), holed(lambda i: i / 4)),
    "float32": (pyarrow.float32(), holed(lambda i: i / 8)),
    "float64": (pyarrow.float64(), holed(lambda i: [i / 3, math.inf, -math.inf, math.nan][i % 4])),
    "string": (pyarrow.string(), holed(lambda i: f"é {i}")),
    "large_string": (pyarrow.large_string(), holed(lambda i: f"é {i}")),
    "string_view": (pyarrow.string_view(), holed(lambda i: f"é, too long to lie inside of the view: {i}")),
    "binary": (pyarrow.binary(), holed(lambda i: bytes([i, 0, 255]))),
    "large_binary": (pyarrow.large_binary(), holed(lambda i: bytes([i, 0, 255]))),
    "fixed_binary": (pyarrow.binary(3), holed(lambda i: bytes([i, 0, 255]))),
    "date": (pyarrow.date32(), holed(lambda i: DAY + delta(days=i * 300))),
    "date_ms": (pyarrow.date64(), holed(lambda i: DAY + delta(days=i * 300))),
    "time_ms": (pyarrow.time32("ms"), holed(lambda i: datetime.time(1, 2, i % 60, 5000))),
    "time_us": (pyarrow.time64("us"), holed(lambda i: datetime.time(1, 2, i % 60, 5))),
    "at_s": (pyarrow.timestamp("s"), holed(lambda i: LOCAL + delta(seconds=i))),
    "at_ms": (pyarrow.timestamp("ms"), holed(lambda i: LOCAL + delta(milliseconds=i))),
    "at_us": (pyarrow.timestamp("us"), holed(lambda i: LOCAL + delta(microseconds=i))),
    "at_ns": (pyarrow.timestamp("ns"), holed(lambda i: LOCAL + delta(microseconds=i))),
    "at_utc": (pyarrow.timestamp("us", "UTC"), holed(lambda i: ZONED + delta(seconds=i))),
    "at_berlin": (pyarrow.timestamp("us", "Europe/Berlin"), holed(lambda i: ZONED + delta(seconds=i))),
    "duration": (pyarrow.duration("us"), holed(lambda i: delta(seconds=i))),
    "decimal18": (pyarrow.decimal128(18, 3), holed(lambda i: Decimal(i) / 8)),
    "decimal38": (pyarrow.decimal128(38, 10), holed(lambda i: i * Decimal(10) ** 20 + Decimal(i) / 8)),
    "decimal50": (pyarrow.decimal256(50, 4), holed(lambda i: i * Decimal(10) ** 25 + Decimal(i) / 8)),
    "color": (pyarrow.dictionary(pyarrow.int8(), pyarrow.string()), holed(lambda i: f"color {i // 20}")),
    "code": (pyarrow.dictionary(pyarrow.int32(), pyarrow.int64()), holed(lambda i: i // 20)),
    "tags": (pyarrow.list_(pyarrow.string()), holed(lambda i: [None if j == 2 else f"{j}" for j in range(i % 4)])),
    "large_list": (pyarrow.large_list(pyarrow.int32()), holed(lambda i: list(range(i % 4)))),
    "list_view": (pyarrow.list_view(pyarrow.int32()), holed(lambda i: list(range(i % 4)))),
    "colors": (pyarrow.list_(pyarrow.dictionary(pyarrow.int8(), pyarrow.string())), holed(lambda i: [f"c{i % 3}"])),
    "point": (POINT, holed(lambda i: {"x": i % 100, "y": None if i % 2 else f"y {i}"})),
    "points": (pyarrow.list_(POINT), holed(lambda i: [{"x": 1, "y": "a"}] * (i % 3))),
    "deep": (DEEP, holed(lambda i: {"a": None if i % 3 == 0 else [{"b": Decimal(i), "c": ZONED}]})),
    "map": (pyarrow.map_(pyarrow.string(), pyarrow.int32()), holed(lambda i: [(f"k{j}", j) for j in range(i % 3)])),
    "old_vector": (pyarrow.list_(pyarrow.float32(), 3), [[i, i + 1.0, i + 2.0] for i in range(ROWS)]),
    "holed_vector": (pyarrow.list_(pyarrow.float32(), 2), holed(lambda i: [i, -i])),
    "inner_vector": (
        pyarrow.struct([("v", pyarrow.list_(pyarrow.int32(), 2))]),
        [{"v": [i, -i]} for i in range(ROWS)],
    ),
    "uuid": (pyarrow.uuid(), holed(lambda i: uuid.UUID(int=i * 10**30))),
    "json": (pyarrow.json_(), holed(lambda i: f'{{"i": {i}}}')),
    "nothing": (pyarrow.null(), [None] * ROWS),
}


def kept_schema(without=()):
    return pyarrow.schema([(name, kind) for name, (kind, _) in KEPT.items() if name not in without])


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
    return {
        "our_text": [f"text {i}" for i in range(ROWS)],
        "our_score": scores,
        "our_flag": (index % 2 == 0).tolist(),
        "embedding": vectors,
    }


def expected(element="float32", nulls=False, without=()):
    kept = {name: values for name, (_, values) in KEPT.items() if name not in without}
    return kept | computed(element, 8, nulls)


def write_source(path, without=()):
    """Each batch with a dictionary of its own."""
    schema = kept_schema(without)
    with pyarrow.ipc.new_stream(path, schema) as stream:
        for begin in range(0, ROWS, 60):
            arrays = [pyarrow.array(KEPT[field.name][1][begin : begin + 60], field.type) for field in schema]
            stream.write_batch(pyarrow.record_batch(arrays, schema=schema))
    return path


def write(source, output, **options):
    if options.pop("nulls", False):
        options["nulls"] = 1
    arguments = [f"{name.replace('_', '-')}={value}" for name, value in options.items()]
    run = subprocess.run([WRITE, source, output, *arguments], capture_output=True, timeout=120)
    assert run.returncode == 0, run.stderr.decode()
    return run.stdout


def plain(value):
    """The same value as Python says it, whichever library holds it."""
    if type(value).__module__.split(".")[0] in ("numpy", "polars", "pandas"):
        if type(value).__name__ in ("NaTType", "NAType"):
            return None
        for to_python in ("tolist", "to_list", "to_pydatetime", "to_pytimedelta"):
            if hasattr(value, to_python):
                return plain(getattr(value, to_python)())
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if isinstance(value, datetime.datetime) and value.tzinfo:
        return value.astimezone(datetime.timezone.utc).isoformat()
    if hasattr(value, "asDict"):
        value = value.asDict()
    if isinstance(value, bytearray):
        return bytes(value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return {key: plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def differences(wanted, column, other=None):
    """Columns that are not the same, with the first value that is not. column: name -> values. other: name -> what a
    value becomes for this reader."""
    found = {}
    for name, values in wanted.items():
        change = (other or {}).get(name, lambda value: value)
        want = [plain(None if value is None else change(value)) for value in values]
        got = [plain(value) for value in column(name)]
        if want != got:
            found[name] = next(((w, g) for w, g in zip(want, got) if w != g), f"{len(got)} rows")
    return found
