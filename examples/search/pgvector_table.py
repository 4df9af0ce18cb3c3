#!/usr/bin/env python3
"""Search the vectors of llama-cli embed in PostgreSQL with pgvector.

    pip install 'psycopg[binary]' pgvector numpy pyarrow
    python pgvector_table.py load vectors.parquet --place 'host=db dbname=news'
    python pgvector_table.py ask "How do I change my password?" --place 'host=db dbname=news'

--place has libpq's words or a URL; without it PGHOST, PGDATABASE and the like say where. A load is one transaction:
others see all of it or nothing. The other columns keep their types.
"""

import argparse
import json
import subprocess
import sys

import numpy
import pgvector.psycopg
import psycopg
import psycopg.types.json
import pyarrow
import pyarrow.parquet
from psycopg import sql

PLACE, HAS_HNSW = "", True
LINKS, EF_CONSTRUCTION, EF_SEARCH = 16, 200, 200  # more: better neighbours, slower


def connect(place):
    base = psycopg.connect(place)
    base.execute("CREATE EXTENSION IF NOT EXISTS vector")
    pgvector.psycopg.register_vector(base)
    return base


def vector_type(origin):
    """The column's type, the way to compare, and what an index calls it."""
    size = int(origin.get("dimensions", origin["dimension"]))
    kind = {"binary": "bit", "float16": "halfvec"}.get(origin.get("dtype"), "vector")
    return (
        (f"bit({size})", "<~>", "bit_hamming_ops")
        if kind == "bit"
        else (f"{kind}({size})", "<=>", f"{kind}_cosine_ops")
    )


def column_type(kind):
    """A column's type in PostgreSQL; what has none, lists among it, becomes JSON."""
    of = pyarrow.types
    if of.is_dictionary(kind):
        kind = kind.value_type
    for is_it, name in (
        (of.is_boolean, "boolean"),
        (lambda t: of.is_integer(t) and not of.is_uint64(t), "bigint"),
        (lambda t: of.is_uint64(t) or of.is_decimal(t), "numeric"),
        (of.is_floating, "double precision"),
        (lambda t: of.is_string(t) or of.is_large_string(t) or of.is_string_view(t), "text"),
        (of.is_date, "date"),
        (of.is_time, "time"),
        (lambda t: of.is_timestamp(t) and t.tz is not None, "timestamptz"),
        (of.is_timestamp, "timestamp"),
        (lambda t: of.is_binary(t) or of.is_large_binary(t) or of.is_fixed_size_binary(t), "bytea"),
    ):
        if is_it(kind):
            return name
    return "jsonb"


def cells(column, kind):
    """A column's cells as COPY takes them. PostgreSQL's texts have no NUL: U+FFFD stands for it."""
    values = column.to_pylist()
    if kind == "text":
        return [value and value.replace("\0", "\ufffd") for value in values]
    if kind == "jsonb":
        text = [json.dumps(value, default=str).replace("\\u0000", "\\ufffd") for value in values]
        return [
            None if value is None else psycopg.types.json.Jsonb(json.loads(one)) for value, one in zip(values, text)
        ]
    return values


def vector_cells(batch, origin):
    vectors = vectors_of(batch, origin)
    if origin.get("dtype") == "binary":
        return [pgvector.Bit(bits) for bits in numpy.unpackbits(vectors, axis=1).astype(bool)]
    return [pgvector.HalfVector(one) for one in vectors] if origin.get("dtype") == "float16" else list(vectors)


def load(options):
    origin, read = origin_of(options.files[0]), 0
    schema = next(batches(options.files)).schema
    kinds = {field.name: column_type(field.type) for field in schema if field.name != "embedding"}
    kinds["embedding"] = vector_type(origin)[0]
    table, keys = sql.Identifier(options.table), sql.SQL(", ").join(map(sql.Identifier, keys_of(schema)))
    columns = sql.SQL(", ").join(map(sql.Identifier, kinds))
    with connect(options.place) as base:  # commits at its end
        typed = sql.SQL(", ").join(sql.SQL("{} {}").format(sql.Identifier(n), sql.SQL(k)) for n, k in kinds.items())
        if base.execute("SELECT to_regclass(%s)", [table.as_string()]).fetchone()[0] is None:
            base.execute(sql.SQL("CREATE TABLE {} ({}, PRIMARY KEY ({}))").format(table, typed, keys))
            base.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(table, sql.Literal(json.dumps(origin))))
        same_model(origin, origin_in(base, table), options.table)
        before = count(base, table)
        base.execute(sql.SQL("CREATE TEMPORARY TABLE incoming ({}) ON COMMIT DROP").format(typed))
        with base.cursor().copy(sql.SQL("COPY incoming ({}) FROM STDIN (FORMAT BINARY)").format(columns)) as copy:
            copy.set_types([kind.partition("(")[0] for kind in kinds.values()])
            for batch in batches(options.files):
                read += len(batch)
                names = [name for name in kinds if name != "embedding"]
                for row in zip(*(cells(batch[name], kinds[name]) for name in names), vector_cells(batch, origin)):
                    copy.write_row(row)
        changed = [sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in kinds]
        base.execute(
            sql.SQL("INSERT INTO {} ({}) SELECT {} FROM incoming ON CONFLICT ({}) DO UPDATE SET {}").format(
                table, columns, columns, keys, sql.SQL(", ").join(changed)
            )
        )
        if options.hnsw:
            making = (
                "CREATE INDEX IF NOT EXISTS {} ON {} USING hnsw (embedding {}) WITH (m = {}, ef_construction = {})"
            )
            index, operators = sql.Identifier(options.table + "_hnsw"), sql.SQL(vector_type(origin)[2])
            base.execute(sql.SQL(making).format(index, table, operators, LINKS, EF_CONSTRUCTION))
        told(before, read, count(base, table))
    with psycopg.connect(options.place, autocommit=True) as base:
        base.execute(sql.SQL("VACUUM ANALYZE {}").format(table))


def count(base, table):
    return base.execute(sql.SQL("SELECT count(*) FROM {}").format(table)).fetchone()[0]


def origin_in(base, table):
    found = base.execute("SELECT obj_description(to_regclass(%s))", [table.as_string()]).fetchone()[0]
    return json.loads(found) if found else sys.exit(f"there is no table {table.as_string()}: load it first")


def open_table(options):
    base, table = connect(options.place), sql.Identifier(options.table)
    origin = origin_in(base, table)
    kind, operator, _ = vector_type(origin)
    base.execute(sql.SQL("SET hnsw.ef_search = {}").format(EF_SEARCH))
    found = base.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(table)).description
    names = [column.name for column in found if column.name != "embedding"]
    size = int(origin.get("dimensions", origin["dimension"]))
    distance = sql.SQL("embedding {} %(vector)s::{}").format(sql.SQL(operator), sql.SQL(kind))
    query = sql.SQL("SELECT {}, {} FROM {} ORDER BY {} LIMIT %(k)s").format(
        sql.SQL(", ").join(map(sql.Identifier, names)), distance, table, distance
    )

    def search(vector, k):
        bits = origin.get("dtype") == "binary"
        vector = pgvector.Bit(numpy.unpackbits(vector).astype(bool)) if bits else pgvector.Vector(vector)
        rows = base.execute(query, {"vector": vector, "k": k}).fetchall()
        return [(1 - row[-1] / (size if bits else 1), dict(zip(names, row))) for row in rows]

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
