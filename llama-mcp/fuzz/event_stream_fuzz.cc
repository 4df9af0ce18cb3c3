// Whatever a server sends as an event stream, and however it is cut: the same events, and never a crash.
//
// The first byte says how long the pieces are.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/event_stream.h"
#include "http/message_head.h"
#include "http/parameter_headers.h"

namespace {

using namespace llama::internal;

std::string events_of(std::string_view bytes, std::size_t piece) {
  std::string seen;
  EventStream stream(64, [&](const StreamEvent& event) {
    (void)read_message_head(event.data);
    ((seen += event.type) += '\n') += event.data;
    seen += event.is_too_long ? "\ntoo long\n" : "\n";
    return true;
  });
  for (std::size_t at = 0; at < bytes.size(); at += piece) (void)stream.push(bytes.substr(at, piece));
  return seen + '\n' + stream.last_event_id();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (events_of(text, 1 + data[0] % 16) != events_of(text, size)) std::abort();
  (void)parameter_headers_of(text);
  (void)header_value(text);
  return 0;
}
