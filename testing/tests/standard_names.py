"""Which header of the standard library declares a name, and which files use one that none of their headers names.

A file that uses std::sort names <algorithm>, or includes a header of the project that does. What the library's headers
include of each other is its own affair, and another one in the next version.
"""
import re

import include_table

HEADERS = {
    "algorithm": "all_of any_of clamp copy copy_n count_if equal fill fill_n find find_if lower_bound max max_element "
                 "min min_element none_of nth_element partial_sort remove_if replace reverse shuffle sort stable_sort "
                 "transform unique upper_bound",
    "array": "array", "atomic": "atomic atomic_bool", "bit": "bit_cast countr_zero popcount",
    "charconv": "from_chars to_chars", "chrono": "chrono",
    "cmath": "ceil exp fabs floor isfinite isnan log lround pow sqrt",
    "concepts": "same_as", "condition_variable": "condition_variable",
    "cstdint": "int32_t int64_t uint8_t uint32_t uint64_t", "cstdlib": "abort exit getenv",
    "cstring": "memcmp memcpy memset strlen", "deque": "deque", "exception": "current_exception exception_ptr",
    "expected": "expected unexpected", "filesystem": "filesystem", "format": "format format_to",
    "fstream": "ifstream ofstream", "functional": "function", "future": "async future promise",
    "iomanip": "setprecision", "iostream": "cerr cout", "iterator": "back_inserter make_move_iterator",
    "limits": "numeric_limits", "list": "list", "map": "map multimap",
    "memory": "make_shared make_unique shared_ptr unique_ptr weak_ptr",
    "mutex": "call_once lock_guard mutex once_flag scoped_lock unique_lock", "numeric": "accumulate iota",
    "optional": "nullopt optional", "queue": "priority_queue queue", "random": "mt19937 mt19937_64",
    "ranges": "views", "set": "set", "span": "span", "sstream": "istringstream ostringstream stringstream",
    "stop_token": "stop_token", "string": "getline stoi string to_string", "string_view": "string_view",
    "system_error": "error_code", "thread": "jthread this_thread thread", "tuple": "tie tuple",
    "unordered_map": "unordered_map", "unordered_set": "unordered_set",
    "utility": "exchange forward move pair swap", "variant": "get_if holds_alternative variant visit",
    "vector": "vector",
}
HEADER_OF = {name: header for header, names in HEADERS.items() for name in names.split()}


def names_used(text):
    code = re.sub(r"//[^\n]*", "", text)
    return {name for name in re.findall(r"\bstd::(?:ranges::)?(\w+)", code) if name in HEADER_OF}


def lacking(tree):
    """Headers that a file lacks, as "FILE: <HEADER> for std::NAME". The tree is one of include_table's."""
    texts, direct = {}, {}
    for room in tree.rooms:
        for path in tree.files[room]:
            texts[path] = path.read_text()
            direct[path] = [(name, tree.find(path, name)) for name in include_table.includes(path)]

    def named(path, seen):
        """Headers of the standard library that a file names, with all that it includes of the project."""
        seen.add(path)
        found = set()
        for name, file in direct.get(path, []):
            if file is None:
                found.add(name)
            elif file not in seen:
                found |= named(file, seen)
        return found

    wrong = []
    for path, text in texts.items():
        headers = named(path, set())
        wrong += [f"{path.relative_to(tree.root)}: <{HEADER_OF[name]}> for std::{name}"
                  for name in sorted(names_used(text)) if HEADER_OF[name] not in headers]
    return wrong
