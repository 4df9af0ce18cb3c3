// Hand a stream that can be read only once to someone who wants a file's name: by a pipe of the process's own.
//
// A thread moves the bytes; at a stop or an error it closes the pipe, so that the reader at the other end, who may be
// deaf to stops, comes to an end.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "llama-base/disk.h"
#include "llama-base/error.h"
#include "read/byte_reader.h"

namespace llama::internal {

class PipeFeed {
 public:
  [[nodiscard]] static Result<std::unique_ptr<PipeFeed>> start(std::unique_ptr<InputBytes> reader);
  ~PipeFeed() = default;  // the thread ends first
  PipeFeed(const PipeFeed&) = delete;
  PipeFeed& operator=(const PipeFeed&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }  // "/dev/fd/7"
  [[nodiscard]] const std::string& name() const { return name_; }  // "standard input"
  // Why the bytes ended before their end.
  [[nodiscard]] std::optional<Error> error() const;
  void stop() { thread_.request_stop(); }

 private:
  PipeFeed(std::unique_ptr<InputBytes> reader, FileHandle read_end, FileHandle write_end);
  void run(const std::stop_token& stop);

  std::unique_ptr<InputBytes> reader_;
  std::string name_, path_;
  FileHandle read_end_, write_end_;
  mutable std::mutex mutex_;
  std::optional<Error> error_;
  std::jthread thread_;  // last: it ends before the rest
};

}  // namespace llama::internal
