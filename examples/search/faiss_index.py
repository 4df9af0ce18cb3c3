#!/usr/bin/env python3
"""Search the vectors of llama-cli embed with FAISS.

    pip install faiss-cpu numpy pyarrow
    python faiss_index.py load vectors.parquet
    python faiss_index.py ask "How do I change my password?"

FAISS keeps vectors and nothing else: the other columns lie beside the index, in texts.faiss.parquet, row for row.
Loading makes both anew from the files that are given. Cosine is the inner product of vectors of length 1.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys

import faiss
import numpy
import pyarrow
import pyarrow.parquet

PLACE, HAS_HNSW = "texts.faiss", True
LINKS, EF_CONSTRUCTION, EF_SEARCH = 32, 200, 256  # more: better neighbours, slower


def empty_index(origin, hnsw):
    size = int(origin.get("dimensions", origin["dimension"]))
    if origin.get("dtype") == "binary":
        index = faiss.IndexBinaryHNSW(size, LINKS) if hnsw else faiss.IndexBinaryFlat(size)
    elif origin.get("dtype") == "float16":  # two bytes a number
        kind = faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        index = faiss.IndexHNSWSQ(size, kind[0], LINKS, kind[1]) if hnsw else faiss.IndexScalarQuantizer(size, *kind)
        index.is_trained = True  # there is nothing to train
    elif hnsw:
        index = faiss.IndexHNSWFlat(size, LINKS, faiss.METRIC_INNER_PRODUCT)
    else:
        index = faiss.IndexFlatIP(size)
    if hnsw:
        index.hnsw.efConstruction = EF_CONSTRUCTION
    return index


def load(options):
    origin = origin_of(options.files[0])
    index, rows = empty_index(origin, options.hnsw), None
    for batch in batches(options.files, count=10_000):
        vectors = numpy.ascontiguousarray(vectors_of(batch, origin))
        if vectors.dtype == numpy.float32:
            faiss.normalize_L2(vectors)
        index.add(vectors)
        others = batch.drop_columns(["embedding"])
        if rows is None:
            schema = others.schema.with_metadata({f"llama.{name}": value for name, value in origin.items()})
            rows = pyarrow.parquet.ParquetWriter(options.place + ".parquet.partial", schema, compression="zstd")
        rows.write_batch(others)
    rows.close()
    write = faiss.write_index_binary if origin.get("dtype") == "binary" else faiss.write_index
    write(index, options.place + ".partial")
    os.replace(options.place + ".parquet.partial", options.place + ".parquet")
    os.replace(options.place + ".partial", options.place)
    print(f"{index.ntotal:,} rows loaded; {index.ntotal:,} are there")


def open_table(options):
    origin = origin_of(options.place + ".parquet")
    read = faiss.read_index_binary if origin.get("dtype") == "binary" else faiss.read_index
    index, rows = read(options.place), pyarrow.parquet.ParquetFile(options.place + ".parquet")
    if hasattr(index, "hnsw"):
        index.hnsw.efSearch = EF_SEARCH
    groups = [rows.metadata.row_group(number).num_rows for number in range(rows.num_row_groups)]
    firsts = [0, *itertools.accumulate(groups)]

    def row(position):
        group = next(number for number in range(len(groups)) if position < firsts[number + 1])
        return rows.read_row_group(group).slice(position - firsts[group], 1).to_pylist()[0]

    def search(vector, k):
        vector = numpy.ascontiguousarray(vector.reshape(1, -1))
        if vector.dtype == numpy.float32:
            faiss.normalize_L2(vector)
        scores, positions = index.search(vector, k)
        if origin.get("dtype") == "binary":  # the share of bits that are the same
            scores = 1 - scores / index.d
        return [(float(score), row(at)) for score, at in zip(scores[0], positions[0].tolist()) if at >= 0]

    return origin, search


# ---- The same in every script of this folder: what llama-cli wrote, and the question's vector. ----
def origin_of(path):
    """What the file says of its vectors: the model, the pooling, the type of numbers."""
    try:
        found = pyarrow.parquet.read_schema(path).metadata or {}
    except (OSError, pyarrow.ArrowInvalid) as error:
        sys.exit(f"{path}: {error}")
    origin = {key[6:].decode(): value.decode() for key, value in found.items() if key.startswith(b"llama.")}
    if "model_file" not in origin:
        sys.exit(f"{path}: not written by llama-cli embed")
    return origin


def same_model(one, other, where):
    for name in ("model_file", "model_size_bytes", "pooling", "dimensions", "dtype", "int8_scales"):
        if one.get(name) != other.get(name):
            theirs, ours = str(other.get(name))[:80], str(one.get(name))[:80]
            sys.exit(f"{where}: its vectors are of another kind: {name} is {theirs}, not {ours}")


def batches(files, count=1000):
    """The rows of all files, so many at once, less those without a vector.

    Rows are known by their column `id`, else `row` (embed --with row), else their number; chunks of a long text
    also by `chunk_index`.
    """
    origin, number = origin_of(files[0]), 0
    for path in files:
        same_model(origin, origin_of(path), path)
        with pyarrow.parquet.ParquetFile(path, pre_buffer=False) as file:
            for batch in file.iter_batches(count):
                names = batch.schema.names
                if "id" not in names:
                    ids = batch["row"] if "row" in names else pyarrow.array(range(number, number + len(batch)))
                    batch = batch.add_column(0, "id", ids)
                number += len(batch)
                keys = pyarrow.Table.from_batches([batch.select(keys_of(batch.schema))])
                if keys.group_by(keys.column_names).aggregate([]).num_rows != len(batch):
                    sys.exit(f"{path}: an id came more than once")
                yield batch.filter(batch["embedding"].is_valid())


def keys_of(schema):
    return ["id", "chunk_index"] if "chunk_index" in schema.names else ["id"]


def vectors_of(batch, origin):
    """An array of float32 (of bytes, where the vectors are bits) with a row for each of the batch's."""
    numbers = batch["embedding"].flatten().to_numpy(zero_copy_only=False).reshape(len(batch), -1)
    if origin.get("dtype") == "int8":  # the middle of each step
        scales = json.loads(origin["int8_scales"])
        return ((numbers + 128.5) * scales["step"] + scales["start"]).astype(numpy.float32)
    return numbers if origin.get("dtype") == "binary" else numbers.astype(numpy.float32)


def question_vector(question, origin, prompt=None):
    """The question's vector, by the model that made the others, with its prompt for questions where it has one."""
    command = ["llama-cli", "embed", "--quiet", "-i", "-", "--input-format", "jsonl", "--column", "text", "-o", "-"]
    command += ["--filename", origin["model_file"], "--pooling", origin["pooling"]]
    if origin.get("model_commit"):
        command += ["-m", origin["model_source"].partition(":")[0], "--revision", origin["model_commit"]]
    else:
        command += ["-m", origin["model_source"]]
    if "dimensions" in origin:
        command += ["--dimensions", origin["dimensions"], "--force-dimensions"]
    ways = [["--prompt", prompt]] if prompt else [["--prompt-name", "query"], []]
    for way in ways:  # status 2: a model whose prompts are not known
        run = subprocess.run(command + way, input=json.dumps({"text": question}).encode(), capture_output=True)
        if run.returncode != 2:
            break
    if run.returncode != 0:
        sys.exit(run.stderr.decode())
    table = pyarrow.ipc.open_stream(run.stdout).read_all()
    size = table.schema.metadata[b"llama.model_size_bytes"].decode()
    if size != origin["model_size_bytes"]:
        sys.exit(f"the file {origin['model_file']} is not the one that made the vectors: it has {size} bytes")
    vector = numpy.array(table["embedding"][0].as_py(), numpy.float32)
    return numpy.packbits(vector > 0) if origin.get("dtype") == "binary" else vector


def told(before, read, after):
    if before == 0 and after != read:
        sys.exit(f"{read} rows were read and {after} are there: an id came more than once")
    print(f"{read:,} rows loaded; {after:,} are there")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="load|ask")
    to_load = commands.add_parser("load", help="put vectors there; rows of the same id are replaced")
    to_load.add_argument("files", nargs="+", help="Parquet files of llama-cli embed")
    if HAS_HNSW:
        to_load.add_argument("--hnsw", action="store_true", help="with an approximate index")
    to_ask = commands.add_parser("ask", help="show the texts that are nearest to a question")
    to_ask.add_argument("question")
    to_ask.add_argument("-k", type=int, default=10, help="how many")
    to_ask.add_argument("--prompt", help="words around it, as in 'query: {text}'; default: the model's own")
    for command, run in ((to_load, load), (to_ask, ask)):
        command.add_argument("--place", default=PLACE, help="default: %(default)s")
        command.add_argument("--table", default="texts", help="default: %(default)s")
        command.set_defaults(run=run)
    options = parser.parse_args()
    options.run(options)


def ask(options):
    origin, search = open_table(options)
    for score, row in search(question_vector(options.question, origin, options.prompt), options.k):
        text = row[origin.get("text_column", "text")]
        print(f"{score:.4f}  {row['id']}  {' '.join(text.split())}")


if __name__ == "__main__":
    main()
