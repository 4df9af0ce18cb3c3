"""Texts as Arrow columns, and what the model reads around them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

# Of a batch: so many rows, or so many bytes of text where those are fewer. The program computes the texts of a batch
# together, a thousand of them as fast as it can.
BATCH_ROWS = 1024
BATCH_BYTES = 8 << 20
_NAMED = re.compile(r"(?<!\{)\{[^{}]+\}(?!\})")
_PLACE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


def is_single(texts: object) -> bool:
    return isinstance(texts, str)


def check_texts(texts: object) -> Any:
    """What encode() takes, with a length. Errors: TypeError, which says what it got."""
    if isinstance(texts, (pa.Array, pa.ChunkedArray)):
        return as_text(texts, "the texts")
    if texts is None or isinstance(texts, (bytes, bytearray, memoryview, Mapping)) or not isinstance(texts, Iterable):
        raise TypeError(f"encode() takes a text or a sequence of texts (str), not {_kind(texts)}")
    return texts if isinstance(texts, (list, tuple)) else list(texts)


def as_text(column: pa.Array | pa.ChunkedArray, name: str) -> pa.Array | pa.ChunkedArray:
    """A column of any kind of text as one of string or large_string. Errors: TypeError."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
        column = column.cast(kind)
    if pa.types.is_null(kind):
        return column.cast(pa.string())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return column
    if str(kind) == "string_view":
        return column.cast(pa.large_string())
    raise TypeError(f"{name}: a column of text is needed, not of {kind}; cast it first")


def batches_of(texts: Any) -> Iterator[pa.Array]:
    """Pieces of string, in order, each small enough for one batch."""
    if isinstance(texts, pa.ChunkedArray):
        for chunk in texts.chunks:
            yield from batches_of(chunk)
    elif isinstance(texts, pa.Array):
        for begin in range(0, len(texts), BATCH_ROWS):
            yield from _halved(texts.slice(begin, BATCH_ROWS))
    else:
        for begin in range(0, len(texts), BATCH_ROWS):
            piece = texts[begin : begin + BATCH_ROWS]
            check_strings(piece, begin)
            size = sum(map(len, piece))
            if size <= BATCH_BYTES // 4:
                yield _array(piece, begin, pa.string())
            else:
                yield from _halved(_array(piece, begin, pa.large_string()))


def check_strings(texts: Iterable[object], begin: int) -> None:
    """Errors: TypeError, which says the index."""
    for index, text in enumerate(texts, begin):
        if type(text) is not str and not isinstance(text, str):
            raise TypeError(f"text {index} is {_kind(text)}, not a str")


def _array(texts: list[str], begin: int, kind: pa.DataType) -> pa.Array:
    try:
        return pa.array(texts, type=kind)
    except UnicodeEncodeError:
        for index, text in enumerate(texts, begin):
            try:
                text.encode()
            except UnicodeEncodeError as error:
                found = f"U+{ord(text[error.start]):04X} at character {error.start}"
                raise ValueError(
                    f"text {index} has half of a surrogate pair ({found}), which UTF-8 cannot say; "
                    "text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace') makes a text of it"
                ) from None
        raise


def _halved(texts: pa.Array) -> Iterator[pa.Array]:
    size = texts.nbytes
    if len(texts) > 1 and size > BATCH_BYTES:
        middle = len(texts) // 2
        yield from _halved(texts.slice(0, middle))
        yield from _halved(texts.slice(middle))
    elif size >= 1 << 31:
        raise ValueError("a text of 2 GiB or more cannot be sent")
    else:
        yield texts if pa.types.is_string(texts.type) else texts.cast(pa.string())


class Prompt:
    """A template as `llama-cli embed --prompt` has it: {text}, {COLUMN}, {{ and }}.

    Words without a place are what sentence-transformers calls a prompt: they stand before the text.
    """

    def __init__(self, words: str) -> None:
        if not isinstance(words, str):
            raise TypeError(f"a prompt is a str, not {_kind(words)}")
        if not _NAMED.search(words):
            words = words.replace("{", "{{").replace("}", "}}") + "{text}"
        self.pieces: list[tuple[str, str | None]] = []  # words, and the place after them; None: the end
        before, at = "", 0
        for match in _PLACE.finditer(words):
            before += words[at : match.start()]
            at = match.end()
            if match[0] in ("{{", "}}"):
                before += match[0][0]
            elif match[1]:
                self.pieces.append((before, match[1]))
                before = ""
            else:
                raise ValueError(
                    f"prompt '{words}': a brace itself is written {{{{ or }}}}; {{NAME}} is a column's place"
                )
        self.pieces.append((before + words[at:], None))

    @property
    def columns(self) -> list[str]:
        return [name for _, name in self.pieces if name is not None and name != "text"]

    @property
    def is_nothing(self) -> bool:
        return self.pieces == [("", "text"), ("", None)]

    @property
    def prefix(self) -> str | None:
        """The words before the text, where there are none after it."""
        return (
            self.pieces[0][0]
            if [name for _, name in self.pieces] == ["text", None] and not self.pieces[1][0]
            else None
        )

    @property
    def shown(self) -> str:
        """As it may be given: words before the text, or a template."""
        if self.prefix is not None:
            return self.prefix
        return "".join(
            words.replace("{", "{{").replace("}", "}}") + (f"{{{name}}}" if name else "")
            for words, name in self.pieces
        )

    def around(self, texts: pa.Array, cells: Mapping[str, pa.Array] | None = None) -> pa.Array:
        """A row without text stays one."""
        if self.is_nothing or len(texts) == 0:
            return texts
        parts: list[Any] = []
        for words, name in self.pieces:
            if words:
                parts.append(pa.scalar(words, pa.large_string()))
            if name == "text":
                parts.append(texts.cast(pa.large_string()))
            elif name is not None:
                if cells is None or name not in cells:
                    raise ValueError(f"the prompt names the column '{name}', which is not there")
                parts.append(pc.fill_null(cells[name].cast(pa.large_string()), ""))
        joined = pc.binary_join_element_wise(*parts, pa.scalar("", pa.large_string()))
        has_text = pc.greater(pc.fill_null(pc.binary_length(texts), 0), 0)
        made = pc.if_else(has_text, joined, pa.scalar(None, pa.large_string()))
        return made.cast(pa.string())


def _kind(value: object) -> str:
    return "None" if value is None else type(value).__name__
