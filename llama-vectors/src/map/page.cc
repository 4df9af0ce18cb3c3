#include <algorithm>
#include <cmath>
#include <format>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "llama-base/atomic_file.h"
#include "llama-base/digest.h"
#include "llama-base/utf8_stream.h"
#include "llama-vectors/map_page.h"
#include "map/page_block.h"
#include "map/page_columns.h"
#include "map/page_files.h"
#include "map/random_numbers.h"

namespace llama {
namespace {

using internal::PageBlock;
using internal::PageColumn;
using internal::PageColumnKind;
using Json = nlohmann::ordered_json;

constexpr std::size_t kBlockPoints = 16'384;
constexpr std::uint32_t kNoPoint = std::numeric_limits<std::uint32_t>::max();

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '&')
      result += "&amp;";
    else if (c == '<')
      result += "&lt;";
    else if (c == '>')
      result += "&gt;";
    else if (c == '"')
      result += "&quot;";
    else
      result += c;
  }
  return result;
}

// As a browser knows a script or a style that it may use: the base64 of its SHA-256.
std::string source_hash(std::string_view text) {
  const std::string hex = internal::digest_of(text, internal::DigestKind::Sha256).hex;
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return std::format("'sha256-{}'", internal::base64_of(bytes));
}

// At most `most` bytes of whole characters, "…" where it was cut.
std::string cut(std::string_view text, std::size_t most) {
  if (text.size() <= most) return internal::whole_characters(text);
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return internal::whole_characters(text.substr(0, end)) + "…";
}

Json label_of(const MapCluster& cluster, std::size_t number, int level) {
  return {{"x", cluster.middle.x},
          {"y", cluster.middle.y},
          {"radius", cluster.radius},
          {"count", cluster.count},
          {"words", cluster.words},
          {"cluster", number == kNoCluster ? -1 : static_cast<std::int64_t>(number)},
          {"level", level}};
}

// Which of the columns gives the colours; -1: none, but the clusters.
Result<int> find_color(std::span<const MapColumn> columns, const std::optional<std::string>& name) {
  if (!name) return -1;
  std::string usable;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const bool is_usable = internal::gives_colors(columns[c]);
    if (columns[c].name == *name) {
      if (is_usable) return static_cast<int>(c);
      return fail(ErrorCode::InvalidArgument,
                  std::format("the column '{}' has more than {} different texts: too many for colours", *name,
                              internal::kMaxCategories));
    }
    if (is_usable) usable += std::format("{}'{}'", usable.empty() ? "" : ", ", columns[c].name);
  }
  return fail(ErrorCode::InvalidArgument, std::format("no column '{}' to colour by; there {}", *name,
                                                      usable.empty() ? "is none that could be" : "are " + usable));
}

class Writer {
 public:
  Writer(const MapPage& page, const MapSink& sink, const MapProgress& progress, const std::stop_token& stop)
      : page_(page), sink_(sink), progress_(progress), stop_(stop) {
    for (const MapColumn& column : page.columns) columns_.emplace_back(column, column.name == page.color_by);
    // A random order: the first points are a fair sample of all, and no category lies on top of the others.
    internal::RandomNumbers random(page.seed);
    for (std::uint32_t i = 0; i < page.texts.size(); ++i) order_.push_back(i);
    for (std::size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[random.below(i)]);
    place_of_.resize(order_.size());
    for (std::uint32_t i = 0; i < order_.size(); ++i) place_of_[order_[i]] = i;
    near_each_ = std::min(page.shown_near, page.projection->near_each);
  }

  Result<void> write() {
    const auto color_by = find_color(page_.columns, page_.color_by);
    if (!color_by) return std::unexpected(color_by.error());
    if (auto done = write_head(); !done) return done;
    if (auto done = write_block(PageBlock(about(*color_by))); !done) return done;
    const std::size_t passes =
        2 + static_cast<std::size_t>(std::ranges::count(columns_, PageColumnKind::Text, &PageColumn::kind)) +
        (near_each_ > 0 ? 1 : 0);
    steps_ = passes * ((order_.size() + kBlockPoints - 1) / kBlockPoints);
    if (auto done = each_block([&](auto begin, auto points) { return points_block(begin, points); }); !done)
      return done;
    const auto text = [this](std::uint32_t point) { return page_.texts[point]; };
    if (auto done = write_texts("", text); !done) return done;
    if (near_each_ > 0) {
      if (auto done = each_block([&](auto begin, auto points) { return near_block(begin, points); }); !done)
        return done;
    }
    for (const PageColumn& column : columns_) {
      if (column.kind() != PageColumnKind::Text) continue;
      const auto cell = [&column](std::uint32_t point) { return column.text(point); };
      if (auto done = write_texts(column.name(), cell); !done) return done;
    }
    if (auto done = write_block(PageBlock({{"kind", "end"}})); !done) return done;
    return sink_("</body>\n</html>\n");
  }

 private:
  Result<void> write_head() {
    std::string script = "(() => {\n\"use strict\";\n";
    for (const std::string_view part : internal::page_scripts()) script += part;
    script += "})();\n";
    const std::string_view style = internal::page_style();
    return sink_(std::format(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src {}; script-src {}; "
        "base-uri 'none'; form-action 'none'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width\">\n<title>{}</title>\n<style>{}</style>\n</head>\n{}"
        "<script>{}</script>\n",
        source_hash(style), source_hash(script), escaped(internal::whole_characters(page_.title)), style,
        internal::page_body(), script));
  }

  [[nodiscard]] Json about(int color_by) const {
    const MapClusters& found = *page_.clusters;
    Json clusters = Json::array(), labels = Json::array(), columns = Json::array();
    for (std::size_t c = 0; c < found.clusters.size(); ++c) {
      clusters.push_back(label_of(found.clusters[c], c, 0));
      labels.push_back(clusters.back());
    }
    for (const MapCluster& part : found.parts) labels.push_back(label_of(part, part.parent, 1));
    for (const PageColumn& column : columns_) columns.push_back(column.about());
    return {{"kind", "map"},
            {"title", page_.title},
            {"about", page_.about},
            {"points", order_.size()},
            {"extent", extent()},
            {"text_column", page_.text_column},
            {"block_points", kBlockPoints},
            {"neighbours", near_each_},
            {"color_by", color_by},
            {"unclustered", std::ranges::count(found.cluster_of, 0)},
            {"clusters", std::move(clusters)},
            {"labels", std::move(labels)},
            {"columns", std::move(columns)}};
  }

  // How far the points reach from the middle, to the right and upwards.
  [[nodiscard]] Json extent() const {
    float width = 0.05F, height = 0.05F;
    for (const MapPlace place : page_.projection->places) {
      width = std::max(width, std::abs(place.x));
      height = std::max(height, std::abs(place.y));
    }
    return {width, height};
  }

  Result<void> write_block(const PageBlock& block) {
    const auto text = block.base64();
    if (!text) return std::unexpected(text.error());
    return sink_(std::format("<script type=\"application/octet-stream\" class=\"block\">{}</script>\n", *text));
  }

  template <class Make>
  Result<void> each_block(Make&& make) {
    for (std::size_t begin = 0; begin < order_.size(); begin += kBlockPoints) {
      if (stop_.stop_requested()) return fail(ErrorCode::Cancelled, "stopped");
      const auto points = std::span(order_).subspan(begin, std::min(kBlockPoints, order_.size() - begin));
      if (auto done = write_block(make(begin, points)); !done) return done;
      if (progress_) progress_("page", static_cast<double>(++step_) / static_cast<double>(steps_));
    }
    return {};
  }

  [[nodiscard]] PageBlock points_block(std::size_t begin, std::span<const std::uint32_t> points) const {
    PageBlock block({{"kind", "points"}, {"start", begin}, {"count", points.size()}});
    std::vector<float> xs, ys;
    std::vector<std::uint32_t> rows;
    std::vector<std::uint16_t> clusters;
    for (const std::uint32_t point : points) {
      xs.push_back(page_.projection->places[point].x);
      ys.push_back(page_.projection->places[point].y);
      rows.push_back(page_.rows[point]);
      clusters.push_back(page_.clusters->cluster_of[point]);
    }
    block.add("x", xs);
    block.add("y", ys);
    block.add("row", rows);
    block.add("cluster", clusters);
    for (std::size_t c = 0; c < columns_.size(); ++c) columns_[c].add(std::format("column{}", c), points, block);
    return block;
  }

  template <class Cell>
  Result<void> write_texts(std::string_view name, Cell&& cell) {
    return each_block([&](std::size_t begin, std::span<const std::uint32_t> points) {
      PageBlock block({{"kind", "texts"}, {"column", name}, {"start", begin}, {"count", points.size()}});
      std::vector<std::uint32_t> ends;
      std::vector<unsigned char> bytes;
      for (const std::uint32_t point : points) {
        const std::string text = cut(cell(point), page_.text_bytes);
        bytes.insert(bytes.end(), text.begin(), text.end());
        ends.push_back(static_cast<std::uint32_t>(bytes.size()));
      }
      block.add("ends", ends);
      block.add("bytes", bytes);
      return block;
    });
  }

  // Similarities from -1 to 1 in 16 bits.
  [[nodiscard]] PageBlock near_block(std::size_t begin, std::span<const std::uint32_t> points) const {
    PageBlock block({{"kind", "neighbours"}, {"start", begin}, {"count", points.size()}});
    std::vector<std::uint32_t> near;
    std::vector<std::uint16_t> similarities;
    const Projection& projection = *page_.projection;
    for (const std::uint32_t point : points) {
      for (std::size_t j = 0; j < near_each_; ++j) {
        const std::size_t at = point * projection.near_each + j;
        const bool is_again = j > 0 && projection.near[at] == projection.near[at - 1];
        near.push_back(is_again ? kNoPoint : place_of_[projection.near[at]]);
        const float similarity = std::clamp(projection.similarities[at], -1.0F, 1.0F);
        similarities.push_back(static_cast<std::uint16_t>(std::lround((similarity + 1) * 32767)));
      }
    }
    block.add("point", near);
    block.add("similarity", similarities);
    return block;
  }

  const MapPage& page_;
  const MapSink& sink_;
  const MapProgress& progress_;
  const std::stop_token& stop_;
  std::vector<PageColumn> columns_;
  std::vector<std::uint32_t> order_, place_of_;
  std::size_t near_each_ = 0, step_ = 0, steps_ = 1;
};

Result<void> check(const MapPage& page) {
  const std::size_t count = page.texts.size();
  bool is_even = page.projection != nullptr && page.clusters != nullptr && page.rows.size() == count &&
                 page.projection->places.size() == count && page.clusters->cluster_of.size() == count &&
                 page.projection->near.size() == count * page.projection->near_each;
  for (const MapColumn& column : page.columns) {
    is_even = is_even && std::visit([](const auto& cells) { return cells.size(); }, column.cells) == count;
  }
  if (!is_even) return fail(ErrorCode::InvalidArgument, "a map's places, texts and columns are not of one length");
  return {};
}

}  // namespace

Result<void> check_map_color(std::span<const MapColumn> columns, const std::string& name) {
  const auto found = find_color(columns, name);
  if (!found) return std::unexpected(found.error());
  return {};
}

Result<void> write_map_page(const MapPage& page, const MapSink& sink, const MapProgress& progress,
                            const std::stop_token& stop) {
  if (auto fine = check(page); !fine) return fine;
  return Writer(page, sink, progress, stop).write();
}

Result<void> write_map_file(const MapPage& page, const std::filesystem::path& path, const MapProgress& progress,
                            const std::stop_token& stop) {
  auto file = internal::AtomicFile::create(path);
  if (!file) return std::unexpected(file.error());
  const auto sink = [&file](std::string_view bytes) { return file->write(bytes); };
  if (auto done = write_map_page(page, sink, progress, stop); !done) return done;
  return file->commit();
}

}  // namespace llama
