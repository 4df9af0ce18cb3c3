#!/usr/bin/env python3
"""Search the vectors of llama-cli embed in a DuckDB file.

    pip install pyarrow numpy duckdb==1.5.5 duckdb-extension-vss==1.5.5
    python duckdb_search.py load vectors.parquet
    python duckdb_search.py ask "How do I change my password?"

DuckDB reads Parquet itself: no row goes through Python. --hnsw needs its extension vss, all else works without.
"""

import argparse
import json
import pathlib
import subprocess
import sys

import duckdb
import numpy
import pyarrow
import pyarrow.parquet

PLACE, HAS_HNSW = "texts.duckdb", True
LINKS, EF_CONSTRUCTION, EF_SEARCH = 32, 200, 256  # more: better neighbours, slower


def connect(place):
    base = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    try:
        import duckdb_extension_vss

        folder = pathlib.Path(duckdb_extension_vss.__file__).parent / "extensions"
        base.load_extension(str(next(folder.glob("*/vss.duckdb_extension"))))
        base.execute("SET hnsw_enable_experimental_persistence = true")
        base.execute(f"SET hnsw_ef_search = {EF_SEARCH}")
    except (ImportError, duckdb.Error):  # not there, or of another version of DuckDB: see load
        pass
    base.execute(f"ATTACH {literal(place)} AS place")  # once vss is there: the file may have its index
    base.execute("USE place")
    return base


def name(text):
    return '"' + text.replace('"', '""') + '"'


def literal(text):
    return "'" + text.replace("'", "''") + "'"


def rows_of(files, origin):
    """A SELECT of the rows of all files, with `id`, and the vectors as an array."""
    names = pyarrow.parquet.read_schema(files[0]).names
    number = "" if "id" in names else '"row" AS id,' if "row" in names else "row_number() OVER () - 1 AS id,"
    size, vector, kind = int(origin.get("dimensions", origin["dimension"])), "embedding", "FLOAT"
    if origin.get("dtype") == "binary":
        size, kind = size // 8, "UTINYINT"
    if origin.get("dtype") == "int8":  # the middle of each step
        scales = json.loads(origin["int8_scales"])
        vector = (
            f"list_transform(list_zip(embedding, {scales['step']}, {scales['start']}),"
            " lambda z: (z[1] + 128.5) * z[2] + z[3])"
        )
    return (
        f"SELECT {number} * REPLACE ({vector}::{kind}[{size}] AS embedding)"
        f" FROM read_parquet([{', '.join(map(literal, files))}]) WHERE embedding IS NOT NULL"
    )


def load(options):
    origin = origin_of(options.files[0])
    if options.hnsw and origin.get("dtype") == "binary":
        sys.exit("DuckDB has no HNSW index over bits: load them without --hnsw")
    for path in options.files:
        same_model(origin, origin_of(path), path)
    base, table, index = connect(options.place), name(options.table), name(options.table + "_hnsw")
    if (
        options.hnsw
        and not base.execute("FROM duckdb_extensions() WHERE extension_name = 'vss' AND loaded").fetchall()
    ):
        sys.exit("--hnsw needs DuckDB's extension vss, of just this version: " + duckdb.__version__)
    rows, keys = rows_of(options.files, origin), keys_of(pyarrow.parquet.read_schema(options.files[0]))
    base.execute("BEGIN")
    if not base.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = ?", [options.table]).fetchall():
        base.execute(f"CREATE TABLE {table} AS {rows} LIMIT 0")
        base.execute(f"ALTER TABLE {table} ADD PRIMARY KEY ({', '.join(keys)})")
        base.execute(f"COMMENT ON TABLE {table} IS {literal(json.dumps(origin))}")
    same_model(origin, origin_in(base, options.table), options.table)
    before = count(base, table)
    base.execute(f"DROP INDEX IF EXISTS {index}")
    base.execute(f"INSERT OR REPLACE INTO {table} BY NAME {rows}")
    base.execute("COMMIT")
    if options.hnsw:
        base.execute(
            f"CREATE INDEX {index} ON {table} USING HNSW (embedding)"
            f" WITH (metric = 'cosine', M = {LINKS}, ef_construction = {EF_CONSTRUCTION})"
        )
    told(before, count(base, f"({rows})"), count(base, table))


def count(base, table):
    return base.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]


def origin_in(base, table):
    found = base.execute("SELECT comment FROM duckdb_tables() WHERE table_name = ?", [table]).fetchall()
    return json.loads(found[0][0]) if found else sys.exit(f"there is no table {table}: load it first")


def open_table(options):
    base = connect(options.place)
    origin, table = origin_in(base, options.table), name(options.table)
    size = int(origin.get("dimensions", origin["dimension"]))
    distance = f"array_cosine_distance(embedding, $vector::FLOAT[{size}])"
    if origin.get("dtype") == "binary":  # the share of bits that differ
        pairs = "list_zip(embedding::UTINYINT[], $vector::UTINYINT[])"
        distance = f"list_sum(list_transform({pairs}, lambda z: bit_count(xor(z[1], z[2])))) / {size}"

    def search(vector, k):
        question = {"vector": vector.tolist()}
        query = f"SELECT * EXCLUDE (embedding), {distance} AS distance FROM {table} ORDER BY distance LIMIT {int(k)}"
        found = base.sql(query, params=question).to_arrow_table().to_pylist()
        return [(1 - row.pop("distance"), row) for row in found]

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
