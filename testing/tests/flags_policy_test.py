"""Every flag of the program stands in doc/, and every flag in doc/ exists."""
import os
import pathlib
import re
import subprocess

import pytest

PROJECT = pathlib.Path(os.environ["PROJECT"])
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "doc").glob("*.md"))]
FLAG = r"(?<![\w-])--[a-z][a-z0-9-]*"
# Of everybody's tools, in commands of our pages.
OTHERS = {
    "doc/performance.md": "llama.cpp's tools and Google Benchmark, measured beside ours",
    "doc/parity.md": "llama.cpp's tools, compared with ours",
}


def help_of(command):
    return subprocess.run([os.environ["LLAMA_CLI"], *command, "--help"], capture_output=True, text=True, check=True,
                          timeout=60).stdout


def flags_of(command=()):
    """{command: its flags} of a command and its own; a line of help that begins with a flag is one's."""
    text, _, own = help_of(command).partition("SUBCOMMANDS:")
    found = {" ".join(command): {re.findall(FLAG, line)[0] for line in text.splitlines()
                                 if re.match(r"  (-\w, +| +)--", line)}}
    for name in re.findall(r"^  ([a-z]+)  ", own, re.M):
        found |= flags_of((*command, name))
    return found


@pytest.fixture(scope="module")
def flags():
    return flags_of()


def test_the_help_can_be_read(flags):
    assert flags[""] == {"--help", "--version"} and "--model" in flags["embed"] and "--json" in flags["models list"]


def test_every_flag_stands_in_the_pages(flags):
    written = {flag for page in PAGES for flag in re.findall(FLAG, page.read_text())}
    missing = {command: sorted(found - written - {"--help"}) for command, found in flags.items()}
    assert {command: found for command, found in missing.items() if found} == {}


def of_our_scripts():
    """Flags of the scripts and of the programs that measure: whatever they name themselves."""
    paths = [path for folder in ("script", "bench", "testing", "llama-loader/examples", "llama-embedding/examples",
                                 "llama-agent/examples") for path in (PROJECT / folder).glob("*")]
    return {flag for path in paths if path.is_file() for flag in re.findall(FLAG, path.read_text(errors="replace"))}


def test_every_flag_in_the_pages_exists(flags):
    known = set.union(*flags.values()) | of_our_scripts()
    unknown = {str(page.relative_to(PROJECT)): sorted(set(re.findall(FLAG, page.read_text())) - known)
               for page in PAGES if str(page.relative_to(PROJECT)) not in OTHERS}
    assert {page: found for page, found in unknown.items() if found} == {}


def commands_in(text, commands):
    """(command, flags) of every line that runs one of the commands, with the lines that continue it."""
    whole = re.sub(r"\\\n\s*", " ", text)
    longest_first = "|".join(sorted(commands, key=len, reverse=True))
    for command, rest in re.findall(rf"llama-cli ({longest_first})\b([^\n|`]*)", whole):
        yield command, re.findall(FLAG, rest.split(" # ")[0].split("  #")[0])


def test_commands_are_found_with_their_flags():
    lines = "llama-cli tools call a.b --json  # --no\n`llama-cli tools` --no, llama-cli map a \\\n  --seed 1 | x --no\n"
    assert list(commands_in(lines, ["map", "tools", "tools call"])) == [
        ("tools call", ["--json"]), ("tools", []), ("map", ["--seed"])]


def test_every_command_in_the_pages_has_its_flags(flags):
    commands = set(flags) - {""}
    assert {"search", "verify", "dedup", "tools call", "models pull"} <= commands
    wrong = [f"{page.name}: {command} {flag}" for page in PAGES
             for command, used in commands_in(page.read_text(), commands)
             for flag in used if flag not in flags[command]]
    assert not wrong, "\n".join(wrong)
