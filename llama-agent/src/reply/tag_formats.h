// The families that write a name and its parameters between tags. Their calls are read by tag_calls.h.
//
// Source   the templates of Qwen/Qwen3-Coder, Qwen/Qwen3.5, nvidia/Nemotron-3-Nano, stepfun-ai/Step-3.5 (qwen3-coder);
//          ByteDance-Seed/Seed-OSS (seed-oss);
//          zai-org/GLM-4.5 and 4.6 (glm); MiniMaxAI/MiniMax-M2 (minimax); openbmb/MiniCPM5 (minicpm);
//          deepseek-ai/DeepSeek-V3.2 and V4 (dsml, where the block is called function_calls or tool_calls).
#pragma once

#include "reply_format.h"

namespace llama::internal {

extern const ReplyFormatKind kSeedFormat, kQwenCoderFormat, kGlmFormat, kMiniMaxFormat, kMiniCpmFormat, kDsmlFormat,
    kDsml4Format;

}  // namespace llama::internal
