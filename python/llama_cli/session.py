"""A program that has a model loaded, and the line to it: started when it is needed, and again after a failure."""

from __future__ import annotations

import json
import os
import threading
import weakref
from typing import Any

import pyarrow as pa

from .connection import Answer, Connection
from .errors import InternalError
from .program import find_program

SCHEMA = pa.schema([("text", pa.string())])


class Question:
    """What was asked, and of which program."""

    __slots__ = ("answer", "connection", "count")

    def __init__(self, connection: Connection, answer: Answer, count: int) -> None:
        self.connection = connection
        self.answer = answer
        self.count = count  # of the texts


class Session:
    """The command's flags, and the program that they start.

    Threads  any may call ask() and take(); what stands between `with session.lock` is one thread's. Pickled, it is the
             flags; a process that was forked starts its own program.
    """

    def __init__(self, program: str | None, flags: list[str]) -> None:
        self.lock = threading.Lock()
        self.flags = flags
        self.dimension = 0  # 0: not known yet
        self.metadata: dict[str, str] = {}
        self.prompts: dict[str, str] = {}  # of the model, by name
        self._program = program
        self._connection: Connection | None = None
        self._finalizer: weakref.finalize[Any, Any] | None = None
        self._closed = False

    # The arguments, and no process: each worker starts its own.
    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        for name in ("lock", "_connection", "_finalizer"):
            del state[name]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.lock = threading.Lock()
        self._connection = None
        self._finalizer = None
        _all.add(self)

    def close(self) -> None:
        with self.lock:
            self._closed = True
            self.disconnect(abort=False)

    def known(self) -> Session:
        """Itself, when the model has told what it is."""
        if not self.dimension:
            with self.lock:
                self.connect()
        return self

    def _command(self) -> list[str]:
        program = self._program or find_program()
        arrow = ["-i", "-", "--input-format", "arrow", "--column", "text", "-o", "-"]
        return [program, "embed", *arrow, "--on-error", "null", "--quiet", *self.flags]

    def connect(self) -> Connection:
        """Requires the lock."""
        if self._closed:
            raise RuntimeError("the Embedder is closed")
        if self._connection is not None and self._connection.is_usable:
            return self._connection
        if self._finalizer is not None:
            self._finalizer.detach()
        connection = Connection(self._command(), SCHEMA)
        self._connection = connection
        self._finalizer = weakref.finalize(self, Connection.end, connection)
        _all.add(self)
        try:
            # A batch without rows is answered when the model is loaded, and tells what it is.
            connection.take(connection.ask(pa.record_batch([pa.array([], pa.string())], schema=SCHEMA)))
            self._read_schema(connection.take_schema())
        except BaseException:
            self.disconnect(abort=True)
            raise
        return connection

    def disconnect(self, *, abort: bool) -> None:
        connection, self._connection = self._connection, None
        if self._finalizer is not None:
            self._finalizer.detach()
            self._finalizer = None
        if connection is not None:
            connection.abort() if abort else connection.end()

    def _read_schema(self, schema: pa.Schema) -> None:
        field = schema.field("embedding")
        if not pa.types.is_fixed_size_list(field.type) or field.type.value_type != pa.float32():
            raise ValueError("the Embedder takes float32 vectors only: no --dtype in its arguments")
        self.dimension = field.type.list_size
        self.metadata = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
        self.prompts = json.loads(self.metadata.pop("llama.prompts", "") or "{}")

    def ask(self, texts: pa.Array) -> Question:
        with self.lock:
            connection = self.connect()
            try:
                return Question(connection, connection.ask(pa.record_batch([texts], schema=SCHEMA)), len(texts))
            except BaseException:
                self.disconnect(abort=True)
                raise

    def take(self, question: Question) -> pa.RecordBatch:
        with self.lock:
            return self.take_locked(question)

    def take_locked(self, question: Question) -> pa.RecordBatch:
        try:
            batch = question.connection.take(question.answer)
            if batch.num_rows != question.count:
                raise InternalError(f"the program answered {batch.num_rows} texts of {question.count}")
            return batch
        except BaseException:
            # An answer that was half read or is another question's, or a program that has ended: the next call starts
            # another.
            if self._connection is question.connection:
                self.disconnect(abort=True)
            raise


_all: weakref.WeakSet[Session] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    """The lock may be held by a thread that is not here, and the program is the parent's."""
    for session in list(_all):
        session.lock = threading.Lock()
        session._connection = None
        if session._finalizer is not None:
            session._finalizer.detach()
            session._finalizer = None


os.register_at_fork(after_in_child=_after_fork_in_child)
