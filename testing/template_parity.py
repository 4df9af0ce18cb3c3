"""Published chat templates as transformers and as llama-agent render them: one line per template.

usage: template_parity.py RENDER_CHAT RENDERINGS.json [NAME]      (NAME: show that template's differences, or "all")

What a template does not show of tools, or objects to, llama-agent puts into another form before it renders
("repaired"): such a conversation is not equal and must show every definition, call and result; where only the form of
the arguments is another, it must be equal to what transformers makes of that.

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


def shows_all(entry, text):
    """Does the text have every tool's name and description, every call's city and every result in it?"""
    request = entry["request"]
    words = [tool["function"][key] for tool in request.get("tools", []) for key in ("name", "description")]
    for message in request["messages"]:
        words += [call["function"]["arguments"]["city"].lstrip("Zü") for call in message.get("tool_calls", [])]
        if message["role"] == "tool":
            words.append(message["content"].strip('{"}'). split('"')[0])
    return all(word in text for word in words)


def is_repaired(entry, answer):
    """Is the rendering another one because the template does not do it alone, and is it what it should be then?"""
    if not answer.get("repaired") or "text" not in answer:
        return False
    if answer["text"] == entry["text_with_text_arguments"]:
        return True
    shown_otherwise = {"definitions", "calls", "results", "several calls"} & set(answer["repaired"])
    return bool(shown_otherwise) and shows_all(entry, answer["text"])


def differences(results):
    return [name for name, entry, answer, equal in results
            if not equal and entry["text"] is not None and not is_repaired(entry, answer)]


def repaired(results):
    return [name for name, entry, answer, equal in results if not equal and is_repaired(entry, answer)]


def main():
    found = compare(sys.argv[1], sys.argv[2])
    shown = sys.argv[3] if len(sys.argv) > 3 else None
    for name, results in found.items():
        wrong = differences(results)
        more = sum(entry["text"] is None and "text" in answer for _, entry, answer, _ in results)
        rendered = sum(entry["text"] is not None for _, entry, _, _ in results)
        mended = repaired(results)
        print(f"{name:<48} {rendered:>2} of {len(results)} rendered, "
              f"{'equal' if not wrong else 'differs: ' + ', '.join(wrong)}"
              f"{f'; repaired: ' + ', '.join(mended) if mended else ''}{f'; we render {more} more' if more else ''}")
        for conversation, entry, answer, equal in results:
            if shown in (name, "all") and not equal:
                theirs = entry["text"] if entry["refusal"] is None else entry["refusal"]
                print(f"--- {name}, {conversation}\n  transformers: {theirs!r}\n"
                      f"  ours: {answer.get('text', answer.get('error'))!r}")
    equal = sum(not differences(results) for results in found.values())
    print(f"{equal} of {len(found)} templates equal")


if __name__ == "__main__":
    main()
