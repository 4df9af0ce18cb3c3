"""What the program says of itself, and how it takes its arguments."""
import os
import pathlib
import re
import subprocess

import pytest
from program import CLI, MODELS, vectors


def run(*arguments, **environment):
    return subprocess.run([CLI, *arguments], capture_output=True, text=True, timeout=60, env=os.environ | environment)


def test_asking_for_the_version_leaves_nothing_in_the_cache(tmp_path):
    answer = run("--version", XDG_CACHE_HOME=str(tmp_path))
    assert answer.returncode == 0 and answer.stdout.startswith("llama-cli ") and "\nkernels: " in answer.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_program_of_the_demo_has_the_commands_that_embed(tmp_path):
    part = pathlib.Path(CLI).with_name("llama-cli-embed")
    if not part.exists():
        pytest.skip("not beside this program")
    found = []
    for program in (part, CLI):
        output = tmp_path / "out.parquet"
        embed = ["embed", "-m", MODELS / "bert.gguf", "-i", "-", "-o", output, "--force", "--quiet"]
        asked = [subprocess.run([program, *arguments], input="one\ntwo\n", capture_output=True, text=True, timeout=60)
                 for arguments in (["--version"], ["completion", "fish"], embed)]  # fmt: skip
        assert [run.returncode for run in asked] == [0, 0, 0], asked
        names = re.findall(r"__fish_use_subcommand -a (\w+)", asked[1].stdout)
        found.append((names, asked[0].stdout, vectors(output)))
    (part_of, version, computed), (all_names, *same) = found
    assert part_of == ["embed", "shards", "models", "devices", "completion", "manual"] and set(part_of) < set(all_names)
    assert version == same[0] and (computed == same[1]).all()


@pytest.mark.parametrize("command,line", [
    ((), "Turn texts into vectors and prompts into answers with GGUF models"),
    (("embed",), "Turn the texts of a file, a table or a query into vectors"),
    (("models", "pull"), "Fetch a model, or bring it up to date"),
])
def test_help_begins_with_what_a_command_does(command, line):
    answer = run(*command, "--help")
    assert answer.returncode == 0 and answer.stdout.startswith(line + " \n") and answer.stderr == ""


@pytest.mark.parametrize("arguments,words", [
    ((), "A subcommand is required"),
    (("models",), "A subcommand is required"),
    (("devices", "--bogus"), "The following argument was not expected: --bogus"),
    (("embed", "-i", "a", "-o", "b"), "--model is required"),
    (("models", "path"), "model is required"),
    (("embed", "-m", "a", "-i", "b", "-o", "c", "--batch-size", "0"),
     "--batch-size: Value 0 not in range [1 - 2147483647]"),
    (("embed", "-m", "a", "-i", "b", "-o", "c", "--pooling", "sum"), "--pooling: sum not in {mean,cls,last}"),
    (("generate", "-m", "a", "--top-p", "1.5"), "--top-p: Value 1.5 not in range [0 - 1]"),
    (("generate", "-m", "a", "--seed", "1.5"), "Could not convert: --seed = 1.5"),
    (("generate", "-m", "a", "--prompt", "a", "--prompt-file", "b"), "--prompt excludes --prompt-file"),
    (("generate", "-m", "a", "--logprobs", "2"), "--logprobs requires --json"),
    (("generate", "-m", "a", "--stop", "b", "c"), "The following argument was not expected: c"),
])
def test_wrong_arguments_are_named(arguments, words):
    answer = run(*arguments)
    assert answer.returncode == 2 and answer.stdout == ""
    assert answer.stderr == f"Error: {words} (--help lists the flags)\n"
