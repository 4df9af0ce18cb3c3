// Hand a stream that can be read only once to someone who wants a file's name: by a pipe of the process's own.
//
// A thread moves the bytes; at a stop or an error it closes the pipe, so that the reader at the other end, who may be
// deaf to stops, comes to an end.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "llama-base/disk.h"
#include "llama-base/error.h"
#include "read/byte_reader.h"

namespace llama::internal {

// What the next bytes become, at the end of `out`.
using RewriteBytes = std::function<void(std::string_view bytes, std::string& out)>;

class PipeFeed {
 public:
  // rewrite: of all bytes before they go on; nothing: as they are.
  [[nodiscard]] static Result<std::unique_ptr<PipeFeed>> start(std::unique_ptr<InputBytes> reader,
                                                               RewriteBytes rewrite = {});
  ~PipeFeed() = default;  // the thread ends first
  PipeFeed(const PipeFeed&) = delete;
  PipeFeed& operator=(const PipeFeed&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }  // "/dev/fd/7"
  [[nodiscard]] const std::string& name() const { return name_; }  // "standard input"
  // Why the bytes ended before their end.
  [[nodiscard]] std::optional<Error> error() const;
  void stop() { thread_.request_stop(); }

 private:
  PipeFeed(std::unique_ptr<InputBytes> reader, RewriteBytes rewrite, FileHandle read_end, FileHandle write_end);
  void run(const std::stop_token& stop);

  std::unique_ptr<InputBytes> reader_;
  RewriteBytes rewrite_;
  std::string name_, path_;
  FileHandle read_end_, write_end_;
  mutable std::mutex mutex_;
  std::optional<Error> error_;
  std::jthread thread_;  // last: it ends before the rest
};

// Those that one query reads.
class PipeFeeds {
 public:
  void add(std::unique_ptr<PipeFeed> feed) { feeds_.push_back(std::move(feed)); }
  [[nodiscard]] bool is_empty() const { return feeds_.empty(); }
  void stop();
  [[nodiscard]] std::optional<Error> error() const;  // the first
  // Of the query: why a feed ended, if one did, else with the names of what is fed; a pipe's own says nothing.
  [[nodiscard]] Error told(Error error) const;

 private:
  std::vector<std::unique_ptr<PipeFeed>> feeds_;
};

}  // namespace llama::internal
