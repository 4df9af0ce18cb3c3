// Read a whole file, also what is none and may wait for whoever writes it: a named pipe, <(command).
#pragma once

#include <cstddef>
#include <filesystem>
#include <stop_token>
#include <string>

#include "llama-base/error.h"

namespace llama::internal {

// Errors   NotFound, Io, InvalidArgument (longer than max_bytes), Cancelled soon after a stop is requested. The message
//          is the reason alone, without the file's name.
[[nodiscard]] Result<std::string> read_whole_file(const std::filesystem::path& path, std::size_t max_bytes,
                                                  const std::stop_token& stop);

// The rest of what is open already, standard input for one.
[[nodiscard]] Result<std::string> read_to_end(int file, std::size_t max_bytes, const std::stop_token& stop);

}  // namespace llama::internal
