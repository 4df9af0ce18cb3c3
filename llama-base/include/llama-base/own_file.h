// Which file the program's own code comes from, so that what was installed beside it is found wherever it was moved to.
//
// Threads  any.
// Source   proc(5), dladdr(3), getauxval(3).
#pragma once

#include <cstdint>
#include <filesystem>
#include <istream>

namespace llama::internal {

// The file that holds this library's code: the program, or a shared library of somebody's. Not /proc/self/exe, which is
// the loader's file where a bundle starts the program through its own loader, and the interpreter's where this library
// is part of a module.
//
// Errors   "": neither /proc nor the loader says.
[[nodiscard]] std::filesystem::path own_file();

// The same as the loader knows it, where /proc is not mounted (a plain chroot) or does not exist (macOS). A path that
// the program was started with is taken from the working folder: ask before that is changed.
[[nodiscard]] std::filesystem::path loaded_file();

// The file that `address` is mapped from, of a list of mappings as /proc/self/maps is one; "" where none is named.
[[nodiscard]] std::filesystem::path mapped_file(std::istream& maps, std::uintptr_t address);

}  // namespace llama::internal
