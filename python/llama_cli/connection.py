"""One running program, and the Arrow streams to and from it.

The program answers each record batch with one, in order. Answers wait in the order of their questions, so that a
question may be asked while others are still open: whoever reads for its own answer reads those before it as well.

A pipe holds 64 kB. Who writes a second batch while the program writes its answer to the first would wait for ever,
each for the other, so that only the first batch is written by the caller and all others by a thread. A batch that
nobody has to wait for before it costs no thread, which is what a single query is.

Threads  one call at a time; the owner has a lock.
Cost     per batch a copy of its bytes into the pipe and one out of it.
"""

from __future__ import annotations

import collections
import io
import logging
import os
import queue
import signal
import subprocess
import threading
import weakref
from collections.abc import Sequence

import pyarrow as pa

from .errors import InternalError, LlamaCliError, StartError, error_of

_log = logging.getLogger("llama_cli")
_KEPT_LINES = 50  # of what the program has said
_START_OF_STREAM = b"\xff\xff\xff\xff"
_END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"
_PATIENCE = 10.0  # seconds for a program that has been told to end

_open: weakref.WeakSet[Connection] = weakref.WeakSet()


class Answer:
    """A place for the answer to a batch."""

    __slots__ = ("batch",)

    def __init__(self) -> None:
        self.batch: pa.RecordBatch | None = None


class Connection:
    def __init__(self, command: Sequence[str], schema: pa.Schema) -> None:
        """Errors: StartError. What is wrong with the model is told by the first answer."""
        self._name = command[0]
        self._pending: collections.deque[Answer] = collections.deque()
        self._reader: pa.RecordBatchStreamReader | None = None
        self._lines: collections.deque[str] = collections.deque(maxlen=_KEPT_LINES)
        self._ending = threading.Event()
        self._to_write: queue.SimpleQueue[pa.Buffer | None] | None = None
        self._writer: threading.Thread | None = None
        self._pid = os.getpid()
        self._over = False
        try:
            # A session of its own: Ctrl-C in the terminal is Python's to handle, and no terminal is read.
            self._process = subprocess.Popen(
                command,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise StartError(f"cannot start {command[0]}: {error.strerror or error}") from error
        self._output = io.BufferedReader(self._process.stdout, 1 << 16)  # type: ignore[arg-type]
        # The thread knows the lines and the pipe, not this object, which would otherwise live as long as the thread.
        self._listener = threading.Thread(
            target=_listen,
            args=(self._process.stderr, self._lines, self._ending),
            name="llama-cli stderr",
            daemon=True,
        )
        self._listener.start()
        _open.add(self)
        self._write(schema.serialize())

    @property
    def is_usable(self) -> bool:
        return not self._over and self._pid == os.getpid()

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, batch: pa.RecordBatch) -> Answer:
        answer = Answer()
        data = batch.serialize()
        # In order: behind what the thread has not written yet.
        if not self._pending and self._is_written():
            self._pending.append(answer)
            self._write(data)
        else:
            self._pending.append(answer)
            self._write_later(data)
        return answer

    def take(self, answer: Answer) -> pa.RecordBatch:
        """Errors: the program's, by its exit status. It has ended then."""
        while answer.batch is None:
            self._read_one()
        return answer.batch

    def take_schema(self) -> pa.Schema:
        """Of the answers. Requires that one has been taken."""
        assert self._reader is not None
        return self._reader.schema

    def _read_one(self) -> None:
        if self._over or not self._pending:
            raise self._failure()
        try:
            if self._reader is None:
                # A program of the same name says other things, and waits.
                if (start := self._output.peek(4)[:4]) and start != _START_OF_STREAM[: len(start)]:
                    raise self._failure(patience=0)
                self._reader = pa.ipc.open_stream(self._output)
            batch = self._reader.read_next_batch()
        except (StopIteration, pa.ArrowException, OSError, EOFError):
            raise self._failure() from None
        self._pending.popleft().batch = batch

    def _write(self, data: pa.Buffer | bytes) -> None:
        try:
            _write_all(self._process.stdin, data)
        except BrokenPipeError:
            pass  # it has ended; why is told to whoever reads

    def _is_written(self) -> bool:
        return self._to_write is None or self._to_write.empty()

    def _write_later(self, data: pa.Buffer) -> None:
        if self._to_write is None:
            self._to_write = queue.SimpleQueue()
            self._writer = threading.Thread(
                target=_write_each, args=(self._process.stdin, self._to_write), name="llama-cli stdin", daemon=True
            )
            self._writer.start()
        self._to_write.put(data)

    def _failure(self, patience: float = _PATIENCE) -> LlamaCliError:
        """Why there is no answer: the program has ended, or what it writes is no stream."""
        if not self._over:
            self._over = True
            try:
                self._process.wait(patience)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                self._close()
                words = self._last_words()
                return InternalError(
                    f"{self._name} does not answer with an Arrow stream: is it this project's llama-cli?"
                    + (f" It said: {words}" if words else "")
                )
            self._close()
        status = self._process.returncode
        if status == 0:
            return InternalError("the program ended before it had answered")
        return error_of(status, self._message(status))

    def _message(self, status: int) -> str:
        for line in reversed(self._lines):
            if line.startswith("Error: "):
                return line.removeprefix("Error: ")
        words = self._last_words()
        if status < 0:
            name = signal.Signals(-status).name if -status in set(signal.Signals) else str(-status)
            return f"the program was ended by {name}" + (f": {words}" if words else "")
        return words

    def _last_words(self) -> str:
        return self._lines[-1] if self._lines else ""

    def end(self) -> None:
        """The program has done what it was asked and ends by itself. Idempotent."""
        if self._over or self._pid != os.getpid():
            return
        if self._pending or not self._is_written():
            self.abort()
            return
        self._over = True
        self._ending.set()
        self._stop_writer()
        self._write(_END_OF_STREAM)
        self._finish(_PATIENCE)

    def abort(self) -> None:
        """Nothing more is wanted of it. Idempotent."""
        if self._over or self._pid != os.getpid():
            return
        self._over = True
        self._process.terminate()
        self._finish(2)

    def _finish(self, patience: float) -> None:
        try:
            if self._writer is None or not self._writer.is_alive():
                self._process.stdin.close()  # type: ignore[union-attr]
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            pass
        finally:
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()
            self._close()

    def _stop_writer(self) -> None:
        if self._to_write is not None and self._writer is not None:
            self._to_write.put(None)
            self._writer.join(_PATIENCE)

    def _close(self) -> None:
        self._stop_writer()
        self._listener.join(1)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            stream.close()  # type: ignore[union-attr]
        _open.discard(self)

    def forget(self) -> None:
        """In a child that was forked: the program is the parent's, and its pipes are not to be held open here.

        Its numbers stay taken, by /dev/null, so that the objects that close them close nothing else.
        """
        self._over = True
        self._process.returncode = 0
        nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if not stream.closed:  # type: ignore[union-attr]
                os.dup2(nothing, stream.fileno(), inheritable=False)  # type: ignore[union-attr]
        os.close(nothing)


def _write_all(pipe: io.RawIOBase | object, data: pa.Buffer | bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[pipe.write(rest) :]  # type: ignore[attr-defined]


def _write_each(pipe: object, batches: queue.SimpleQueue[pa.Buffer | None]) -> None:
    while (data := batches.get()) is not None:
        try:
            _write_all(pipe, data)
        except (OSError, ValueError):
            return  # it has ended; why is told to whoever reads


def _listen(pipe: io.RawIOBase, lines: collections.deque[str], ending: threading.Event) -> None:
    with io.TextIOWrapper(io.BufferedReader(pipe), encoding="utf-8", errors="replace") as stream:
        for line in stream:
            line = line.rstrip()
            if not line:
                continue
            lines.append(line)
            # What it sums up at the end (that there were no texts, or how many had no vector) has been told of each.
            is_warning = line.startswith("Warning: ") and not ending.is_set()
            _log.log(logging.WARNING if is_warning else logging.INFO, "%s", line)


def _after_fork_in_child() -> None:
    for connection in list(_open):
        connection.forget()
    _open.clear()


os.register_at_fork(after_in_child=_after_fork_in_child)
