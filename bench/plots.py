"""Plots of the results as SVG: bars of speed for each workload, lines of time and memory by the number of texts."""
import math
from xml.sax.saxutils import escape

WIDTH, BAR, GAP, LEFT = 720, 20, 8, 240
OURS, PEER, TEXT, RULE = "#1f6feb", "#9aa4b2", "#24292f", "#d0d7de"


def svg(height, body, title):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'font-family="sans-serif" font-size="13" fill="{TEXT}" '
            f'role="img" aria-label="{escape(title)}">\n<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n'
            + "\n".join(body) + "\n</svg>\n")


def text(x, y, words, anchor="start", weight="normal"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">{escape(str(words))}</text>'


def speed(entry):
    """Engine tokens per second of everybody, fastest first."""
    rows = sorted(entry["rows"], key=lambda r: -r["engine_tokens_per_second"])
    most = rows[0]["engine_tokens_per_second"]
    body = [text(10, 22, f"{entry['title']}: tokens/s", weight="bold")]
    for i, row in enumerate(rows):
        y = 38 + i * (BAR + GAP)
        width = max(1, (WIDTH - LEFT - 190) * row["engine_tokens_per_second"] / most)
        color = PEER if row["peer"] else OURS
        body += [text(LEFT - 8, y + 15, row["name"], "end", "normal" if row["peer"] else "bold"),
                 f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR}" fill="{color}"/>',
                 text(LEFT + width + 6, y + 15,
                      f"{row['engine_tokens_per_second']:,.0f}  (cosine {row['cosine_min']:.4f})")]
    return svg(46 + len(rows) * (BAR + GAP), body, entry["title"])


def line(points, x_of, y_of, color):
    path = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in points)
    return [f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>',
            *(f'<circle cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="3.5" fill="{color}"/>' for x, y in points)]


def chart(title, points, x_name, y_name, show_y, left, log_y=False):
    """One line; x is logarithmic. Fills the half of the picture that begins at left."""
    right, top, bottom = left + 270, 50, 230
    xs = [math.log10(x) for x, _ in points]
    scale = math.log10 if log_y else float
    heights = [y for _, y in points]
    low, high = (scale(min(heights)), scale(max(heights))) if log_y else (0, max(heights) * 1.15)
    spread_x, spread_y = max(xs[-1] - xs[0], 1e-9), max(high - low, 1e-9)

    def x_of(x):
        return left + (math.log10(x) - xs[0]) / spread_x * (right - left)

    def y_of(y):
        return bottom - (scale(y) - low) / spread_y * (bottom - top)
    body = [text(left, 24, title, weight="bold"),
            f'<path d="M{left} {top} V{bottom} H{right}" fill="none" stroke="{RULE}"/>',
            text((left + right) / 2, bottom + 38, x_name, "middle"), text(left, top - 8, y_name)]
    for x, y in points:
        body += [text(x_of(x), bottom + 18, f"{x:,}", "middle"), text(x_of(x), y_of(y) - 9, show_y.format(y), "middle")]
    return body + line(points, x_of, y_of, OURS)


def scaling(entry):
    rows = entry["rows"]
    seconds = chart("Time by texts", [(r["texts"], r["process_seconds"]) for r in rows], "texts", "seconds", "{:,.1f}",
                    50, log_y=True)
    memory = chart("Peak memory by texts", [(r["texts"], r["peak_bytes"] / 2**20) for r in rows], "texts", "MiB",
                   "{:,.0f}", 410)
    return svg(280, seconds + memory, entry["title"])


def rows(entry):
    """The memory of each run over its time, on one scale."""
    left, right, top, bottom = 60, WIDTH - 150, 50, 230
    runs = [row for row in entry["rows"] if row["samples"]]
    most = max(size for row in runs for _, size in row["samples"]) * 1.15
    body = [text(left, 24, "Memory during a run", weight="bold"),
            f'<path d="M{left} {top} V{bottom} H{right}" fill="none" stroke="{RULE}"/>', text(left, top - 8, "MiB"),
            text((left + right) / 2, bottom + 34, "share of the run's time", "middle"),
            *(text(left + (right - left) * part, bottom + 17, f"{part:.0%}", "middle") for part in (0, 0.5, 1))]
    for row, color in zip(runs, (PEER, "#54aeff", OURS)):
        path = " ".join(f"{left + (right - left) * at / row['samples'][-1][0]:.1f},"
                        f"{bottom - (bottom - top) * size / most:.1f}"
                        for at, size in row["samples"][1:] or row["samples"])
        end = bottom - (bottom - top) * row["samples"][-1][1] / most
        body += [f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>',
                 text(right + 8, end + 4, f"{row['rows']:,} rows, {row['peak_bytes'] / 2**20:,.0f}")]
    return svg(280, body, entry["title"])


def batch(entry):
    points = [(r["batch_size"], r["engine_tokens_per_second"]) for r in entry["rows"]]
    memory = [(r["batch_size"], r["peak_bytes"] / 2**20) for r in entry["rows"]]
    return svg(280, chart("Speed by --batch-size", points, "texts in a pass at most", "tokens/s", "{:,.0f}", 50)
               + chart("Peak memory by --batch-size", memory, "texts in a pass at most", "MiB", "{:,.0f}", 410),
               entry["title"])


def write(results, folder):
    """The files, and the lines of Markdown that show them."""
    lines = []
    for name, result in results.items():
        if "-" in name:  # a class as if it were a lesser one: its tables say enough
            continue
        for entry in result["entries"] if result else ():
            draw = {"rows": rows, "duplicates": None, "journal": None, "cost": None, "scaling": scaling, "batch": batch,
                    "thousand": None, "generate": None,
                    "micro": None}.get(entry["name"], speed)
            if draw:
                file = f"{name}-{entry['name']}.svg"
                (folder / file).write_text(draw(entry))
                lines += [f"![Class {name}: {entry['title']}](performance/{file})", ""]
    return lines or ["None yet."]
