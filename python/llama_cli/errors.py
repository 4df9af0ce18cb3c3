"""One exception for each exit status of the program, with the program's own message.

LlamaCliError                 what all of them are
    InternalError             1: out of memory, a bug
    UsageError (ValueError)   2: an argument, or its value
    InputError (ValueError)   3: the texts; TextError: one of them, .index says which
    ModelError                4: missing, damaged, of the wrong kind
    OutputError               5: a full disk (TMPDIR, the model cache)
    NetworkError              6: the hub is out of reach; later it may work
    StoppedError              ended by a signal: killed, out of memory
    StartError                the program is not there, or cannot be started
"""

from __future__ import annotations


class LlamaCliError(Exception):
    """status: the program's exit status; negative: the signal that ended it; None: it did not end."""

    status: int | None = None

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        if status is not None:
            self.status = status

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), self.args, self.__dict__)


class InternalError(LlamaCliError):
    status = 1


class UsageError(LlamaCliError, ValueError):
    status = 2


class InputError(LlamaCliError, ValueError):
    status = 3


class ModelError(LlamaCliError):
    status = 4


class OutputError(LlamaCliError):
    status = 5


class NetworkError(LlamaCliError):
    status = 6


class StoppedError(LlamaCliError):
    pass


class StartError(LlamaCliError):
    pass


class TextError(InputError):
    """A text that has no vector. index: which of the texts, or which row, from 0. The Embedder goes on."""

    status = None

    def __init__(self, message: str, index: int = -1) -> None:
        super().__init__(message)
        self.index = index


_BY_STATUS = {
    kind.status: kind for kind in (InternalError, UsageError, InputError, ModelError, OutputError, NetworkError)
}


def error_of(status: int, message: str) -> LlamaCliError:
    """The exception for a program that ended with this status: a negative one is a signal's."""
    if status < 0 or status in (129, 130, 143):
        return StoppedError(
            message or f"the program was ended by signal {-status if status < 0 else status - 128}", status
        )
    if status in (126, 127):
        return StartError(message or f"the program cannot be started (exit status {status})", status)
    kind = _BY_STATUS.get(status, InternalError)
    return kind(message or f"the program ended with exit status {status}", status)
