"""Choose texts of many languages, scripts and kinds from the corpus: parity_texts.py CORPUS OUT.tsv   (kind, tab, text)

Each text fits MiniLM's 512 tokens and one line, so that every tool can read it.
"""
import base64
import pathlib
import random
import sys

LANGUAGES = """en English, de German, fr French, es Spanish, it Italian, pt Portuguese, nl Dutch, sv Swedish, pl Polish,
cs Czech, hu Hungarian,
fi Finnish, tr Turkish, vi Vietnamese, id Indonesian, ru Russian, uk Ukrainian, bg Bulgarian, sr-ec Serbian, el Greek,
hy Armenian, ka Georgian,
he Hebrew, ar Arabic, fa Persian, ur Urdu, hi Hindi, mr Marathi, ne Nepali, bn Bengali, pa Punjabi, gu Gujarati, or
Odia, ta Tamil, te Telugu,
kn Kannada, ml Malayalam, si Sinhala, th Thai, lo Lao, my Burmese, km Khmer, bo Tibetan, am Amharic, chr Cherokee, iu
Inuktitut, mn Mongolian,
ja Japanese, zh-hans Chinese simplified, zh-hant Chinese traditional, ko Korean"""
PER_KIND = 20


def main(corpus, out):
    rng = random.Random(3)
    rows = []
    for entry in LANGUAGES.replace("\n", " ").split(", "):
        code, _, name = entry.strip().partition(" ")
        path = pathlib.Path(corpus) / f"messages-{code}.txt"
        if not path.exists():
            continue
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if 20 <= len(line) <= 160
                 and "<" not in line and "{" not in line]
        rows += [(name, text) for text in rng.sample(lines, min(PER_KIND, len(lines)))]
    code = [line.strip()
            for line in (pathlib.Path(corpus) / "source-python.txt").read_text(encoding="utf-8").splitlines()]
    rows += [("source code", text)
             for text in rng.sample([t for t in code if 30 <= len(t) <= 120 and "<" not in t], PER_KIND)]
    rows += [("emoji", text)
             for text in ["👍 great", "😀 😃 😄 so happy today!", "I ❤️ New York 🗽🍎", "👩‍👩‍👧‍👦 family, 🏳️‍🌈 flag",
                          "🎂 Happy birthday! 🎉"]]
    words = ["alpha", "beta", "station", "window", "password", "library"]
    for _ in range(PER_KIND):
        first, second = rng.sample(words, 2)
        rows.append(("control characters inside",
                     f"{first[:3]}{chr(rng.choice([1, 7, 0x1b, 0x7f, 0x200b, 0x200d, 0xad]))}{first[3:]} {second}"))
        rows.append(("base64 of more than 100 letters",
                     base64.b64encode(rng.randbytes(rng.randint(80, 200))).decode().replace("/", "a").replace("+",
                                                                                                              "b")))
        rows.append(("hexadecimal digest, 128 digits", rng.randbytes(64).hex()))
        rows.append(("long URL", f"https://example.com/{first}?token={rng.randbytes(60).hex()}&next={second}"))
        rows.append(("accents, decomposed", f"cafe\u0301 re\u0301sume\u0301 nai\u0308ve {first}"))
    pathlib.Path(out).write_text("".join(f"{kind}\t{text.replace(chr(9), ' ')}\n" for kind, text in rows),
                                 encoding="utf-8", newline="\n")


main(*sys.argv[1:])
