#!/usr/bin/env python3
"""Search the vectors of llama-cli embed in Chroma.

    pip install chromadb numpy pyarrow
    python chroma.py load vectors.parquet
    python chroma.py ask "How do I change my password?"

Chroma always searches with an HNSW index. No model of its own is loaded, and nothing is sent anywhere.
"""

import argparse
import json
import os
import subprocess
import sys

os.environ["ANONYMIZED_TELEMETRY"] = "False"
os.environ["OTEL_SDK_DISABLED"] = "true"

import chromadb
import numpy
import pyarrow
import pyarrow.parquet

PLACE, HAS_HNSW = "texts.chroma", False
LINKS, EF_CONSTRUCTION, EF_SEARCH = 32, 200, 200  # more: better neighbours, slower


def connect(place):
    settings = chromadb.Settings(anonymized_telemetry=False)
    if "://" in place:
        host, _, port = place.partition("://")[2].partition(":")
        return chromadb.HttpClient(
            host=host, port=int(port or 8000), ssl=place.startswith("https"), settings=settings
        )
    return chromadb.PersistentClient(place, settings=settings)


def plain(value):
    """A cell as Chroma knows it: a number (whole ones of 64 bits), a truth value or a text."""
    if isinstance(value, (bool, float, str)) or isinstance(value, int) and -(2**63) <= value < 2**63:
        return value
    return json.dumps(value, default=str, ensure_ascii=False)


def load(options):
    origin, read = origin_of(options.files[0]), 0
    if origin.get("dtype") == "binary":
        sys.exit("Chroma takes no bits: embed with --dtype float32 or float16")
    client = connect(options.place)
    collection = client.get_or_create_collection(
        options.table,
        embedding_function=None,
        configuration={
            "hnsw": {
                "space": "cosine",
                "max_neighbors": LINKS,
                "ef_construction": EF_CONSTRUCTION,
                "ef_search": EF_SEARCH,
            }
        },
        metadata={"llama": json.dumps(origin)},
    )
    same_model(origin, json.loads(collection.metadata["llama"]), options.table)
    before, text = collection.count(), origin.get("text_column", "text")
    for batch in batches(options.files, count=min(1000, client.get_max_batch_size())):
        vectors, keys = vectors_of(batch, origin), keys_of(batch.schema)
        rows = batch.drop_columns(["embedding"]).to_pylist()
        collection.upsert(
            ids=["#".join(str(row[key]) for key in keys) for row in rows],
            embeddings=vectors,
            documents=[row[text] for row in rows],
            metadatas=[
                {name: plain(value) for name, value in row.items() if name != text and value is not None}
                for row in rows
            ],
        )
        read += len(rows)
    told(before, read, collection.count())


def open_table(options):
    collection = connect(options.place).get_collection(options.table, embedding_function=None)
    origin = json.loads(collection.metadata["llama"])
    text = origin.get("text_column", "text")

    def search(vector, k):
        found = collection.query(
            query_embeddings=[vector], n_results=k, include=["documents", "metadatas", "distances"]
        )
        rows = zip(found["distances"][0], found["documents"][0], found["metadatas"][0])
        return [(1 - distance, {**row, text: document}) for distance, document, row in rows]

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
