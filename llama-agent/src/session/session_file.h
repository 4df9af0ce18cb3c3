// A session as a JSON file.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "llama-agent/session.h"

namespace llama::internal {

[[nodiscard]] std::string to_json(const Session& session);
// Errors   InvalidArgument: what is wrong with it.
[[nodiscard]] Result<Session> parse_session(std::string_view json);

[[nodiscard]] Result<void> write_session(const Session& session, const std::filesystem::path& file);
[[nodiscard]] Result<Session> read_session(const std::filesystem::path& file);

}  // namespace llama::internal
