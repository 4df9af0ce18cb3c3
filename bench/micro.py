"""Parts alone, by Google Benchmark: the batch planner, tokenizers, digests, and the plug-in's products at each
level."""
import datetime
import json
import subprocess
from statistics import median

import places

# What a benchmark reports, in the order of preference: its key, how it is shown, and by what it is divided for that.
FIGURES = (("GFLOPS", "GFLOPS", 1), ("bytes_per_second", "MB/s", 1e6), ("items_per_second", "texts/s", 1))


def vocabularies():
    return [path for path in (places.minilm("F16"), places.SMOLLM2) if path.exists()]


def rows_of(report):
    """One row per benchmark: the medians of its repetitions."""
    runs = {}
    # They ran in any order: back to that of the program.
    for one in sorted(report["benchmarks"], key=lambda one: one.get("family_index", 0)):
        if one.get("run_type") == "iteration" and not one.get("error_occurred"):
            runs.setdefault(one["run_name"], []).append(one)
    rows = []
    for name, some in runs.items():
        key, unit, divisor = next(figure for figure in FIGURES if figure[0] in some[0])
        row = {"name": name, "unit": unit, "value": median(one[key] for one in some) / divisor}
        for more in ("peak", "tokens_per_second", "items_per_second"):
            if more in some[0] and more != key:
                row[more] = median(one[more] for one in some)
        rows.append(row)
    return rows


def micro(folder, quick, rounds):
    import texts  # what the peers' packages are needed for
    from alternate import say
    _, path = texts.make("minilm", "short", 1000)
    folder.mkdir(parents=True, exist_ok=True)
    partial, whole = folder / ".micro.json", folder / "micro.json"
    options = [f"--benchmark_min_time={'0.02s' if quick else '0.1s'}",
               f"--benchmark_repetitions={1 if quick else rounds}",
               "--benchmark_enable_random_interleaving=true"]
    say("bench: micro")
    subprocess.run([places.MICRO, *options, f"--benchmark_out={partial}", "--benchmark_out_format=json", path,
                    *vocabularies()],
                   check=True, stdout=subprocess.DEVNULL)
    partial.rename(whole)
    rows = rows_of(json.loads(whole.read_text()))
    rows[0]["command"] = " ".join([places.shown(places.MICRO), *options, "TEXTS", *map(places.shown, vocabularies())])
    return {"name": "micro", "title": "parts alone, one thread", "date": datetime.date.today().isoformat(),
            "quick": quick,
            "rounds": 1 if quick else rounds, "rows": rows}
