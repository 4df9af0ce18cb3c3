#include "vector_sources.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace llama::internal {
namespace {

// The journal keeps them under this name: lines of kernels, a tab, the device.
constexpr std::string_view kSourcesSetting = "vectors of";

std::vector<VectorSource> parse_sources(std::string_view lines) {
  std::vector<VectorSource> found;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    const std::size_t tab = std::min(line.size(), line.find('\t'));
    found.push_back({.kernels = std::string(line.substr(0, tab)),
                     .device = std::string(line.substr(std::min(line.size(), tab + 1)))});
  }
  return found;
}

std::string joined_distinct(std::vector<std::string> names, const std::string& last) {
  std::ranges::sort(names);
  const auto rest = std::ranges::unique(names);
  names.erase(rest.begin(), rest.end());
  std::erase(names, last);
  std::string text;
  for (const std::string& name : names) text += name + "; ";
  return text + last;
}

}  // namespace

Result<VectorSources> VectorSources::recall(TextStore& texts, VectorStore* vectors, std::string kernels) {
  VectorSources made(texts, std::move(kernels));
  const auto known = texts.setting(kSourcesSetting);
  if (!known) return std::unexpected(known.error());
  made.before_ = parse_sources(known->value_or(""));
  // An older version's journal.
  if (!*known && texts.answered() > 0) made.before_.push_back({.kernels = "unknown", .device = "unknown"});
  if (vectors != nullptr) {
    auto stored = vectors->sources();
    if (!stored) return std::unexpected(stored.error());
    made.before_.append_range(*stored);
  }
  if (auto written = made.write(); !written) return std::unexpected(written.error());
  return made;
}

Result<void> VectorSources::note(const std::string& device) {
  if (device.empty() || own_.device == device) return {};
  own_.device = device;
  return write();
}

Result<void> VectorSources::write() {
  std::vector<VectorSource> all = before_;
  if (!own_.device.empty()) all.push_back(own_);
  std::ranges::sort(all);
  const auto rest = std::ranges::unique(all);
  all.erase(rest.begin(), rest.end());
  std::string lines;
  for (const VectorSource& source : all) lines += source.kernels + "\t" + source.device + "\n";
  return texts_->set(kSourcesSetting, lines);
}

std::string VectorSources::kernels() const {
  std::vector<std::string> names;
  for (const VectorSource& source : before_) names.push_back(source.kernels);
  return joined_distinct(std::move(names), own_.kernels);
}

std::string VectorSources::devices(const std::string& own) const {
  std::vector<std::string> names;
  for (const VectorSource& source : before_) names.push_back(source.device);
  return joined_distinct(std::move(names), own);
}

}  // namespace llama::internal
