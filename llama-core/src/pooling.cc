#include "llama-core/pooling.h"

namespace llama {

std::string_view to_string(Pooling pooling) {
  switch (pooling) {
    case Pooling::None:
      return "none";
    case Pooling::Mean:
      return "mean";
    case Pooling::Cls:
      return "cls";
    case Pooling::Last:
      return "last";
    case Pooling::Rank:
      return "rank";
  }
  return "none";
}

std::optional<Pooling> parse_pooling(std::string_view name) {
  for (const Pooling pooling : {Pooling::None, Pooling::Mean, Pooling::Cls, Pooling::Last, Pooling::Rank}) {
    if (name == to_string(pooling)) return pooling;
  }
  return std::nullopt;
}

}  // namespace llama
