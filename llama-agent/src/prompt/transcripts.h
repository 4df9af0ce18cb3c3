// Remember what the sessions' last prompts and replies were, as text and as the tokens that the model really saw.
//
// Threads  any number at once.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "llama-core/model.h"

namespace llama {
class SessionStore;
}

namespace llama::internal {

struct Transcript {
  std::string text;
  std::vector<Token> tokens;
};

class Transcripts {
 public:
  [[nodiscard]] Transcript of(std::string_view session) const;
  // Those of sessions that are gone are forgotten, but not one by one.
  void put(const std::string& session, Transcript transcript, const SessionStore& sessions);

 private:
  static constexpr std::size_t kMinLimit = 64;
  mutable std::mutex mutex_;
  std::map<std::string, Transcript, std::less<>> transcripts_;
  std::size_t limit_ = kMinLimit;  // from which it looks for sessions that are gone
};

}  // namespace llama::internal
