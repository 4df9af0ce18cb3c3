"""The token budget: measured in a long run, remembered for the next, and never a difference in the vectors."""
import json
import os
import re
import subprocess

import pytest
from embed_test import content, varied
from program import CLI, MODELS, embed, vectors

TEXTS = content(varied(700))


@pytest.fixture
def run(tmp_path):
    """Embeds with a cache of its own; returns what --debug says of the budget, and the vectors."""
    def embed_texts(*flags, texts=TEXTS, cache=tmp_path / "cache", model="bert.gguf"):
        out = tmp_path / "out.parquet"
        done = embed(MODELS / model, texts, out, "--force", "--debug", *flags,
                     env={**os.environ, "XDG_CACHE_HOME": str(cache)})
        assert done.returncode == 0, done.stderr
        budget, reason = re.search(r"^Token budget: (\d+) \((.*)\)$", done.stderr, re.M).groups()
        return int(budget), reason, vectors(out)
    return embed_texts


@pytest.fixture
def memory(tmp_path):
    return tmp_path / "cache/llama-loader/models/measured.json"


def budgets(memory):
    """What is remembered of budgets: the kernels' level is there as well."""
    measured = json.loads(memory.read_text())["measured"] if memory.exists() else {}
    return {key: entry for key, entry in measured.items() if key.startswith("token budget; ")}


@pytest.fixture(autouse=True)
def packed():
    if "kernels: packed" not in subprocess.run([CLI, "--version"], capture_output=True, text=True).stdout:
        pytest.skip("the plug-in is not in use on this CPU")


def test_a_long_run_measures_and_the_next_remembers(run, memory):
    budget, reason, first = run()
    assert budget in (256, 512, 1024) and reason.startswith("measured: 256 tokens: "), reason
    entry, = budgets(memory).items()
    assert entry[1]["value"] == budget and "bert.gguf" in entry[0] and "packed" in entry[0]
    again, reason, second = run()
    assert (again, reason) == (budget, "measured by an earlier run")
    assert (first == second).all()


@pytest.mark.parametrize("model", ["bert.gguf", "qwen3.gguf"])
def test_no_budget_changes_a_vector(run, model):
    _, reason, measured = run(model=model)
    assert reason.startswith("measured: ")
    for budget in ("64", "256", "512", "1024"):
        given, reason, found = run("--token-budget", budget, model=model)
        assert (given, reason) == (int(budget), "given")
        assert (found == measured).all(), budget


def test_a_budget_that_is_given_is_not_remembered(run, memory):
    run("--token-budget", "256")
    assert not budgets(memory)


def test_a_short_run_uses_512_and_remembers_nothing(run, memory):
    assert run(texts=content(varied(60)))[:2] == (512, "too few texts to measure")
    assert not budgets(memory)


def test_another_number_of_threads_is_measured_for_itself(run, memory):
    run("--threads", "1")
    assert run("--threads", "2")[1].startswith("measured: ")
    assert len(budgets(memory)) == 2


def test_it_is_remembered_for_the_texts_that_a_pass_can_have(run, memory):
    """llama.cpp takes 256 at most: what is asked beyond is the same."""
    run("--batch-size", "1000")
    entry, = budgets(memory)
    assert entry.endswith("; 256 texts a pass")
    assert run("--batch-size", "256")[1] == "measured by an earlier run"
    assert run("--batch-size", "64")[1].startswith("measured: ")
    assert len(budgets(memory)) == 2


def test_a_changed_model_file_is_measured_for_itself(run, memory, tmp_path):
    model = tmp_path / "model.gguf"
    model.write_bytes((MODELS / "bert.gguf").read_bytes())
    run(model=model)
    os.utime(model, (1, 1))
    assert run(model=model)[1].startswith("measured: ")


def test_a_damaged_memory_is_measured_anew(run, memory):
    memory.parent.mkdir(parents=True)
    for damaged in (b"", b"\xff{", b"[]", b'{"version": 1, "measured": 3}'):
        memory.write_bytes(damaged)
        assert run()[1].startswith("measured: ")
        json.loads(memory.read_text())


def test_a_memory_that_cannot_be_written_is_no_error(run, tmp_path):
    (tmp_path / "file").write_text("no folder")
    assert run(cache=tmp_path / "file")[1].startswith("measured: ")


def test_stock_kernels_keep_to_512(run, memory):
    budget, reason, _ = run("--kernels", "stock")
    assert budget == 512 and "depends on its batch" in reason
    assert not budgets(memory)


def test_a_budget_out_of_range_is_a_usage_error(tmp_path):
    for odd in ("-1", "1048577", "many"):
        run = embed(MODELS / "bert.gguf", b"hello\n", tmp_path / "out.parquet", "--token-budget", odd)
        assert run.returncode == 2 and "--token-budget" in run.stderr


def test_texts_with_one_beginning_that_fit_one_pass_have_one_context(tmp_path):
    texts = content(f"A beginning that all of these lines have in common, number {i}" for i in range(4))
    done = embed(MODELS / "qwen3.gguf", texts, tmp_path / "out.parquet", "--debug")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("constructing llama_context") == 1
