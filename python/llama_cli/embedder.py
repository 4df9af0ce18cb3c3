"""Texts to vectors, with the names and shapes of sentence-transformers where they mean the same."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, cast

import numpy as np
import pyarrow as pa

from .answers import OnError, Vectors, cell_of, check_on_error, copy_vectors, empty_batch, joined, table_schema
from .session import SCHEMA, Question, Session
from .texts import Prompt, as_text, batches_of, check_texts, is_single

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
        self._session = Session(None if program is None else os.fspath(program), [*flags, *arguments])
        self._normalizes = normalize
        self._given_prompts = {key: Prompt(words) for key, words in (prompts or {}).items()}
        self.default_prompt_name = default_prompt_name
        self._session.known()
        if default_prompt_name is not None:
            try:
                self._prompt(default_prompt_name, None)
            except BaseException:
                self.close()
                raise

    # What the model is.

    def get_sentence_embedding_dimension(self) -> int:
        return self._session.known().dimension

    get_embedding_dimension = get_sentence_embedding_dimension

    @property
    def max_seq_length(self) -> int:
        """Tokens, special ones included, after which a text is cut."""
        return int(self.metadata["llama.max_length"])

    @property
    def prompts(self) -> dict[str, str]:
        """The words before a text by name, as sentence-transformers has them; templates where words follow it too."""
        return {name: prompt.shown for name, prompt in self._known_prompts().items()}

    @property
    def metadata(self) -> dict[str, str]:
        """Where the vectors come from: `llama.model_file`, `llama.pooling`, … (doc/embed.md)."""
        return dict(self._session.known().metadata)

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
        check_on_error(on_error)
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
        more: dict[str, Any] = {
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
            return made.combine_chunks().to_batches()[0] if made.num_rows else empty_batch(made.schema)
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
        check_on_error(on_error)
        words = self._prompt(prompt_name, prompt)
        # What of a batch is under way: the pieces that the program gets may be smaller.
        asked: deque[tuple[pa.RecordBatch, list[Question]]] = deque()
        row = 0

        def answered() -> pa.RecordBatch:
            nonlocal row
            batch, questions = asked.popleft()
            first, row = row, row + batch.num_rows
            answers = [self._session.take(question) for question in questions]
            schema = self._table_schema(batch.schema, column, embedding_column, on_error)
            return joined(batch, answers, schema, embedding_column, on_error, first)

        for batch in batches:
            if not isinstance(batch, pa.RecordBatch):
                raise TypeError(f"embed_batches() takes pyarrow RecordBatches, not {type(batch).__name__}")
            self._table_schema(batch.schema, column, embedding_column, on_error)
            texts = as_text(batch.column(column), f"column '{column}'")
            cells = {name: cell_of(batch, name) for name in words.columns} if words else None
            questions: list[Question] = []
            asked.append((batch, questions))
            at = 0
            for piece in batches_of(texts):
                some = {name: cell.slice(at, len(piece)) for name, cell in cells.items()} if cells else None
                # With long words around them texts may be more than one batch has room for.
                for whole in batches_of(words.around(piece, some)) if words else (piece,):
                    questions.append(self._session.ask(whole))
                at += len(piece)
                # Answers of a large batch are read while its later pieces are written.
                for earlier in questions[: max(0, len(questions) - _IN_FLIGHT)]:
                    self._session.take(earlier)
            while len(asked) > _READ_AHEAD:
                yield answered()
        while asked:
            yield answered()

    def _table_schema(self, schema: pa.Schema, column: str, embedding: str, on_error: OnError) -> pa.Schema:
        return table_schema(schema, self._session.known().dimension, column, embedding, on_error)

    # The end.

    def close(self) -> None:
        """End the program. Idempotent; whatever is called afterwards raises."""
        self._session.close()

    def __enter__(self) -> Embedder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Embedder({self._session.flags[1]!r})"

    def _encode(
        self, texts: Any, words: Prompt | None, normalizes: bool, on_error: OnError, single: bool = False
    ) -> Vectors:
        count = len(texts)
        session = self._session
        with session.lock:
            connection = session.connect()
            made = np.empty((count, session.dimension), np.float32)
            questions: deque[Question] = deque()
            at = 0

            def read_one() -> None:
                nonlocal at
                answer = session.take_locked(questions.popleft())
                copy_vectors(answer, made, at, on_error, None if single else at)
                at += answer.num_rows

            for piece in batches_of(texts):
                for asked in batches_of(words.around(piece)) if words else (piece,):
                    try:
                        answer = connection.ask(pa.record_batch([asked], schema=SCHEMA))
                    except BaseException:
                        session.disconnect(abort=True)
                        raise
                    questions.append(Question(connection, answer, len(asked)))
                    if len(questions) > _IN_FLIGHT:
                        read_one()
            while questions:
                read_one()
        if normalizes and not self._normalizes:
            lengths = np.linalg.norm(made, axis=1, keepdims=True)
            np.divide(made, lengths, out=made, where=lengths > 0)
        return made

    def _known_prompts(self) -> dict[str, Prompt]:
        """The model's own, and those that were given."""
        own = self._session.known().prompts
        return {**{name: Prompt(words) for name, words in own.items()}, **self._given_prompts}

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
        known = self._known_prompts()
        if name not in known:
            there = ", ".join(sorted(known)) or "none"
            raise ValueError(
                f"the model has no prompt '{name}' (known: {there}); prompts={{'{name}': '…'}} gives it one"
            )
        found = known[name]
        return None if found.is_nothing else found

    def _purpose(self, names: Sequence[str], prompt_name: str | None, more: Mapping[str, Any]) -> str | None:
        if prompt_name is not None or more.get("prompt") is not None:
            return prompt_name
        known = self._known_prompts()
        for name in names:
            if name in known:
                return name
        raise ValueError(
            f"no prompt for a {names[0]} is known of this model; prompts={{'{names[0]}': '…'}} gives it one, "
            f"and '' is none; encode() takes texts as they are"
        )
