#include <limits>
#include <memory>
#include <utility>

#include "../exit_status.h"
#include "tools.h"

namespace llama {
namespace {

constexpr std::string_view kToolStatusHelp =
    "Exit status: 0 done, 2 usage, 3 the config file or the arguments, 5 output, 6 a server that cannot be reached, 7 "
    "the tool itself failed, 130 interrupted (143: terminated), 1 anything else.";

Flags common_flags(ToolsArguments& a) {
  return {{.name = "--mcp-config",
           .target = &a.config,
           .help = "The servers: a file with mcpServers (Claude, Cursor, Windsurf) or servers (VS Code)",
           .value = "FILE"},  // of `tools` or of its command: open_servers() wants it
          {.name = "--time-limit",
           .target = &a.time_limit,
           .help = "Longest time of a server's start or of a call; default: the file's, or 10 and 60",
           .value = "SECONDS",
           .values = WholeRange{1, std::numeric_limits<std::int32_t>::max() / 1000}},
          {.name = "--json", .target = &a.json, .help = "Print JSON"},
          {.name = "--quiet", .target = &a.quiet, .help = "Print results and errors only"}};
}

}  // namespace

Command tools_command() {
  const auto arguments = std::make_shared<ToolsArguments>();
  Flags call_flags = {{.name = "tool",
                       .target = &arguments->tool,
                       .help = "The server's name in the file, a dot, the tool's name",
                       .value = "SERVER.TOOL",
                       .required = true},
                      {.name = "arguments",
                       .target = &arguments->input,
                       .help = "A JSON object; - reads standard input; default: {}",
                       .value = "JSON"}};
  call_flags.append_range(common_flags(*arguments));
  return {.name = "tools",
          .help = "List the tools of MCP servers with their arguments, or call one by hand",
          .flags = common_flags(*arguments),
          .commands = {{.name = "call",
                        .help = "Call one tool and print what it answers",
                        .flags = std::move(call_flags),
                        .run = [arguments](Interrupt& interrupt) { return call_tool(*arguments, interrupt); }}},
          .footer = kToolStatusHelp,
          .run = [arguments](Interrupt& interrupt) { return list_tools(*arguments, interrupt); }};
}

}  // namespace llama
