// How far a download is.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace llama {

struct DownloadProgress {
  std::string file;             // in the repository
  std::size_t file_number = 1;  // of file_count, from 1
  std::size_t file_count = 1;
  std::uint64_t file_done = 0;  // bytes of this file, earlier attempts' included
  std::uint64_t file_size = 0;
  std::uint64_t all_done = 0;  // bytes of the whole set
  std::uint64_t all_size = 0;
  double bytes_per_second = 0;  // lately, of what came over the network
};

}  // namespace llama
