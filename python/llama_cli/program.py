"""Where the program is: LLAMA_CLI, the folder in this package, PATH."""

from __future__ import annotations

import os
import shutil
import sys
from typing import NoReturn

from .errors import StartError

BUNDLED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bundle", "llama-cli")


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


def main() -> NoReturn:
    """The command llama-cli: from here on this process is the program."""
    try:
        program = find_program(skip=sys.argv[0])
        os.execv(program, [program, *sys.argv[1:]])
    except (StartError, OSError) as error:
        print(f"llama-cli: {error}", file=sys.stderr)
        sys.exit(126)
