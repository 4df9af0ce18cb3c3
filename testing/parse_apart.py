"""Parses every C++ file that shares a unit with others by itself, and every header that no source includes first.

    parse_apart.py BUILD

A file must include what it uses: in a unit of several files, as CMake makes them, it may live on what a file before it
included. The flags are those of BUILD/compile_commands.json. Nothing is generated: an assertion that fails at a file's
end stops the compiler before it instantiates templates, which takes it longer than all before. The headers of the
standard library come precompiled, not too many of them, for they are read again for each file; includes_policy_test
holds each file to naming those that it needs.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

PROJECT = pathlib.Path(__file__).resolve().parents[1]
END = "the end of the file"
COMMON = """
    algorithm atomic chrono cmath condition_variable cstdint deque expected filesystem format fstream functional map
    memory mutex optional set span string string_view thread unordered_map utility variant vector
""".split()


def kept(command):
    """The compiler, and of its flags those that change what a file means."""
    words = [word for word in shlex.split(command) if pathlib.Path(word).name not in ("ccache", "sccache")]
    flags, rest = [], iter(words[1:])
    for word in rest:
        if word in ("-isystem", "-I", "-include"):
            flags += [word, next(rest)]
        elif word.startswith("-D_GLIBCXX_"):  # checks at run time; with it no header comes precompiled
            continue
        elif re.match(r"-(I|D|std=|isystem)", word):
            flags.append(word)
    return words[0], flags


def members(source):
    """The files that CMake has made one unit of."""
    if not source.name.startswith("unity_"):
        return []
    # Relative to the project, or absolute: joined, the latter stay what they are. What a build generates is neither.
    named = [PROJECT / name for name in re.findall(r'^#include "([^"]+)"', source.read_text(), re.M)]
    return [path for path in named if path.is_file()]


def commands_of(build):
    """{source of the project: (compiler, flags)}, of those that share a unit and of those that the build kept apart."""
    together, apart = {}, {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        source = pathlib.Path(entry["directory"], entry["file"])
        if not source.is_file():
            continue
        for member in members(source):
            together[member] = kept(entry["command"])
        if source.is_relative_to(PROJECT) and not source.is_relative_to(build):
            apart[source] = kept(entry["command"])
    return together, apart


def lone_headers(sources):
    """Headers that no source includes before anything else: nothing has shown that they stand by themselves.

    Those of Highway's targets ("-inl.h") are parts of a file.
    """
    first = set()
    for source in sources:
        if include := re.search(r'^#include\s*["<]([^">]+)', source.read_text(), re.M):
            first.add(include[1])

    def is_first(header):
        return any("/".join(header.parts[start:]) in first for start in range(1, len(header.parts)))
    rooms = {source.relative_to(PROJECT).parts[0] for source in sources}
    return [header for room in sorted(rooms) for header in sorted((PROJECT / room).rglob("*.h"))
            if not header.name.endswith("-inl.h") and not is_first(header)]


def command_for(header, commands):
    """The flags for a header: those of a source that includes it, or of the one that shares most folders with it."""
    pattern = re.compile(rf'^#include "(.*/)?{re.escape(header.name)}"', re.M)
    users = [source for source in commands if pattern.search(source.read_text())]
    return commands[max(users or commands, key=lambda source: len(os.path.commonpath([header, source])))]


def precompile(folder, compiler):
    """Flags that bring the headers that most files include; none where the compiler is not GNU's."""
    about = subprocess.run([compiler, "--version"], capture_output=True, text=True)
    if "Free Software Foundation" not in about.stdout:
        return []
    header = pathlib.Path(folder, compiler.replace("/", "_") + ".h")
    header.write_text("".join(f"#include <{name}>\n" for name in COMMON))
    subprocess.run([compiler, "-std=c++23", "-w", "-x", "c++-header", header, "-o", f"{header}.gch"], check=True)
    return ["-include", str(header)]


def parse(file, compiler, flags):
    """What is wrong with it, or None."""
    text = f'#include "{file}"\nstatic_assert(false, "{END}");\n'
    command = [compiler, *flags, "-fsyntax-only", "-w", "-Wfatal-errors", "-x", "c++", "-"]
    said = subprocess.run(command, input=text, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}).stderr
    return None if f"static assertion failed: {END}" in said else said or f"{file}: the compiler came to no end\n"


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    together, apart = commands_of(build)
    if not together and not apart:
        sys.exit(f"parse_apart: {build / 'compile_commands.json'} names no file of the project")
    commands = together | apart
    headers = {header: command_for(header, commands) for header in lone_headers(commands)}
    with tempfile.TemporaryDirectory() as folder:
        standard = {compiler: precompile(folder, compiler) for compiler in {of[0] for of in commands.values()}}
        jobs = [(file, compiler, standard[compiler] + flags)
                for file, (compiler, flags) in (together | headers).items()]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as workers:
            faults = list(filter(None, workers.map(lambda job: parse(*job), jobs)))
    for fault in faults:
        print(fault)
    print(f"{len(together)} sources and {len(headers)} headers, {len(faults)} that do not stand by themselves")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
