"""Files of vectors to look at in tests, and bits flipped in them."""

import json
import subprocess

import numpy
import pyarrow as pa
import pyarrow.parquet
from program import CLI, REAL

MINILM = REAL / "minilm"


def run(*arguments, status=0, **options):
    done = subprocess.run([CLI, *map(str, arguments)], capture_output=True, text=True, timeout=600, **options)
    assert done.returncode == status, f"exit status {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def run_json(*arguments, status=0):
    return json.loads(run(*arguments, "--json", "--quiet", status=status).stdout)


def sentences(count, seed=1):
    """Different ones, of a few words."""
    random = numpy.random.default_rng(seed)
    words = "stone river paper light engine garden letter winter bread signal copper harbour".split()
    return [f"{i} " + " ".join(random.choice(words, random.integers(2, 9))) for i in range(count)]


def write_texts(path, texts, **columns):
    pa.parquet.write_table(pa.table({"text": texts, **columns}), path)
    return path


def embed(model, source, output, *flags):
    run("embed", "-m", model, "-i", source, "--column", "text", "-o", output, "--quiet", *flags)
    return output


def read(path):
    return pa.parquet.read_table(path)


def with_column(table, name, values):
    """The same table, its metadata too, with other values of the same type."""
    at = table.schema.get_field_index(name)
    field = table.schema.field(at)
    array = values if isinstance(values, pa.Array) else pa.array(values, field.type)
    return table.set_column(at, field, array)


def stored_bytes(table):
    """The vectors as bytes, a row each."""
    column = table["embedding"].combine_chunks()
    values = column.values.to_numpy(zero_copy_only=False)
    return numpy.ascontiguousarray(values).view(numpy.uint8).reshape(len(column), -1).copy()


def with_bytes(table, data):
    field = table.schema.field("embedding")
    element = field.type.value_type
    values = pa.Array.from_buffers(element, data.size * 8 // element.bit_width, [None, pa.py_buffer(data.tobytes())])
    array = pa.FixedSizeListArray.from_arrays(values, type=field.type)
    return with_column(table, "embedding", array)


def numbers(table):
    """float32 and float16 vectors as doubles."""
    return numpy.stack(table["embedding"].to_numpy(zero_copy_only=False)).astype(numpy.float64)


def unit(vectors):
    return vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)


def nearest(vectors, k):
    """Of each row its k nearest others by cosine, equal ones by row."""
    cosines = numpy.round(unit(vectors) @ unit(vectors).T, 11)
    numpy.fill_diagonal(cosines, -2)
    return [set(numpy.lexsort((numpy.arange(len(row)), -row))[:k].tolist()) for row in cosines]


def ranks(values):
    """From 0; equal ones share the mean of theirs."""
    _, inverse, counts = numpy.unique(numpy.round(values, 11), return_inverse=True, return_counts=True)
    last = numpy.cumsum(counts) - 1
    return (last - (counts - 1) / 2)[inverse]


def agreement(a, b, k):
    """recall@k and Spearman's correlation, as numpy has them."""
    common = [len(x & y) / k for x, y in zip(nearest(a, k), nearest(b, k))]
    pairs = numpy.triu_indices(len(a), 1)
    x, y = (ranks((unit(v) @ unit(v).T)[pairs]) for v in (a, b))
    return float(numpy.mean(common)), float(numpy.corrcoef(x, y)[0, 1])
