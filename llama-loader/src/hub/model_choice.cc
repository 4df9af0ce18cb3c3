#include "hub/model_choice.h"

#include <algorithm>
#include <format>
#include <ranges>

#include "gguf/header_prefix.h"
#include "hub/hub_repository.h"
#include "hub/hub_request.h"
#include "llama-loader/detection.h"

namespace llama::internal {
namespace {

constexpr std::uint64_t kMinModel = 24;             // bytes: magic, version, two counts
constexpr std::uint64_t kLargeFile = 256ull << 20;  // bytes
constexpr int kMaxProbes = 8;

// Answers to nobody's questions in particular: it has one try, and what it does not learn it does not know.
std::optional<GgufHeader> fetch_prefix(const HubRepository& repository, const HubFile& file,
                                       const ChoiceEnvironment& environment) {
  HubQuestion question{.endpoint = environment.settings.endpoint,
                       .repo = repository.repo,
                       .revision = repository.revision,
                       .path = file.path,
                       .url = {}};
  const std::uint64_t wanted = std::min<std::uint64_t>(kPrefixBytes, file.size_bytes);
  std::vector<std::byte> bytes;
  const HttpSink sink{.head = [](const HttpHead& head) { return head.status == 200 || head.status == 206; },
                      .body =
                          [&](std::span<const std::byte> more) {
                            bytes.insert(bytes.end(), more.begin(), more.end());
                            return bytes.size() < wanted;  // a server without ranges sends all of it
                          }};
  const auto result = follow(environment.transport, environment.settings, question,
                             content_url(environment.settings, repository, file.path), std::format("0-{}", wanted - 1),
                             sink, environment.stop);
  if (!result || (bytes.size() < wanted && result->end != TransferEnd::Complete)) return std::nullopt;
  return read_header_prefix(bytes);
}

class Chooser {
 public:
  Chooser(const HubRepository& repository, const ModelRequest& request, const ChoiceEnvironment& environment)
      : repository_(repository), request_(request), environment_(environment) {
    for (const auto& file : repository.files) names_.push_back(file.path);
    ranked_ = rank_models(names_, repository.repo);
  }

  Result<ModelChoice> run() {
    if (request_.filename || request_.quant) return named();
    if (ranked_.empty()) return std::unexpected(about(choose_model_files(names_, wish()).error()));
    std::optional<Error> first;
    for (const std::string& candidate : ranked_ | std::views::take(kMaxProbes)) {
      auto choice = with_parts(candidate);
      if (!choice) return choice;
      choice->automatic = true;
      auto whole = check(*choice, ranked_.size() > 1);
      if (whole) return choice;
      if (whole.error().code != ErrorCode::InvalidModel) return std::unexpected(whole.error());
      if (environment_.on_message) environment_.on_message(std::format("left out: {}", whole.error().message));
      if (!first) first = whole.error();
    }
    return std::unexpected(*first);
  }

 private:
  [[nodiscard]] ModelWish wish() const {
    return {.filename = request_.filename, .quant = request_.quant, .repository = repository_.repo};
  }
  [[nodiscard]] Error about(const Error& error) const {
    return {error.code, std::format("repository '{}': {}", repository_.repo, error.message)};
  }

  Result<ModelChoice> named() {
    const auto chosen = choose_model_files(names_, wish());
    if (!chosen) return std::unexpected(about(chosen.error()));
    auto choice = with_parts(chosen->front());
    if (!choice) return choice;
    choice->automatic = !ranked_.empty() && ranked_.front() == chosen->front();
    if (auto whole = check(*choice, false); !whole) return std::unexpected(whole.error());
    return choice;
  }

  Result<ModelChoice> with_parts(const std::string& name) const {
    const auto parts = with_all_parts(names_, name);
    if (!parts) return std::unexpected(about(parts.error()));
    ModelChoice choice;
    for (const std::string& part : *parts) {
      const auto file = std::ranges::find(repository_.files, part, &HubFile::path);
      if (file->size_bytes < kMinModel) {
        return std::unexpected(
            about({ErrorCode::InvalidModel, std::format("'{}' has {} bytes, no model", part, file->size_bytes)}));
      }
      if (__builtin_add_overflow(choice.size_bytes, file->size_bytes, &choice.size_bytes) ||
          choice.size_bytes > INT64_MAX) {
        return std::unexpected(about({ErrorCode::Network, "the sizes of its files cannot be"}));
      }
      choice.modified = std::max(choice.modified, file->modified);
      choice.files.push_back(*file);
    }
    return choice;
  }

  Result<void> check(const ModelChoice& choice, bool has_others) const {
    const HubFile& first = choice.files.front();
    if ((!has_others && first.size_bytes < kLargeFile) || environment_.is_known(choice)) return {};
    const auto header = fetch_prefix(repository_, first, environment_);
    if (environment_.stop.stop_requested()) return fail(ErrorCode::Cancelled, std::string(kDownloadStopped));
    if (!header || (header->value("general.architecture").empty() && header->value("general.type").empty())) return {};
    if (auto model = check_is_model(*header, first.path); !model) return std::unexpected(about(model.error()));
    return {};
  }

  const HubRepository& repository_;
  const ModelRequest& request_;
  const ChoiceEnvironment& environment_;
  std::vector<std::string> names_, ranked_;
};

}  // namespace

Result<ModelChoice> choose_model(const HubRepository& repository, const ModelRequest& request,
                                 const ChoiceEnvironment& environment) {
  return Chooser(repository, request, environment).run();
}

Digest digest_of(const HubFile& file) {
  if (!file.sha256.empty()) return {.kind = DigestKind::Sha256, .hex = file.sha256};
  return {.kind = DigestKind::GitBlob, .hex = file.git_sha1};
}

}  // namespace llama::internal
