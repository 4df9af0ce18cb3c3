// The verify command: is a file of vectors what its texts and its model give?
#pragma once

#include <optional>
#include <string>

#include "command.h"
#include "console.h"
#include "llama-vectors/neighbour_agreement.h"
#include "llama-vectors/verification.h"
#include "loader_flags.h"
#include "vectors/vectors.h"

namespace llama {

struct VerifyArguments : VectorArguments {
  std::string sample = "200";  // or all
  std::uint64_t seed = 1;
  std::optional<float> tolerance;
  LoaderFlags loader;  // the model: nothing said, as the file says
  std::optional<std::string> prompt;
  std::optional<std::string> against;
};

[[nodiscard]] Command verify_command();

// Returns the exit status: 1 where a row is wrong.
[[nodiscard]] int run_verify(const VerifyArguments& arguments, const Interrupt& interrupt);

// What was found, and how.
struct VerifyResult {
  Verification found;
  std::string model;  // "" where none was needed
  double least_cosine = 0;
  std::string tolerance_reason;  // for people
  std::string against;
  std::optional<NeighbourAgreement> agreement;
};

void print_verification(const Console& console, const VerifyResult& result);
[[nodiscard]] std::string json_of_verification(const VectorFile& file, const VerifyResult& result);

}  // namespace llama
