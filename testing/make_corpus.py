"""Make a corpus, one text per line, from unpacked Debian packages: make_corpus.py FILES OUT (see script/corpus)"""
import base64
import collections
import gzip
import json
import pathlib
import random
import sys

files, out = (pathlib.Path(p) for p in sys.argv[1:3])
texts = collections.defaultdict(dict)  # name -> lines in order, each once


def add(name, text):
    line = " ".join(text.split("\n")).strip("\r")
    if line.strip():
        texts[name][line] = None


for path in sorted(files.rglob("i18n/**/*.json")):
    if path.stem == "qqq":
        continue
    try:
        messages = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError):
        continue
    for key, message in messages.items() if isinstance(messages, dict) else ():
        if key != "@metadata" and isinstance(message, str):
            add(f"messages-{path.stem}", message)
for path in sorted((files / "usr/share/man").rglob("*.gz")):
    language = path.relative_to(files / "usr/share/man").parts[0]
    for line in gzip.open(path, "rt", encoding="utf-8", errors="ignore"):
        add(f"manual-{language}", line)
for path in sorted((files / "usr/lib").rglob("*.py")):
    for line in path.read_text(encoding="utf-8", errors="ignore").split("\n"):
        add("source-python", line)
rng = random.Random(1)
for _ in range(20_000):
    data = rng.randbytes(rng.choice([8, 20, 32, 60, 75, 76, 90, 300]))
    add("base64", base64.b64encode(data).decode())
    add("hex", data.hex())

total = 0
for name, lines in sorted(texts.items()):
    (out / f"{name}.txt").write_text("".join(line + "\n" for line in lines), encoding="utf-8", newline="\n")
    total += len(lines)
print(f"corpus: {total:,} texts in {len(texts)} files", file=sys.stderr)
