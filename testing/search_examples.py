"""The scripts of examples/search against exact search in numpy: script/search-examples runs it.

Real vectors (MiniLM) of 4,000 texts in four languages. Each script loads them as its user would, twice; then 100 other
texts are asked for. A neighbour is right where no more than k - 1 rows are nearer to the question by more than the
rounding of the engine's numbers (equal texts have equal vectors). All columns come back as they went in.
"""

import decimal
import fcntl
import gc
import importlib.util
import math
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import types

import numpy
import pyarrow
import pyarrow.parquet

PROJECT = pathlib.Path(os.environ["PROJECT"])
sys.path.append(str(PROJECT / "testing" / "tests"))

import database_servers
import search_tables

SCRIPTS = {
    "pgvector": "pgvector_table",
    "LanceDB": "lancedb_table",
    "Qdrant": "qdrant",
    "Chroma": "chroma",
    "FAISS": "faiss_index",
    "DuckDB": "duckdb_search",
}
ROUNDING = {"float32": 1e-6, "float16": 2e-4, "int8": 1e-6, "binary": 1e-6}
APPROXIMATE_AT_LEAST = 0.99
WORDS = "# ---- The same in every script"
FOLDER = pathlib.Path(tempfile.mkdtemp(prefix="search-"))


class Vectors(database_servers.Postgres):
    section = "search"


def without_network():
    """From here on this process and its children have nothing but a loopback of their own."""
    if os.getuid() != 0:
        return print("not root: the network stays")
    os.unshare(os.CLONE_NEWNET)
    with socket.socket() as any_socket:  # the loopback is down in a new one: SIOCSIFFLAGS, IFF_UP
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh", b"lo", 1) + bytes(14))


def module(engine):
    name = SCRIPTS[engine]
    spec = importlib.util.spec_from_file_location(name, PROJECT / "examples" / "search" / f"{name}.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def command(engine, *words, status=0):
    gc.collect()  # a file of DuckDB or Qdrant has one owner
    script = PROJECT / "examples" / "search" / f"{SCRIPTS[engine]}.py"
    run = subprocess.run([sys.executable, script, *map(str, words)], capture_output=True, text=True)
    assert (run.returncode != 0) == (status != 0), f"{engine} {words}: {run.stdout}{run.stderr}"
    assert status or not run.stderr, run.stderr
    return run.stdout + run.stderr


def same(engine, loaded, got, expected):
    """The columns of a row that came back are those that went in."""
    for name, value in expected.items():
        if engine in ("Qdrant", "Chroma") and value is not None:
            value = loaded.plain(value)
        elif engine == "pgvector" and isinstance(value, str):
            value = value.replace("\0", "\ufffd")
        if engine == "Chroma" and value is None:
            assert name not in got
            continue
        found = got[name]
        if engine == "Chroma" and isinstance(value, float):  # which keeps all but the last bit
            value = found if math.isclose(found, value, rel_tol=1e-15) else value
        if isinstance(found, decimal.Decimal) or isinstance(found, int):
            assert found == value, (engine, name, found, value)
        else:
            assert (type(found), found) == (type(value), value), (engine, name, found, value)


def recall(search, rows, numbers, questions, dtype, k=10):
    """The share of the k that are among the nearest k, and the last answer."""
    found, places = 0, {row["id"]: place for place, row in enumerate(rows)}
    for question in questions:
        exact = search_tables.similarities(numbers, question, dtype)
        kth = numpy.partition(exact, -k)[-k]
        asked = numpy.packbits(question > 0) if dtype == "binary" else question.astype(numpy.float32)
        answer = search(asked, k)
        assert len({row["id"] for _, row in answer}) == len(answer) == k
        scores = [score for score, _ in answer]
        assert all(one >= other - ROUNDING[dtype] for one, other in zip(scores, scores[1:])), scores
        for score, row in answer:
            similarity = exact[places[row["id"]]]
            assert abs(score - similarity) < 5e-3, (score, similarity)
            found += bool(similarity >= kth - ROUNDING[dtype])
    return found / (k * len(questions)), [row for _, row in answer]


def loads(engine, files, place, hnsw, count):
    flags = ["--place", place, *(["--hnsw"] if hnsw else [])]
    for _ in range(2):
        said = command(engine, "load", *files, *flags)
        assert said.endswith(f"{count:,} rows loaded; {count:,} are there\n"), said
    return types.SimpleNamespace(place=place, table="texts")


def place_of(engine, name, server):
    if engine != "pgvector":
        return str(FOLDER / f"{SCRIPTS[engine]}-{name}")
    connection = server.connect()
    connection.autocommit = True
    connection.execute(f'create database "{name}"').connection.close()
    return server.place.replace("dbname=postgres", f"dbname={name}")


def measure(engine, table, place, hnsw):
    """Load, ask, compare: the recall, and that of an index with the fewest candidates, where each open can choose."""
    dtype, files, rows, numbers, questions, texts = table
    loaded, options = module(engine), loads(engine, files, place, hnsw, len(rows))
    search = loaded.open_table(options)[1]
    reached, last = recall(search, rows, numbers, questions, dtype)
    by_id = {row["id"]: row for row in rows}
    for row in last:
        same(engine, loaded, row, by_id[row["id"]])
    fewest = None
    if hnsw:
        del search
        gc.collect()
        loaded.EF_SEARCH = 10
        search = loaded.open_table(options)[1]
        fewest, _ = recall(search, rows, numbers, questions, dtype)
    del search
    for text, question in list(zip(texts, questions))[:2]:  # as a user asks
        said = command(engine, "ask", text, "-k", 3, "--place", place)
        ids = [int(line.split()[1]) for line in said.splitlines()]
        exact = dict(zip(by_id, search_tables.similarities(numbers, question, dtype)))
        best = sorted(exact.values(), reverse=True)[2]
        assert len(ids) == 3 and all(exact[one] >= best - ROUNDING[dtype] for one in ids), said
    return reached, fewest


def other_ids(engine, tables, server):
    """Ids that are text, those of chunks, and none: loaded twice, each row is its own neighbour."""
    for name, files in tables.items():
        rows, numbers = search_tables.vectors(files)
        options = loads(engine, files, place_of(engine, name, server), False, len(rows))
        search = module(engine).open_table(options)[1]
        keys = ("id", "chunk_index") if "chunk_index" in rows[0] else ("id",)
        for number in range(0, len(rows), 7):
            expected = {"id": number, **rows[number]}
            score, row = search(numbers[number].astype(numpy.float32), 1)[0]
            assert score > 1 - 1e-5 and all(row[key] == expected[key] for key in keys), (engine, name, row, expected)
        del search


def bad_input(engine, place, tables, bad):
    """Vectors of another kind and ids that come twice are refused; a row that comes again is replaced."""
    said = command(engine, "load", PROJECT / "README.md", "--place", place, "--table", "none", status=1)
    assert re.match(r"\S+README.md: \w", said) and said.count("\n") == 1, said
    if engine == "FAISS":  # whose files are made anew
        return
    command(engine, "load", *tables["float32"][1], "--place", place)
    said = command(engine, "load", *tables["binary"][1], "--place", place, status=1)
    assert re.match(r"texts: its vectors are of another kind: dtype is \w+, not \w+\n$|\w+ takes no bits", said), said
    said = command(engine, "load", *bad["changed"], "--place", place)
    assert said == "1 rows loaded; 4,000 are there\n", said
    said = command(engine, "ask", "A sentence that is new", "-k", 1, "--place", place)
    assert said.endswith("  7  A sentence that is new\n"), said
    said = command(engine, "load", *bad["twice"], "--place", place, "--table", "twice", status=1)
    assert "an id came more than once" in said, said


def prompts(source):
    """E5's questions get its words for questions; a model whose prompts are not known gets none."""
    loaded, text = module("FAISS"), "Who may\nread this?"
    for model, words in (
        (search_tables.MODEL.parent / "e5", "query: {text}"),
        (search_tables.MODELS / "bert.gguf", "{text}"),
    ):
        files = search_tables.embed(source.slice(0, 3), FOLDER / f"{model.name}.parquet", model=model)
        table = pyarrow.table({"body": [text]})
        asked = search_tables.embed(table, FOLDER / f"{model.name}-asked.parquet", "--prompt", words, model=model)
        expected = pyarrow.parquet.read_table(asked[0])["embedding"][0].as_py()
        got = loaded.question_vector(text, loaded.origin_of(files[0]))
        assert numpy.allclose(got, expected, rtol=0, atol=1e-5), model


def small_tables(table):
    """Fifty rows whose ids are text, or are missing; chunks; a row that changed; an id that comes twice."""
    some = table.select(["body", "note"]).slice(0, 50)
    named = some.add_column(0, "id", [[f"text/{n} ü" for n in range(50)]])
    long = pyarrow.table({"id": [3, 5], "body": [" ".join(table["body"][n : n + 40].to_pylist()) for n in (0, 50)]})
    changed = table.slice(1, 1).set_column(2, "body", [["A sentence that is new"]])
    chunks = ["--on-long", "chunk", "--chunk-tokens", "32"]
    return {
        "named": search_tables.embed(named, FOLDER / "named.parquet"),
        "numbered": search_tables.embed(some, FOLDER / "numbered", "--split-rows", "20"),
        "chunks": search_tables.embed(long, FOLDER / "chunks.parquet", *chunks),
    }, {
        "changed": search_tables.embed(changed, FOLDER / "changed.parquet"),
        "twice": search_tables.embed(pyarrow.concat_tables([changed, changed]), FOLDER / "twice.parquet"),
    }


def main(engines):
    blocks = {(PROJECT / f"examples/search/{name}.py").read_text().partition(WORDS)[2] for name in SCRIPTS.values()}
    assert len(blocks) == 1 and blocks != {""}, "the scripts' common part differs"
    without_network()
    (FOLDER / "bin").mkdir()
    (FOLDER / "bin/llama-cli").symlink_to(os.environ["LLAMA_CLI"])
    os.environ["PATH"] = f"{FOLDER / 'bin'}:{os.environ['PATH']}"
    server = None
    if "pgvector" in engines:
        (FOLDER / "postgres").mkdir()
        server = Vectors(FOLDER / "postgres")
        server.start()
        os.environ.update(server.environment)

    source, texts = search_tables.source(4000)
    asked = search_tables.embed(
        pyarrow.table({"body": texts}), FOLDER / "questions.parquet", "--prompt-name", "query"
    )
    questions = numpy.stack(pyarrow.parquet.read_table(asked[0])["embedding"].to_numpy(zero_copy_only=False))
    tables = {}
    for dtype in ROUNDING:
        files = search_tables.embed(source, FOLDER / dtype, "--dtype", dtype, "--split-rows", "1500")
        tables[dtype] = (dtype, files, *search_tables.vectors(files), questions, texts)
    others, bad = small_tables(source)
    prompts(source)

    print("| | dtype | exact | HNSW | HNSW, 10 candidates |\n|---|---|---|---|---|")
    for engine in engines:
        has_hnsw = module(engine).HAS_HNSW
        for dtype, table in tables.items():
            if dtype == "binary" and engine in ("Qdrant", "Chroma"):
                continue
            shown = {False: ("", None), True: ("", None)}
            for hnsw in (False, True) if has_hnsw else (False,):
                if hnsw and dtype == "binary" and engine in ("LanceDB", "DuckDB"):
                    continue
                shown[hnsw] = measure(engine, table, place_of(engine, f"{dtype}-{hnsw}", server), hnsw)
                approximate = hnsw or engine == "Chroma"
                assert shown[hnsw][0] >= (APPROXIMATE_AT_LEAST if approximate else 1), (engine, dtype, hnsw, shown)
            cells = [shown[False][0], *shown[True]] if engine != "Chroma" else ["", shown[False][0], None]
            said = ["" if cell in ("", None) else f"{cell:.3f}" for cell in cells]
            print(f"| {engine} | {dtype} | {' | '.join(said)} |", flush=True)
        other_ids(engine, others, server)
        bad_input(engine, place_of(engine, "bad", server), tables, bad)
    if server:
        server.stop()


if __name__ == "__main__":
    try:
        main(sys.argv[1:] or list(SCRIPTS))
    finally:
        shutil.rmtree(FOLDER)
