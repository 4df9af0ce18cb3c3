// Tell what a call touches: which paths or addresses of its server, or all of it.
//
// Looked at are values of arguments whose names speak of a path: a word of the name is path, file, dir, directory,
// folder, uri, url, source or destination (or their plurals). "report" is none, though it has "port" in it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llama-agent/tool.h"
#include "llama-agent/tool_parallel.h"

namespace llama::internal {

struct CallAccess {
  bool writes = true;
  bool is_alone = false;                 // destructive: with nothing else of its server
  bool is_whole_server = true;           // no resource is known
  std::vector<std::string> resources{};  // of its server, as normal_resource() makes them
  struct Named {
    std::string name;
    bool writes = true;
  };
  std::vector<Named> named{};  // as configured, the same for all servers; where there are any, nothing is inferred
};

[[nodiscard]] CallAccess access_of(const ToolDefinition& tool, std::string_view full_name, std::string_view arguments,
                                   std::span<const ToolResource> configured);

// "./a//b/../c/" → "a/c", in small letters, since a disk may not tell them apart; an address without query and
// fragment.
[[nodiscard]] std::string normal_resource(std::string_view text);

// The same, or one within the other, or perhaps: a relative and an absolute path.
[[nodiscard]] bool overlap(std::string_view a, std::string_view b);

// Why the two must not run at once; "": they may.
[[nodiscard]] std::string conflict_of(const CallAccess& a, std::string_view server_a, const CallAccess& b,
                                      std::string_view server_b);

}  // namespace llama::internal
