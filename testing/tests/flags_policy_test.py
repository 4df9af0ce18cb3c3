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


def commands_in(text):
    """(command, flags) of every line that runs the program, with the lines that continue it."""
    whole = re.sub(r"\\\n\s*", " ", text)
    for line in re.findall(r"llama-cli ((?:embed|generate|devices|models [a-z]+)\b[^\n|`]*)", whole):
        line = line.split(" # ")[0].split("  #")[0]
        words = line.split()
        yield " ".join(words[:2]) if words[0] == "models" else words[0], re.findall(FLAG, line)


def test_every_command_in_the_pages_has_its_flags(flags):
    wrong = [f"{page.name}: {command} {flag}" for page in PAGES for command, used in commands_in(page.read_text())
             for flag in used if flag not in flags.get(command, set())]
    assert not wrong, "\n".join(wrong)
