// Print an inspection: for people, with histograms, and as JSON.
#pragma once

#include <span>
#include <string>

#include "console.h"
#include "llama-vectors/inspection.h"

namespace llama {

void print_inspection(const Console& console, const VectorFile& file, const Inspection& inspection);

// One object on one line.
[[nodiscard]] std::string json_of_inspection(const VectorFile& file, const Inspection& inspection,
                                             std::span<const Finding> findings);

// "shared_vectors": what a kind of finding is called in JSON.
[[nodiscard]] std::string_view name_of_finding(FindingKind kind);

}  // namespace llama
