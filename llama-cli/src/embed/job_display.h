// Show how far a job is, and what it has to say meanwhile.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

#include "console.h"
#include "embed/embed_input.h"
#include "llama-corpus/embed_job.h"
#include "llama-corpus/shard.h"
#include "progress.h"

namespace llama {

class JobDisplay {
 public:
  // Of a shard its own rows, and about its bytes: how many those are nobody has counted.
  JobDisplay(const Console& console, const EmbedInput& input, const Shard& shard, std::string_view unit)
      : console_(console),
        total_bytes_(input.texts.transform([&](const TextCount& count) { return count.bytes / shard.count; })),
        total_rows_(rows_of_shard(input, shard)),
        progress_(stderr, console.terminal, "Progress", total_rows_, unit) {}

  void update(const JobProgress& now) {
    if (console_.quiet) return;
    // A long text is more of the work than a short one.
    const double fraction = total_bytes_  ? share(now.bytes, *total_bytes_)
                            : total_rows_ ? share(now.rows, *total_rows_)
                                          : 0;
    progress_.update(now.rows, fraction);
  }
  void go_on_from(std::uint64_t rows) { progress_.go_on_from(rows); }
  void warn(std::string_view line) {
    progress_.clear();
    tell("Warning: {}", line);
  }
  void clear() { progress_.clear(); }
  void finish(std::uint64_t rows) {
    if (!console_.quiet) progress_.finish(rows);
  }

 private:
  static double share(std::uint64_t part, std::uint64_t whole) {
    return static_cast<double>(part) / static_cast<double>(std::max<std::uint64_t>(1, whole));
  }
  const Console& console_;
  std::optional<std::uint64_t> total_bytes_, total_rows_;
  Progress progress_;
};

}  // namespace llama
