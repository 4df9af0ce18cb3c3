#include "download/fetch.h"

#include <algorithm>
#include <format>
#include <optional>

#include "cache/cache_room.h"
#include "cache/entry_key.h"
#include "download/model_files.h"
#include "hub/dataset_choice.h"
#include "hub/hub_failure.h"
#include "hub/hub_repository.h"
#include "hub/model_choice.h"
#include "hub/repo_kind.h"
#include "hub/repo_path.h"
#include "llama-base/file_digest.h"
#include "llama-loader/detection.h"
#include "unix_time.h"

namespace llama::internal {
namespace {

std::string gigabytes(std::uint64_t bytes) {
  return bytes < 1'000'000'000 ? std::format("{:.1f} MB", static_cast<double>(bytes) / 1e6)
                               : std::format("{:.2f} GB", static_cast<double>(bytes) / 1e9);
}

// From a name to files. First the cache is asked, then (or at once, where the caller wants the newest) the hub: which
// commit, which files, which of them is the model. The choice gives the entry's key, and from there on one process
// works on it: under the entry's lock the files are found on this machine or downloaded, checked, and published in one
// step. Cost: three short requests to choose, one more per doubtful file; nothing on the network for what the cache
// has.
class Fetch {
 public:
  Fetch(const ModelRequest& request, const FetchEnvironment& environment, const CacheFolder& folder)
      : request_(request), environment_(environment), folder_(folder) {}

  Result<FetchedModel> run() {
    const bool is_fixed = is_hex(request_.revision, 40);  // a commit does not move
    if (!environment_.ask_hub || environment_.settings.offline || is_fixed) {
      auto found = from_cache();
      if (!found) return std::unexpected(found.error());
      if (*found) return std::move(**found);
    }
    if (environment_.settings.offline) return fail(ErrorCode::Offline, not_here());
    if (auto chosen = choose(); !chosen) {
      const bool later = chosen.error().code == ErrorCode::Network || chosen.error().code == ErrorCode::RateLimited;
      auto found = later ? from_cache() : Result<std::optional<FetchedModel>>(std::nullopt);
      if (!found || !*found) return std::unexpected(chosen.error());
      say(std::format("the {} from the cache is used: {}", noun(), chosen.error().message));
      return std::move(**found);
    }
    // A shared lock first: what is there already may be in use, by this process too.
    auto held = use_what_is_there(FileLock::Kind::Shared);
    if (held && !held->model) {
      held->lock.reset();
      held = use_what_is_there(FileLock::Kind::Exclusive);  // whoever had it meanwhile may have brought the model
    }
    if (!held) return std::unexpected(held.error());
    if (held->model) return std::move(*held->model);
    return download_all(std::move(*held->lock));
  }

 private:
  void say(std::string_view line) const {
    if (environment_.on_message) environment_.on_message(line);
  }
  CacheFolder::OnWait waiting() const {
    return [this](long process) {
      say(process > 0 ? std::format("waiting for process {}, which is fetching '{}'", process, name())
                      : std::format("waiting for another process that is fetching '{}'", name()));
    };
  }

  [[nodiscard]] std::string_view noun() const { return request_.pattern ? "data set" : "model"; }
  [[nodiscard]] std::string_view name() const { return bare_name(request_.repo); }

  // Of another endpoint it may be another model, whatever its name: it is not used, but said.
  std::string not_here() const {
    std::string elsewhere;
    for (const auto& entry : folder_.entries()) {
      ModelRequest there = request_;
      there.endpoint = entry.manifest.endpoint;
      if (!serves(entry.manifest, there) || elsewhere.contains("'" + there.endpoint + "'")) continue;
      elsewhere += std::format("{}'{}'", elsewhere.empty() ? "" : " and ", there.endpoint);
    }
    const std::string part =
        request_.pattern && !request_.pattern->empty() ? std::format("'{}' of ", *request_.pattern) : "";
    const std::string what = std::format("{}the {} '{}'", part, noun(), name());
    if (elsewhere.empty()) {
      return std::format(
          "{} is not in the cache '{}', and the network is switched off (HF_HUB_OFFLINE, or for this program alone)",
          what, folder_.path().string());
    }
    return std::format(
        "{} is in the cache '{}' from {}, not from '{}', and the network is switched off: set "
        "HF_ENDPOINT to the address that it is from",
        what, folder_.path().string(), elsewhere, request_.endpoint);
  }

  // What the cache has for this request; of several the one that its revision was last known to be.
  Result<std::optional<FetchedModel>> from_cache() {
    std::optional<CacheEntry> best;
    std::int64_t best_since = 0;
    for (auto& entry : folder_.entries()) {
      const auto since = answers_since(entry.manifest, request_);
      if (!since) continue;
      // Two models with the same tag: only the hub's list can say that it is ambiguous.
      if (best && request_.quant && best->manifest.files[0].path != entry.manifest.files[0].path) return std::nullopt;
      if (best && *since <= best_since) continue;
      best = std::move(entry);
      best_since = *since;
    }
    if (!best) return std::nullopt;
    auto lock = folder_.lock(best->key, FileLock::Kind::Shared, waiting(), environment_.stop);
    if (!lock) return std::unexpected(lock.error());
    best = folder_.entry(best->key);  // it may have gone meanwhile
    if (!best) return std::nullopt;
    if (!best->looks_unchanged()) {
      const auto same = hash_again(*best);
      if (!same) return std::unexpected(same.error());
      if (!*same) return std::nullopt;
    }
    folder_.touch(*best);
    return FetchedModel{.entry = std::move(*best), .cache_hit = true, .use = std::move(*lock)};
  }

  // Files that look different may have been copied or restored: their digests decide.
  Result<bool> hash_again(CacheEntry& entry) {
    say(std::format("the files of '{}' look changed; checking them", entry.manifest.repo));
    for (auto& file : entry.manifest.files) {
      const std::filesystem::path place = file_place(entry.folder, file.path);
      const auto digest = digest_of_file(place, file.digest.kind, {}, environment_.stop);
      if (!digest && digest.error().code == ErrorCode::Cancelled) return std::unexpected(digest.error());
      const auto look = fingerprint_of(place);
      if (!digest || digest->hex != file.digest.hex || !look) {
        say(std::format("the cached file '{}' is damaged", place.string()));
        return false;
      }
      file.fingerprint = *look;
    }
    if (auto written = folder_.write_manifest(entry); !written) say(written.error().message);
    return true;
  }

  Result<void> choose() {
    const auto transport = environment_.transport();
    const HubAccess hub{.transport = *transport,
                        .settings = environment_.settings,
                        .retry = environment_.retry,
                        .on_message = environment_.on_message,
                        .stop = environment_.stop};
    if (request_.pattern) return take(choose_dataset_files(hub, request_, repository_));
    auto listed = list_repository(hub, request_.repo, request_.revision);
    if (!listed) return std::unexpected(listed.error());
    repository_ = std::move(*listed);
    const auto is_known = [&](const ModelChoice& choice) {
      const auto entry = folder_.entry(entry_key(folder_, request_.repo, choice));
      return entry && is_made_of(*entry, choice.files);
    };
    return take(choose_model(repository_, request_,
                             {.transport = *transport,
                              .settings = environment_.settings,
                              .is_known = is_known,
                              .on_message = environment_.on_message,
                              .stop = environment_.stop}));
  }

  Result<void> take(Result<ModelChoice> choice) {
    if (!choice) return std::unexpected(choice.error());
    choice_ = std::move(*choice);
    key_ = entry_key(folder_, request_.repo, choice_);
    return {};
  }

  // One of the two is there.
  struct Held {
    std::optional<FetchedModel> model{};
    std::optional<FileLock> lock{};
  };
  Result<Held> use_what_is_there(FileLock::Kind kind) {
    auto lock = folder_.lock(key_, kind, waiting(), environment_.stop);
    if (!lock) return std::unexpected(lock.error());
    auto entry = folder_.entry(key_);
    if (!entry || !is_made_of(*entry, choice_.files) || !entry->looks_unchanged())
      return Held{.lock = std::move(*lock)};
    auto model = use(std::move(*entry), std::move(*lock), true);
    if (!model) return std::unexpected(model.error());
    return Held{.model = std::move(*model)};
  }

  Result<FetchedModel> use(CacheEntry entry, FileLock lock, bool hit) {
    Manifest& manifest = entry.manifest;
    manifest.repo = request_.repo;
    manifest.endpoint = request_.endpoint;
    manifest.commit = repository_.commit;
    const std::int64_t now = later_than_others();
    manifest.revisions[asked_as(request_)] = now;
    if (ModelRequest fixed = request_; request_.pattern) {
      fixed.revision = repository_.commit;
      manifest.revisions[asked_as(fixed)] = now;
    }
    manifest.automatic = choice_.automatic;
    // A cache that is read-only or full serves what it has.
    if (auto written = folder_.write_manifest(entry); !written) {
      if (!hit) return std::unexpected(written.error());
      say(written.error().message);
    }
    folder_.touch(entry);
    lock.share();
    return FetchedModel{.entry = std::move(entry), .cache_hit = hit, .use = std::move(lock)};
  }

  // Now; or, where another entry's answer has a time of now or from when the clock was wrong, after that.
  std::int64_t later_than_others() const {
    std::int64_t now = unix_time();
    for (const auto& entry : folder_.entries()) {
      const auto since = entry.key == key_ ? std::nullopt : answers_since(entry.manifest, request_);
      now = std::max(now, since.value_or(0) + 1);
    }
    return now;
  }

  Result<FetchedModel> download_all(FileLock lock) {
    ModelFiles files(environment_, folder_, repository_, choice_.files, key_);
    if (auto locked = files.lock_group(waiting()); !locked) return std::unexpected(locked.error());
    if (auto looked = files.find_here(); !looked) return std::unexpected(looked.error());
    auto room = make_place(files.missing_bytes());
    if (!room && files.let_others_go()) room = make_place(files.missing_bytes());
    if (!room) return std::unexpected(room.error());
    const std::uint64_t missing = files.missing_bytes();
    if (missing > 0) {
      say(std::format("downloading {}{} ({}) from {} at commit {}", choice_.files[0].path,
                      choice_.files.size() > 1 ? std::format(" and {} more {}", choice_.files.size() - 1,
                                                             request_.pattern ? "files" : "parts")
                                               : "",
                      gigabytes(missing), name(), repository_.commit.substr(0, 12)));
    }
    if (auto fetched = files.download_rest(waiting()); !fetched) return std::unexpected(fetched.error());
    if (auto sound = files.check_headers(); !sound) {
      files.discard_incoming();
      return std::unexpected(sound.error());
    }
    Manifest manifest;
    for (const HubFile& file : choice_.files) {
      manifest.files.push_back(
          {.path = file.path, .size_bytes = file.size_bytes, .digest = digest_of(file), .fingerprint = {}});
    }
    auto entry = folder_.publish(key_, std::move(manifest), files.staged(), environment_.stop);
    if (!entry) return std::unexpected(entry.error());
    files.discard_incoming();
    return use(std::move(*entry), std::move(lock), missing == 0);
  }

  Result<void> make_place(std::uint64_t missing) const {
    const auto room =
        make_room(folder_, {.limit = environment_.cache.max_size_bytes(), .needed = missing, .kept = key_});
    if (!room) {
      return fail(room.error().code,
                  std::format("'{}': {}{}", name(), room.error().message, request_.pattern ? "" : smaller_choices()));
    }
    for (const auto& gone : room->removed)
      say(std::format("removed '{}' ({}) from the cache to make room", gone.key,
                      gigabytes(gone.freed_bytes.value_or(0))));
    return {};
  }

  std::string smaller_choices() const {
    std::string text;
    for (const auto& file : repository_.files) {
      if (has_gguf_ending(file.path) && file.size_bytes < choice_.files[0].size_bytes && text.size() < 400) {
        text += std::format("{}{} ({})", text.empty() ? "; smaller: " : ", ", file.path, gigabytes(file.size_bytes));
      }
    }
    return text;
  }

  const ModelRequest& request_;
  const FetchEnvironment& environment_;
  const CacheFolder& folder_;
  HubRepository repository_;
  ModelChoice choice_;
  std::string key_;
};

}  // namespace

Result<FetchedModel> fetch_model(const ModelRequest& request, const FetchEnvironment& environment) {
  const auto folder = CacheFolder::open(environment.cache.folder());
  if (!folder) return std::unexpected(folder.error());
  return Fetch(request, environment, *folder).run();
}

}  // namespace llama::internal
