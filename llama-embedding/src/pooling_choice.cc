#include "llama-embedding/pooling_choice.h"

#include <algorithm>
#include <cctype>
#include <format>

namespace llama {

Result<PoolingChoice> choose_pooling(const PoolingFacts& facts) {
  if (facts.asked) {
    if (*facts.asked == Pooling::None || *facts.asked == Pooling::Rank) {
      return fail(ErrorCode::InvalidArgument,
                  std::format("pooling '{}' gives no vector per text; mean, cls and last do", to_string(*facts.asked)));
    }
    return PoolingChoice{*facts.asked, {}};
  }
  const bool says_none = !facts.declared || *facts.declared == Pooling::None;
  if (facts.declared == Pooling::Rank || (says_none && facts.has_rank_head)) {
    return fail(ErrorCode::InvalidModel,
                "this model is a reranker: it scores pairs of texts and has no vector for one text");
  }
  if (!says_none) return PoolingChoice{*facts.declared, {}};
  if (facts.is_encoder)
    return PoolingChoice{Pooling::Mean, "the model does not say its pooling; using mean, as most encoders"};

  std::string name = facts.name;
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (name.contains("embed"))
    return PoolingChoice{Pooling::Last, "the model does not say its pooling; using last, as most embedding decoders"};
  return fail(ErrorCode::NoPooling, "this looks like a generation model: it does not say its pooling");
}

}  // namespace llama
