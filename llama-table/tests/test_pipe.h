// A pipe that a test writes into and a reader knows as a file.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <format>
#include <string>
#include <string_view>

namespace llama {

class TestPipe {
 public:
  TestPipe() { EXPECT_EQ(::pipe(ends_.data()), 0); }
  ~TestPipe() {
    close();
    ::close(ends_[0]);
  }
  TestPipe(const TestPipe&) = delete;
  TestPipe& operator=(const TestPipe&) = delete;

  [[nodiscard]] std::string path() const { return std::format("/dev/fd/{}", ends_[0]); }
  void write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto count = ::write(ends_[1], bytes.data(), bytes.size());
      ASSERT_GT(count, 0);
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }
  void close() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

}  // namespace llama
