#include "llama-http/http_transport.h"

#include <ranges>

namespace llama {

std::string_view HttpHead::value(std::string_view name) const {
  for (const HttpHeader& header : std::views::reverse(headers)) {
    if (header.name == name) return header.value;
  }
  return {};
}

HttpAnswer perform_whole(HttpTransport& transport, const HttpRequest& request, std::size_t max_bytes,
                         const std::stop_token& stop) {
  HttpAnswer answer;
  answer.result =
      transport.perform(request,
                        {.head = [](const HttpHead&) { return true; },
                         .body =
                             [&](std::span<const std::byte> bytes) {
                               if (bytes.size() > max_bytes - answer.body.size()) return false;
                               answer.body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
                               return true;
                             }},
                        stop);
  return answer;
}

}  // namespace llama
