// A sample of an input's texts, and what a run would compute of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "console.h"
#include "embed/embed_input.h"
#include "embed/embed_model.h"
#include "interrupt.h"
#include "llama-corpus/embed_job.h"
#include "llama-table/row.h"

namespace llama {

// What a row gives to read, before it is cut.
struct SampledText {
  std::string text;
  std::vector<Cell> cells;  // of the prompt
};

struct Sample {
  std::vector<SampledText> texts;
  std::uint64_t rows = 0, with_text = 0, text_bytes = 0;
  std::uint64_t distinct = 0, distinct_of = 0;  // of the first texts
  bool is_all = false;
};

// What is computed of the sample's texts: themselves, their chunks, or nothing where they are too long for a run that
// leaves such out.
struct Pieces {
  std::vector<std::string> distinct;
  std::uint64_t texts = 0;                        // that were looked at
  std::uint64_t pieces = 0;                       // rows that they make, with a vector
  std::uint64_t tokens = 0, distinct_tokens = 0;  // of all pieces, of the distinct ones
  std::uint64_t too_long = 0;                     // texts that are cut, or left out
};

// Reads as much of the input as it can in some seconds; of a shard its rows alone. The texts are spread evenly over
// what was read.
[[nodiscard]] Step<Sample> read_sample(const JobOptions& options, const EmbedInput& input, const Interrupt& interrupt);

// Cuts as many of its texts as it can in some seconds, in any order.
// Errors   those of chunk_text().
[[nodiscard]] Step<Pieces> cut_sample(Sample& sample, const SharedModel& model, const JobOptions& options);

}  // namespace llama
