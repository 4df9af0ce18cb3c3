"""The form of files: lines, lengths, formatting. Pages are free: a table, or a command to copy, stands on one line."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

PROJECT = pathlib.Path(os.environ["PROJECT"])
MAX_COLUMNS = 120
MAX_LINES = 300
# What begins a line of a comment, two spaces or more before its text: "// Errors   NotFound".
LABELS = "Cost Errors Limits Memory Needs Requires Returns Safety Shape Source Threads Units".split()

# Files longer than MAX_LINES, and why. An entry whose file has become shorter fails: take it out then.
LONGER = {
    "graph_test.cc": "one table of graphs, each row run by every level",
    "agent_run_test.cc": "one fixture, a case after the other",
    "call_grammar_test.cc": "one fixture, a case after the other",
    "json_families.h": "one table of golden conversations",
}


def files(*suffixes):
    """What is under version control or could be: not what a build leaves."""
    return [path for path in sorted(PROJECT.rglob("*")) if path.suffix in suffixes and path.is_file()
            and path.relative_to(PROJECT).parts[0] not in ("build", "shared", ".git")]


def name(path):
    return str(path.relative_to(PROJECT))


def too_wide(suffixes):
    return [f"{name(path)}:{number}" for path in files(*suffixes)
            for number, line in enumerate(path.read_text().splitlines(), 1) if len(line) > MAX_COLUMNS]


def test_no_line_is_wider_than_a_screen():
    wide = too_wide((".cc", ".h", ".py"))
    assert not wide, "\n".join(wide)


def test_no_file_is_longer_than_can_be_read_at_once():
    long = {path.name: count for path in files(".cc", ".h")
            if (count := len(path.read_text().splitlines())) > MAX_LINES}
    assert {file: count for file, count in long.items() if file not in LONGER} == {}
    assert sorted(set(LONGER) - set(long)) == [], "no longer needed in LONGER"


def swallowed_labels(text):
    """Labels in the middle of a line of a comment, where joining lines has put them; "Errors, Cost   …" begins one."""
    found = rf"//.*[^\s,/] ({'|'.join(LABELS)})(?: {{2,}}|$)"
    return [(number, match[1]) for number, line in enumerate(text.splitlines(), 1) if (match := re.search(found, line))]


def test_a_label_in_the_middle_of_a_line_is_found():
    assert swallowed_labels("// It waits. Errors   Io.\nint a;\nint b;  // Pure. Threads  any\n  // Once. Cost\n") == [
        (1, "Errors"), (3, "Threads"), (4, "Cost")]
    assert swallowed_labels("// Errors   Io: no Source was read.\n  // Errors, Cost   as above.\n"
                            "// Threads: one. Cost: none.\n// Calls it. Errors that nobody caught are printed.\n") == []


def test_labels_begin_their_lines():
    swallowed = [f"{name(path)}:{number}: {label}" for path in files(".cc", ".h")
                 for number, label in swallowed_labels(path.read_text())]
    assert not swallowed, "\n".join(swallowed)


def clang_format():
    """The command that formats: installed, or in a root file system that script/root-fs has made for linting."""
    if found := shutil.which("clang-format-21"):
        return found, {}
    cache = pathlib.Path(os.environ.get("HOME", "/")) / ".cache/llama-cli"
    for program in sorted(cache.glob("root-*/usr/lib/llvm-21/bin/clang-format")):
        root = program.parents[4]
        libraries = [root / "usr/lib/llvm-21/lib", *(root / "usr/lib").glob("*-linux-gnu")]
        environment = {"LD_LIBRARY_PATH": ":".join(map(str, libraries))}
        if subprocess.run([program, "--version"], env=environment, capture_output=True).returncode == 0:
            return program, environment
    return None, {}


def test_code_is_formatted():
    program, environment = clang_format()
    if program is None:
        pytest.skip("no clang-format-21 here: script/tidy makes the environment that has it")
    checked = subprocess.run([program, "--dry-run", "-Werror", *files(".cc", ".h")], env=os.environ | environment,
                             capture_output=True, text=True, cwd=PROJECT)
    unformatted = {line.split(":")[0] for line in checked.stderr.splitlines() if "clang-format-violations" in line}
    assert not unformatted, "script/tidy formats " + " ".join(sorted(os.path.relpath(f, PROJECT) for f in unformatted))
    assert checked.returncode == 0, checked.stderr
