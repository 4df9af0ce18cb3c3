#include "model_tensors.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "llama-loader/multipart.h"

namespace llama::internal {

Result<std::vector<GgufTensor>> read_model_tensors(const LoadedModel& loaded) {
  std::vector<std::string> files{loaded.path.string()};
  if (const auto part = parse_part_name(files.front())) files = part->all_names();
  std::vector<GgufTensor> tensors;
  for (const std::string& file : files) {
    auto header = read_gguf_header(file);
    if (!header) return std::unexpected(header.error());
    std::ranges::move(header->tensors, std::back_inserter(tensors));
  }
  return tensors;
}

}  // namespace llama::internal
