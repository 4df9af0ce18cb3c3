// What a GenerationStream holds.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>

#include "llama-agent/agent_server.h"
#include "reply_stream.h"

namespace llama {

struct GenerationStream::State {
  std::shared_ptr<internal::ReplyStream> stream;
  std::stop_source cancel;
  struct Cancel {
    std::stop_source source;
    void operator()() const { source.request_stop(); }
  };
  std::optional<std::stop_callback<Cancel>> callers_stop;
};

}  // namespace llama
