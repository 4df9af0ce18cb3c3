"""Ours alone: time and memory by the number of texts, speed by batch size, and 1,000 short texts end to end."""
import datetime

import places
import texts
from alternate import median, say
from contenders import Ours
from turns import turns
from workloads import for_class


def entry(name, title, quick, rows):
    return {"name": name, "title": title, "date": datetime.date.today().isoformat(), "quick": quick,
            "threads": places.THREADS, "rows": rows}


def measured(contender, path, some, rounds):
    runs = [contender.run(path, some) for _ in range(rounds)]
    row = {"command": contender.command, "texts": len(some), "tokens": runs[0].tokens,
           "process_seconds": round(median(r.seconds for r in runs), 3),
           "engine_seconds": round(median(r.engine_seconds for r in runs), 3),
           "outside_engine": round(median(r.outside for r in runs), 4),
           "peak_bytes": max(r.peak_bytes for r in runs)}
    say(f"bench: {len(some):,} texts: {row['process_seconds']} s, {row['peak_bytes'] / 2**20:.0f} MiB")
    return row


def scaling(machine_class, quick, rounds):
    """1,000 to 100,000 short texts with MiniLM. The time that a run needs before its first text is that of a run of
    one."""
    contender = Ours("llama-cli embed", places.minilm("F16"))
    one, one_path = texts.make("minilm", "short", 1)
    contender.run(one_path, one)
    start = measured(contender, one_path, one, 3)["process_seconds"]
    rows = []
    for count in (200, 1000, 4000) if quick else (1000, 10_000, 100_000):
        count = for_class(count, machine_class)
        some, path = texts.make("minilm", "short", count)
        row = measured(contender, path, some, 1 if count > 20_000 else rounds)
        row["us_per_token"] = round((row["process_seconds"] - start) / row["tokens"] * 1e6, 2)
        rows.append(row)
    for row in rows:
        row["deviation"] = round(row["us_per_token"] / rows[-1]["us_per_token"] - 1, 4)
    return entry("scaling", "all-MiniLM-L6-v2, F16, texts of 29 tokens on average, by their number", quick, rows)


def batch(machine_class, quick, rounds):
    """--batch-size is a cap on the texts of a pass."""
    count = for_class(400 if quick else 2000, machine_class)
    some, path = texts.make("minilm", "short", count)
    sizes = (1, 8, 32, 128) if quick else (1, 2, 4, 8, 16, 32, 64, 128, 256)
    contenders = [Ours(f"batch {size}", places.minilm("F16"), batch_size=size) for size in sizes]
    contenders[0].run(path, some)
    runs = {size: [] for size in sizes}
    for _ in turns(rounds):
        for size, contender in zip(sizes, contenders):
            runs[size].append(contender.run(path, some))
    rows = []
    for size, contender in zip(sizes, contenders):
        engine = median(run.engine_seconds for run in runs[size])
        rows.append({"batch_size": size, "command": contender.command, "texts": count, "tokens": runs[size][0].tokens,
                     "process_seconds": round(median(run.seconds for run in runs[size]), 3),
                     "engine_tokens_per_second": round(runs[size][0].tokens / max(engine, 1e-3), 1),
                     "peak_bytes": max(run.peak_bytes for run in runs[size])})
        say(f"bench: batch {size}: {rows[-1]['engine_tokens_per_second']} tokens/s")
    return entry("batch", f"all-MiniLM-L6-v2, F16, {count:,} texts of 29 tokens on average, by --batch-size", quick,
                 rows)


def thousand(_machine_class, quick, _rounds):
    """The specification's bar: 1,000 short texts with the 0.6B, from a warm file cache."""
    some, path = texts.make("0.6b", "short", 100 if quick else 1000)
    few, few_path = texts.make("0.6b", "short", 2)
    contender = Ours("llama-cli embed", places.SHAPE)
    contender.run(few_path, few)
    return entry("thousand",
                 f"Qwen3-Embedding-0.6B's shape, Q8_0, {len(some):,} texts of 29 tokens on average, end to end", quick,
                 [measured(contender, path, some, 1)])
