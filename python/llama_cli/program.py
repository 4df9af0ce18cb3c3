"""Where the program is: LLAMA_CLI, the folder in this package, PATH."""

from __future__ import annotations

import os
import shutil
import sys
from typing import NoReturn

from .errors import StartError

BUNDLED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bundle", "llama-cli")

STARTS = "LLAMA_CLI_SCRIPT_STARTS"  # how many scripts this command has become, one within the other
MAX_STARTS = 8


def _is_same(path: str, other: str | None) -> bool:
    return other is not None and os.path.exists(other) and os.path.samefile(path, other)


def find_program(*, skip: str | None = None) -> str:
    """The program's path. skip: a file that is not taken, because it would ask here again.

    LLAMA_CLI, where it is set, is taken or refused: nothing else is tried. Where it is `skip` the package's own program
    is meant.
    """
    named = os.environ.get("LLAMA_CLI")
    if named:
        found = shutil.which(named)
        if found is None:
            raise StartError(f"LLAMA_CLI names '{named}', which is no program that can be started")
        if not _is_same(found, skip):
            return os.path.abspath(found)
    if os.path.exists(BUNDLED):
        return BUNDLED
    if named:
        raise StartError(
            f"LLAMA_CLI names '{named}', which is the command of this package, and the package has been installed "
            "without the program; install the wheel for this machine, or let LLAMA_CLI name the program"
        )
    for folder in os.get_exec_path():
        found = shutil.which("llama-cli", path=folder) if folder else None
        if found and not _is_same(found, skip):
            return os.path.abspath(found)
    raise StartError(
        "the program llama-cli is not here: this package has been installed without it, and it is not on PATH; "
        "install the wheel for this machine, or let LLAMA_CLI name the program"
    )


def _environment_of(program: str) -> dict[str, str]:
    """That the program is started with. A script that LLAMA_CLI names may run this command, which starts the script:
    how often it was started goes along, so that it ends."""
    environment = dict(os.environ)
    try:
        with open(program, "rb") as file:
            begins = file.read(2)
    except OSError:  # it may be one that can be started and not read, which no script can
        return environment
    if begins != b"#!":
        return environment
    starts = environment.get(STARTS, "")
    count = int(starts) + 1 if starts.isdecimal() else 1
    if count > MAX_STARTS:
        raise StartError(
            f"'{program}' runs this command, which runs it again, and so on: let LLAMA_CLI name the program itself"
        )
    environment[STARTS] = str(count)
    return environment


def main() -> NoReturn:
    """The command llama-cli: from here on this process is the program."""
    try:
        program = find_program(skip=sys.argv[0])
        os.execve(program, [program, *sys.argv[1:]], _environment_of(program))
    except (StartError, OSError) as error:
        print(f"llama-cli: {error}", file=sys.stderr)
        sys.exit(126)
