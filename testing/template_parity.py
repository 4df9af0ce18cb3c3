"""Published chat templates as transformers and as llama-agent render them: one line per template.

usage: template_parity.py RENDER_CHAT RENDERINGS.json [NAME]      (NAME: show that template's differences, or "all")

A conversation that transformers refuses ("System role not supported") is counted apart where llama-agent renders it.
"""
import collections
import json
import pathlib
import subprocess
import sys


def compare(program, renderings):
    """{template: [(conversation, transformers' entry, our answer, equal)]}"""
    entries = json.loads(pathlib.Path(renderings).read_text(encoding="utf-8"))
    requests = "".join(json.dumps(entry["request"]) + "\n" for entry in entries)
    run = subprocess.run([program], input=requests, capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(answers) == len(entries)
    found = collections.defaultdict(list)
    for entry, answer in zip(entries, answers):
        found[entry["name"]].append((entry["conversation"], entry, answer, entry["text"] == answer.get("text")))
    return found


def differences(results):
    return [name for name, entry, _, equal in results if not equal and entry["text"] is not None]


def main():
    found = compare(sys.argv[1], sys.argv[2])
    shown = sys.argv[3] if len(sys.argv) > 3 else None
    for name, results in found.items():
        wrong = differences(results)
        more = sum(entry["text"] is None and "text" in answer for _, entry, answer, _ in results)
        rendered = sum(entry["text"] is not None for _, entry, _, _ in results)
        print(f"{name:<48} {rendered:>2} of {len(results)} rendered, {'equal' if not wrong else 'differs: ' + ', '.join(wrong)}"
              f"{f'; we render {more} more' if more else ''}")
        for conversation, entry, answer, equal in results:
            if shown in (name, "all") and not equal:
                print(f"--- {name}, {conversation}\n  transformers: {entry['text'] if entry['refusal'] is None else entry['refusal']!r}\n"
                      f"  ours: {answer.get('text', answer.get('error'))!r}")
    equal = sum(not differences(results) for results in found.values())
    print(f"{equal} of {len(found)} templates equal")


if __name__ == "__main__":
    main()
