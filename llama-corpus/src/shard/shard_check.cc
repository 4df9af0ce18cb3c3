#include "llama-corpus/shard_check.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <format>
#include <map>
#include <set>
#include <system_error>
#include <tuple>
#include <utility>

#include "manifest_text.h"

namespace llama {
namespace {

namespace fs = std::filesystem;
using RowsOf = std::function<Result<std::uint64_t>(const fs::path& part)>;

// A manifest that lies in the folder, or why it cannot be read.
struct FoundManifest {
  Shard shard;
  Result<ShardManifest> manifest;
  fs::file_time_type written;
};

struct FolderContent {
  std::vector<FoundManifest> manifests;
  std::map<std::string, Shard> parts;  // files by their names
  std::set<std::string> others;        // names of tables besides
};

// "part-00003-of-00008" at the beginning of a name; nothing for other names.
std::optional<Shard> shard_of_name(std::string_view name) {
  constexpr std::string_view kBegin = "part-", kMiddle = "-of-";
  if (!name.starts_with(kBegin)) return std::nullopt;
  name.remove_prefix(kBegin.size());
  Shard shard;
  const auto take = [&](std::uint32_t& number) {
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    const auto digits = static_cast<std::size_t>(end - name.data());
    if (error != std::errc{} || digits < 5) return false;
    name.remove_prefix(digits);
    return true;
  };
  if (!take(shard.index) || !name.starts_with(kMiddle)) return std::nullopt;
  name.remove_prefix(kMiddle.size());
  if (!take(shard.count) || shard.index >= shard.count) return std::nullopt;
  return shard;
}

// What a reader of the folder takes for a table of its; a README is none.
bool is_table(std::string_view name) {
  constexpr std::array<std::string_view, 11> kEndings = {".parquet", ".pq",  ".arrow", ".feather", ".ipc",   ".arrows",
                                                         ".csv",     ".tsv", ".json",  ".jsonl",   ".ndjson"};
  if (name.starts_with('.') || name.starts_with('_')) return false;
  for (const std::string_view packed : {".gz", ".zst"})
    if (name.ends_with(packed)) name.remove_suffix(packed.size());
  return std::ranges::any_of(kEndings, [&](std::string_view ending) { return name.ends_with(ending); });
}

Result<FolderContent> read_folder(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error))
    return fail(ErrorCode::NotFound, std::format("there is no folder '{}'", folder.string()));
  FolderContent content;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::error_code ignored;
    if (entry->is_directory(ignored)) continue;
    if (const auto shard = shard_of_name(name)) {
      content.parts.emplace(name, *shard);
    } else if (const auto hidden = shard_of_name(std::string_view(name).substr(name.starts_with('.') ? 1 : 0));
               hidden && name == manifest_path("", *hidden).string()) {
      content.manifests.push_back(
          {*hidden, read_manifest(folder, *hidden), fs::last_write_time(entry->path(), ignored)});
    } else if (is_table(name)) {
      content.others.insert(name);
    }
  }
  if (error)
    return fail(ErrorCode::Io, std::format("cannot read the folder '{}': {}", folder.string(), error.message()));
  return content;
}

// What all shards of a run have in common.
auto run_of(const ShardManifest& manifest) {
  return std::tie(manifest.shard.count, manifest.settings, manifest.input_fingerprint, manifest.model);
}

bool is_same_run(const ShardManifest& a, const ShardManifest& b) {
  const bool may_calibrate_alike = a.calibration.empty() || b.calibration.empty() || a.calibration == b.calibration;
  return run_of(a) == run_of(b) && may_calibrate_alike;
}

bool is_of_other_times(const ShardManifest& a, const ShardManifest& b) {
  return !a.input_times.empty() && !b.input_times.empty() && a.input_times != b.input_times;
}

std::string of_other_times(std::string_view who, const std::string& input) {
  return std::format(
      "{} from the input ({}) as it was written at another time, of the same names and sizes: it was changed in "
      "between, or is a copy that did not keep its time (cp -p, rsync -a)",
      who, input);
}

const ShardManifest* main_run(const std::vector<FoundManifest>& found) {
  const ShardManifest* best = nullptr;
  std::pair<std::size_t, fs::file_time_type> best_rank;
  for (const auto& one : found) {
    if (!one.manifest) continue;
    std::pair<std::size_t, fs::file_time_type> rank{0, one.written};
    for (const auto& other : found) {
      if (!other.manifest || !is_same_run(*other.manifest, *one.manifest)) continue;
      ++rank.first;
      rank.second = std::max(rank.second, other.written);
    }
    if (best == nullptr || rank > best_rank) best = &*one.manifest, best_rank = rank;
  }
  return best;
}

// others: what the run is called.
std::string difference(const ShardManifest& one, const ShardManifest& run, std::string_view others) {
  if (one.model != run.model) return std::format("it has another model than {}", others);
  if (one.input_fingerprint != run.input_fingerprint)
    return std::format("it has another input than {} ({}), or that one as it was at another time", others, one.input);
  const auto setting = [](const ShardManifest& of, std::string_view name) -> std::string {
    for (const auto& [known, value] : of.settings)
      if (known == name) return std::format("{} {}", name, value);
    return std::format("no {}", name);
  };
  std::set<std::string_view> names;
  for (const auto* settings : {&one.settings, &run.settings})
    for (const auto& [name, value] : *settings) names.insert(name);
  for (const auto name : names)
    if (setting(one, name) != setting(run, name))
      return std::format("it has {}, {} {}", setting(one, name), others, setting(run, name));
  if (run_of(one) == run_of(run)) return std::format("its int8 scales are from other texts than those of {}", others);
  return std::format("its settings come in another order than those of {}", others);
}

std::string what_is_cut_short(const fs::path& folder, const ShardManifest& manifest, const RowsOf& rows_of) {
  std::uint64_t rows = 0;
  for (const auto& part : manifest.parts) {
    std::error_code error;
    const auto size = fs::file_size(folder / part.file, error);
    if (error) return std::format("its part '{}' is missing", part.file);
    if (size != part.size_bytes)
      return std::format("its part '{}' has {} bytes of {}", part.file, size, part.size_bytes);
    if (rows_of) {
      const auto counted = rows_of(folder / part.file);
      if (!counted) return std::format("its part '{}' cannot be read: {}", part.file, counted.error().message);
      if (*counted != part.rows)
        return std::format("its part '{}' has {} rows, its manifest says {}", part.file, *counted, part.rows);
    }
    rows += part.rows;
  }
  if (rows != manifest.counts.rows_out)
    return std::format("its parts have {} rows, its manifest says {}", rows, manifest.counts.rows_out);
  return "";
}

// others: what the run is called.
CheckedShard checked(const fs::path& folder, const Shard& shard, const FolderContent& content, const ShardManifest& run,
                     std::string_view others, const RowsOf& rows_of) {
  CheckedShard made{.shard = shard, .state = ShardState::Missing, .reason = "", .manifest = std::nullopt};
  const auto found = std::ranges::find(content.manifests, shard, &FoundManifest::shard);
  if (found == content.manifests.end()) {
    const auto begun = std::ranges::any_of(content.parts, [&](const auto& part) { return part.second == shard; });
    made.reason = begun ? "it was not finished" : "it has not been run here";
    return made;
  }
  made.state = ShardState::CutShort;
  if (!found->manifest) {
    made.reason = found->manifest.error().message;
  } else if (!is_same_run(*found->manifest, run)) {
    made.state = ShardState::Foreign;
    made.reason = difference(*found->manifest, run, others);
  } else if (auto reason = what_is_cut_short(folder, *found->manifest, rows_of); !reason.empty()) {
    made.reason = std::move(reason);
  } else {
    made.state = ShardState::Whole;
    made.manifest = *found->manifest;
  }
  return made;
}

}  // namespace

bool ShardReport::has_all_shards() const {
  return std::ranges::all_of(shards, [](const auto& shard) { return shard.state == ShardState::Whole; });
}

bool ShardReport::is_whole() const { return strays.empty() && has_all_shards(); }

Result<ShardReport> check_shards(const fs::path& folder, const RowsOf& rows_of) {
  auto content = read_folder(folder);
  if (!content) return std::unexpected(std::move(content.error()));
  const ShardManifest* run = main_run(content->manifests);
  if (run == nullptr)
    return fail(ErrorCode::InvalidArgument, std::format("the folder '{}' has no finished shard", folder.string()));
  ShardReport report;
  std::set<std::string_view> claimed;
  for (std::uint32_t index = 0; index < run->shard.count; ++index) {
    report.shards.push_back(checked(folder, {index, run->shard.count}, *content, *run, "the others", rows_of));
    const auto& manifest = report.shards.back().manifest;
    if (!manifest) continue;
    for (const auto& part : manifest->parts) claimed.insert(part.file);
    for (const auto member : {&ShardCounts::rows_in, &ShardCounts::embedded, &ShardCounts::null, &ShardCounts::skipped,
                              &ShardCounts::rows_out})
      report.counts.*member += manifest->counts.*member;
  }
  const CheckedShard* first = nullptr;  // that says when its input was written
  for (const auto& shard : report.shards) {
    if (!shard.manifest || shard.manifest->input_times.empty()) continue;
    if (first == nullptr) first = &shard;
    if (!is_of_other_times(*shard.manifest, *first->manifest)) continue;
    report.notes.push_back(of_other_times(std::format("shard {}/{} is, other than shard {}/{},", shard.shard.index,
                                                      shard.shard.count, first->shard.index, first->shard.count),
                                          shard.manifest->input));
    break;
  }
  const auto of_other_count = [&](const Shard& shard) {
    return std::format("it is of a run of {} shards, not {}", shard.count, run->shard.count);
  };
  for (const auto& found : content->manifests)
    if (found.shard.count != run->shard.count)
      report.strays.push_back({manifest_path(folder, found.shard), of_other_count(found.shard)});
  for (const auto& [name, shard] : content->parts) {
    if (claimed.contains(name)) continue;
    if (shard.count != run->shard.count) {
      report.strays.push_back({folder / name, of_other_count(shard)});
    } else if (report.shards[shard.index].state == ShardState::Whole) {
      report.strays.push_back({folder / name, "an earlier run of its shard has left it"});
    }
  }
  for (const auto& name : content->others)
    report.strays.push_back({folder / name, "it is no part of the run, and whoever reads the folder reads it too"});
  return report;
}

Result<CheckedShard> check_shard(const fs::path& folder, const ShardManifest& planned, const RowsOf& rows_of) {
  std::error_code error;
  if (!fs::exists(folder, error)) return CheckedShard{.shard = planned.shard, .reason = "", .manifest = std::nullopt};
  const auto content = read_folder(folder);
  if (!content) return std::unexpected(content.error());
  CheckedShard made = checked(folder, planned.shard, *content, internal::as_read_back(planned), "this one", rows_of);
  if (made.state == ShardState::Whole && is_of_other_times(*made.manifest, planned)) {
    made.state = ShardState::Foreign;
    made.reason = of_other_times("it is", planned.input);
    made.manifest.reset();
  }
  return made;
}

Result<std::vector<std::string>> check_same_run(const fs::path& folder, const ShardManifest& planned) {
  std::vector<std::string> odd;
  std::error_code error;
  if (!fs::exists(folder, error)) return odd;
  auto content = read_folder(folder);
  if (!content) return std::unexpected(std::move(content.error()));
  const ShardManifest run = internal::as_read_back(planned);
  for (const auto& found : content->manifests) {
    if (!found.manifest || found.shard == run.shard) continue;
    if (is_same_run(*found.manifest, run)) {
      if (odd.empty() && is_of_other_times(*found.manifest, run))
        odd.push_back(of_other_times(std::format("shard {}/{} is", found.shard.index, found.shard.count), run.input));
      continue;
    }
    return fail(
        ErrorCode::InvalidArgument,
        std::format("the folder '{}' has shard {}/{} of another run: {}; name another folder, or empty this one",
                    folder.string(), found.shard.index, found.shard.count,
                    found.shard.count != run.shard.count ? std::format("this is one of {}", run.shard.count)
                                                         : difference(*found.manifest, run, "this one")));
  }
  return odd;
}

}  // namespace llama
