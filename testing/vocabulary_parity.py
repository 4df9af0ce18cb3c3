"""Compare tokens with those of published tokenizers, each with its own vocabulary.

    vocabulary_parity.py TOKENIZE_TEXTS VOCABULARIES COUNT SEED FILE…     (VOCABULARIES: of script/vocabularies)

For each folder NAME in it, model.gguf against tokenizer.json by `tokenizers`, or against tokenizer.model by
sentencepiece (then without texts that spell a special token, which it reads as text): the texts of the files as they
are and in NFD, and COUNT random strings. Prints Markdown, and the first differences to the standard error; exit status
1 where more of the files' texts differ than doc/parity.md knows.
"""
import pathlib
import sys
import unicodedata

import sentencepiece
import tokenizers
from token_parity import Ours, blocks, lines_of, random_texts

# The part of a file's texts that may differ; doc/parity.md says why.
KNOWN = {"gptoss": 0.1, "gemma3": 0.01}


def published_in(folder):
    """How to encode texts, and the special tokens that they must not spell."""
    if (folder / "tokenizer.model").exists():
        processor = sentencepiece.SentencePieceProcessor(str(folder / "tokenizer.model"))
        return lambda texts: [[processor.bos_id(), *ids] for ids in processor.encode(texts)], ("<s>", "</s>", "<unk>")
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return lambda texts: [e.ids for e in tokenizer.encode_batch_fast(texts)], ()


def differing(ours, encode, texts):
    count, found = 0, []
    for block in blocks(texts):
        expected = encode(block)
        count += len(block)
        found += [(text, a, b) for text, a, b in zip(block, ours.tokenize(block), expected) if a != b]
    return count, found


def main(program, folder, count, seed, *files):
    texts = [text for file in files for text in lines_of(file)]
    sources = {"written": texts, "NFD": [unicodedata.normalize("NFD", text) for text in texts],
               "random": list(random_texts(int(count), int(seed)))}
    print("| vocabulary | " + " | ".join(sources) + " |\n|---|" + "---|" * len(sources))
    failed = False
    for model in sorted(pathlib.Path(folder).glob("*/model.gguf")):
        encode, left_out = published_in(model.parent)
        ours, cells = Ours(program, model), []
        for name, of_it in sources.items():
            compared, found = differing(ours, encode, (t for t in of_it if not any(s in t for s in left_out)))
            cells.append(f"{compared:,}, {len(found):,} differ")
            failed |= name != "random" and len(found) > KNOWN.get(model.parent.name, 0) * compared
            for text, a, b in found[:5]:
                print(f"  {model.parent.name}, {name}: {text[:60]!r}\n    ours   {a[:16]}\n    theirs {b[:16]}",
                      file=sys.stderr)
        ours.close()
        print(f"| {model.parent.name} | " + " | ".join(cells) + " |", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
