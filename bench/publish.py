"""Put results into doc/performance.md: what is between its markers, and the plots beside it.

The results of each class of machine are kept in doc/performance/CLASS.json. A new run replaces the entries that it
measured and
leaves the others, and the other classes, as they are, each with its date.
"""
import json
import re

import bars
import places
import plots
import table

DOCUMENT = places.PROJECT / "doc/performance.md"
FOLDER = places.PROJECT / "doc/performance"
CLASSES = {"A": "AVX-512 VNNI, full width", "B": "AVX-512 VNNI, half width", "C": "AVX2", "D": "AMX",
           "E": "AVX2 in halves"}
HELD_TO = {"avx2": "AVX2"}  # what script/bench can hold a class to


def kept(name):
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def title(name):
    """'B: AVX-512 VNNI, half width', 'B held to AVX2'; None of what is no class."""
    letter, _, held = name.partition("-")
    if letter not in CLASSES or held and held not in HELD_TO:
        return None
    return f"{letter} held to {HELD_TO[held]}" if held else f"{letter}: {CLASSES[letter]}"


def classes_in(text):
    """The classes, and after them, since the first columns have bars, those held down that have a section there."""
    sections = re.findall(r"<!-- class (\S+) -->", text)
    return list(dict.fromkeys([*CLASSES, *(name for name in sections if title(name))]))


def merge(result, text):
    """The new entries over the kept ones of that class. Machine and versions are the newest run's; each entry has its
    date and commit."""
    name = result["machine"]["class"]
    if title(name) is None:
        raise SystemExit(f"bench: there is no class {name}")
    section_of(text, f"class {name}")  # before anything is written
    old = kept(name) or {"entries": []}
    entries = {e["name"]: e for e in old["entries"]}
    entries |= {e["name"]: e for e in result["entries"]}
    FOLDER.mkdir(parents=True, exist_ok=True)
    merged = {"machine": result["machine"], "versions": result["versions"], "entries": list(entries.values())}
    (FOLDER / f"{name}.json").write_text(json.dumps(merged, indent=1) + "\n")


def by_name(result):
    return {e["name"]: e for e in result["entries"]} if result else {}


def summary(results):
    columns = {name: by_name(result) for name, result in results.items()}
    shown = [name for name in columns if columns[name] or "-" not in name]  # of stand-ins those that there are
    rows = [[bar.work, *(bars.cell(bar, columns[name], i) for i, name in enumerate(shown))] for bar in bars.BARS]
    return table.markdown(["work", *map(title, shown)], rows)


def details(result, name):
    if not result:
        return [f"Class {name}: not measured."]
    lines = [*table.machine(result["machine"], result["versions"]), ""]
    for entry in result["entries"]:
        lines += table.section(entry, 4)
    return lines


def section_of(text, marker):
    """What finds a section of the page, which must have it."""
    pattern = re.compile(f"(<!-- {marker} -->\n).*?(<!-- /{marker} -->)", re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"bench: doc/performance.md has no place for it: the lines '<!-- {marker} -->' and "
                         f"'<!-- /{marker} -->', one below the other, are missing")
    return pattern


def replace(text, marker, lines):
    pattern = section_of(text, marker)
    body = "\n".join(lines).strip("\n")
    return pattern.sub(lambda match: f"{match[1]}{body}\n{match[2]}", text)


def publish(result):
    text = DOCUMENT.read_text()
    if result["entries"]:
        merge(result, text)
    results = {name: kept(name) for name in classes_in(text)}
    text = replace(text, "summary", summary(results))
    for name in results:
        text = replace(text, f"class {name}", details(results[name], name))
    entries = [e for r in results.values() if r for e in r["entries"]]
    text = replace(text, "commands", table.commands(entries))
    text = replace(text, "plots", plots.write(results, FOLDER))
    DOCUMENT.write_text(text)
    print(DOCUMENT.relative_to(places.PROJECT))
