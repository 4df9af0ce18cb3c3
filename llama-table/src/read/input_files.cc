#include "read/input_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <format>
#include <iterator>
#include <span>
#include <system_error>
#include <utility>

#include "llama-base/digest.h"
#include "read/byte_reader.h"
#include "read/secrets.h"

namespace llama::internal {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::pair<std::string_view, TableFormat>, 16> kEndings = {{
    {".txt", TableFormat::Text},
    {".text", TableFormat::Text},
    {".csv", TableFormat::Csv},
    {".tsv", TableFormat::Tsv},
    {".tab", TableFormat::Tsv},
    {".json", TableFormat::Json},
    {".jsonl", TableFormat::JsonLines},
    {".ndjson", TableFormat::JsonLines},
    {".parquet", TableFormat::Parquet},
    {".pq", TableFormat::Parquet},
    {".parq", TableFormat::Parquet},
    {".arrow", TableFormat::ArrowFile},
    {".feather", TableFormat::ArrowFile},
    {".ipc", TableFormat::ArrowFile},
    {".arrows", TableFormat::ArrowStream},
    {".arrowstream", TableFormat::ArrowStream},
}};
constexpr std::array<std::string_view, 6> kRemote = {"http://", "https://", "s3://", "gs://", "gcs://", "r2://"};

bool is_url(std::string_view path) {
  return std::ranges::any_of(kRemote, [&](std::string_view start) { return path.starts_with(start); });
}

// What Hugging Face's datasets lays beside its tables.
constexpr std::array<std::string_view, 3> kNotes = {"dataset_dict.json", "dataset_info.json", "state.json"};

bool is_hidden(const fs::path& name) {
  const std::string text = name.filename().string();
  return text.starts_with('.') || text.starts_with('_');
}

// Beside Arrow files alone: elsewhere a table may have such a name.
void leave_notes_out(std::vector<std::string>& files) {
  const auto is_arrow = [](const std::string& file) { return format_of_name(file) == TableFormat::ArrowFile; };
  if (std::ranges::none_of(files, is_arrow)) return;
  std::erase_if(
      files, [](const std::string& file) { return std::ranges::contains(kNotes, fs::path(file).filename().string()); });
}

Result<std::vector<std::string>> files_below(const fs::path& folder) {
  std::vector<std::string> files;
  std::error_code error;
  fs::recursive_directory_iterator at(folder, fs::directory_options::follow_directory_symlink, error), end;
  for (; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (is_hidden(at->path())) {
      if (at->is_directory(ignored)) at.disable_recursion_pending();
    } else if (at->is_regular_file(ignored)) {
      files.push_back(at->path().string());
    }
  }
  if (error)
    return fail(ErrorCode::Io, std::format("folder '{}' cannot be read: {}", folder.string(), error.message()));
  std::ranges::sort(files);
  return files;
}

Result<std::vector<std::string>> files_of_folder(const std::string& folder, std::optional<TableFormat> format) {
  auto all = files_below(folder);
  if (!all || format) return all;
  leave_notes_out(*all);
  std::vector<std::string> files;
  std::optional<std::pair<TableFormat, std::string>> first;
  for (std::string& file : *all) {
    const auto found = format_of_name(file);
    if (!found) continue;
    if (first && first->first != *found)
      return fail(ErrorCode::InvalidArgument,
                  std::format("folder '{}' holds tables of two kinds ('{}', '{}'); say which with a glob", folder,
                              first->second, file));
    if (!first) first = {*found, file};
    files.push_back(std::move(file));
  }
  if (files.empty())
    return fail(ErrorCode::NotFound,
                std::format("folder '{}' holds no table (.csv, .jsonl, .parquet, .arrow, .txt …)", folder));
  return files;
}

Result<std::vector<std::string>> files_of_glob(const std::string& pattern) {
  // The folder that its beginning without a pattern names.
  const std::size_t special = pattern.find_first_of("*?[");
  const std::size_t slash = pattern.rfind('/', special);
  const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : pattern.substr(0, slash);
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored))
    return fail(ErrorCode::NotFound, std::format("no file matches '{}': there is no folder '{}'", pattern, folder));
  std::vector<std::string> files;
  const std::size_t depth_of_pattern = static_cast<std::size_t>(std::ranges::count(pattern.substr(slash + 1), '/'));
  const bool is_deep = pattern.contains("**");
  std::error_code error;
  fs::recursive_directory_iterator at(folder, fs::directory_options::follow_directory_symlink, error), end;
  for (; !error && at != end; at.increment(error)) {
    if (!is_deep && std::cmp_greater_equal(at.depth(), depth_of_pattern)) at.disable_recursion_pending();
    std::string path = at->path().string();
    if (slash == std::string::npos && path.starts_with("./")) path.erase(0, 2);
    if (at->is_regular_file(ignored) && matches_glob(path, pattern)) files.push_back(std::move(path));
  }
  if (error) return fail(ErrorCode::Io, std::format("folder '{}' cannot be read: {}", folder, error.message()));
  if (files.empty()) return fail(ErrorCode::NotFound, std::format("no file matches '{}'", pattern));
  std::ranges::sort(files);
  return files;
}

Result<std::vector<std::string>> files_of_path(const std::string& path, std::optional<TableFormat> format) {
  std::error_code ignored;
  const fs::file_status status = fs::status(path, ignored);
  if (fs::is_directory(status)) return files_of_folder(path, format);
  if (fs::exists(status)) return std::vector<std::string>{path};
  if (path.find_first_of("*?[") != std::string::npos) return files_of_glob(path);
  return fail(ErrorCode::NotFound, std::format("file '{}' does not exist", path));
}

// It is looked at when it is read: a writer waits until a FIFO is opened, and what it wrote is gone when it is closed.
bool is_read_once(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  return fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status);
}

}  // namespace

std::optional<TableFormat> format_of_name(std::string_view name) {
  std::string lower(name.substr(0, is_url(name) ? name.find('?') : std::string_view::npos));
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  for (const std::string_view packed : {".gz", ".gzip", ".zst", ".zstd"}) {
    if (!lower.ends_with(packed)) continue;
    lower.resize(lower.size() - packed.size());
    break;
  }
  for (const auto& [ending, format] : kEndings)
    if (lower.ends_with(ending)) return format;
  return std::nullopt;
}

std::optional<TableFormat> format_of_bytes(std::string_view first) {
  if (first.starts_with("PAR1")) return TableFormat::Parquet;
  if (first.starts_with("ARROW1")) return TableFormat::ArrowFile;
  if (first.starts_with("\xff\xff\xff\xff")) return TableFormat::ArrowStream;
  if (first.starts_with("\xef\xbb\xbf")) first.remove_prefix(3);
  const auto skip_space = [&] { first.remove_prefix(std::min(first.find_first_not_of(" \t\r\n"), first.size())); };
  skip_space();
  if (first.starts_with('{')) {
    first.remove_prefix(1);
    skip_space();
    return first.starts_with('"') || first.starts_with('}') ? std::optional(TableFormat::JsonLines) : std::nullopt;
  }
  if (!first.starts_with('[')) return std::nullopt;
  first.remove_prefix(1);
  skip_space();
  return first.starts_with('{') ? std::optional(TableFormat::Json) : std::nullopt;
}

Result<InputFiles> find_input_files(const std::vector<std::string>& paths, std::optional<TableFormat> format) {
  InputFiles found;
  if (paths.empty()) return fail(ErrorCode::InvalidArgument, "no input is named");
  for (const std::string& path : paths) {
    if (path == "-") {
      if (paths.size() > 1)
        return fail(ErrorCode::InvalidArgument, "standard input ('-') cannot be read along with other inputs");
      found.files.push_back(path);
    } else if (path.starts_with("hf://")) {
      return fail(ErrorCode::InvalidArgument,
                  std::format("'{}' is a data set of the hub, which is no file here", path));
    } else if (is_url(path)) {
      found.is_remote = true;
      found.files.push_back(path);
    } else {
      auto files = files_of_path(path, format);
      if (!files) return std::unexpected(files.error());
      std::ranges::move(*files, std::back_inserter(found.files));
    }
  }
  if (found.is_remote && std::ranges::any_of(found.files, [](const std::string& file) { return !is_url(file); }))
    return fail(ErrorCode::InvalidArgument, "files and URLs cannot be read as one input");
  return found;
}

Result<TableFormat> format_of_files(const InputFiles& files) {
  std::optional<TableFormat> all;
  for (const std::string& file : files.files) {
    auto format = format_of_name(file);
    if (files.is_remote && !format) {
      return fail(ErrorCode::InvalidArgument,
                  std::format("'{}' does not say by its ending what it is; name the input format", file));
    }
    const bool may_look = !files.is_remote && file != "-" && !is_read_once(file);
    if (may_look && (!format || *format == TableFormat::ArrowFile)) {
      auto reader = InputBytes::open(file);
      if (!reader) return std::unexpected(reader.error());
      if (auto looked = (*reader)->look_further({}); !looked) return std::unexpected(looked.error());
      if (const auto by_bytes = format_of_bytes((*reader)->seen())) format = by_bytes;
    }
    const TableFormat found = format.value_or(TableFormat::Text);
    if (all && *all != found)
      return fail(ErrorCode::InvalidArgument,
                  std::format("'{}' is {} and '{}' is {}: one input is of one kind", files.files.front(),
                              to_string(*all), file, to_string(found)));
    all = found;
  }
  return all.value_or(TableFormat::Text);
}

Result<void> check_is_file(const std::string& path) {
  if (!is_read_once(path)) return {};
  return fail(ErrorCode::InvalidArgument,
              std::format("'{}' is a pipe or a device; write what comes from it into a file, and name that", path));
}

std::string InputFiles::place() const {
  if (!is_remote) return "";
  const std::string first = without_secrets(files.front());
  return files.size() == 1 ? std::format("'{}'", first) : std::format("one of {} URLs ('{}' …)", files.size(), first);
}

std::vector<std::string> files_meant_by(std::string_view text) {
  if (text.starts_with("file://")) text.remove_prefix(7);
  const std::string path(text);
  std::error_code ignored;
  if (path.empty() || is_url(path)) return {};
  if (fs::exists(path, ignored)) return {path};
  if (path.find_first_of("*?[") == std::string::npos) return {};
  return files_of_glob(path).value_or(std::vector<std::string>());
}

InputIdentity identity_of_files(const InputFiles& files) {
  InputIdentity identity;
  identity.what = files.is_standard_input() ? "standard input"
                  : files.files.size() == 1 ? std::format("{} '{}'", files.is_remote ? "URL" : "file", files.files[0])
                                            : std::format("{} files", files.files.size());
  // A URL may carry a password or a signature; another one is no other file.
  if (files.is_remote) identity.what = without_secrets(identity.what);
  std::string parts, content;
  for (std::size_t i = 0; i < files.files.size(); ++i) {
    const std::string& file = files.files[i];
    if (files.is_remote) {
      const std::string line =
          std::format("{}\n{}\n", without_secrets(file), i < files.remote_sizes.size() ? files.remote_sizes[i] : 0);
      parts += line;
      content += line;
      continue;
    }
    struct stat status{};
    const bool is_file = file != "-" && ::stat(file.c_str(), &status) == 0;
    if (is_file) identity.files.push_back(file);
    if (is_file) identity.sources.push_back(file);
    if (is_file && !S_ISREG(status.st_mode)) identity.is_repeatable = false;
#ifdef __APPLE__
    const auto& time = status.st_mtimespec;
#else
    const auto& time = status.st_mtim;
#endif
    parts += std::format("{}\n{}\n{}.{:09}\n", file, is_file ? status.st_size : 0, is_file ? time.tv_sec : 0,
                         is_file ? time.tv_nsec : 0);
    content += std::format("{}\n{}\n", std::filesystem::path(file).filename().string(), is_file ? status.st_size : 0);
  }
  if (files.is_standard_input()) identity.is_repeatable = false;
  identity.fingerprint = digest_of(parts, DigestKind::Sha256).hex;
  identity.content = digest_of(content, DigestKind::Sha256).hex;
  return identity;
}

}  // namespace llama::internal
