// Match the names of a repository's files against a pattern, and put names into the order that people expect.
//
// Pure. `*` is any run of characters and `?` any one character within a part of the name (between two '/'); `[a-z]` one
// of a set, `[!a-z]` one that is not in it; `**` any number of whole parts, at the end one at least. A wildcard at the
// beginning of a part does not match a '.' there, as in shells. Where a '[' is never closed it stands for itself.
// Source   fsspec's glob, which huggingface_hub's HfFileSystem.glob uses; it matches names that begin with '.', too.
#pragma once

#include <string>
#include <string_view>

#include "llama-base/error.h"

namespace llama::internal {

[[nodiscard]] bool has_wildcard(std::string_view pattern);

// Errors   InvalidArgument: `**` that is not a whole part.
[[nodiscard]] Result<void> check_glob(std::string_view pattern);

// Cost   the product of both lengths at most, whatever the pattern.
[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view path);

// The folder that all matches lie in: "data/en" of "data/en/*.csv"; "" for the whole repository.
[[nodiscard]] std::string_view fixed_folder(std::string_view pattern);

// Whether a comes before b: numbers by their value ("part-2" before "part-10"), what is in a folder stays together.
// Of names that differ in zeros alone the byte order decides, so that no two names are equal.
[[nodiscard]] bool natural_less(std::string_view a, std::string_view b);

// How many characters must be changed, added or removed for the pattern to match; what a wildcard stands for is free.
// Cost   the product of both lengths.
[[nodiscard]] std::size_t glob_distance(std::string_view pattern, std::string_view path);

}  // namespace llama::internal
