"""From what the program answers to arrays and tables."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .errors import InternalError, TextError

Vectors = npt.NDArray[np.float32]
OnError = Literal["raise", "null"]


def table_schema(schema: pa.Schema, dimension: int, column: str, embedding: str, on_error: OnError) -> pa.Schema:
    check_on_error(on_error)
    if (count := schema.names.count(column)) != 1:
        have = ", ".join(schema.names) or "none"
        raise ValueError(f"the table has {count or 'no'} column '{column}' (it has: {have})")
    for name in (embedding, *(("error",) if on_error == "null" else ())):
        if name in schema.names:
            out = "; embedding_column names another" if name == embedding else ""
            raise ValueError(f"the table has a column '{name}' already{out}")
    fields = [*schema, pa.field(embedding, pa.list_(pa.field("element", pa.float32(), False), dimension))]
    if on_error == "null":
        fields.append(pa.field("error", pa.string()))
    return pa.schema(fields, metadata=schema.metadata)


def joined(
    batch: pa.RecordBatch,
    answers: list[pa.RecordBatch],
    schema: pa.Schema,
    embedding: str,
    on_error: OnError,
    row: int,
) -> pa.RecordBatch:
    """The batch with its vectors, `schema` being table_schema() of it. row: of its first one in the whole."""
    kind = schema.field(embedding).type
    at = row
    for answer in answers:
        if on_error == "raise" and answer["embedding"].null_count:
            _raise_first(answer, at, "row")
        at += answer.num_rows
    if at - row != batch.num_rows:
        raise InternalError(f"the program answered {at - row} rows of {batch.num_rows}")
    made = [
        pa.concat_arrays([answer["embedding"].cast(kind) for answer in answers]) if answers else pa.array([], kind)
    ]
    if on_error == "null":
        made.append(
            pa.concat_arrays([answer["error"] for answer in answers]) if answers else pa.array([], pa.string())
        )
    return pa.RecordBatch.from_arrays([*batch.columns, *made], schema=schema)


def copy_vectors(answer: pa.RecordBatch, made: Vectors, at: int, on_error: OnError, first: int | None) -> None:
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


def cell_of(batch: pa.RecordBatch, name: str) -> pa.Array:
    if name not in batch.schema.names:
        raise ValueError(
            f"the prompt names the column '{name}', which the table does not have "
            f"(it has: {', '.join(batch.schema.names)})"
        )
    return batch.column(name)


def check_on_error(on_error: str) -> None:
    if on_error not in ("raise", "null"):
        raise ValueError(f"on_error is 'raise' or 'null', not {on_error!r}")


def empty_batch(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)
