// Cut a stream of bytes into lines of a limited length; of a longer one only its two ends are kept.
//
// Memory   at most the limit, whatever comes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace llama::internal {

struct LineReceiver {
  std::function<void(std::string_view line)> line;  // without its end, and perhaps no UTF-8
  // A line that was skipped: how it began and ended, up to 1 KiB each.
  std::function<void(std::string_view head, std::string_view tail)> too_long;
};

class LineSplitter {
 public:
  LineSplitter(std::size_t max_line_bytes, LineReceiver receiver)
      : max_line_bytes_(max_line_bytes), receiver_(std::move(receiver)) {}

  void push(std::string_view bytes);
  // What came after the last line's end.
  [[nodiscard]] std::string_view rest() const { return line_; }

 private:
  void add(std::string_view part);
  void end_line();

  const std::size_t max_line_bytes_;
  const LineReceiver receiver_;
  std::string line_;  // of a line that is too long: its head
  std::string tail_;
  bool is_too_long_ = false;
};

// The number of the request that an answer belongs to which was too long to be read, if its ends show it.
[[nodiscard]] std::optional<std::string> id_of_skipped(std::string_view head, std::string_view tail);

}  // namespace llama::internal
