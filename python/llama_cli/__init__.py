"""Embed texts with the program llama-cli.

    from llama_cli import Embedder

    with Embedder("org/name") as model:
        vectors = model.encode(["a text", "another"])  # float32, (2, dimension)

Names are loaded when they are first used, so that the command `llama-cli` starts without numpy and pyarrow.
"""

from typing import TYPE_CHECKING

from .errors import (
    InputError,
    InternalError,
    LlamaCliError,
    ModelError,
    NetworkError,
    OutputError,
    StartError,
    StoppedError,
    TextError,
    UsageError,
)
from .program import find_program

if TYPE_CHECKING:
    from .embedder import Embedder

    __version__: str

__all__ = [
    "Embedder",
    "InputError",
    "InternalError",
    "LlamaCliError",
    "ModelError",
    "NetworkError",
    "OutputError",
    "StartError",
    "StoppedError",
    "TextError",
    "UsageError",
    "find_program",
]


def __getattr__(name: str) -> object:
    if name == "Embedder":
        from .embedder import Embedder

        return Embedder
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("llama-cli")
        except PackageNotFoundError:
            return "0+source"
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> "list[str]":
    return sorted([*globals(), "Embedder", "__version__"])
