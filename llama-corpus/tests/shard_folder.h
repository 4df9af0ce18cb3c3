// A folder with shards that a test makes and damages.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <format>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

#include "llama-corpus/shard_manifest.h"
#include "manifest_text.h"

namespace llama {

// Of rows that are dealt out: `rows` in the whole input, each of which came out.
inline ShardManifest manifest_of(const Shard& shard, std::uint64_t rows) {
  const std::uint64_t share = (rows + shard.count - 1 - shard.index) / shard.count;
  ShardManifest made;
  made.shard = shard;
  made.settings = {{"--dtype", "float32"}, {"--keep", "all"}};
  made.input = "file 'a.csv'";
  made.input_fingerprint = "a.csv 1000";
  made.model = "0123abcd";
  made.counts = {.rows_in = share, .embedded = share, .rows_out = share};
  made.parts = {{part_name(shard) + "-00000.parquet", share, share * 10}};
  return made;
}

class ShardFolder {
 public:
  ShardFolder() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    path_ = std::filesystem::temp_directory_path() /
            std::format("shards-{}-{}-{}", test->test_suite_name(), test->name(), getpid());
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~ShardFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ShardFolder(const ShardFolder&) = delete;
  ShardFolder& operator=(const ShardFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  void write(const std::filesystem::path& name, const std::string& text) const {
    std::filesystem::remove(path_ / name);  // a file system may flush what replaces a file in its place
    std::ofstream(path_ / name, std::ios::binary) << text;
  }
  [[nodiscard]] std::string read(const std::filesystem::path& name) const {
    std::ostringstream text;
    text << std::ifstream(path_ / name, std::ios::binary).rdbuf();
    return text.str();
  }
  // The shard as a run leaves it.
  void add(const ShardManifest& manifest) const {
    for (const auto& part : manifest.parts) write(part.file, std::string(part.size_bytes, '.'));
    write(manifest_path("", manifest.shard), internal::shard_manifest_text(manifest));
  }

 private:
  std::filesystem::path path_;
};

}  // namespace llama
