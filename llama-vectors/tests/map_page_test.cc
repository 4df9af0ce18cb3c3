#include "llama-vectors/map_page.h"

#include <gmock/gmock.h>

#include <fstream>
#include <limits>
#include <sstream>

#include "map/page_block.h"
#include "map/page_columns.h"
#include "map/page_files.h"

namespace llama {
namespace {

using testing::HasSubstr;
using testing::Not;

// A page of three points, which tests change.
struct SmallPage {
  std::vector<std::uint32_t> rows{0, 4, 5};
  std::vector<std::string_view> texts{"first", "</script><script>alert(1)</script><!-- ", "third"};
  std::vector<MapColumn> columns{
      {.name = "kind", .cells = std::vector<std::optional<std::string>>{"a", "b", std::nullopt}},
      {.name = "size", .cells = std::vector<double>{1, std::numeric_limits<double>::quiet_NaN(), 3}}};
  Projection projection{
      .places = {{0, 0}, {1, 1}, {-1, 0.5F}}, .near_each = 1, .near = {1, 0, 0}, .similarities = {0.5F, 0.5F, -1}};
  MapClusters clusters{.clusters = {}, .cluster_of = {0, 0, 0}, .parts = {}};
  MapPage page{.title = "<b>title</b> & \"more\"",
               .about = "</title>",
               .rows = rows,
               .texts = texts,
               .columns = columns,
               .projection = &projection,
               .clusters = &clusters};

  Result<std::string> write() {
    std::string html;
    const auto done =
        write_map_page(page, [&html](std::string_view bytes) -> Result<void> { return html += bytes, Result<void>(); });
    if (!done) return std::unexpected(done.error());
    return html;
  }
};

std::size_t occurrences(std::string_view text, std::string_view of) {
  std::size_t count = 0;
  for (std::size_t at = text.find(of); at != std::string_view::npos; at = text.find(of, at + 1)) ++count;
  return count;
}

TEST(MapPage, HasOneScriptAndNoWordOfTheTable) {
  const auto html = SmallPage().write();
  ASSERT_TRUE(html);
  EXPECT_EQ(occurrences(*html, "<script>"), 1U);
  EXPECT_EQ(occurrences(*html, "<script type=\"application/octet-stream\" class=\"block\">"),
            occurrences(*html, "<script") - 1);
  EXPECT_EQ(occurrences(*html, "<script"), occurrences(*html, "</script>"));
  EXPECT_THAT(*html, Not(HasSubstr("alert")));
  EXPECT_THAT(*html, HasSubstr("<title>&lt;b&gt;title&lt;/b&gt; &amp; &quot;more&quot;</title>"));
  EXPECT_EQ(occurrences(*html, "</title>"), 1U);
}

TEST(MapPage, LoadsNothing) {
  const auto html = SmallPage().write();
  ASSERT_TRUE(html);
  EXPECT_THAT(*html, HasSubstr("default-src 'none'; style-src 'sha256-"));
  for (const char* const word : {"http:", "https:", " src=", "url(", "@import", "fetch(", "XMLHttpRequest", "innerHTML",
                                 "insertAdjacentHTML", "document.write", "eval("}) {
    EXPECT_THAT(*html, Not(HasSubstr(word)));
  }
}

TEST(MapPage, ChecksThatItsPartsBelongTogether) {
  SmallPage small;
  small.texts.pop_back();
  small.page.texts = small.texts;
  EXPECT_EQ(small.write().error().code, ErrorCode::InvalidArgument);
}

TEST(MapPage, NamesTheColumnsThatGiveColours) {
  SmallPage small;
  small.page.color_by = "kinds";
  EXPECT_THAT(small.write().error().message, HasSubstr("no column 'kinds' to colour by; there are 'kind', 'size'"));
  small.page.color_by = "size";
  EXPECT_TRUE(small.write());
}

TEST(MapPage, RefusesColoursOfTooManyTexts) {
  SmallPage small;
  std::vector<std::string> texts;
  for (int i = 0; i < 1500; ++i) texts.push_back("text " + std::to_string(i));
  small.texts.assign(texts.begin(), texts.end());
  small.rows.resize(1500);
  small.projection.places.resize(1500);
  small.projection.near.resize(1500);
  small.projection.similarities.resize(1500);
  small.clusters.cluster_of.resize(1500);
  small.columns = {{.name = "kind", .cells = std::vector<std::optional<std::string>>(texts.begin(), texts.end())}};
  small.page.texts = small.texts, small.page.rows = small.rows, small.page.columns = small.columns;
  EXPECT_TRUE(small.write());
  small.page.color_by = "kind";
  EXPECT_THAT(small.write().error().message, HasSubstr("too many for colours"));
}

TEST(MapPage, TakesColoursOfAThousandTextsWhereTheyAreAskedFor) {
  std::vector<std::optional<std::string>> texts;
  for (int i = 0; i < 1000; ++i) texts.emplace_back("text " + std::to_string(i));
  std::vector<MapColumn> columns = {{.name = "kind", .cells = texts}};
  EXPECT_TRUE(check_map_color(columns, "kind"));
  EXPECT_EQ(internal::PageColumn(columns[0], true).kind(), internal::PageColumnKind::Category);
  EXPECT_EQ(internal::PageColumn(columns[0]).kind(), internal::PageColumnKind::Text);
  EXPECT_THAT(check_map_color(columns, "kin").error().message, HasSubstr("there are 'kind'"));
  texts.emplace_back("one more");
  columns = {{.name = "kind", .cells = texts}};
  EXPECT_THAT(check_map_color(columns, "kind").error().message, HasSubstr("more than 1000 different texts"));
}

TEST(MapPage, EndsWithTheSinksError) {
  SmallPage small;
  for (int calls = 0; calls < 6; ++calls) {
    int left = calls;
    const auto sink = [&left](std::string_view) -> Result<void> {
      if (left-- == 0) return fail(ErrorCode::NoSpace, "full");
      return {};
    };
    EXPECT_EQ(write_map_page(small.page, sink).error().code, ErrorCode::NoSpace) << calls;
  }
}

TEST(MapPage, IsAFileOnlyWhenItIsWhole) {
  const auto path = std::filesystem::path(testing::TempDir()) / "map_page_test.html";
  std::filesystem::remove(path);
  SmallPage small;
  small.page.color_by = "none such";
  EXPECT_FALSE(write_map_file(small.page, path));
  EXPECT_FALSE(std::filesystem::exists(path));
  small.page.color_by.reset();
  ASSERT_TRUE(write_map_file(small.page, path));
  std::ifstream file(path);
  std::ostringstream read;
  read << file.rdbuf();
  EXPECT_EQ(read.str(), *small.write());
  std::filesystem::remove(path);
}

TEST(PageScripts, DoNotEndTheirElement) {
  for (const std::string_view script : internal::page_scripts()) {
    EXPECT_FALSE(script.contains("</script")) << script.substr(0, 60);
    EXPECT_FALSE(script.contains("<!--")) << script.substr(0, 60);
  }
}

TEST(Base64, IsTheStandards) {  // RFC 4648, section 10
  EXPECT_EQ(internal::base64_of(""), "");
  EXPECT_EQ(internal::base64_of("f"), "Zg==");
  EXPECT_EQ(internal::base64_of("fo"), "Zm8=");
  EXPECT_EQ(internal::base64_of("foo"), "Zm9v");
  EXPECT_EQ(internal::base64_of("foob"), "Zm9vYg==");
  EXPECT_EQ(internal::base64_of("\xff\xfe\xfd"), "//79");
}

}  // namespace
}  // namespace llama
