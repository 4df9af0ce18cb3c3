// What the program `micro` measures: each function adds the benchmarks of one noun.
#pragma once

#include <string>
#include <vector>

namespace bench {

void add_matmul_benchmarks();
void add_planner_benchmarks();
void add_hash_benchmarks();
// Of each model's vocabulary, on the texts; whatever cannot be loaded is left out with a line on standard error.
void add_tokenizer_benchmarks(const std::vector<std::string>& texts, const std::vector<std::string>& models);

}  // namespace bench
