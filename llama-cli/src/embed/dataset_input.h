// Files of Hugging Face data sets among the inputs of the embed command.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "console.h"
#include "embed/embed_arguments.h"
#include "interrupt.h"

namespace llama {

struct DatasetInput {
  std::vector<std::string> paths;                 // those given, files of the cache in the places of data sets
  std::vector<std::shared_ptr<const void>> uses;  // the cache keeps the files meanwhile
  std::map<std::string, std::string> digests;     // of the cache's files, by path
  double share = 1;                               // of the bytes of all that are there
};

// Fetches what is not in the cache. For a dry run one file of a large data set is enough, and it is told what a run
// would fetch.
[[nodiscard]] Step<DatasetInput> fetch_datasets(const EmbedArguments& arguments, const std::vector<std::string>& paths,
                                                const Interrupt& interrupt, const Console& console);

}  // namespace llama
