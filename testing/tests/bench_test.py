"""What script/bench makes of its measurements, without measuring anything."""
import itertools
import json
import os
import pathlib
import subprocess
import sys
import types

import numpy
import pytest

PROJECT = pathlib.Path(os.environ["PROJECT"])
sys.path.insert(0, str(PROJECT / "bench"))
import bars
import level_accuracy
import machine
import micro
import plots
import publish
import ratios
import run_profile
import slow_contenders
import table
import turns
import workloads
from endless import endless


def row(name, peer, process_seconds, speed, **more):
    return {"name": name, "peer": peer, "command": f"run {name}", "tokens": 2900, "process_seconds": process_seconds,
            "engine_seconds": 2900 / speed, "engine_tokens_per_second": speed, "outside_engine": 0.01,
            "peak_bytes": 10**9, "cosine_min": 0.9996, "cosine_mean": 0.9997, "cosine_texts": 50,
            "process_ratio": 8.0, "engine_ratio": 1.5, **more}


def entry(**more):
    peaks = {"threads": 2, "f32": {"giga": 480}, "bf16": None, "int8": {"giga": 1900}}
    return {"name": "0.6b-short", "title": "short <texts>", "date": "2026-01-31", "quick": False, "rounds": 3,
            "texts": 100, "tokens": 2900, "peaks_before": peaks, "peaks_after": peaks, "engine_peers": ["torch bf16"],
            "rows": [row("llama-cli embed", False, 4.0, 800), row("llama-embedding", True, 32.0, 110)], **more}


def result(**more):
    about = {"processor": "a CPU", "threads": 2, "memory_gib": 24, "class": "A", "peaks": entry()["peaks_before"]}
    return {"machine": about, "versions": {"torch": "1"}, "entries": [entry(**more)]}


@pytest.mark.parametrize(("giga", "threads", "expected"), [(1908, 2, "A"), (2280, 2, "A"), (850, 2, "B"),
                                                           (300, 2, "C"), (1700, 4, "B"), (73, 2, "E")])
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


def test_who_is_five_times_slower_than_the_best_of_its_kind_is_left_out():
    kinds = {"torch f32": "torch", "torch bf16": "torch", "onnxruntime f32": "onnxruntime"}
    rates = {"torch f32": 86.0, "torch bf16": 17.1, "onnxruntime f32": 9.0}
    assert slow_contenders.too_slow(rates, kinds) == {"torch bf16": (17.1, "torch f32", 5)}
    assert slow_contenders.too_slow(rates | {"torch bf16": 17.3}, kinds) == {}


def test_of_torch_the_slower_precision_is_in_the_table_of_short_texts_alone():
    kinds = {"torch f32": "torch", "torch bf16": "torch", "onnxruntime f32": "onnxruntime",
             "onnxruntime int8": "onnxruntime"}
    rates = {"torch f32": 140.0, "torch bf16": 300.0, "onnxruntime f32": 50.0, "onnxruntime int8": 150.0}
    assert slow_contenders.slower_precision(rates, kinds) == {"torch f32": (140.0, "torch bf16", 1.5)}
    assert slow_contenders.slower_precision(rates | {"torch f32": 210.0}, kinds) == {}
    told = slow_contenders.told(slow_contenders.note("torch f32", 140.0, "torch bf16", 1.5))
    assert told == "torch f32, 140.0 tokens/s on a few texts, less than two thirds of torch bf16"


def test_the_tables_of_short_texts_have_everybody_and_the_others_who_counts():
    def names(mix):
        return [one.name for one in workloads.Workload("0.6b", mix).contenders()]
    assert "llama-server" in names("short")
    assert names("512") == ["llama-cli embed", "llama-embedding", "torch f32", "torch bf16"]
    mixed = workloads.Workload("minilm", "mixed")
    assert not mixed.has_everybody and mixed.is_of_short_texts_alone("llama-embedding, F32")
    assert not mixed.is_of_short_texts_alone("llama-embedding, F16")


class Probed:
    """A peer of whom is known what each probe will say."""

    def __init__(self, name, *rates):
        self.name, self.kind, self.rates = name, name.split()[0], list(rates)

    def probe(self, path, count):
        assert (path, count) == ("few", 2)
        return self.rates.pop(0)


def test_nobody_is_left_out_for_one_slow_probe():
    peers = [Probed("onnxruntime f32", 17_000.0), Probed("torch f32", 728.8, 7229.0), Probed("torch bf16", 22_000.0)]
    rates = slow_contenders.probed(peers, "few", 2, pause=lambda seconds: None)
    assert rates == {"onnxruntime f32": 17_000.0, "torch f32": 7229.0, "torch bf16": 22_000.0}
    assert slow_contenders.too_slow(rates, {peer.name: peer.kind for peer in peers}) == {}


def test_who_is_slow_in_both_probes_is_left_out_with_the_better_of_them():
    peers = [Probed("torch f32", 49.0), Probed("torch bf16", 8.8, 8.1)]
    paused = []
    rates = slow_contenders.probed(peers, "few", 2, pause=paused.append)
    assert rates == {"torch f32": 49.0, "torch bf16": 8.8} and len(paused) == 1
    kinds = {peer.name: peer.kind for peer in peers}
    assert slow_contenders.too_slow(rates, kinds) == {"torch bf16": (8.8, "torch f32", 5)}


def test_who_was_left_out_stays_so_for_the_tables_of_that_model_alone():
    left_out = slow_contenders.left_out_of("a model")
    left_out |= {"torch bf16": (9.0, "torch f32", 5)}
    assert slow_contenders.left_out_of("a model") == {"torch bf16": (9.0, "torch f32", 5)}
    assert slow_contenders.left_out_of("another") == {}


def test_who_is_left_out_is_named_below_the_table_with_the_rule_of_its_day():
    text = "\n".join(table.embedding(entry(left_out=[slow_contenders.note("torch bf16", 19.04, "torch f32", 5)])))
    assert "Left out: torch bf16, 19.0 tokens/s on a few texts, less than a fifth of torch f32." in text
    old = {"name": "torch bf16", "tokens_per_second": 19.0, "slower_than": "torch f32"}
    text = "\n".join(table.embedding(entry(left_out=[old])))
    assert "Left out: torch bf16, 19.0 tokens/s on a few texts, less than a quarter of torch f32." in text


def ratios_of(*rows):
    peers = types.SimpleNamespace(engine_peers=["torch f32", "torch bf16"], process_peer=lambda name: "llama-embedding")
    bare = [{key: value for key, value in one.items() if not key.endswith("_ratio")} for one in rows]
    ratios.add_ratios(peers, bare)
    return bare


def test_ratios_are_to_llama_embeddings_process_and_the_best_engine():
    ours, _, torch, _ = ratios_of(row("llama-cli embed", False, 4.0, 800), row("llama-embedding", True, 32.0, 110),
                                  row("torch f32", True, None, 200), row("torch bf16", True, None, 400))
    assert (ours["process_ratio"], ours["engine_ratio"]) == (8.0, 2.0)
    assert torch["engine_ratio"] == 0.5 and "process_ratio" not in torch


def test_what_has_no_process_beside_it_has_no_ratio():
    ours, _ = ratios_of(row("llama-cli embed", False, 4.0, 800), row("torch f32", True, None, 200))
    assert "process_ratio" not in ours and ours["engine_ratio"] == 4.0


def test_where_all_that_engines_are_compared_with_were_left_out_that_column_is_empty():
    rows = ratios_of(row("llama-cli embed", False, 4.0, 800), row("llama-embedding", True, 32.0, 110))
    assert [one["engine_ratio"] for one in rows] == [None, None]
    assert "| **llama-cli embed** | 4.0 | 8.00 | 800 |  | 0.99960 |" in "\n".join(table.embedding(entry(rows=rows)))
    assert bars.cell(bars.BARS[1], {"0.6b-short": entry(rows=rows)}, 1) == "not measured (≥ 2.20)"


def test_the_time_outside_the_model_is_shown_by_number_of_texts_where_it_was_measured():
    count = {"texts": 1000, "tokens": 29_000, "process_seconds": 1.5, "us_per_token": 25.0, "deviation": -0.01,
             "peak_bytes": 80 << 20}
    old = table.scaling(entry(rows=[count]))
    assert old[-1] == "| 1,000 | 29,000 | 1.5 | 25.00 | -1.0% | 80 |" and "outside" not in old[2]
    new = table.scaling(entry(rows=[count | {"outside_engine": 0.034}]))
    assert new[-1] == "| 1,000 | 29,000 | 1.5 | 25.00 | -1.0% | 3.4% | 80 |"
    assert "| from the last row | outside the model | peak MiB |" in new[2]


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


def of_class(name):
    return result() | {"machine": result()["machine"] | {"class": name}}


def test_any_class_can_be_held_to_a_lesser_cpu_where_the_page_has_its_section(page):
    page.write_text(page.read_text() + "\n<!-- class D-avx2 -->\n<!-- /class D-avx2 -->\n")
    publish.publish(of_class("D-avx2"))
    text = page.read_text()
    assert "| E: AVX2 in halves | D held to AVX2 |\n" in text
    assert "<!-- class D-avx2 -->\nClass D-avx2: a CPU, 2 threads" in text


def test_results_without_a_place_in_the_page_change_nothing_and_name_the_missing_lines(page):
    before = page.read_text()
    with pytest.raises(SystemExit, match="'<!-- class D-avx2 -->' and '<!-- /class D-avx2 -->'.* are missing"):
        publish.publish(of_class("D-avx2"))
    for name in ("Q", "Q-avx2", "D-avx512"):
        with pytest.raises(SystemExit, match=f"there is no class {name}"):
            publish.publish(of_class(name))
    assert page.read_text() == before and not publish.FOLDER.exists()


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
    rows = [{"rows": 10**k, "process_seconds": 1.0, "rows_per_second": 9, "peak_bytes": 95 << 20, "samples": samples}
            for k in (5, 6)]
    pair = [{"name": name, "rows": 10, "distinct": 7, "seconds": 1.0, "ratio": ratio}
            for name, ratio in (("a", 1.0), ("b", 0.7))]
    costs = [{"name": "m", "tokens_per_row": 29.0, "rows_per_second": 500.0, "outside": 0.02,
              "dollars_per_million": 0.06}]
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
    report = {"benchmarks": [benchmark("md5/text of 100 bytes", family_index=7, bytes_per_second=5e8,
                                       items_per_second=5e6)] +
              [benchmark("matmul/avx2/q8_0/1024x1024/32", family_index=3, GFLOPS=value, peak=value / 200)
               for value in (90, 100, 170)] +
              [{"run_name": "matmul/avx2/q8_0/1024x1024/32", "run_type": "aggregate", "GFLOPS": 1},
               benchmark("tokenize/broken", error_occurred=True)]}
    product, digest = micro.rows_of(report)
    assert product == {"name": "matmul/avx2/q8_0/1024x1024/32", "unit": "GFLOPS", "value": 100, "peak": 0.5}
    assert digest == {"name": "md5/text of 100 bytes", "unit": "MB/s", "value": 500, "items_per_second": 5e6}


def test_products_have_a_line_for_each_shape_and_a_column_for_each_number_of_rows(page):
    rows = [{"name": f"matmul/avx2/q8_0/1024x1024/{count}", "unit": "GFLOPS", "value": 100.0 * count,
             "peak": 0.25 * count} for count in (1, 2)]
    rows.append({"name": "md5/text of 100 bytes", "unit": "MB/s", "value": 500, "items_per_second": 5e6})
    measured = {"name": "micro", "title": "parts alone", "date": "2026-01-31", "quick": False, "rounds": 3,
                "rows": rows}
    publish.publish({**result(), "entries": [entry(), measured]})
    shown = page.read_text()
    assert "| avx2 | q8_0 | 1024x1024 | 100 (25%) | 200 (50%) |" in shown
    assert "| md5, text of 100 bytes | 500 MB/s | 5,000,000 texts/s |" in shown


def test_a_sample_belongs_to_the_step_that_its_function_or_its_library_says():
    ours, kernel, target = "libggml-packed.so", "[kernel.kallsyms]", "ggml_packed::N_AVX3::(anonymous namespace)::"
    expected = {
        "products of weights": [(ours, f"[.] {target}multiply_rows<8ul>")],
        "their ends: bias, activation, gate, sum": [(ours, f"[.] {target}finish")],
        "rounding activations": [(ours, f"[.] {target}to_bf16"), (ours, "[.] packed::PreparedActivations::store")],
        "attention": [(ours, f"[.] {target}score<4ul>"), (ours, "[.] ggml_packed::attend_texts")],
        "norms": [(ours, f"[.] {target}rms_norm"), (ours, f"[.] {target}layer_norm")],
        "rotation": [(ours, f"[.] {target}rotate_halves")],
        "packing weights": [(ours, "[.] ggml_packed::PackedMatrix::pack"), ("libggml.so", "[.] ggml_fp32_to_bf16")],
        "other operations of the graph": [(ours, f"[.] {target}add"), (ours, "[.] ggml_packed::move_values")],
        "waiting for other threads": [(ours, "[.] ggml_packed::ThreadTeam::work_on"), (kernel, "[k] futex_wait")],
        "tokenizing": [("llama-cli", "[.] llama::WordPiece::split")],
        "reading and writing tables": [("libzstd.so.1.5.7", "[.] ZSTD_compressBlock_fast")],
        "ggml and llama.cpp": [("libggml-cpu-haswell.so", "[.] ggml_vec_dot_q8_0_q8_0")],
        "copying and clearing memory (libc)": [("libc.so.6", "[.] __memmove_avx"), (kernel, "[k] clear_page_erms")],
        "the system": [(kernel, "[k] finish_task_switch.isra.0")],
        "the rest": [("libstdc++.so.6", "[.] std::ostream::flush"), (ours, "[.] ggml_packed::Executor::compute")],
    }
    assert list(expected) == [*(name for name, _ in run_profile.STEPS), "the rest"]
    found = {name: [run_profile.step_of(*sample) for sample in samples] for name, samples in expected.items()}
    assert found == {name: [name] * len(samples) for name, samples in expected.items()}


def test_threads_are_idle_for_what_is_left_of_their_time(tmp_path):
    assert run_profile.idle_share("2.000 3.100 0.100\n", threads=2) == pytest.approx(0.2)
    assert run_profile.idle_share("2,000 4,100 0,100\n", threads=2) == 0
    clock = tmp_path / "clock"
    run = subprocess.run(["bash", "-c", run_profile.TIMED, clock, "sh", "-c", "echo words >&2; sleep 0.1; exit 3"],
                         capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (3, "words\n")
    assert run_profile.idle_share(clock.read_text(), threads=1) > 0


def test_a_level_that_the_cpu_has_not_is_no_row_of_the_accuracies(monkeypatch):
    said = {"avx2": (0, ""), "amx-bf16": (2, "Error: this CPU cannot run the kernels 'amx-bf16'\n"),
            "neon": (2, "Error: no kernels are called 'neon': auto or stock\n"), "stock": (2, "Error: no such model\n")}

    def run(command, **_):
        status, message = said[command[-1]]
        return subprocess.CompletedProcess(command, status, "", message)
    monkeypatch.setattr(level_accuracy.subprocess, "run", run)
    assert [level_accuracy.runs_here(level) for level in ("avx2", "amx-bf16", "neon")] == [True, False, False]
    with pytest.raises(SystemExit, match="no such model"):
        level_accuracy.runs_here("stock")


def test_texts_that_go_on_for_ever_have_none_twice():
    assert list(itertools.islice(endless(["a", "b"]), 6)) == ["a", "b", "a 2", "b 2", "a 3", "b 3"]


def test_accuracies_have_a_row_for_each_level_and_two_columns_for_each_model():
    found = {"avx2": [numpy.array([0.9996, 0.9998])] * 4}
    head, _, only = level_accuracy.lines(found)
    assert head.startswith("| level | 0.6B Q8_0, lowest | mean | MiniLM F16, lowest | mean |")
    assert only == "| `avx2` |" + " 0.99960 | 0.99970 |" * 4
