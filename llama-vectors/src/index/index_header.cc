#include "index/index_header.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

namespace llama::internal {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kMaxCount = 1ULL << 40;  // of anything: so that no product of two sizes is too large a number

std::unexpected<Error> no_header() { return fail(ErrorCode::Corrupt, "its header is damaged"); }

// Reads members of an object; `fine` is false from the first on that is missing or of another kind.
class Members {
 public:
  explicit Members(const Json& object) : object_(object), fine_(object.is_object()) {}

  [[nodiscard]] bool fine() const { return fine_; }
  [[nodiscard]] std::uint64_t count(const char* name) {
    const Json* const value = find(name);
    if (value == nullptr || !value->is_number_unsigned()) return refuse(std::uint64_t{0});
    const auto number = value->get<std::uint64_t>();
    return number <= kMaxCount ? number : refuse(std::uint64_t{0});
  }
  [[nodiscard]] std::int64_t whole(const char* name) {
    const Json* const value = find(name);
    return value != nullptr && value->is_number_integer() ? value->get<std::int64_t>() : refuse(std::int64_t{0});
  }
  [[nodiscard]] double share(const char* name) {
    const Json* const value = find(name);
    const double number = value != nullptr && value->is_number() ? value->get<double>() : -1.0;
    return number >= 0 && number <= 1 ? number : refuse(0.0);
  }
  [[nodiscard]] std::string text(const char* name) {
    const Json* const value = find(name);
    return value != nullptr && value->is_string() ? value->get<std::string>() : refuse(std::string());
  }
  [[nodiscard]] const Json& list(const char* name) {
    static const Json kNone = Json::array();
    const Json* const value = find(name);
    if (value != nullptr && value->is_array()) return *value;
    fine_ = false;
    return kNone;
  }

 private:
  [[nodiscard]] const Json* find(const char* name) const {
    if (!fine_) return nullptr;
    const auto at = object_.find(name);
    return at == object_.end() ? nullptr : &*at;
  }
  template <class Value>
  Value refuse(Value value) {
    fine_ = false;
    return value;
  }

  const Json& object_;
  bool fine_;
};

bool read_lists(Members& members, IndexHeader& header) {
  for (const Json& each : members.list("files")) {
    Members file(each);
    header.identity.files.push_back({.name = file.text("name"),
                                     .size_bytes = file.count("size"),
                                     .modified_ns = file.whole("modified_ns"),
                                     .digest = file.text("digest")});
    if (!file.fine()) return false;
  }
  for (const Json& each : members.list("recalls")) {
    Members recall(each);
    header.recalls.push_back({.breadth = recall.count("breadth"), .recall = recall.share("recall")});
    if (!recall.fine()) return false;
  }
  for (const Json& each : members.list("digests")) {
    if (!each.is_string()) return false;
    header.digests.push_back(each.get<std::string>());
  }
  return members.fine();
}

// The parts' sizes follow from the counts, and those that do not are bounded by the file's own size.
bool fits_together(const IndexHeader& header) {
  const auto& shape = header.shape;
  if (header.identity.files.empty() || shape.axes != std::max<std::uint64_t>(header.identity.dimension, 1))
    return false;
  if (shape.links < 2 || shape.links > kMaxLinks || shape.capacity > header.identity.rows) return false;
  const std::uint64_t left_out = header.nulls + header.other_lengths + header.non_finite + header.zeros;
  if (shape.capacity + left_out != header.identity.rows) return false;
  const bool has_recalls = std::ranges::equal(header.recalls, kBreadths, {}, &IndexRecall::breadth);
  if (shape.capacity < 2 ? !header.recalls.empty() : !has_recalls) return false;
  const auto size_of = [&](IndexPart part) { return header.sizes[std::to_underlying(part)]; };
  if (size_of(IndexPart::Rows) != header.identity.rows || size_of(IndexPart::Levels) != shape.capacity) return false;
  // Not by a product, which could be too large.
  const std::uint64_t of_row = NeighbourGraph::ground_bytes(shape);
  const std::uint64_t ground = size_of(IndexPart::Ground);
  if (ground % of_row != 0 || ground / of_row != shape.capacity) return false;
  std::uint64_t blocks = 0;
  for (const std::uint64_t size : header.sizes) blocks += blocks_of(size);
  return blocks == header.digests.size();
}

}  // namespace

IndexHeader IndexHeader::of(const IndexContent& content) {
  return {.identity = content.identity,
          .shape = content.shape,
          .nulls = content.nulls,
          .other_lengths = content.other_lengths,
          .non_finite = content.non_finite,
          .zeros = content.zeros,
          .recalls = content.recalls,
          .sampled = content.sampled,
          .sizes = {},
          .digests = {}};
}

std::string IndexHeader::json() const {
  Json object = {{"column", identity.column},
                 {"rows", identity.rows},
                 {"dimension", identity.dimension},
                 {"vectors", shape.capacity},
                 {"axes", shape.axes},
                 {"links", shape.links},
                 {"build_breadth", shape.build_breadth},
                 {"seed", std::to_string(shape.seed)},
                 {"nulls", nulls},
                 {"other_lengths", other_lengths},
                 {"non_finite", non_finite},
                 {"zeros", zeros},
                 {"sampled", sampled},
                 {"recalls", Json::array()},
                 {"files", Json::array()},
                 {"sizes", sizes},
                 {"digests", digests}};
  for (const IndexRecall& each : recalls)
    object["recalls"].push_back({{"breadth", each.breadth}, {"recall", each.recall}});
  for (const IdentityPart& part : identity.files)
    object["files"].push_back(
        {{"name", part.name}, {"size", part.size_bytes}, {"modified_ns", part.modified_ns}, {"digest", part.digest}});
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<IndexHeader> IndexHeader::read(std::string_view json) {
  const Json object = Json::parse(json, nullptr, false);
  Members members(object);
  IndexHeader header{.identity = {.column = members.text("column"),
                                  .rows = members.count("rows"),
                                  .dimension = members.count("dimension"),
                                  .files = {}},
                     .shape = {.axes = members.count("axes"),
                               .capacity = members.count("vectors"),
                               .links = members.count("links"),
                               .build_breadth = members.count("build_breadth")},
                     .nulls = members.count("nulls"),
                     .other_lengths = members.count("other_lengths"),
                     .non_finite = members.count("non_finite"),
                     .zeros = members.count("zeros"),
                     .recalls = {},
                     .sampled = members.count("sampled"),
                     .digests = {}};
  const Json& sizes = members.list("sizes");
  if (!read_lists(members, header) || sizes.size() != kIndexParts) return no_header();
  for (std::size_t i = 0; i < kIndexParts; ++i) {
    if (!sizes[i].is_number_unsigned() || sizes[i].get<std::uint64_t>() > kMaxCount) return no_header();
    header.sizes[i] = sizes[i].get<std::uint64_t>();
  }
  if (!fits_together(header)) return no_header();
  return header;
}

std::uint64_t IndexHeader::bytes_of_parts() const { return std::accumulate(sizes.begin(), sizes.end(), 0ULL); }

}  // namespace llama::internal
