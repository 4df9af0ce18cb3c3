#include "output_place.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <format>
#include <system_error>

#include "llama-base/disk.h"

namespace llama {
namespace fs = std::filesystem;

namespace internal {
namespace {

std::string_view extension_of(OutputFormat format) {
  switch (format) {
    case OutputFormat::Parquet:
      return ".parquet";
    case OutputFormat::ArrowFile:
      return ".arrow";
    case OutputFormat::ArrowStream:
      break;
  }
  return ".arrows";
}

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// "part-00012.parquet" for the prefix "part" and the ending ".parquet".
bool is_part_name(std::string_view name, const TableOutput& output) {
  const std::string prefix = output.part_prefix + "-";
  const std::string_view extension = extension_of(output.format);
  if (!name.starts_with(prefix) || !name.ends_with(extension)) return false;
  if (name.size() < prefix.size() + extension.size() + 5) return false;
  const std::string_view number = name.substr(prefix.size(), name.size() - prefix.size() - extension.size());
  return is_number(number);
}

// ".out.parquet.1234-0.partial" of "out.parquet", or of a part: what AtomicFile calls a file without a name.
bool is_unfinished(std::string_view name, const TableOutput& output) {
  constexpr std::string_view kEnding = ".partial";
  if (!name.starts_with('.') || !name.ends_with(kEnding)) return false;
  name = name.substr(1, name.size() - 1 - kEnding.size());
  const std::size_t dot = name.rfind('.'), dash = name.rfind('-');
  if (dot == name.npos || dash == name.npos || dash < dot) return false;
  if (!is_number(name.substr(dot + 1, dash - dot - 1)) || !is_number(name.substr(dash + 1))) return false;
  name = name.substr(0, dot);
  return is_split(output) ? is_part_name(name, output) : name == output.path.filename().string();
}

std::unexpected<Error> refuse(const TableOutput& output, std::string_view reason) {
  return fail(ErrorCode::Io, std::format("output '{}' cannot be written: {}", output.path.string(), reason));
}

Result<void> check_folder(const TableOutput& output, const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error))
    return refuse(output, std::format("the folder '{}' does not exist", folder.string()));
  if (::access(folder.c_str(), W_OK) != 0)
    return refuse(output, std::format("folder '{}': {}", folder.string(), std::strerror(errno)));
  return {};
}

fs::path parent_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

Result<void> check_file(const TableOutput& output) {
  const fs::path& path = output.path;
  std::error_code error;
  if (path.filename().empty() || fs::is_directory(path, error)) return refuse(output, "it is a folder; name a file");
  if (auto checked = check_folder(output, parent_of(path)); !checked) return checked;
  if (fs::exists(fs::symlink_status(path, error))) {
    if (output.existing == ExistingFile::Refuse) return refuse(output, "it exists already");
    if (fs::exists(path, error) && !fs::is_regular_file(path, error)) return refuse(output, "it is not a regular file");
  }
  return {};
}

// The folder itself is made where it is missing.
Result<void> check_parts(const TableOutput& output) {
  const fs::path folder = output.path.filename().empty() ? output.path.parent_path() : output.path;
  std::error_code error;
  if (!fs::exists(fs::symlink_status(folder, error))) return check_folder(output, parent_of(folder));
  if (!fs::is_directory(folder, error)) return refuse(output, "it is a file; parts need a folder");
  if (auto checked = check_folder(output, folder); !checked) return checked;
  if (output.existing == ExistingFile::Replace) return {};
  const auto parts = existing_parts(output);
  if (parts.empty()) return {};
  return refuse(output, std::format("it holds parts already ('{}')", std::ranges::min(parts).filename().string()));
}

Result<void> check_settings(const TableOutput& output) {
  const auto wrong = [](std::string reason) { return fail(ErrorCode::InvalidArgument, std::move(reason)); };
  if (output.row_group_rows < 1) return wrong("a row group needs at least one row");
  if (output.split_rows == 0 || output.split_bytes == 0) return wrong("a part needs at least one row");
  if (output.part_prefix.empty() || output.part_prefix.find('/') != std::string::npos)
    return wrong(std::format("'{}' cannot begin the names of parts", output.part_prefix));
  const auto compression = output.compression.value_or(Compression::None);
  if (output.format != OutputFormat::Parquet &&
      (compression == Compression::Snappy || compression == Compression::Gzip))
    return wrong("Arrow compresses by zstd or lz4");
  if (output.path != "-") return {};
  if (output.format != OutputFormat::ArrowStream) return wrong("standard output takes an Arrow stream, and no file");
  if (is_split(output)) return wrong("parts need a folder, not standard output");
  return {};
}

}  // namespace

bool is_split(const TableOutput& output) { return output.split_rows || output.split_bytes; }

fs::path part_path(const TableOutput& output, std::uint64_t number) {
  return output.path / std::format("{}-{:05}{}", output.part_prefix, number, extension_of(output.format));
}

std::vector<fs::path> existing_parts(const TableOutput& output) {
  std::vector<fs::path> parts;
  std::error_code error;
  for (fs::directory_iterator entry(output.path, error), end; !error && entry != end; entry.increment(error))
    if (is_part_name(entry->path().filename().string(), output)) parts.push_back(entry->path());
  return parts;
}

Result<void> prepare_folder(const TableOutput& output) {
  std::error_code error;
  if (!fs::is_directory(output.path, error)) {
    if (auto made = make_folders(output.path); !made) return made;
    const fs::path folder = output.path.filename().empty() ? output.path.parent_path() : output.path;
    return sync_file(parent_of(folder));
  }
  // At once: a run that ends on the way must not leave its parts among those of another.
  for (const fs::path& part : existing_parts(output)) {
    fs::remove(part, error);
    if (error) return disk_error("removed", part, error.value());
  }
  return {};
}

}  // namespace internal

Result<void> check_output(const TableOutput& output) {
  if (auto checked = internal::check_settings(output); !checked) return checked;
  if (output.path == "-") {
    if (::isatty(STDOUT_FILENO) == 1)
      return fail(ErrorCode::Io, "standard output is a terminal, and an Arrow stream is for programs");
    return {};
  }
  return internal::is_split(output) ? internal::check_parts(output) : internal::check_file(output);
}

void remove_unfinished(const TableOutput& output) {
  if (output.path == "-") return;
  const auto folder = internal::is_split(output) ? output.path : internal::parent_of(output.path);
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (!internal::is_unfinished(entry->path().filename().string(), output)) continue;
    std::error_code ignored;  // another run may say what is wrong with the folder
    fs::remove(entry->path(), ignored);
  }
}

}  // namespace llama
