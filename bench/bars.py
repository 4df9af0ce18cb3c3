"""The bars of the project, by class of machine, and where the results say whether they are met."""
import dataclasses
from collections.abc import Callable

OURS = "llama-cli embed"
TABLES = ("0.6b-short", "0.6b-mixed", "0.6b-512", "0.6b-long", "minilm-short", "minilm-mixed", "thousand", "scaling",
          "batch", "generate", "rows", "duplicates", "journal", "cost", "micro")


def row(entries, workload, name):
    return next((r for r in entries[workload]["rows"] if r["name"] == name), None) if workload in entries else None


def of(workload, name, key):
    def find(entries):
        found = row(entries, workload, name)
        return found and found.get(key)
    return find


def of_onnxruntime(name):
    """Nothing where onnxruntime was not among those that everybody is compared with."""
    def find(entries):
        measured = "minilm-short" in entries and "onnxruntime f32" in entries["minilm-short"]["engine_peers"]
        return of("minilm-short", name, "engine_ratio")(entries) if measured else None
    return find


def generated(model, what, key="ratio"):
    def find(entries):
        if "generate" not in entries:
            return None
        return next((r[key] for r in entries["generate"]["rows"] if r["model"].startswith(model) and what in r["what"]),
                    None)
    return find


def thousand(key):
    """Of a whole run only: a quick one has fewer texts."""
    def find(entries):
        if "thousand" not in entries or entries["thousand"]["quick"]:
            return None
        return entries["thousand"]["rows"][0][key]
    return find


def worst_deviation(entries):
    return max(abs(r["deviation"]) for r in entries["scaling"]["rows"]) if "scaling" in entries else None


@dataclasses.dataclass
class Bar:
    work: str
    value: Callable
    bars: tuple  # for A, B, C, and those after them where there are any; None: no bar
    entry: str  # of the results
    least: bool = True  # the value has to be at least the bar; else at most
    show: str = "{:.2f}"


def memory_of_rows(entries):
    peaks = [row["peak_bytes"] for row in entries["rows"]["rows"]] if "rows" in entries else []
    return peaks[-1] / peaks[-2] if len(peaks) > 1 else None


def first_of(name, key):
    return lambda entries: entries[name]["rows"][0][key] if name in entries else None


def last_of(name, key):
    return lambda entries: entries[name]["rows"][-1][key] if name in entries else None


def minutes_of_all(entries):
    """How long the whole of script/bench took, the preparations apart."""
    if any("took_seconds" not in entries.get(name, {}) or entries[name]["quick"] for name in TABLES):
        return None
    return sum(entries[name]["took_seconds"] for name in TABLES) / 60


def embed(work, workload, name, key, *bars, **more):
    return Bar(work, of(workload, name, key), bars, workload, **more)


BARS = [
    embed("0.6B Q8_0, short texts, process, of `llama-embedding`", "0.6b-short", OURS, "process_ratio", 10.0, 7.0, 3.8),
    embed("the same, engine, of torch's best", "0.6b-short", OURS, "engine_ratio", 2.5, 2.2, 2.4),
    embed("0.6B Q8_0, 8 to 512 tokens, process, of `llama-embedding`", "0.6b-mixed", OURS, "process_ratio", None, None,
          None),
    embed("0.6B Q8_0, 512 tokens, process, of `llama-embedding`", "0.6b-512", OURS, "process_ratio", 9.0, 6.0, 3.5),
    embed("0.6B Q8_0, 2,048 tokens, process, of `llama-embedding`", "0.6b-long", OURS, "process_ratio", 8.0, 5.5, 3.0),
    embed("MiniLM F16, process, of `llama-embedding`", "minilm-short", f"{OURS}, F16", "process_ratio", 12.0, 12.0,
          8.0),
    Bar("MiniLM F16, engine, of onnxruntime f32", of_onnxruntime(f"{OURS}, F16"), (2.0, 2.2, 1.3), "minilm-short"),
    Bar("MiniLM Q8_0, engine, of onnxruntime f32", of_onnxruntime(f"{OURS}, Q8_0"), (2.6, 3.0, 1.8), "minilm-short"),
    Bar("MiniLM F32, engine, of onnxruntime f32", of_onnxruntime(f"{OURS}, F32"), (1.3, 1.3, 1.2), "minilm-short"),
    Bar("`generate`, 0.6B Q8_0, prompt of 512, of `llama-bench` pp512", generated("0.6B", "prompt"), (9.0, 6.0, 3.6),
        "generate"),
    Bar("the same, one stream, of tg128", generated("0.6B", "stream"), (1.4, 1.35, 1.15), "generate"),
    Bar("1,000 short texts, 0.6B Q8_0, end to end, seconds", thousand("process_seconds"), (20, 40, 120), "thousand",
        least=False, show="{:.1f}"),
    Bar("time outside the model, packing the weights included, the same run", thousand("outside_engine"),
        (0.02, 0.02, 0.02), "thousand", least=False, show="{:.1%}"),
    Bar("peak memory, the same run, bytes", thousand("peak_bytes"), (1e9, 1e9, 1e9), "thousand", least=False,
        show="{:,.0f}"),
    embed("0.6B, lowest cosine to f32", "0.6b-short", OURS, "cosine_min", 0.9995, 0.9995, 0.9995, show="{:.5f}"),
    embed("of stock Q8_0", "0.6b-short", "llama-embedding", "cosine_min", None, None, None, show="{:.5f}"),
    embed("MiniLM F16, lowest cosine to f32", "minilm-short", f"{OURS}, F16", "cosine_min", 0.9999, 0.9999, 0.9999,
          show="{:.5f}"),
    embed("MiniLM Q8_0, lowest cosine to f32", "minilm-short", f"{OURS}, Q8_0", "cosine_min", None, None, None,
          show="{:.5f}"),
    embed("of stock Q8_0", "minilm-short", "llama-embedding, Q8_0", "cosine_min", None, None, None, show="{:.5f}"),
    Bar("time per token from 1,000 to 100,000 texts, furthest apart", worst_deviation, (0.05, 0.05, 0.05), "scaling",
        least=False, show="{:.1%}"),
    Bar("100,000 texts through MiniLM F16, time outside the model", last_of("scaling", "outside_engine"),
        (0.02, 0.02, 0.02), "scaling", least=False, show="{:.1%}"),
    Bar("5 million rows through a tiny model, memory of 500,000", memory_of_rows, (1.1, 1.1, 1.1), "rows", least=False),
    Bar("MiniLM F16, a table of 29 tokens a row, time outside the model", first_of("cost", "outside"),
        (0.05, 0.05, 0.05), "cost", least=False, show="{:.1%}"),
    Bar("30 % of the rows repeated, time of all different", last_of("duplicates", "ratio"), (0.73, 0.73, 0.73),
        "duplicates", least=False),
    Bar("with a journal, time of without", last_of("journal", "ratio"), (1.03, 1.03, 1.03), "journal", least=False,
        show="{:.3f}"),
    Bar("the whole of `script/bench`, minutes", minutes_of_all, (60, 60, 60, 60, 60), "micro", least=False,
        show="{:.0f}"),
]


def cell(bar, entries, column):
    """'7.31 (≥ 7.0)', with 'missed' where it is; nothing for what a class without bars is not measured for."""
    limit = bar.bars[column] if column < len(bar.bars) else None
    sign = "≥" if bar.least else "≤"
    wanted = "" if limit is None else f"({sign} {bar.show.format(limit)})"
    value = bar.value(entries) if entries else None
    if value is None and column >= len(bar.bars):
        return ""
    if value is None:
        return f"not measured {wanted}".strip()
    met = limit is None or (value >= limit if bar.least else value <= limit)
    mark = "" if met else " missed"
    quick = " quick run" if entries[bar.entry]["quick"] else ""
    return f"{bar.show.format(value)} {wanted}{mark}{quick}".strip()
