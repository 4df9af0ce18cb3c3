#include "download/download.h"

#include <algorithm>
#include <condition_variable>
#include <format>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

#include "download/content_range.h"
#include "download/partial_file.h"
#include "download/piece_queue.h"
#include "download/prefix_hasher.h"
#include "download/signed_address.h"
#include "hub/hub_failure.h"
#include "hub/hub_request.h"
#include "hub/repo_kind.h"
#include "llama-http/curl_transport.h"
#include "llama-http/url.h"

namespace llama::internal {
namespace {

constexpr std::uint64_t kMinPiece = 1 << 20;
constexpr std::uint64_t kMaxPiece = 32 << 20;
constexpr std::chrono::milliseconds kTick{100};
constexpr std::uint64_t kFastTick =
    20 << 20;  // bytes in a tick; a single connection this fast waits for nothing but this machine
constexpr std::chrono::milliseconds kQuickSave{250};
constexpr std::chrono::seconds kDurableSave{5};

// Of the file's size, not of what is missing: a few pieces per lane, none too small to be worth a request.
std::uint64_t piece_size(std::uint64_t size, int lanes) {
  return std::clamp(size / (static_cast<std::uint64_t>(lanes) * 8), kMinPiece, kMaxPiece);
}

// What the lanes of one file share. The first lane starts alone; if it is slow the others join it. Each takes a missing
// piece from the queue, asks for that range and writes what comes at its offset; a piece that breaks off goes back with
// what is left of it. The first error that trying again cannot cure stops all lanes. Meanwhile the caller's thread
// reports, and saves the journal: every quarter of a second for the death of this process, every five seconds, synced,
// for the machine's. Cost: a crash loses at most what came since, and a request for each piece.
class Download {
 public:
  Download(const DownloadRequest& request, const DownloadEnvironment& environment, PartialFile& file)
      : request_(request),
        environment_(environment),
        file_(file),
        lanes_(std::clamp(environment.settings.lanes, 1, 16)),
        queue_(file.ranges().missing(request.size_bytes, piece_size(request.size_bytes, lanes_)), request.size_bytes),
        address_(request.url) {}

  Result<void> run(PrefixHasher& hasher) {
    // A stop from outside stops the lanes; so does the first lane that fails.
    const std::stop_callback forward(environment_.stop, [this] { stop_.request_stop(); });
    const std::size_t pieces =
        file_.ranges().missing(request_.size_bytes, piece_size(request_.size_bytes, lanes_)).size();
    max_lanes_ = std::min<std::size_t>(static_cast<std::size_t>(lanes_), pieces);
    start_lanes(std::min<std::size_t>(max_lanes_, 1), hasher);
    auto saved = report_until_done(hasher);
    threads_.clear();
    if (auto last = file_.save(PartialFile::Save::Durable); saved && !last) saved = last;
    if (error_) return std::unexpected(*error_);
    if (environment_.stop.stop_requested()) return fail(ErrorCode::Cancelled, std::string(kDownloadStopped));
    return saved;
  }

 private:
  // More than one only where the first alone is slow: on a fast one they would only be in each other's way.
  void start_lanes(std::size_t count, PrefixHasher& hasher) {
    const std::scoped_lock lock(mutex_);
    if (!threads_.empty() && running_ == 0) return;  // all is done
    while (threads_.size() < count) {
      threads_.emplace_back([this, &hasher] { lane(hasher); });
      ++running_;
    }
  }

  Result<void> report_until_done(PrefixHasher& hasher) {
    using Clock = std::chrono::steady_clock;
    auto quick = Clock::now(), durable = quick;
    std::uint64_t before = file_.ranges().total();
    std::unique_lock lock(mutex_);
    while (!done_.wait_for(lock, kTick, [&] { return running_ == 0; })) {
      lock.unlock();
      const ByteRanges ranges = file_.ranges();
      if (ranges.total() - before < kFastTick) start_lanes(max_lanes_, hasher);
      before = ranges.total();
      if (environment_.on_progress) environment_.on_progress(before);
      Result<void> saved;
      const auto now = Clock::now();
      if (now - durable >= kDurableSave) {
        saved = file_.save(PartialFile::Save::Durable);
        quick = durable = Clock::now();
      } else if (now - quick >= kQuickSave) {
        saved = file_.save(PartialFile::Save::Quick);
        quick = Clock::now();
      }
      if (!saved) {
        stop_.request_stop();
        return saved;
      }
      lock.lock();
    }
    return {};
  }

  void lane(PrefixHasher& hasher) {
    const auto transport = environment_.transport();
    int failures = 0;
    while (auto piece = queue_.take(stop_.get_token())) {
      const std::uint64_t before = file_.ranges().total();
      const auto failure = fetch(*transport, *piece, hasher);
      if (file_.ranges().total() > before) failures = 0;
      if (failure) {
        // Nobody else takes the piece while this lane waits: the hub asked to be left alone.
        const bool again =
            wait_for_retry(environment_.retry, failures++, *failure, environment_.on_message, stop_.get_token());
        queue_.give_back(*piece);
        if (!again) {
          // Who was stopped while it waited has not failed.
          if (!stop_.stop_requested()) give_up(failure->error);
          break;
        }
        continue;
      }
      queue_.give_back(*piece);
    }
    {
      const std::scoped_lock lock(mutex_);
      --running_;
    }
    done_.notify_all();
  }

  void give_up(const Error& error) {
    {
      const std::scoped_lock lock(mutex_);
      if (!error_ && error.code != ErrorCode::Cancelled) error_ = error;
    }
    stop_.request_stop();
  }

  static HubFailure odd(std::string reason, bool again = true) {
    return {.error = {ErrorCode::Network, std::move(reason)}, .again = again, .wish = {}};
  }

  // Fetches the piece; what came is taken off its range. Nothing when all of it came.
  std::optional<HubFailure> fetch(HttpTransport& transport, FilePiece& piece, PrefixHasher& hasher) {
    const std::string url = address_.current();
    HubQuestion question{.endpoint = environment_.settings.endpoint,
                         .repo = request_.repo,
                         .revision = request_.revision,
                         .path = request_.path,
                         .url = url};
    const std::string range = piece.whole ? "0-" : std::format("{}-{}", piece.range.begin, piece.range.end - 1);
    std::optional<BodyFault> fault;
    std::optional<Error> disk;
    std::string words;  // of an answer that is no success
    bool success = false, too_long = false, not_mine = false;
    std::uint64_t at = 0;
    const HttpSink sink{.head =
                            [&](const HttpHead& head) {
                              success = head.status == 200 || head.status == 206;
                              if (!success) return true;
                              const auto start = body_start(head, piece.range, request_.size_bytes);
                              if (!start) return fault = start.error(), false;
                              at = *start;
                              const bool from_beginning = head.status == 200 && head.value("content-range").empty();
                              if (from_beginning && !piece.whole && piece.range.end < request_.size_bytes) {
                                not_mine = !queue_.claim_whole();
                                if (not_mine) return false;
                                piece = {.range = {0, request_.size_bytes}, .whole = true};
                              }
                              address_.remember(question.url);
                              return true;
                            },
                        .body =
                            [&](std::span<const std::byte> bytes) {
                              if (!success) {
                                words.append(reinterpret_cast<const char*>(bytes.data()),
                                             std::min(bytes.size(), kMaxErrorBody - words.size()));
                                return words.size() < kMaxErrorBody;
                              }
                              too_long = bytes.size() > piece.range.end - at;
                              const auto wanted =
                                  bytes.first(std::min<std::uint64_t>(bytes.size(), piece.range.end - at));
                              if (auto written = file_.write(at, wanted); !written)
                                return disk = written.error(), false;
                              hasher.advance(file_.ranges().prefix());
                              at += wanted.size();
                              piece.range.begin = at;
                              return !too_long;
                            }};
    const auto result = follow(transport, environment_.settings, question, url, range, sink, stop_.get_token());
    if (!result) {
      address_.forget(url);
      return result.error();
    }
    if (disk) return HubFailure{.error = *disk, .again = false, .wish = {}};
    if (piece.range.begin == piece.range.end && success) return std::nullopt;
    if (result->end == TransferEnd::Cancelled) return explain_transfer(question, *result);
    if (not_mine) return piece.range = {0, 0}, std::nullopt;
    if (fault) {
      // The bytes come from the beginning or not at all: no failure yet, only another way.
      if (fault->no_ranges && !piece.whole) return queue_.no_pieces(), std::nullopt;
      address_.forget(url);
      return odd(about(fault->reason, question.url));
    }
    if (success)
      return result->end == TransferEnd::Complete ? odd(about("the connection ended early", question.url))
                                                  : explain_transfer(question, *result);
    if (result->head.status == 0) return explain_transfer(question, *result);
    return explain_status(question, *result, words, url);
  }

  static std::string about(std::string_view what, const std::string& url) {
    const auto origin = origin_of(url);
    return std::format("{}: {}", origin ? origin->host : url, what);
  }

  HubFailure explain_status(const HubQuestion& question, const HttpResult& result, std::string_view words,
                            const std::string& url) {
    HubFailure failure = explain_answer(question, result.head, words);
    // What the hub led to has no say about permissions: its signed addresses expire. The hub gives a new one.
    if (!same_origin(question.url, environment_.settings.endpoint) || address_.forget(url)) {
      if (!failure.again)
        failure = odd(std::format("{} (an expired address?)", odd_status(question.url, result.head.status)));
      address_.forget(url);
    }
    if (result.head.status == 416) failure = odd(about("the server's file is shorter than the hub says", question.url));
    return failure;
  }
  static std::string odd_status(const std::string& url, int status) {
    return about(std::format("answered {}", status), url);
  }

  const DownloadRequest& request_;
  const DownloadEnvironment& environment_;
  PartialFile& file_;
  int lanes_;
  PieceQueue queue_;
  std::stop_source stop_;
  std::mutex mutex_;
  std::condition_variable done_;
  std::vector<std::jthread> threads_;  // the lanes; started by run() alone
  std::size_t max_lanes_ = 0;          // lanes that there may be
  int running_ = 0;
  std::optional<Error> error_;
  SignedAddress address_;
};

}  // namespace

Result<std::filesystem::path> download(const DownloadRequest& request, const std::filesystem::path& folder,
                                       const DownloadEnvironment& environment) {
  auto file = PartialFile::open(folder, request.digest, request.size_bytes);
  if (!file) return std::unexpected(file.error());
  if (auto reserved = file->reserve(); !reserved) return std::unexpected(reserved.error());

  for (int attempt = 0;; ++attempt) {
    PrefixHasher hasher(*file, request.digest.kind);
    hasher.advance(file->ranges().prefix());
    if (auto fetched = Download(request, environment, *file).run(hasher); !fetched)
      return std::unexpected(fetched.error());
    if (environment.on_progress) environment.on_progress(file->size_bytes());
    const auto digest = hasher.finish(environment.stop);
    if (!digest && digest.error().code == ErrorCode::Cancelled)
      return fail(ErrorCode::Cancelled, std::string(kDownloadStopped));
    if (!digest) return std::unexpected(digest.error());
    if (digest->hex == request.digest.hex) return file->data();
    if (auto forgotten = file->forget(); !forgotten) return std::unexpected(forgotten.error());
    const std::string proxy = proxy_for_message();
    const std::string what =
        std::format("file '{}' of '{}' came damaged from {}{}: its digest is {}, published is {}", request.path,
                    bare_name(request.repo), without_secrets(environment.settings.endpoint),
                    proxy.empty() ? "" : std::format(" through the proxy {}", proxy), digest->hex, request.digest.hex);
    if (attempt > 0) {
      std::error_code ignored;
      std::filesystem::remove_all(folder, ignored);
      return fail(ErrorCode::Corrupt, what + "; nothing of it was kept");
    }
    if (environment.on_message) environment.on_message(what + "; fetching it once more from the beginning");
  }
}

}  // namespace llama::internal
