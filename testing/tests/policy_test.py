"""The rules of the house that a machine can check: what libraries may do and say. Includes: includes_policy_test.py;
form: form_policy_test.py; flags: flags_policy_test.py."""
import os
import pathlib
import re

import include_table

PROJECT = pathlib.Path(os.environ["PROJECT"])
LIBRARIES = sorted(path.parent.name for path in PROJECT.glob("llama-*/include"))


def sources(folder, *parts):
    return [path for part in parts for path in include_table.sources(PROJECT / folder / part)]


def test_public_headers_have_no_macros():
    wrong = []
    for folder in LIBRARIES:
        for path in sources(folder, "include"):
            text = path.read_text()
            if re.search(r"^\s*#\s*define|using namespace", text, re.M) or "#pragma once" not in text:
                wrong.append(f"{path.name}: a macro, using namespace, or no #pragma once")
    assert not wrong, "\n".join(wrong)


def test_libraries_do_not_print_abort_or_throw():
    pattern = re.compile(r"std::(cout|cerr|print|println|exit|abort|terminate|_Exit)\b"
                         r"|\b(printf|fprintf|puts|fputs|abort|exit)\s*\(|\bthrow\b")
    wrong = [f"{p.name}: {line.strip()}" for folder in LIBRARIES for p in sources(folder, "include", "src")
             for line in p.read_text().splitlines() if pattern.search(line.split("//")[0])]
    # minja's functions can fail in no other way, and Jinja::render() catches what they throw.
    wrong = [line for line in wrong if not re.match(r"(jinja|template_functions)\.cc: .*\bthrow\b", line)]
    assert not wrong, "\n".join(wrong)


# A library does not know which program uses it: how its caller is told to choose otherwise is the program's to say.
def test_no_message_of_a_library_names_a_flag():
    wrong = []
    for folder in [*LIBRARIES, "ggml-packed"]:
        for path in sources(folder, "include", "src"):
            code = "\n".join(line for line in path.read_text().splitlines() if not line.lstrip().startswith("//"))
            wrong += [f"{path.name}: {text}" for text in re.findall(r'"(?:\\.|[^"\\\n])*"', code)
                      if re.search(r"(?<![\w-])--[a-z]", text)]
    assert not wrong, "\n".join(wrong)


def written_files():
    """What people write and read: code, pages, scripts, what CMake reads."""
    for path in sorted(PROJECT.rglob("*")):
        top = path.relative_to(PROJECT).parts[0]
        is_script = top in ("script", ".ci") and not path.suffix
        is_written = path.suffix in (".cc", ".h", ".py", ".js", ".sh", ".md", ".cmake") or path.name == "CMakeLists.txt"
        if top not in ("build", "shared", ".git") and (is_script or is_written) and path.is_file():
            yield path


def unusual_terms(text):
    # The "b" before each word keeps these words from being found here.
    pattern = re.compile(r"\bkMost[A-Z]\w*|\b[Ww]hereabouts\b|\b[Ll]etting\s+go\b|\bbehind\s+it\b")
    return [(text.count("\n", 0, found.start()) + 1, found[0]) for found in pattern.finditer(text)]


def test_an_unusual_term_is_found_with_its_line():
    assert unusual_terms("one\nk" "MostRows\nbehind" "\nit, where" "abouts\n") == [
        (2, "k" "MostRows"), (3, "behind" "\nit"), (4, "where" "abouts")]
    assert unusual_terms("almost, behind its back, letting it go\n") == []


def test_terms_are_the_usual_ones():
    wrong = [f"{path.relative_to(PROJECT)}:{line}: {term}" for path in written_files()
             for line, term in unusual_terms(path.read_text())]
    assert not wrong, "\n".join(wrong)


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
    assert not wrong, "\n".join(wrong)
