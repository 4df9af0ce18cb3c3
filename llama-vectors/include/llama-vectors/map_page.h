// Write a map as one HTML file that needs nothing else: no network, no server.
//
// The page shows the points with WebGL 2 and has everything that it shows inside: places, clusters, texts, columns and
// the nearest of each point, in blocks of 16,384 points, so that the picture is there before the texts are read.
//
// Safety   All that comes from the table is in blocks of base64, of which nothing can be markup or a script, and gets
//          into the page as text. The page's own rule (its Content-Security-Policy) lets the browser run its one
//          script, known by its digest, and load nothing.
// Needs    a browser with WebGL 2 and DecompressionStream: Chrome 80, Firefox 113, Safari 16.4, or later.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "llama-base/error.h"
#include "llama-vectors/map_clusters.h"
#include "llama-vectors/map_projection.h"

namespace llama {

// A column of the table, with a cell for each point.
struct MapColumn {
  std::string name;
  // Texts: nothing for null. Numbers: NaN for null. Of texts a column with half as many different ones as there are
  // points gives colours (12 always, 1,000 at most); the one that is named as color_by does with 1,000.
  std::variant<std::vector<std::optional<std::string>>, std::vector<double>> cells;
};

struct MapPage {
  std::string title;  // "corpus.parquet"
  std::string about;  // a line for people: how many texts, which model
  std::string text_column = "text";
  std::span<const std::uint32_t> rows;  // of each point: its row in the table
  std::span<const std::string_view> texts;
  std::span<const MapColumn> columns;
  const Projection* projection = nullptr;
  const MapClusters* clusters = nullptr;
  std::optional<std::string> color_by = {};  // a column's name; nothing: the clusters
  std::uint64_t seed = 1;                    // of the order in which points are drawn
  std::size_t shown_near = 10;               // nearest texts that the page has of each, if the projection has so many
  std::size_t text_bytes = 2000;             // of each text and cell; longer ones end with "…"
};

// Does a column give colours? For asking before the work; write_map_page() asks as well.
// Errors   InvalidArgument: no such column (says which there are), too many different texts.
[[nodiscard]] Result<void> check_map_color(std::span<const MapColumn> columns, const std::string& name);

using MapSink = std::function<Result<void>(std::string_view bytes)>;

// Errors   InvalidArgument: parts of different lengths, no such column, a column that gives no colours; Cancelled;
//          those of the sink.
// Threads  pure, but for the sink, which gets the page from its beginning to its end.
// Cost     one block in memory at a time; about 110 bytes of page for a point, and a half of its texts.
[[nodiscard]] Result<void> write_map_page(const MapPage& page, const MapSink& sink, const MapProgress& progress = {},
                                          const std::stop_token& stop = {});

// The file has its name only when it is complete.
// Errors   also NoSpace, Io.
[[nodiscard]] Result<void> write_map_file(const MapPage& page, const std::filesystem::path& path,
                                          const MapProgress& progress = {}, const std::stop_token& stop = {});

}  // namespace llama
