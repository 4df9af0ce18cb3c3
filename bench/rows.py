"""Tables rather than lines, ours alone: memory by the number of rows, what repeated texts save, what the journal costs,
the time outside of the model, and what a million rows cost.

Time ratios are of pairs of runs one after the other (A B A B), their median.
"""
import datetime
import json
import pathlib
import random
import subprocess
import tempfile
import time

import numpy
import pyarrow
import pyarrow.parquet

import places
import texts
from alternate import median, say
from turns import turns
from workloads import for_class

TINY = places.BUILD / "test-models/bert.gguf"  # 64 dimensions, random weights: all but the model's work shows
# What two cores cost, about: AWS asks so much for a c7a.large (Zen 4) on demand. Scale it to yours.
DOLLARS_AN_HOUR = 0.10


def entry(name, title, quick, rows, **more):
    return {"name": name, "title": title, "date": datetime.date.today().isoformat(), "quick": quick,
            "threads": places.THREADS, "rows": rows} | more


def resident(pid):
    """Of its own, without the pages of files: those are the system's to take back."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    return int(fields["RssAnon"].split()[0]) * 1024 if "RssAnon" in fields else 0


def command(model, *flags):
    return [str(part) for part in (places.CLI, "embed", "--model", model, "--threads", places.THREADS, "--force",
                                   "--json", "--quiet", *flags)]


def run(base, source, piped=False):
    """One run: its summary, with the seconds of the whole process and its memory each half second."""
    with tempfile.TemporaryDirectory(dir=places.KEPT) as folder, open(f"{folder}/err", "w+") as err:
        line = [*base, "--input", "-" if piped else str(source), "--output", f"{folder}/out.parquet"]
        began = time.perf_counter()
        process = subprocess.Popen(line, stdin=open(source, "rb") if piped else subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=err, text=True)
        samples = []
        while process.poll() is None:
            try:
                samples.append([round(time.perf_counter() - began, 2), resident(process.pid)])
                process.wait(0.5)
            except (subprocess.TimeoutExpired, OSError):
                pass
        seconds = time.perf_counter() - began
        if process.returncode != 0:
            err.seek(0)
            raise SystemExit(f"bench: {places.shown(' '.join(line))}: status {process.returncode}\n{err.read()[-800:]}")
        summary = json.loads(process.stdout.read())
    return summary | {"process_seconds": seconds, "samples": samples}


def write_table(path, rows, text_of):
    """A Parquet file of an id, a text and a price, by a million rows at a time."""
    if path.exists():
        return path
    partial = path.with_name(f".{path.name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    schema = pyarrow.schema([("id", pyarrow.int64()), ("text", pyarrow.string()), ("price", pyarrow.float64())])
    with pyarrow.parquet.ParquetWriter(partial, schema) as writer:
        for first in range(0, rows, 1_000_000):
            ids = range(first, min(rows, first + 1_000_000))
            columns = [list(ids), [text_of(i) for i in ids], numpy.arange(len(ids)) / 7]
            writer.write_table(pyarrow.table(columns, schema=schema))
    partial.rename(path)
    return path


def rows(_machine_class, quick, _rounds):
    """Any number of rows in the same memory: 50,000 to 5 million through a tiny model."""
    base = command(TINY, "--column", "text")
    found = []
    for count in (5_000, 50_000) if quick else (50_000, 500_000, 5_000_000):
        path = write_table(places.KEPT / f"rows-{count}.parquet", count, lambda i: f"row {i}")
        made = run(base, path)
        assert made["rows_out"] == count
        sizes = [size for _, size in made["samples"]] or [0]
        step = max(1, len(made["samples"]) // 200)
        found.append({"command": places.shown(" ".join(base)) + " --input ROWS.parquet --output OUT.parquet",
                      "rows": count, "process_seconds": round(made["process_seconds"], 1),
                      "rows_per_second": round(count / made["process_seconds"]), "peak_bytes": max(sizes),
                      "samples": made["samples"][::step]})
        say(f"bench: {count:,} rows: {found[-1]['process_seconds']} s, {max(sizes) / 2**20:.0f} MiB")
    return entry("rows", "A table of id, text and price through a tiny model, by its number of rows", quick, found)


def pairs(names, bases, sources, piped, rounds):
    """Runs of A and B in turn. The first is what the ratio is of."""
    made = [[run(base, source, pipe) for base, source, pipe in zip(bases, sources, piped)] for _ in turns(rounds)]
    found = []
    for i, name in enumerate(names):
        found.append({"name": name, "command": places.shown(" ".join(bases[i])) + (" --input - <TABLE" if piped[i] else
                                                                                   " --input TABLE"),
                      "rows": made[0][i]["rows_in"], "distinct": made[0][i]["distinct"],
                      "seconds": round(median(m[i]["seconds"] for m in made), 2),
                      "ratio": round(median(m[i]["seconds"] / m[0]["seconds"] for m in made), 3)})
        say(f"bench: {name}: {found[-1]['seconds']} s, {found[-1]['ratio']}")
    return found


def table_of(name, some):
    return write_table(places.KEPT / f"{name}-{len(some)}-{places.PEERS.name[-8:]}.parquet", len(some),
                       lambda i: some[i])


def duplicates(machine_class, quick, rounds):
    """Of ten rows three have a text that another one has."""
    count = for_class(1_000 if quick else 10_000, machine_class)
    some, _ = texts.make("minilm", "short", count)
    distinct = list(dict.fromkeys(some))[:count]
    some = distinct + [f"{line} " for line in distinct[:count - len(distinct)]]
    seven = some[:count * 7 // 10]
    repeated = seven + random.Random(3).choices(seven, k=count - len(seven))
    random.Random(4).shuffle(repeated)
    base = command(places.minilm("F16"), "--column", "text")
    run(base, table_of("distinct", some))
    return entry("duplicates", f"all-MiniLM-L6-v2, F16, {count:,} rows of 29 tokens: 30 % with a text of another row",
                 quick, pairs(["all different", "30 % repeated"], [base, base],
                              [table_of("distinct", some), table_of("repeated", repeated)], [False, False], rounds))


def journal(machine_class, quick, rounds):
    """A file is read with a journal beside the output; a pipe, which cannot be read again, without."""
    count = for_class(1_000 if quick else 10_000, machine_class)
    some, _ = texts.make("minilm", "short", count)
    path = places.KEPT / f"journal-{count}-{places.PEERS.name[-8:]}.csv"
    places.keep(path, "id,text\n" + "".join(f'{i},"{line.replace(chr(34), chr(34) * 2)}"\n'
                                            for i, line in enumerate(some)))
    base = command(places.minilm("F16"), "--input-format", "csv", "--column", "text")
    run(base, path)
    return entry("journal", f"all-MiniLM-L6-v2, F16, {count:,} rows of 29 tokens, without and with a journal", quick,
                 pairs(["without (a pipe)", "with (a file)"], [base, base], [path, path], [True, False], rounds))


def cost(machine_class, quick, rounds):
    """Rows a second, the share of the time that is not the model's, and the price of a million rows."""
    found = []
    for family, model, name in (("minilm", places.minilm("F16"), "all-MiniLM-L6-v2, F16"),
                                ("0.6b", places.SHAPE, "Qwen3-Embedding-0.6B's shape, Q8_0")):
        for mix, count in (("short", 10_000), ("mixed", 2_500), ("512", 600)):
            count = for_class(count, machine_class) // (40 if family == "0.6b" else 1) // (10 if quick else 1)
            count = max(4, count)
            some, _ = texts.make(family, mix, count)
            base = command(model, "--column", "text")
            path = table_of(f"{family}-{mix}", some)
            run(base, table_of(f"{family}-few", some[:4]))
            made = [run(base, path) for _ in turns(rounds)]
            rate = median(count / m["seconds"] for m in made)
            outside = median(1 - m["compute_seconds"] / m["seconds"] for m in made)
            found.append({"name": name, "command": places.shown(" ".join(base)) + " --input TABLE",
                          "tokens_per_row": round(made[0]["tokens"] / count, 1), "rows": count,
                          "rows_per_second": round(rate, 1), "outside": round(outside, 4),
                          "dollars_per_million": round(1e6 / rate / 3600 * DOLLARS_AN_HOUR, 3)})
            say(f"bench: {name}, {mix}: {rate:.1f} rows/s, outside the model {outside:.1%}")
    return entry("cost", "Rows a second and dollars for a million rows", quick, found,
                 dollars_an_hour=DOLLARS_AN_HOUR)
