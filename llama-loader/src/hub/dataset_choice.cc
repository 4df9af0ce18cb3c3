#include "hub/dataset_choice.h"

#include <algorithm>
#include <array>
#include <format>
#include <ranges>
#include <utility>

#include "hub/glob.h"
#include "hub/repo_kind.h"

namespace llama::internal {
namespace {

constexpr std::size_t kNearest = 3;         // names in a message
constexpr std::size_t kMaxCompared = 5000;  // names that are measured for it

// Kinds of tables, the one that is taken first of all first.
constexpr std::size_t kNoTable = SIZE_MAX;
constexpr std::array<std::pair<std::string_view, std::size_t>, 9> kTables = {{{".parquet", 0},
                                                                              {".arrow", 1},
                                                                              {".feather", 1},
                                                                              {".jsonl", 2},
                                                                              {".ndjson", 2},
                                                                              {".csv", 3},
                                                                              {".tsv", 4},
                                                                              {".json", 5},
                                                                              {".txt", 6}}};
constexpr std::size_t kFirstText = 2;  // from here on it may be compressed

std::size_t table_kind(std::string_view path) {
  std::string name(path);
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const bool is_compressed = name.ends_with(".gz") || name.ends_with(".zst");
  if (is_compressed) name.resize(name.rfind('.'));
  for (const auto& [ending, kind] : kTables)
    if (name.ends_with(ending) && (!is_compressed || kind >= kFirstText)) return kind;
  return kNoTable;
}

// Below the folder, where a name as Spark's "_SUCCESS" or ".cache/x.json" is no part of the data.
bool is_hidden(std::string_view below) {
  return below.starts_with('.') || below.starts_with('_') || below.contains("/.") || below.contains("/_");
}

DatasetChoice in_folder(const std::vector<HubFile>& files, std::string_view folder) {
  const std::string prefix = folder.empty() ? "" : std::string(folder) + "/";
  std::vector<std::pair<std::size_t, const HubFile*>> tables;
  for (const HubFile& file : files) {
    if (!file.path.starts_with(prefix) || is_hidden(std::string_view(file.path).substr(prefix.size()))) continue;
    if (const std::size_t kind = table_kind(file.path); kind != kNoTable) tables.emplace_back(kind, &file);
  }
  DatasetChoice choice;
  if (tables.empty()) return choice;
  const std::size_t best = std::ranges::min(tables | std::views::keys);
  for (const auto& [kind, file] : tables) {
    if (kind == best) {
      choice.files.push_back(*file);
    } else {
      choice.left_out.push_back(file->path);
    }
  }
  return choice;
}

// The parts of the list to ask for, the smallest first.
std::vector<TreeWanted> parts_to_list(const std::string& pattern) {
  std::vector<TreeWanted> parts;
  const std::string folder(fixed_folder(pattern));
  if (!pattern.empty()) {
    const std::string_view rest =
        folder.empty() ? std::string_view(pattern) : std::string_view(pattern).substr(folder.size() + 1);
    const bool is_deep = rest.contains('/') || rest == "**";
    parts.push_back({.folder = folder, .is_recursive = is_deep, .has_dates = false});
  }
  if (!has_wildcard(pattern) && !pattern.empty()) parts.push_back({.folder = pattern, .has_dates = false});
  if (parts.empty() || !parts.front().folder.empty() || !parts.front().is_recursive)
    parts.push_back({.has_dates = false});
  return parts;
}

void tell_left_out(const HubAccess& hub, const DatasetChoice& choice) {
  if (choice.left_out.empty() || !hub.on_message) return;
  hub.on_message(std::format("left out: {}{}, of another kind than {}; name {} to take {}", choice.left_out.front(),
                             choice.left_out.size() > 1 ? std::format(" and {} more", choice.left_out.size() - 1) : "",
                             choice.files.front().path, choice.left_out.size() > 1 ? "them" : "it",
                             choice.left_out.size() > 1 ? "them" : "it"));
}

// A file that is meant and cannot be had must not be missing without a word.
Result<void> check_left_out(const HubRepository& repository, std::string_view pattern) {
  std::vector<HubFile> odd;
  for (const std::string& name : repository.left_out_names) odd.push_back({.path = name});
  const DatasetChoice meant = select_files(odd, pattern);
  if (meant.files.empty()) return {};
  std::string name = meant.files.front().path.substr(0, 200);
  std::ranges::replace_if(name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return fail(ErrorCode::Network,
              std::format("{} has a file '{}' that cannot be fetched: its name, size or digest in the "
                          "hub's list makes no sense",
                          described(repository.repo), name));
}

// The hub says of a model's name only that there is no such data set.
Error explained(const HubAccess& hub, const std::string& repo, const Error& error) {
  const bool may_be_model = error.code == ErrorCode::NotFound || error.code == ErrorCode::AccessDenied;
  const std::string model(bare_name(repo));
  if (!may_be_model || has_repository(hub, repo) || !has_repository(hub, model)) return error;
  return {ErrorCode::NotFound, std::format("'{}' is a model's repository and no data set", model)};
}

}  // namespace

DatasetChoice select_files(const std::vector<HubFile>& files, std::string_view pattern) {
  DatasetChoice choice;
  if (const auto exact = std::ranges::find(files, pattern, &HubFile::path); exact != files.end())
    return {.files = {*exact}};
  choice = in_folder(files, pattern);
  if (choice.files.empty() && has_wildcard(pattern)) {
    for (const HubFile& file : files)
      if (glob_matches(pattern, file.path)) choice.files.push_back(file);
  }
  std::ranges::sort(choice.files, natural_less, &HubFile::path);
  return choice;
}

Error no_match(const HubRepository& repository, std::string_view pattern) {
  const std::string set = described(repository.repo);
  const auto& files = repository.files;
  const std::string where = std::format("at revision '{}'", repository.revision);
  if (files.empty()) return {ErrorCode::NotFound, std::format("{} has no files {}", set, where)};
  std::vector<std::pair<std::size_t, std::string_view>> near;
  for (const HubFile& file : files | std::views::take(kMaxCompared))
    near.emplace_back(glob_distance(pattern, file.path), file.path);
  const std::size_t count = std::min(near.size(), kNearest);
  std::ranges::partial_sort(near, near.begin() + static_cast<std::ptrdiff_t>(count));
  std::string names;
  for (const auto& [distance, name] : near | std::views::take(count))
    names += std::format("{}{}", names.empty() ? "" : ", ", name);
  const std::string what = pattern.empty() ? "is a table" : std::format("'{}' means", pattern);
  return {ErrorCode::NotFound, std::format("{} has {} {} {}, and none that {}; the nearest: {}", set, files.size(),
                                           files.size() == 1 ? "file" : "files", where, what, names)};
}

Result<ModelChoice> choose_dataset_files(const HubAccess& hub, const ModelRequest& request, HubRepository& repository) {
  auto found = find_repository(hub, request.repo, request.revision);
  if (!found) return std::unexpected(explained(hub, request.repo, found.error()));
  repository = std::move(*found);
  DatasetChoice chosen;
  for (const TreeWanted& part : parts_to_list(*request.pattern)) {
    auto listed = list_files(hub, part, repository);
    // No such folder: the whole list says what there is instead.
    if (!listed && listed.error().code == ErrorCode::NotFound && !part.folder.empty()) continue;
    if (!listed) return std::unexpected(listed.error());
    if (auto sound = check_left_out(repository, *request.pattern); !sound) return std::unexpected(sound.error());
    chosen = select_files(repository.files, *request.pattern);
    if (!chosen.files.empty()) break;
  }
  if (chosen.files.empty()) return std::unexpected(no_match(repository, *request.pattern));
  tell_left_out(hub, chosen);
  ModelChoice choice;
  for (const HubFile& file : chosen.files) {
    if (__builtin_add_overflow(choice.size_bytes, file.size_bytes, &choice.size_bytes) ||
        choice.size_bytes > INT64_MAX) {
      return fail(ErrorCode::Network, std::format("{}: the sizes of its files cannot be", described(request.repo)));
    }
  }
  choice.files = std::move(chosen.files);
  return choice;
}

}  // namespace llama::internal
