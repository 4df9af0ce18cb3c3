#include "llama-corpus/shard.h"

#include <format>

namespace llama {

std::string part_name(const Shard& shard) { return std::format("part-{:05}-of-{:05}", shard.index, shard.count); }

}  // namespace llama
