// Find the files that paths, globs and folders mean, and say what they were.
//
// A folder means the files of tables below it (hidden ones and those that begin with "_" left out), a glob what it
// matches (*, ?, [a-z], ** for any folders), each in the order of names. A file whose name has such characters is
// itself. URLs stay as they are.
//
// Errors   NotFound, Io, InvalidArgument (a folder of several kinds of tables).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"
#include "llama-table/row_reader.h"
#include "llama-table/table_reader.h"

namespace llama::internal {

struct InputFiles {
  std::vector<std::string> files;                // "-" alone: standard input
  bool is_remote = false;                        // URLs: DuckDB alone can read them
  std::vector<std::uint64_t> remote_sizes = {};  // bytes, where they were asked for (remote_files.h)
  bool is_standard_input() const { return files.size() == 1 && files.front() == "-"; }
  // Of URLs, for people; "" of files, whose readers name them.
  [[nodiscard]] std::string place() const;
};

// format: what the files of a folder are, if it was said.
[[nodiscard]] Result<InputFiles> find_input_files(const std::vector<std::string>& paths,
                                                  std::optional<TableFormat> format);

// By the ending of a file's name: "x.csv.gz" is Csv.
[[nodiscard]] std::optional<TableFormat> format_of_name(std::string_view name);

// By name, else by content; all files alike.
[[nodiscard]] Result<TableFormat> format_of_files(const InputFiles& files);

// By the first bytes, unpacked; nothing where they may be any text.
[[nodiscard]] std::optional<TableFormat> format_of_bytes(std::string_view first_bytes);

[[nodiscard]] InputIdentity identity_of_files(const InputFiles& files);

// The files that a text of a query's may mean: itself, or what matches it as a pattern.
[[nodiscard]] std::vector<std::string> files_meant_by(std::string_view text);

// For those who read a file at any place, or several times, or are deaf to stops while nobody writes.
//
// Errors   InvalidArgument: a pipe, a device. What is not there is nobody's fault here.
[[nodiscard]] Result<void> check_is_file(const std::string& path);

// Does a path match a pattern? Pure.
[[nodiscard]] bool matches_glob(std::string_view path, std::string_view pattern);

}  // namespace llama::internal
