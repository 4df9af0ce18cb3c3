// Turn a request into the header lines that libcurl sends beside its own.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>
#include <string_view>

#include "llama-http/http_transport.h"

namespace llama::internal {

// Why a request cannot be sent as it is; "" where it can.
[[nodiscard]] std::string unsendable(const HttpRequest& request);

[[nodiscard]] std::string lower_case(std::string_view text);

struct FreeList {
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};

class HeaderList {
 public:
  explicit HeaderList(const HttpRequest& request);
  [[nodiscard]] curl_slist* get() const { return list_.get(); }
  [[nodiscard]] bool is_whole() const { return is_whole_; }  // false: out of memory

 private:
  void add(const std::string& line);
  std::unique_ptr<curl_slist, FreeList> list_;
  bool is_whole_ = true;
};

}  // namespace llama::internal
