"""Compare tokens with those of published tokenizers, each with its own vocabulary: ids as `tokenizers` makes them.

    vocabulary_parity.py TOKENIZE_TEXTS VOCABULARIES COUNT SEED FILE…      (VOCABULARIES: what script/vocabularies prints)

For each folder NAME in it, model.gguf against tokenizer.json: the texts of the files as they are and in NFD, and COUNT
random strings. Prints Markdown, and the first differences to the standard
error. Exit status 1 where more differ than doc/parity.md knows (KNOWN).
"""
import pathlib
import sys
import unicodedata

import tokenizers
from token_parity import Ours, blocks, lines_of, random_texts


def differing(ours, theirs, texts):
    count, found = 0, []
    for block in blocks(texts):
        expected = [e.ids for e in theirs.encode_batch_fast(block)]
        count += len(block)
        found += [(text, a, b) for text, a, b in zip(block, ours.tokenize(block), expected) if a != b]
    return count, found


def main(program, folder, count, seed, *files):
    texts = [text for file in files for text in lines_of(file)]
    sources = {"written": texts, "NFD": [unicodedata.normalize("NFD", text) for text in texts],
               "random": list(random_texts(int(count), int(seed)))}
    print("| vocabulary | " + " | ".join(sources) + " |\n|---|" + "---|" * len(sources))
    for model in sorted(pathlib.Path(folder).glob("*/model.gguf")):
        published = tokenizers.Tokenizer.from_file(str(model.parent / "tokenizer.json"))
        published.no_truncation()
        published.no_padding()
        ours, cells = Ours(program, model), []
        for name, of_it in sources.items():
            compared, found = differing(ours, published, of_it)
            cells.append(f"{compared:,}, {len(found):,} differ")
            for text, a, b in found[:5]:
                print(f"  {model.parent.name}, {name}: {text[:60]!r}\n    ours   {a[:16]}\n    theirs {b[:16]}", file=sys.stderr)
        ours.close()
        print(f"| {model.parent.name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
