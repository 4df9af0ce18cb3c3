"""Results as Markdown: a table for each workload, the machine above, the commands beneath."""
from slow_contenders import told


def number(value, digits=1):
    return "" if value is None else f"{value:,.{digits}f}"


def mib(size):
    return f"{size / 2**20:,.0f}"


def markdown(header, rows):
    return [f"| {' | '.join(header)} |", "|" + "---|" * len(header)] + [f"| {' | '.join(row)} |" for row in rows]


def quick_mark(entry):
    busy = " Other work ran on the machine." if entry.get("busy") else ""
    return busy + (" **Quick run: the figures mean little.**" if entry["quick"] else "")


def peak_of(peaks, kind):
    return f"{peaks[kind]['giga']:,}" if peaks[kind] else "none"


def machine(about, versions):
    peaks = about["peaks"]
    return [f"Class {about['class']}: {about['processor']}, {about['threads']} threads, {about['memory_gib']} GiB. "
            f"Measured peaks: f32 {peak_of(peaks, 'f32')} GFLOPS, bf16 {peak_of(peaks, 'bf16')} GFLOPS, "
            f"int8 {peak_of(peaks, 'int8')} GOPS.",
            "Versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()) + "."]


def embedding(entry):
    lines = [f"{entry['texts']:,} texts, {entry['tokens']:,} tokens; {entry['rounds']} rounds in turn, medians; "
             f"int8 peak before and after {peak_of(entry['peaks_before'], 'int8')} and "
             f"{peak_of(entry['peaks_after'], 'int8')} GOPS; {entry['date']}.{quick_mark(entry)}", ""]
    header = ["", "process, s", "of llama-embedding", "engine, tokens/s", f"of {' / '.join(entry['engine_peers'])}",
              "cosine min", "mean", "peak MiB"]
    rows = []
    for row in entry["rows"]:
        batch = row["command"].rpartition("; sorted, ")[2] if "; sorted, " in row["command"] else ""
        name = row["name"] if row["peer"] else f"**{row['name']}**"
        rows.append([f"{name}{', ' + batch if batch else ''}", number(row["process_seconds"]),
                     number(row.get("process_ratio"), 2),
                     number(row["engine_tokens_per_second"], 0), number(row["engine_ratio"], 2),
                     f"{row['cosine_min']:.5f}", f"{row['cosine_mean']:.5f}",
                     mib(row["peak_bytes"])])
    left_out = "".join(f" Left out: {told(one)}." for one in entry.get("left_out", []))
    return lines + markdown(header, rows) + [
        "", f"Cosine to the f32 reference: {entry['rows'][0]['cosine_texts']} texts.{left_out}"]


def scaling(entry):
    has_outside = all("outside_engine" in r for r in entry["rows"])
    rows = [[f"{r['texts']:,}", f"{r['tokens']:,}", number(r["process_seconds"]), number(r["us_per_token"], 2),
             f"{r['deviation']:+.1%}", *([f"{r['outside_engine']:.1%}"] if has_outside else []), mib(r["peak_bytes"])]
            for r in entry["rows"]]
    return [f"{entry['date']}.{quick_mark(entry)}", ""] + markdown(
        ["texts", "tokens", "process, s", "µs per token", "from the last row",
         *(["outside the model"] if has_outside else []), "peak MiB"], rows)


def batch(entry):
    rows = [[str(r["batch_size"]), number(r["process_seconds"]), number(r["engine_tokens_per_second"], 0),
             mib(r["peak_bytes"])] for r in entry["rows"]]
    return [f"{entry['date']}.{quick_mark(entry)}",
            ""] + markdown(["--batch-size", "process, s", "engine, tokens/s", "peak MiB"], rows)


def thousand(entry):
    rows = [[f"{r['texts']:,}", f"{r['tokens']:,}", number(r["process_seconds"]), f"{r['outside_engine']:.1%}",
             mib(r["peak_bytes"])] for r in entry["rows"]]
    return [f"{entry['date']}.{quick_mark(entry)}",
            ""] + markdown(["texts", "tokens", "process, s", "outside the model", "peak MiB"], rows)


def generate(entry):
    rows = [[r["model"], r["what"], number(r["ours"]), number(r["peer"]), number(r["ratio"], 2)] for r in entry["rows"]]
    return [f"{entry['date']}.{quick_mark(entry)}",
            ""] + markdown(["model", "", "ours, tokens/s", "llama-bench, tokens/s", "ratio"], rows)


def products(rows):
    """The plug-in's products: a line for each level, type and shape, a column for each number of rows."""
    found = {}
    for row in rows:
        _, level, kind, shape, count = row["name"].split("/")
        share = f" ({row['peak']:.0%})" if "peak" in row else ""
        found.setdefault((level, kind, shape), {})[int(count)] = f"{number(row['value'], 0)}{share}"
    counts = sorted({count for cells in found.values() for count in cells})
    return markdown(["level", "weights", "shape", *(f"{count:,} rows" if count > 1 else "1 row" for count in counts)],
                    [[*line, *(cells.get(count, "") for count in counts)] for line, cells in found.items()])


def micro(entry):
    parts = [row for row in entry["rows"] if not row["name"].startswith("matmul/")]
    multiplied = [row for row in entry["rows"] if row["name"].startswith("matmul/")]
    also = (("tokens_per_second", "tokens/s"), ("items_per_second", "texts/s"))
    rows = [[row["name"].replace("/", ", "), f"{number(row['value'], 0)} {row['unit']}",
             ", ".join(f"{number(row[key], 0)} {unit}" for key, unit in also if key in row)] for row in parts]
    return ([f"{entry['date']}; medians of {entry['rounds']}.{quick_mark(entry)}", ""] + markdown(["", "", ""], rows) +
            ["", "Products, GFLOPS (of the measured peak of one thread in that arithmetic):",
             ""] + products(multiplied))


def rows(entry):
    lines = [[f"{r['rows']:,}", number(r["process_seconds"]), f"{r['rows_per_second']:,}", mib(r["peak_bytes"])]
             for r in entry["rows"]]
    return [f"{entry['date']}. Memory without the pages of files.{quick_mark(entry)}", ""] + markdown(
        ["rows", "process, s", "rows/s", "peak MiB"], lines)


def pairs(entry):
    lines = [[r["name"], f"{r['rows']:,}", f"{r['distinct']:,}", number(r["seconds"]), number(r["ratio"], 3)]
             for r in entry["rows"]]
    return [f"{entry['date']}; runs in turn, medians.{quick_mark(entry)}", ""] + markdown(
        ["", "rows", "different texts", "s", "of the first"], lines)


def cost(entry):
    lines = [[r["name"], number(r["tokens_per_row"]), number(r["rows_per_second"]), f"{r['outside']:.1%}",
              f"${r['dollars_per_million']:.2f}"] for r in entry["rows"]]
    return [f"{entry['date']}; dollars at ${entry['dollars_an_hour']} an hour.{quick_mark(entry)}", ""] + markdown(
        ["model", "tokens in a row", "rows/s", "outside the model", "1 million rows"], lines)


SPECIAL = {"rows": rows, "duplicates": pairs, "journal": pairs, "cost": cost, "scaling": scaling, "batch": batch,
           "thousand": thousand, "generate": generate, "micro": micro}


def section(entry, level):
    return [f"{'#' * level} {entry['title']}", "", *SPECIAL.get(entry["name"], embedding)(entry), ""]


def commands(entries):
    """Each command once."""
    found = dict.fromkeys(row["command"] for entry in entries for row in entry["rows"] if "command" in row)
    return ["```", *found, "```"] if found else []


def document(result):
    lines = ["# script/bench", "", *machine(result["machine"], result["versions"]), ""]
    for entry in result["entries"]:
        lines += section(entry, 2)
    return "\n".join([*lines, "## Commands", "", *commands(result["entries"])]) + "\n"
