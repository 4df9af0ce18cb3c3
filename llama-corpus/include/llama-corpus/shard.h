// Split the rows of an input among processes that do not talk.
//
// Shard i of n (from 0) has the rows whose number is i modulo n: every row is in exactly one, whatever the input's
// length, and each has its share of long and short ones.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llama-base/error.h"

namespace llama {

struct Shard {
  std::uint32_t index = 0;
  std::uint32_t count = 1;
  [[nodiscard]] bool has(std::uint64_t row) const { return row % count == index; }
  friend bool operator==(const Shard&, const Shard&) = default;
};

// "3/8": the fourth of eight, counted from 0. "auto": SLURM_ARRAY_TASK_ID (with _MIN, _MAX, _COUNT, _STEP), RANK and
// WORLD_SIZE, JOB_COMPLETION_INDEX (with JOB_COMPLETIONS), AWS_BATCH_JOB_ARRAY_INDEX (with AWS_BATCH_JOB_ARRAY_SIZE);
// `variable` reads the environment.
//
// Some of the tasks run again make another array (--array=3,5 has two tasks): say --shard 3/8 for them. shard_check.h
// finds what went wrong there.
//
// Errors   InvalidArgument: "3/2", "auto" where no scheduler says which, or several contradict.
[[nodiscard]] Result<Shard> parse_shard(std::string_view text,
                                        const std::function<std::optional<std::string>(std::string_view)>& variable);

// "part-00003-of-00008": the same on every try.
[[nodiscard]] std::string part_name(const Shard& shard);

}  // namespace llama
