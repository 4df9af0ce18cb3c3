// What the tests of the stores share.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <format>
#include <fstream>
#include <vector>

#include "store/journal.h"

namespace llama::internal {

// A folder that goes with the test.
struct StoreFolder {
  StoreFolder() {
    static int count = 0;
    path = std::filesystem::temp_directory_path() / std::format("store-{}-{}", ::getpid(), count++);
    std::filesystem::create_directories(path);
  }
  ~StoreFolder() { std::filesystem::remove_all(path); }
  StoreFolder(const StoreFolder&) = delete;
  StoreFolder& operator=(const StoreFolder&) = delete;
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(path)) found.push_back(entry.path().filename());
    std::ranges::sort(found);
    return found;
  }
  std::filesystem::path path;
};

inline TextDigest digest_number(std::uint64_t i) { return digest_of_text(std::format("text {}", i)).value(); }

// An answer that tells from which text it is.
inline TextStore::Answered answered_number(std::uint64_t i) {
  TextStore::Answered made{.text = digest_number(i), .answer = {}};
  made.answer.tokens = static_cast<std::uint32_t>(i % 500);
  made.answer.time_ms = i % 7;
  made.answer.truncated = i % 3 == 0;
  if (i % 2 == 0) made.answer.token_count = i * 1000;
  if (i % 11 == 0) {
    made.answer.failure = Error{ErrorCode::InvalidText, std::format("failure {}", i)};
  } else {
    made.answer.vector.resize(32);
    std::memcpy(made.answer.vector.data(), &i, sizeof i);
  }
  return made;
}

inline void expect_same(const TextAnswer& found, const TextAnswer& wanted) {
  EXPECT_EQ(found.tokens, wanted.tokens);
  EXPECT_EQ(found.token_count, wanted.token_count);
  EXPECT_EQ(found.time_ms, wanted.time_ms);
  EXPECT_EQ(found.truncated, wanted.truncated);
  EXPECT_EQ(found.vector, wanted.vector);
  EXPECT_EQ(found.failure.has_value(), wanted.failure.has_value());
  if (found.failure && wanted.failure) {
    EXPECT_EQ(found.failure->code, wanted.failure->code);
    EXPECT_EQ(found.failure->message, wanted.failure->message);
  }
}

inline JournalBinding test_binding() {
  return {.input = "file 'a.csv'",
          .input_fingerprint = "a.csv 100 bytes",
          .model = "x.gguf",
          .model_identity = "abc",
          .settings = {{"--max-length", "256"}, {"--where", ""}},
          .way_out = "remove it"};
}

}  // namespace llama::internal
