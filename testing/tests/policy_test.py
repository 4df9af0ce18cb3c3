"""The rules of the house that a machine can check."""
import os
import pathlib
import re

PROJECT = pathlib.Path(os.environ["PROJECT"])
LIBRARIES = ["llama-base", "llama-core", "llama-tokenizer", "llama-loader", "llama-embedding", "llama-agent"]
# What each folder may include beside the standard library and itself.
MAY_INCLUDE = {
    "ggml-packed": [r"ggml.*\.h", r"hwy/.*", r"oneapi/dnnl/.*"],
    "llama-base": [r"openssl/.*", r"simdutf\.h"],
    "llama-core": [r"llama-base/.*", r"llama\.h", r"ggml.*\.h"],
    "llama-tokenizer": [r"llama-(base|core)/.*", r"unicode/.*"],
    "llama-loader": [r"llama-(base|core)/.*", r"curl/.*", r"nlohmann/.*"],
    "llama-embedding": [r"llama-(base|core|loader|tokenizer)/.*"],
    "llama-agent": [r"llama-(base|core|loader)/.*", r"minja/.*", r"nlohmann/.*"],
    "llama-cli": [r"llama-(base|core|loader|embedding|agent)/.*", r"CLI/.*", r"nlohmann/.*", r"arrow/.*", r"parquet/.*",
                  r"isocline\.h"],
}
SYSTEM = r"(fcntl|poll|pthread|sched|unistd|signal|sys/\w+)\.h"


def sources(folder, *parts):
    return [p for part in parts for p in sorted((PROJECT / folder / part).rglob("*")) if p.suffix in (".h", ".cc")]


def includes(path):
    return re.findall(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', path.read_text(), re.M)


def test_every_include_is_in_the_table():
    wrong = []
    for folder, allowed in MAY_INCLUDE.items():
        own = [rf"{folder}/.*", r"[a-z_]+", r"[a-z_]+\.h", r"c[a-z]+", SYSTEM]
        for path in sources(folder, "include", "src"):
            for name in includes(path):
                local = (path.parent / name).exists()
                standard = re.fullmatch(r"[a-z_0-9]+", name) or re.fullmatch(SYSTEM, name)
                if not (local or standard or any(re.fullmatch(a, name) for a in allowed + own[:1])):
                    wrong.append(f"{path.relative_to(PROJECT)}: {name}")
    assert wrong == []


def test_public_headers_show_only_ours_and_the_standard_library():
    wrong = []
    for folder in LIBRARIES:
        for path in sources(folder, "include"):
            text = path.read_text()
            for name in includes(path):
                if not re.fullmatch(r"[a-z_0-9]+", name) and not re.match(r"llama-[a-z]+/", name):
                    wrong.append(f"{path.name}: {name}")
            if re.search(r"^\s*#\s*define|using namespace", text, re.M) or "#pragma once" not in text:
                wrong.append(f"{path.name}: a macro, using namespace, or no #pragma once")
    assert wrong == []


def test_libraries_do_not_print_abort_or_throw():
    pattern = re.compile(r"std::(cout|cerr|print|println|exit|abort|terminate|_Exit)\b|\b(printf|fprintf|puts|fputs|abort|exit)\s*\(|\bthrow\b")
    wrong = [f"{p.name}: {line.strip()}" for folder in LIBRARIES for p in sources(folder, "include", "src")
             for line in p.read_text().splitlines() if pattern.search(line.split("//")[0])]
    # minja's functions can fail in no other way, and Jinja::render() catches what they throw.
    assert [line for line in wrong if not re.match(r"(jinja|template_functions)\.cc: .*\bthrow\b", line)] == []


def test_no_host_of_a_registry_is_written_down():
    pattern = re.compile(r"debian\.org/debian|py" r"pi\.org|python" r"hosted|registry\.npm" r"js")
    wrong = []
    for path in PROJECT.rglob("*"):
        relative = path.relative_to(PROJECT)
        if relative.parts[0] in (".git", "build") or not path.is_file() or path.name == "policy_test.py":
            continue
        try:
            if pattern.search(path.read_text()):
                wrong.append(str(relative))
        except UnicodeDecodeError:
            pass
    assert wrong == []
