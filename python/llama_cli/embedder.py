"""Texts to vectors, with the names and shapes of sentence-transformers where they mean the same."""

from __future__ import annotations

import json
import os
import threading
import weakref
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .connection import Answer, Connection
from .errors import InternalError, TextError
from .program import find_program
from .texts import Prompt, as_text, batches_of, check_texts, is_single

Vectors = npt.NDArray[np.float32]
OnError = Literal["raise", "null"]

_SCHEMA = pa.schema([("text", pa.string())])
_IN_FLIGHT = 4  # pieces that are asked for and not answered: the program always has one to read ahead
_READ_AHEAD = 2  # batches of a stream


class Embedder:
    """A model, and a program that has it loaded.

    Shape    encode() of n texts: float32 (n, dimension), row i belongs to texts[i]; of one str: (dimension,).
    Errors   the exceptions of errors.py; TypeError and ValueError for what is no text.
    Threads  any may call; one request at a time, the others wait. Pickled, it is the arguments, and starts its own
             program where it is used; so does a process that was forked.
    Cost     a process with the model in memory, from the constructor to close(). After Ctrl-C or a failure of the
             program the next call starts another.
    """

    def __init__(
        self,
        model: str | os.PathLike[str],
        *,
        filename: str | None = None,
        quant: str | None = None,
        revision: str | None = None,
        cache_folder: str | os.PathLike[str] | None = None,
        local_files_only: bool = False,
        prompts: Mapping[str, str] | None = None,
        default_prompt_name: str | None = None,
        normalize: bool = False,
        truncate_dim: int | None = None,
        max_seq_length: int | None = None,
        pooling: Literal["mean", "cls", "last"] | None = None,
        threads: int | None = None,
        program: str | os.PathLike[str] | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        """model: a folder, a .gguf file, or a repository: org/name, org/name:Q8_0.

        prompts: more prompts by name, or others than the model's own. normalize: every vector has length 1.
        program: instead of the one that find_program() finds. arguments: more flags of `llama-cli embed`.
        """
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._finalizer: weakref.finalize[Any, Any] | None = None
        self._closed = False
        self._program = None if program is None else os.fspath(program)
        name = os.fspath(model)
        if not isinstance(name, str) or not name:
            raise TypeError(f"the model's name is a str or a path, not {model!r}")
        flags = ["-m", os.path.abspath(name) if os.path.exists(name) else name]
        for flag, value in (
            ("--filename", filename),
            ("--quant", quant),
            ("--revision", revision),
            ("--cache-dir", cache_folder),
            ("--dimensions", truncate_dim),
            ("--max-length", max_seq_length),
            ("--pooling", pooling),
            ("--threads", threads),
        ):
            if value is not None:
                flags += [flag, os.fspath(value) if isinstance(value, os.PathLike) else str(value)]
        flags += ["--offline"] if local_files_only else []
        flags += ["--normalize"] if normalize else []
        self._flags = [*flags, *arguments]
        self._given_prompts = dict(prompts or {})
        self._normalizes = normalize
        self._dimension = 0
        self._metadata: dict[str, str] = {}
        self._prompts: dict[str, Prompt] = {}
        for key, words in self._given_prompts.items():
            self._prompts[key] = Prompt(words)
        self.default_prompt_name = default_prompt_name
        with self._lock:
            self._connect()
        if default_prompt_name is not None:
            try:
                self._prompt(default_prompt_name, None)
            except BaseException:
                self.close()
                raise

    # What the model is.

    def get_sentence_embedding_dimension(self) -> int:
        return self._known()._dimension

    get_embedding_dimension = get_sentence_embedding_dimension

    @property
    def max_seq_length(self) -> int:
        """Tokens, special ones included, after which a text is cut."""
        return int(self.metadata["llama.max_length"])

    @property
    def prompts(self) -> dict[str, str]:
        """The words before a text by name, as sentence-transformers has them; templates where words follow it too."""
        self._known()
        return {name: _shown(prompt) for name, prompt in self._prompts.items()}

    @property
    def metadata(self) -> dict[str, str]:
        """Where the vectors come from: `llama.model_file`, `llama.pooling`, … (doc/embed.md)."""
        return dict(self._known()._metadata)

    # Texts.

    def encode(
        self,
        sentences: str | Iterable[str] | pa.Array | pa.ChunkedArray,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        show_progress_bar: bool | None = None,
        *,
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        normalize_embeddings: bool = False,
        on_error: OnError = "raise",
    ) -> Vectors:
        """float32 (n, dimension), or (dimension,) for one str.

        prompt: words before each text, or a template with {text}; prompt_name: one of `prompts`.
        on_error: a text without a vector (an empty one) raises TextError, or has a row of NaN ("null").
        batch_size, show_progress_bar: taken and not needed; texts are batched by the program, by their tokens.
        """
        if convert_to_tensor or not convert_to_numpy:
            raise ValueError("encode() returns numpy arrays; torch.from_numpy() makes a tensor of one without a copy")
        _check_on_error(on_error)
        words = self._prompt(prompt_name, prompt)
        if is_single(sentences):
            return cast(Vectors, self._encode([sentences], words, normalize_embeddings, on_error, single=True)[0])
        return self._encode(check_texts(sentences), words, normalize_embeddings, on_error)

    def encode_query(self, sentences: str | Iterable[str], prompt_name: str | None = None, **more: Any) -> Vectors:
        """encode() with the model's prompt for queries. Errors: ValueError where none is known."""
        return self.encode(sentences, self._purpose(("query",), prompt_name, more), **more)

    def encode_document(self, sentences: str | Iterable[str], prompt_name: str | None = None, **more: Any) -> Vectors:
        """encode() with the model's prompt for documents. Errors: ValueError where none is known."""
        return self.encode(sentences, self._purpose(("document", "passage", "corpus"), prompt_name, more), **more)

    # Tables.

    def embed_table(
        self,
        table: pa.Table | pa.RecordBatch | pa.RecordBatchReader,
        column: str = "text",
        *,
        embedding_column: str = "embedding",
        prompt_name: str | None = None,
        prompt: str | None = None,
        on_error: OnError = "raise",
    ) -> Any:
        """The same rows with a column of vectors more: a Table, a RecordBatch or a RecordBatchReader, as was given.

        prompt: may name columns, as in 'title: {title} | text: {text}'.
        on_error: "null" leaves the vector of such a row null, and says why in a column `error`.
        """
        more = {
            "embedding_column": embedding_column,
            "prompt_name": prompt_name,
            "prompt": prompt,
            "on_error": on_error,
        }
        if isinstance(table, pa.RecordBatchReader):
            schema = self._table_schema(table.schema, column, embedding_column, on_error)
            return pa.RecordBatchReader.from_batches(schema, self.embed_batches(table, column, **more))
        if isinstance(table, pa.RecordBatch):
            made = pa.Table.from_batches(list(self.embed_batches([table], column, **more)))
            return made.combine_chunks().to_batches()[0] if made.num_rows else _empty_batch(made.schema)
        if not isinstance(table, pa.Table):
            raise TypeError(
                f"embed_table() takes a pyarrow Table, RecordBatch or RecordBatchReader, not {type(table).__name__}"
            )
        schema = self._table_schema(table.schema, column, embedding_column, on_error)
        return pa.Table.from_batches(self.embed_batches(table.to_batches(), column, **more), schema=schema)

    def embed_batches(
        self,
        batches: Iterable[pa.RecordBatch],
        column: str = "text",
        *,
        embedding_column: str = "embedding",
        prompt_name: str | None = None,
        prompt: str | None = None,
        on_error: OnError = "raise",
    ) -> Generator[pa.RecordBatch, None, None]:
        """Each batch with its vectors, in order; some are read ahead. Other calls may come in between.

        The iterator is asked on the thread that asks this one. One batch in, one batch out.
        """
        _check_on_error(on_error)
        words = self._prompt(prompt_name, prompt)
        # What of a batch is under way: the pieces that the program gets may be smaller.
        asked: deque[tuple[pa.RecordBatch, list[_Question]]] = deque()
        row = 0

        def answered() -> pa.RecordBatch:
            nonlocal row
            batch, questions = asked.popleft()
            first, row = row, row + batch.num_rows
            answers = [self._take(question) for question in questions]
            return self._joined(batch, answers, column, embedding_column, on_error, first)

        for batch in batches:
            if not isinstance(batch, pa.RecordBatch):
                raise TypeError(f"embed_batches() takes pyarrow RecordBatches, not {type(batch).__name__}")
            self._table_schema(batch.schema, column, embedding_column, on_error)
            texts = as_text(batch.column(column), f"column '{column}'")
            cells = {name: _cell(batch, name) for name in words.columns} if words else None
            questions: list[_Question] = []
            asked.append((batch, questions))
            at = 0
            for piece in batches_of(texts):
                some = {name: cell.slice(at, len(piece)) for name, cell in cells.items()} if cells else None
                questions.append(self._ask(words.around(piece, some) if words else piece))
                at += len(piece)
                # Answers of a large batch are read while its later pieces are written.
                for earlier in questions[: max(0, len(questions) - _IN_FLIGHT)]:
                    self._take(earlier)
            while len(asked) > _READ_AHEAD:
                yield answered()
        while asked:
            yield answered()

    # The end.

    def close(self) -> None:
        """End the program. Idempotent; whatever is called afterwards raises."""
        with self._lock:
            self._closed = True
            self._disconnect(abort=False)

    def __enter__(self) -> Embedder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Embedder({self._flags[1]!r})"

    # The arguments, and no process: each worker starts its own.
    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        for name in ("_lock", "_connection", "_finalizer"):
            del state[name]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()
        self._connection = None
        self._finalizer = None
        _all.add(self)

    # The program.

    def _command(self) -> list[str]:
        program = self._program or find_program()
        return [
            program,
            "embed",
            "-i",
            "-",
            "--input-format",
            "arrow",
            "--column",
            "text",
            "-o",
            "-",
            "--on-error",
        ] + [
            "null",
            "--quiet",
            *self._flags,
        ]

    def _connect(self) -> Connection:
        """Requires the lock."""
        if self._closed:
            raise RuntimeError("the Embedder is closed")
        if self._connection is not None and self._connection.is_usable:
            return self._connection
        if self._finalizer is not None:
            self._finalizer.detach()
        connection = Connection(self._command(), _SCHEMA)
        self._connection = connection
        self._finalizer = weakref.finalize(self, Connection.end, connection)
        _all.add(self)
        try:
            # A batch without rows is answered when the model is loaded, and tells what it is.
            connection.take(connection.ask(pa.record_batch([pa.array([], pa.string())], schema=_SCHEMA)))
            self._read_schema(connection.take_schema())
        except BaseException:
            self._disconnect(abort=True)
            raise
        return connection

    def _disconnect(self, *, abort: bool) -> None:
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
        self._dimension = field.type.list_size
        self._metadata = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
        known = json.loads(self._metadata.pop("llama.prompts", "") or "{}")
        self._prompts = {**{name: Prompt(words) for name, words in known.items()}, **self._prompts}

    def _known(self) -> Embedder:
        if not self._dimension:
            with self._lock:
                self._connect()
        return self

    def _ask(self, texts: pa.Array) -> _Question:
        with self._lock:
            connection = self._connect()
            try:
                return _Question(connection, connection.ask(pa.record_batch([texts], schema=_SCHEMA)))
            except BaseException:
                self._disconnect(abort=True)
                raise

    def _take(self, question: _Question) -> pa.RecordBatch:
        with self._lock:
            return self._take_locked(question)

    def _take_locked(self, question: _Question) -> pa.RecordBatch:
        try:
            return question.connection.take(question.answer)
        except BaseException:
            # An answer that was half read, or a program that has ended: the next call starts another.
            if self._connection is question.connection:
                self._disconnect(abort=True)
            raise

    def _encode(
        self, texts: Any, words: Prompt | None, normalizes: bool, on_error: OnError, single: bool = False
    ) -> Vectors:
        count = len(texts)
        with self._lock:
            connection = self._connect()
            made = np.empty((count, self._dimension), np.float32)
            questions: deque[_Question] = deque()
            at = 0

            def read_one() -> None:
                nonlocal at
                answer = self._take_locked(questions.popleft())
                _copy(answer, made, at, on_error, None if single else at)
                at += answer.num_rows

            for piece in batches_of(texts):
                if words is not None:
                    piece = words.around(piece)
                try:
                    answer = connection.ask(pa.record_batch([piece], schema=_SCHEMA))
                except BaseException:
                    self._disconnect(abort=True)
                    raise
                questions.append(_Question(connection, answer))
                if len(questions) > _IN_FLIGHT:
                    read_one()
            while questions:
                read_one()
            if at != count:
                raise InternalError(f"the program answered {at} texts of {count}")
        if normalizes and not self._normalizes:
            lengths = np.linalg.norm(made, axis=1, keepdims=True)
            np.divide(made, lengths, out=made, where=lengths > 0)
        return made

    def _prompt(self, name: str | None, words: str | None) -> Prompt | None:
        if words is not None:
            if name is not None:
                raise ValueError("prompt and prompt_name exclude each other")
            made = Prompt(words)
            return None if made.is_nothing else made
        if name is None:
            name = self.default_prompt_name
        if name is None:
            return None
        self._known()
        if name not in self._prompts:
            there = ", ".join(sorted(self._prompts)) or "none"
            raise ValueError(
                f"the model has no prompt '{name}' (known: {there}); prompts={{'{name}': '…'}} gives it one"
            )
        found = self._prompts[name]
        return None if found.is_nothing else found

    def _purpose(self, names: Sequence[str], prompt_name: str | None, more: Mapping[str, Any]) -> str | None:
        if prompt_name is not None or more.get("prompt") is not None:
            return prompt_name
        self._known()
        for name in names:
            if name in self._prompts:
                return name
        raise ValueError(
            f"no prompt for a {names[0]} is known of this model; prompts={{'{names[0]}': '…'}} gives it one, "
            f"and '' is none; encode() takes texts as they are"
        )

    def _table_schema(self, schema: pa.Schema, column: str, embedding: str, on_error: OnError) -> pa.Schema:
        _check_on_error(on_error)
        if (count := schema.names.count(column)) != 1:
            have = ", ".join(schema.names) or "none"
            raise ValueError(f"the table has {count or 'no'} column '{column}' (it has: {have})")
        for name in (embedding, *(("error",) if on_error == "null" else ())):
            if name in schema.names:
                out = "; embedding_column names another" if name == embedding else ""
                raise ValueError(f"the table has a column '{name}' already{out}")
        self._known()
        fields = [*schema, pa.field(embedding, pa.list_(pa.field("element", pa.float32(), False), self._dimension))]
        if on_error == "null":
            fields.append(pa.field("error", pa.string()))
        return pa.schema(fields, metadata=schema.metadata)

    def _joined(
        self,
        batch: pa.RecordBatch,
        answers: list[pa.RecordBatch],
        column: str,
        embedding: str,
        on_error: OnError,
        row: int,
    ) -> pa.RecordBatch:
        schema = self._table_schema(batch.schema, column, embedding, on_error)
        kind = schema.field(embedding).type
        at = row
        for answer in answers:
            if on_error == "raise" and answer["embedding"].null_count:
                _raise_first(answer, at, "row")
            at += answer.num_rows
        if at - row != batch.num_rows:
            raise InternalError(f"the program answered {at - row} rows of {batch.num_rows}")
        made = [
            (
                pa.concat_arrays([answer["embedding"].cast(kind) for answer in answers])
                if answers
                else pa.array([], kind)
            )
        ]
        if on_error == "null":
            made.append(
                pa.concat_arrays([answer["error"] for answer in answers]) if answers else pa.array([], pa.string())
            )
        return pa.RecordBatch.from_arrays([*batch.columns, *made], schema=schema)


class _Question:
    __slots__ = ("answer", "connection")

    def __init__(self, connection: Connection, answer: Answer) -> None:
        self.connection = connection
        self.answer = answer


def _copy(answer: pa.RecordBatch, made: Vectors, at: int, on_error: OnError, first: int | None) -> None:
    """An answer's vectors into their rows."""
    column = answer["embedding"]
    rows, dimension = answer.num_rows, made.shape[1]
    if column.null_count and on_error == "raise":
        _raise_first(answer, first, "text")
    values = column.values.to_numpy(zero_copy_only=True).reshape(-1, dimension)
    made[at : at + rows] = values[column.offset : column.offset + rows]
    if column.null_count:
        made[at : at + rows][column.is_null().to_numpy(zero_copy_only=False)] = np.nan


def _raise_first(answer: pa.RecordBatch, first: int | None, noun: str) -> None:
    at = answer["embedding"].is_null().to_pylist().index(True)
    why = answer["error"][at].as_py()
    if first is None:
        raise TextError(f"the text has no vector: {why}", 0)
    raise TextError(f"{noun} {first + at} has no vector: {why}; on_error='null' goes on without it", first + at)


def _cell(batch: pa.RecordBatch, name: str) -> pa.Array:
    if name not in batch.schema.names:
        raise ValueError(
            f"the prompt names the column '{name}', which the table does not have "
            f"(it has: {', '.join(batch.schema.names)})"
        )
    return batch.column(name)


def _check_on_error(on_error: str) -> None:
    if on_error not in ("raise", "null"):
        raise ValueError(f"on_error is 'raise' or 'null', not {on_error!r}")


def _template(prompt: Prompt) -> str:
    return "".join(
        words.replace("{", "{{").replace("}", "}}") + (f"{{{name}}}" if name else "") for words, name in prompt.pieces
    )


def _shown(prompt: Prompt) -> str:
    prefix = prompt.prefix
    return _template(prompt) if prefix is None else prefix


def _empty_batch(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)


_all: weakref.WeakSet[Embedder] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    """The lock may be held by a thread that is not here, and the program is the parent's."""
    for embedder in list(_all):
        embedder._lock = threading.Lock()
        embedder._connection = None
        if embedder._finalizer is not None:
            embedder._finalizer.detach()
            embedder._finalizer = None


os.register_at_fork(after_in_child=_after_fork_in_child)
