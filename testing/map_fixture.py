"""Make a table of vectors with hostile texts, and its page: map_fixture.py LLAMA_CLI FOLDER."""

import pathlib
import subprocess
import sys

import numpy
import pyarrow
import pyarrow.parquet

HOSTILE = [
    "</script><script>window.hacked = 1</script>",
    "<!-- <script> window.hacked = 1",
    '<img src="x" onerror="window.hacked = 1">',
    '"><svg onload=window.hacked=1>',
    "' + (window.hacked = 1) + '",
    "]]></textarea></style><b>bold</b>",
]
TOPICS = {
    "Bäckerei": "Brot Mehl Teig backen Ofen".split(),
    "astronomy": "telescope galaxy comet orbit nebula".split(),
    "図書館": "図書 図書館 書物 読書 作家".split(),
    "gardening": "flowers seeds compost roses garden".split(),
}
ROWS = 1200


def make_table():
    random = numpy.random.default_rng(11)
    names = list(TOPICS)
    middles = random.normal(size=(len(names), 24))
    texts, topics, vectors = [], [], []
    for row in range(ROWS):
        topic = row % len(names)
        words = random.choice(TOPICS[names[topic]], 3)
        texts.append(HOSTILE[row] if row < len(HOSTILE) else f"{' '.join(words)} number {row}")
        topics.append(None if row == 40 else f"<i>{names[topic]}</i>")
        vectors.append(middles[topic] + 0.3 * random.normal(size=24))
    vectors = numpy.array(vectors, dtype=numpy.float32)
    sizes = [None if row == 41 else float(row) / 4 for row in range(ROWS)]
    notes = [f'note, "{row}"\nsecond line' for row in range(ROWS)]
    return pyarrow.table(
        {
            "text": texts,
            "topic": topics,
            "size": pyarrow.array(sizes, pyarrow.float64()),
            "note": notes,
            "embedding": pyarrow.array(list(vectors), pyarrow.list_(pyarrow.float32(), 24)),
        }
    )


def main(program, folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(make_table(), folder / "texts.parquet")
    make = [program, "map", folder / "texts.parquet", "-o", folder / "map.html", "--force", "--quiet"]
    subprocess.run(make, check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
