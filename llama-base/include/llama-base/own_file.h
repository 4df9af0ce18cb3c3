// Which file the program's own code comes from, so that what was installed beside it is found wherever it was moved to.
//
// Threads  any.
// Source   proc(5).
#pragma once

#include <cstdint>
#include <filesystem>
#include <istream>

namespace llama::internal {

// The file that holds this library's code: the program, or a shared library of somebody's. Not /proc/self/exe, which is
// the loader's file where a bundle starts the program through its own loader, and the interpreter's where this library
// is part of a module.
//
// Errors   "": there is no /proc.
[[nodiscard]] std::filesystem::path own_file();

// The file that `address` is mapped from, of a list of mappings as /proc/self/maps is one; "" where none is named.
[[nodiscard]] std::filesystem::path mapped_file(std::istream& maps, std::uintptr_t address);

}  // namespace llama::internal
