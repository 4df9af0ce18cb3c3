"""What script/bench makes of its measurements, without measuring anything."""
import json
import os
import pathlib
import sys

import pytest

PROJECT = pathlib.Path(os.environ["PROJECT"])
sys.path.insert(0, str(PROJECT / "bench"))
import bars
import machine
import micro
import plots
import publish
import slow_contenders
import table
import turns


def row(name, peer, process_seconds, speed, **more):
    return {"name": name, "peer": peer, "command": f"run {name}", "tokens": 2900, "process_seconds": process_seconds,
            "engine_seconds": 2900 / speed, "engine_tokens_per_second": speed, "outside_engine": 0.01, "peak_bytes": 10**9, "cosine_min": 0.9996,
            "cosine_mean": 0.9997, "cosine_texts": 50, "process_ratio": 8.0, "engine_ratio": 1.5, **more}


def entry(**more):
    peaks = {"threads": 2, "f32": {"giga": 480}, "bf16": None, "int8": {"giga": 1900}}
    return {"name": "0.6b-short", "title": "short <texts>", "date": "2026-01-31", "quick": False, "rounds": 3, "texts": 100, "tokens": 2900,
            "peaks_before": peaks, "peaks_after": peaks, "engine_peers": ["torch bf16"],
            "rows": [row("llama-cli embed", False, 4.0, 800), row("llama-embedding", True, 32.0, 110)], **more}


def result(**more):
    about = {"processor": "a CPU", "threads": 2, "memory_gib": 24, "class": "A", "peaks": entry()["peaks_before"]}
    return {"machine": about, "versions": {"torch": "1"}, "entries": [entry(**more)]}


@pytest.mark.parametrize(("giga", "threads", "expected"), [(1908, 2, "A"), (2280, 2, "A"), (850, 2, "B"), (300, 2, "C"), (1700, 4, "B"),
                                                       (73, 2, "E")])
def test_the_class_follows_from_the_int8_peak_of_each_thread(giga, threads, expected):
    assert machine.class_of({"int8": {"giga": giga}, "threads": threads}) == expected


def test_a_machine_without_an_int8_level_is_of_the_lowest_class():
    assert machine.class_of({"int8": None, "threads": 2}) == "E"


def test_a_machine_with_tile_registers_is_a_class_of_its_own():
    measured = {"int8": {"giga": 1760}, "bf16": {"giga": 7150, "level": "AMX"}, "threads": 2}
    assert machine.class_of(measured) == "D"


def test_a_bar_says_whether_it_is_met_or_missed_or_not_measured():
    entries = {"0.6b-short": entry()}
    process, engine = bars.BARS[:2]
    assert bars.cell(process, entries, 1) == "8.00 (≥ 7.00)"
    assert bars.cell(engine, entries, 1) == "1.50 (≥ 2.20) missed"
    assert bars.cell(process, {}, 1) == "not measured (≥ 7.00)"


def test_a_bar_of_a_quick_run_says_so():
    assert bars.cell(bars.BARS[0], {"0.6b-short": entry(quick=True)}, 0).endswith("quick run")


def test_who_is_four_times_slower_than_the_best_of_its_kind_is_left_out():
    kinds = {"torch f32": "torch", "torch bf16": "torch", "onnxruntime f32": "onnxruntime"}
    rates = {"torch f32": 86.0, "torch bf16": 21.4, "onnxruntime f32": 9.0}
    assert slow_contenders.too_slow(rates, kinds) == {"torch bf16": (21.4, "torch f32")}
    assert slow_contenders.too_slow(rates | {"torch bf16": 21.6}, kinds) == {}


def test_who_was_left_out_stays_so_for_the_tables_of_that_model_alone():
    left_out = slow_contenders.left_out_of("a model")
    left_out |= {"torch bf16": (9.0, "torch f32")}
    assert slow_contenders.left_out_of("a model") == {"torch bf16": (9.0, "torch f32")}
    assert slow_contenders.left_out_of("another") == {}


def test_who_is_left_out_is_named_below_the_table():
    text = "\n".join(table.embedding(entry(left_out=[
        {"name": "torch bf16", "tokens_per_second": 19.0, "slower_than": "torch f32"}])))
    assert "Left out: torch bf16, 19.0 tokens/s on a few texts, less than a quarter of torch f32." in text


@pytest.mark.parametrize("round_takes, made", [(10, 3), (74, 3), (76, 2)])
def test_a_third_round_is_left_out_where_two_took_long(monkeypatch, round_takes, made):
    asked = iter([0, 2 * round_takes])
    assert list(turns.turns(3, clock=lambda: next(asked))) == list(range(made))
    monkeypatch.setattr(turns, "patience", float("inf"))  # who says how many gets them
    asked = iter([0, 2 * round_takes])
    assert list(turns.turns(3, clock=lambda: next(asked))) == [0, 1, 2]


def test_the_whole_took_as_long_as_its_tables():
    entries = {name: entry(name=name, took_seconds=120) for name in bars.TABLES}
    whole = bars.BARS[-1]
    assert bars.cell(whole, entries, 4) == "30 (≤ 60)"
    assert bars.cell(whole, entries | {"cost": entry(took_seconds=2000)}, 4) == "61 (≤ 60) missed"
    assert bars.cell(whole, entries | {"cost": entry(took_seconds=9, quick=True)}, 4) == "not measured (≤ 60)"
    del entries["micro"]["took_seconds"]
    assert bars.cell(whole, entries, 4) == "not measured (≤ 60)"


@pytest.fixture
def page(tmp_path, monkeypatch):
    """A copy of the page, and an empty folder of results."""
    copy = tmp_path / "doc/performance.md"
    copy.parent.mkdir()
    copy.write_text((PROJECT / "doc/performance.md").read_text())
    monkeypatch.setattr(publish, "DOCUMENT", copy)
    monkeypatch.setattr(publish, "FOLDER", copy.parent / "performance")
    monkeypatch.setattr(publish.places, "PROJECT", tmp_path)
    return copy


def test_publishing_twice_gives_the_same_page(page):
    publish.publish(result())
    first = page.read_text()
    publish.publish(result())
    assert page.read_text() == first
    assert "| **llama-cli embed** | 4.0 | 8.00 |" in first
    assert "Class B: not measured." in first


def test_an_entry_that_was_not_measured_again_stays(page):
    publish.publish(result())
    publish.publish(result(name="0.6b-mixed", title="mixed texts"))
    kept = json.loads((page.parent / "performance/A.json").read_text())
    assert [e["name"] for e in kept["entries"]] == ["0.6b-short", "0.6b-mixed"]
    assert "#### short <texts>" in page.read_text()


def test_a_plot_is_well_formed_and_escapes_names(page):
    import xml.etree.ElementTree
    publish.publish(result())
    drawn = page.parent / "performance/A-0.6b-short.svg"
    assert "short &lt;texts&gt;" in drawn.read_text()
    xml.etree.ElementTree.parse(drawn)
    rows = [{"texts": 10**k, "process_seconds": 10.0**(k - 3), "peak_bytes": 80 << 20} for k in (3, 4, 5)]
    xml.etree.ElementTree.fromstring(plots.scaling({"title": "a & b", "rows": rows}))


def test_tables_of_rows_and_of_pairs(page):
    samples = [[0.0, 1 << 20], [0.5, 90 << 20], [1.0, 95 << 20]]
    rows = [{"rows": 10**k, "process_seconds": 1.0, "rows_per_second": 9, "peak_bytes": 95 << 20, "samples": samples} for k in (5, 6)]
    pair = [{"name": name, "rows": 10, "distinct": 7, "seconds": 1.0, "ratio": ratio} for name, ratio in (("a", 1.0), ("b", 0.7))]
    costs = [{"name": "m", "tokens_per_row": 29.0, "rows_per_second": 500.0, "outside": 0.02, "dollars_per_million": 0.06}]
    more = {"title": "t", "date": "2026-01-31", "quick": False}
    entries = [{"name": "rows", "rows": rows, **more}, {"name": "duplicates", "rows": pair, **more},
               {"name": "cost", "rows": costs, "dollars_an_hour": 0.1, **more}]
    publish.publish(result() | {"entries": entries})
    text = page.read_text()
    assert "0.70 (≤ 0.73)" in text
    assert "| m | 29.0 | 500.0 | 2.0% | $0.06 |" in text
    assert "1.00 (≤ 1.10)" in text
    assert "1,000,000 rows, 95" in (page.parent / "performance/A-rows.svg").read_text()


def test_every_command_is_listed_once():
    assert table.commands([entry(), entry()]) == ["```", "run llama-cli embed", "run llama-embedding", "```"]


def benchmark(name, **figures):
    return {"run_name": name, "run_type": "iteration", **figures}


def test_a_benchmarks_row_has_the_medians_of_its_repetitions():
    report = {"benchmarks": [benchmark("md5/text of 100 bytes", family_index=7, bytes_per_second=5e8, items_per_second=5e6)] +
              [benchmark("matmul/avx2/q8_0/1024x1024/32", family_index=3, GFLOPS=value, peak=value / 200) for value in (90, 100, 170)] +
              [{"run_name": "matmul/avx2/q8_0/1024x1024/32", "run_type": "aggregate", "GFLOPS": 1},
               benchmark("tokenize/broken", error_occurred=True)]}
    product, digest = micro.rows_of(report)
    assert product == {"name": "matmul/avx2/q8_0/1024x1024/32", "unit": "GFLOPS", "value": 100, "peak": 0.5}
    assert digest == {"name": "md5/text of 100 bytes", "unit": "MB/s", "value": 500, "items_per_second": 5e6}


def test_products_have_a_line_for_each_shape_and_a_column_for_each_number_of_rows(page):
    rows = [{"name": f"matmul/avx2/q8_0/1024x1024/{count}", "unit": "GFLOPS", "value": 100.0 * count, "peak": 0.25 * count} for count in (1, 2)]
    rows.append({"name": "md5/text of 100 bytes", "unit": "MB/s", "value": 500, "items_per_second": 5e6})
    measured = {"name": "micro", "title": "parts alone", "date": "2026-01-31", "quick": False, "rounds": 3, "rows": rows}
    publish.publish({**result(), "entries": [entry(), measured]})
    shown = page.read_text()
    assert "| avx2 | q8_0 | 1024x1024 | 100 (25%) | 200 (50%) |" in shown
    assert "| md5, text of 100 bytes | 500 MB/s | 5,000,000 texts/s |" in shown
