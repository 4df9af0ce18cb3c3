"""The JSON-Schema-Test-Suite on llama-agent's schemas: one line per draft.

usage: schema_suite.py SCHEMA_SUITE MODEL.gguf FOLDER [--list]      (FOLDER: its "tests"; --list: each difference)

For every test of every draft: is the instance's verdict right, wrong, or was the schema refused before the start? And
by llama.cpp's grammar engine: does the grammar allow every valid instance in some spelling (numbers as a model writes
them, names in the schema's order), and no invalid one unless something was told to be left to the check?
"""
import collections
import itertools
import json
import pathlib
import subprocess
import sys

DRAFTS = {"draft4": 4, "draft6": 6, "draft7": 7, "draft2019-09": 2019, "draft2020-12": 2020}
MAX_SPELLINGS = 24


def orders(value):
    """The value with its objects' members in other orders, and whole numbers written as such."""
    if isinstance(value, dict):
        for names in itertools.permutations(value):
            for members in itertools.product(*(first_orders(value[name]) for name in names)):
                yield dict(zip(names, members))
    elif isinstance(value, list):
        yield from map(list, itertools.product(*map(first_orders, value)))
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15 and value == int(value):
        yield int(value)
        yield float(value)
    else:
        yield value


def first_orders(value):
    return list(itertools.islice(orders(value), 4))


def text(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def is_spelled_by_models(value):
    """Integers of more than 15 digits and lone surrogates are never generated."""
    if isinstance(value, dict):
        return all(is_spelled_by_models(name) and is_spelled_by_models(member) for name, member in value.items())
    if isinstance(value, list):
        return all(map(is_spelled_by_models, value))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return abs(value) < 1e15 and "e" not in text(value)
    return True


def in_order_of(words, value):
    """The value with its objects' members as they first come in a schema's text."""
    if isinstance(value, dict):
        place = {name: words.find(text(name) + ":") % (1 << 40) for name in value}  # those that are not there: last
        return {name: in_order_of(words, value[name]) for name in sorted(value, key=place.get)}
    return [in_order_of(words, item) for item in value] if isinstance(value, list) else value


def spellings(schema, value):
    """The instance itself comes first: it is what is checked."""
    as_in_schema = in_order_of(text(schema), value)
    others = itertools.islice(orders(as_in_schema), MAX_SPELLINGS)
    return list(dict.fromkeys([text(value), text(as_in_schema), *map(text, others)]))


def groups(folder, draft):
    for path in sorted((folder / draft).glob("*.json")):
        for group in json.loads(path.read_text(encoding="utf-8")):
            yield path.stem, group


def run(program, model, folder, draft):
    """(counts, [(what, file, group, test, words)])"""
    all_groups = list(groups(folder, draft))
    requests = ""
    for _, group in all_groups:
        documents = [spellings(group["schema"], test["data"]) for test in group["tests"]]
        request = {"schema": group["schema"], "draft": DRAFTS[draft], "exact": True, "documents": documents}
        requests += json.dumps(request) + "\n"
    done = subprocess.run([program, model], input=requests, capture_output=True, check=True, encoding="utf-8")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(all_groups), done.stderr
    counts, found = collections.Counter(), []
    for (file, group), answer in zip(all_groups, answers):
        error = answer.get("error", "")
        for i, test in enumerate(group["tests"]):
            counts["tests"] += 1
            note = lambda what, words: found.append((what, file, group["description"], test["description"], words))
            if error:
                right = "allows nothing" in error and not test["valid"]
                counts["right" if right else "refused"] += 1
                if not right:
                    note("refused", error)
                continue
            mine = answer["answers"][i]
            counts["right" if mine["valid"] == test["valid"] else "wrong"] += 1
            if mine["valid"] != test["valid"]:
                note("wrong", mine["why"] or "it fits")
            counts["wholly enforced"] += not answer["unenforced"]
            if test["valid"] and not mine["admitted"] and is_spelled_by_models(test["data"]):
                counts["excluded"] += 1
                note("excluded", text(test["data"]))
            if not test["valid"] and mine["admitted"] and not answer["unenforced"]:
                counts["let through"] += 1
                note("let through", text(test["data"]))
    return counts, found


def main():
    program, model, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    print(f"{'':<14}{'tests':>7}{'right':>8}{'wrong':>7}{'refused':>9}   the grammar: "
          f"{'says all':>9}{'excludes':>10}{'lets through':>14}")
    failed = False
    for draft in DRAFTS:
        counts, found = run(program, model, folder, draft)
        share = f"{100 * counts['right'] / counts['tests']:.1f} %"
        print(f"{draft:<14}{counts['tests']:>7}{share:>8}{counts['wrong']:>7}{counts['refused']:>9}   {'':<13}"
              f"{counts['wholly enforced']:>9}{counts['excluded']:>10}{counts['let through']:>14}")
        if "--list" in sys.argv:
            for what, *where, words in found:
                print(f"  {what}: {' / '.join(where)}: {words}")
        failed = failed or counts["wrong"] + counts["excluded"] + counts["let through"] > 0
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
