"""The flags that every command has are in the manual and in the completions; Arrow's compressions are told apart."""

import subprocess

import pytest
from program import CLI, MODELS


def printed(*words):
    return subprocess.run([CLI, *words], capture_output=True, text=True, check=True, timeout=60).stdout


def test_config_and_help_are_in_the_manual():
    embed = printed("manual").split(".SS llama\\-cli embed\n")[1].split(".SS ")[0]
    assert "\\-\\-config" in embed and "\\-\\-help" in embed


def test_the_manual_has_the_exit_statuses_that_one_command_has():
    parts = dict(part.split("\n", 1) for part in printed("manual").replace("\\-", "-").split(".SS llama-cli ")[1:])
    own = {name for name, text in parts.items() if ".PP\nExit status: " in text}
    assert own == {"inspect", "verify", "map", "tools"}
    assert "7 " in parts["tools"] and "with --check" in parts["inspect"]


def test_config_and_help_are_completed_by_fish():
    lines = [line for line in printed("completion", "fish").splitlines() if "seen_subcommand_from embed'" in line]
    assert any(" -l config -rF" in line for line in lines) and any(" -l help" in line for line in lines)


@pytest.mark.parametrize("kind", ["snappy", "gzip"])
def test_a_compression_that_arrow_lacks_is_a_wrong_flag(tmp_path, kind):
    (tmp_path / "in.txt").write_text("one\n")
    command = [CLI, "embed", "-m", MODELS / "bert.gguf", "-i", "in.txt", "-o", "out.arrow", "--compression", kind]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert run.returncode == 2 and "zstd, lz4 and none" in run.stderr, run.stderr
