#!/usr/bin/env python3
"""Search the vectors of llama-cli embed in a LanceDB table.

    pip install lancedb numpy pyarrow
    python lancedb_table.py load vectors.parquet
    python lancedb_table.py ask "How do I change my password?"

Without --hnsw each question is compared with every vector.
"""

import argparse
import datetime
import json
import subprocess
import sys

import lancedb
import numpy
import pyarrow
import pyarrow.parquet
from lancedb.index import HnswFlat

PLACE, HAS_HNSW = "texts.lancedb", True
LINKS, EF_CONSTRUCTION, EF_SEARCH = 20, 300, 300  # more: better neighbours, slower


def with_vectors(batch, origin):
    """The batch as the table has it: LanceDB takes float32, float16 and bits as they are, int8 becomes float32."""
    if origin.get("dtype", "float32") in ("float32", "float16", "binary"):
        values = batch["embedding"].flatten()
    else:
        values = pyarrow.array(vectors_of(batch, origin).ravel())
    size = len(values) // len(batch)
    column = pyarrow.FixedSizeListArray.from_arrays(values, size)
    return batch.set_column(batch.schema.get_field_index("embedding"), "embedding", column)


def load(options):
    origin, read = origin_of(options.files[0]), 0
    if options.hnsw and origin.get("dtype") == "binary":
        sys.exit("LanceDB has no HNSW index over bits: load them without --hnsw")
    base = lancedb.connect(options.place)
    try:
        table = base.open_table(options.table)
    except ValueError:  # not there yet
        schema = with_vectors(next(batches(options.files)), origin).schema
        table = base.create_table(options.table, schema=schema.with_metadata({"llama": json.dumps(origin)}))
    same_model(origin, json.loads(table.schema.metadata[b"llama"]), options.table)
    before, schema = table.count_rows(), table.schema

    def all_rows():
        nonlocal read
        for batch in batches(options.files, count=10_000):
            read += len(batch)
            yield with_vectors(batch, origin).select(schema.names).cast(schema)

    rows = pyarrow.RecordBatchReader.from_batches(schema, all_rows())
    if before == 0:
        table.add(rows)
    else:
        merge = table.merge_insert(keys_of(schema)).when_matched_update_all().when_not_matched_insert_all()
        merge.execute(rows)
    if options.hnsw:  # replaces the one that is there
        index = HnswFlat(
            distance_type="cosine",
            num_partitions=1 + table.count_rows() // 1_000_000,
            m=LINKS,
            ef_construction=EF_CONSTRUCTION,
        )
        table.create_index("embedding", config=index)
    table.optimize(cleanup_older_than=datetime.timedelta(days=1))
    told(before, read, table.count_rows())


def open_table(options):
    table = lancedb.connect(options.place).open_table(options.table)
    origin = json.loads(table.schema.metadata[b"llama"])
    names = [name for name in table.schema.names if name != "embedding"]
    bits = origin.get("dtype") == "binary"

    def search(vector, k):
        query = table.search(vector, vector_column_name="embedding").distance_type("hamming" if bits else "cosine")
        if table.list_indices():
            query = query.ef(max(EF_SEARCH, k))
        found = query.select([*names, "_distance"]).limit(k).to_list()
        scale = 8 * len(vector) if bits else 1
        return [(1 - row.pop("_distance") / scale, row) for row in found]

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
