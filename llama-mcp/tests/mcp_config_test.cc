#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <format>
#include <fstream>

#include "config/variables.h"
#include "llama-mcp/mcp_server_config.h"

namespace llama {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

std::optional<std::string> known_variables(const std::string& name) {
  if (name == "KEY") return "sk-0123456789";
  if (name == "EMPTY") return "";
  if (name == "HOME") return "/home/a";
  return {};
}

Result<McpConfig> parse(std::string_view text) { return parse_mcp_config(text, known_variables); }

// One server of the text between the braces.
McpServerConfig parse_one(const std::string& members) {
  auto config = parse("{\"mcpServers\": {\"a\": {" + members + "}}}");
  EXPECT_TRUE(config) << config.error().message;
  return config ? config->servers.front() : McpServerConfig{};
}

std::string fault_of(const std::string& members) {
  auto config = parse("{\"mcpServers\": {\"a\": {" + members + "}}}");
  EXPECT_FALSE(config);
  if (config) return {};
  EXPECT_EQ(config.error().code, ErrorCode::InvalidArgument);
  EXPECT_THAT(config.error().message, Not(HasSubstr("0123456789")));
  return config.error().message;
}

TEST(McpConfig, ReadsTheFilesThatPeopleHave) {
  auto config = parse(R"({
    // Claude Desktop, Cursor
    "mcpServers": {
      "files": { "command": "npx", "args": ["-y", "server-filesystem", "/srv"], "env": { "KEY": "${KEY}", "N": 3 }, },
      "remote": { "type": "http", "url": "https://example.org/mcp", "headers": { "Authorization": "Bearer ${KEY}" } },
      "wind": { "serverUrl": "http://localhost:1/mcp", "disabled": true },
    },
    "servers": { /* VS Code */ "code": { "type": "stdio", "command": "uvx", "cwd": "${userHome}/x" } },
    "inputs": [],
  })");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_THAT(config->remarks, IsEmpty());
  ASSERT_EQ(config->servers.size(), 4U);
  EXPECT_EQ(config->servers[0].name, "files");
  EXPECT_THAT(config->servers[0].args, ElementsAre("-y", "server-filesystem", "/srv"));
  EXPECT_THAT(config->servers[0].env, ElementsAre(Pair("KEY", "sk-0123456789"), Pair("N", "3")));
  EXPECT_THAT(config->servers[1].headers, ElementsAre(Pair("Authorization", "Bearer sk-0123456789")));
  EXPECT_TRUE(config->servers[2].is_disabled);
  EXPECT_EQ(config->servers[3].working_directory, "/home/a/x");
}

TEST(McpConfig, PutsVariablesIn) {
  const std::pair<const char*, const char*> kRows[] = {
      {"a", "a"},
      {"$KEY", "$KEY"},
      {"${KEY}", "sk-0123456789"},
      {"x${KEY}y${KEY}", "xsk-0123456789ysk-0123456789"},
      {"${env:KEY}", "sk-0123456789"},
      {"${NONE:-else}", "else"},
      {"${NONE:-}", ""},
      {"${EMPTY:-else}", "else"},
      {"${EMPTY}", ""},
      {"${env:NONE:-else}", "else"},
      {"${userHome}/b", "/home/a/b"},
  };
  for (const auto& [text, value] : kRows) {
    auto made = internal::with_variables(text, known_variables);
    ASSERT_TRUE(made) << text << ": " << made.error().message;
    EXPECT_EQ(*made, value) << text;
  }
}

TEST(McpConfig, NamesWhatIsWrong) {
  const std::pair<const char*, const char*> kRows[] = {
      {R"()", "server 'a': it has neither a command nor a url"},
      {R"("command": "x", "url": "http://h/")", "server 'a': it has a command and a url"},
      {R"("command": "${NONE}")", "server 'a': 'command': the variable 'NONE' is not set"},
      {R"("command": "x", "env": {"A": "${NONE}"})", "server 'a': 'env.A': the variable 'NONE' is not set"},
      {R"("command": "x", "args": ["${input:key}"])", "'${input:key}' would have to be asked for"},
      {R"("command": "x", "args": ["${KEY"])", "a '${' has no '}'"},
      {R"("command": "x", "args": "y")", "server 'a': 'args' is no list of texts"},
      {R"("command": {"a": 1})", "server 'a': 'command' is no text"},
      {R"("command": "x", "env": [1])", "server 'a': 'env' is no object of texts"},
      {R"("command": "x", "env": {"A=B": "1"})", "has a variable 'A=B' that cannot be set"},
      {R"("type": "sse", "url": "http://h/sse")", "type 'sse' is the transport of 2024-11-05"},
      {R"("type": "pigeon", "url": "http://h/")", "type 'pigeon' is neither 'stdio' nor 'http'"},
      {R"("url": "ftp://h/")", "server 'a': its url: "},
      {R"("url": "http://h/", "headers": {"a b": "1"})", "a header has a name that cannot be sent"},
      {R"("url": "http://h/", "headers": {"A": "sk-0123456789\r\nB: 1"})",
       "the value of the header 'A' cannot be sent"},
      {R"("command": "x", "timeout": -1)", "server 'a': 'timeout' is no time"},
      {R"("command": "x", "timeout": "soon")", "server 'a': 'timeout' is no time"},
      {R"("command": "x", "disabled": "yes")", "server 'a': 'disabled' is neither true nor false"},
      {R"("command": "x", "era": "new")", "era 'new' is neither"},
      {R"("command": "x", "envFile": "/no/such/file")", "'envFile': '/no/such/file': no such file"},
  };
  for (const auto& [members, fault] : kRows) EXPECT_THAT(fault_of(members), HasSubstr(fault)) << members;
}

TEST(McpConfig, NamesWhereItIsNoJson) {
  const std::pair<const char*, const char*> kRows[] = {
      {"", "line 1, column 1"},
      {"{\n  \"mcpServers\": {\n    oops\n", "line 3, column 5"},
      {"[]", "it is no JSON object"},
      {"{}", R"(it has neither "mcpServers" nor "servers")"},
      {R"({"mcpServers": {}})", "it has no servers"},
      {R"({"mcpServers": []})", "its servers are no object of names"},
      {R"({"mcpServers": {"a": 1}})", "server 'a': it is no object"},
      {R"({"mcpServers": {"a": {"command": "x"}, "a": {"command": "y"}}})", "'a' is there twice"},
      {R"({"mcpServers": {"a b": {"command": "x"}, "a_b": {"command": "y"}}})", "two servers are called 'a_b'"},
      {"\xff", "not UTF-8"},
  };
  for (const auto& [text, fault] : kRows) {
    auto config = parse(text);
    ASSERT_FALSE(config) << text;
    EXPECT_THAT(config.error().message, HasSubstr(fault)) << text;
  }
  EXPECT_FALSE(parse(std::string(100'000, '[')));
}

TEST(McpConfig, ReadsTheKeysOfSeveralProducts) {
  EXPECT_EQ(parse_one(R"("command": ["npx", "-y"], "args": ["x"])").args, (std::vector<std::string>{"-y", "x"}));
  EXPECT_EQ(parse_one(R"("httpUrl": "http://h/mcp")").url, "http://h/mcp");
  EXPECT_EQ(parse_one(R"("type": "streamable-http", "url": "http://h/mcp")").url, "http://h/mcp");
  EXPECT_EQ(parse_one(R"("command": "x", "timeout": 5)").call_time_limit, std::chrono::seconds(5));
  EXPECT_EQ(parse_one(R"("command": "x", "timeout": 5000)").call_time_limit, std::chrono::seconds(5));
  EXPECT_EQ(parse_one(R"("command": "x", "timeout_ms": 5)").call_time_limit, std::chrono::milliseconds(5));
  EXPECT_EQ(parse_one(R"("command": "x", "start_timeout_ms": 5)").start_time_limit, std::chrono::milliseconds(5));
  EXPECT_EQ(parse_one(R"("command": "x", "era": "older")").era, McpEra::Older);
  EXPECT_TRUE(parse_one(R"("command": "x", "enabled": false)").is_disabled);
}

TEST(McpConfig, ReadsRulesInTheirOrder) {
  using Approval = McpToolRule::Approval;
  const auto rules =
      parse_one(R"("command": "x", "approve": {"read_*": "always", "write": "never", "*": "ask"})").rules;
  ASSERT_EQ(rules.size(), 3U);
  EXPECT_EQ(rules[0].pattern, "read_*");
  EXPECT_EQ(rules[0].approval, Approval::Always);
  EXPECT_EQ(rules[1].approval, Approval::Never);
  EXPECT_EQ(rules[2].approval, Approval::Ask);
  const auto one = parse_one(R"("command": "x", "approve": "never")").rules;
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0].pattern, "*");
  EXPECT_THAT(fault_of(R"("command": "x", "approve": {"a": "sometimes"})"),
              HasSubstr("'approve': 'sometimes' is none of"));
  EXPECT_THAT(fault_of(R"("command": "x", "approve": {"a": true})"), HasSubstr("'approve': 'true' is none of"));
  EXPECT_THAT(fault_of(R"("command": "x", "approve": ["a"])"), HasSubstr("'approve' is neither"));
}

TEST(McpConfig, DoesNotLookAtWhatIsSwitchedOff) {
  EXPECT_TRUE(parse_one(R"("command": "${NONE}", "disabled": true)").is_disabled);
}

TEST(McpConfig, RemarksOnWhatItDoesNotKnow) {
  auto config = parse(R"({"mcpServers": {"a b": {"command": "x", "colour": "red"}}, "theme": 1})");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_THAT(config->remarks, ElementsAre("unknown key 'theme'", "server 'a b' is called 'a_b' here",
                                           "server 'a_b': unknown key 'colour'"));
}

// As people publish them for their programs: each works, or says in one line what is the matter.
TEST(McpConfig, ReadsFilesOfTheWild) {
  struct Row {
    const char* text;
    std::vector<std::string> remarks;
    const char* fault;  // "": none
  };
  const Row kRows[] = {
      // Claude Desktop: settings beside the servers.
      {R"({"globalShortcut": "", "mcpServers": {"a": {"command": "npx", "args": ["-y", "x"], "env": {}}},
           "preferences": {}, "scale": 1, "theme": "dark"})",
       {"unknown keys 'globalShortcut', 'preferences', 'scale' and 1 more"},
       ""},
      // Claude Code.
      {R"({"mcpServers": {"a": {"type": "http", "url": "${BASE:-https://h}/mcp", "headers": {"X": "${KEY}"}}}})",
       {},
       ""},
      {R"({"mcpServers": {"a": {"type": "sse", "url": "https://h/sse"}}})", {}, "type 'sse' is the transport of 2024"},
      {R"({"mcpServers": {"a": {"type": "ws", "url": "wss://h/"}}})", {}, "type 'ws' is neither 'stdio' nor 'http'"},
      // VS Code: mcp.json and settings.json.
      {R"({"inputs": [{"type": "promptString", "id": "t", "password": true}],
           "servers": {"a": {"type": "stdio", "command": "${workspaceFolder}/run",
             "args": ["${workspaceFolderBasename}",
             "${userHome}", "${/}", "${cwd}"], "version": "1", "gallery": "https://h", "dev": {"watch": "src/**"}}}})",
       {"server 'a': unknown key 'dev'"},
       ""},
      {R"({"inputs": [{"type": "promptString", "id": "t"}],
           "servers": {"a": {"type": "http", "url": "https://h/mcp",
             "headers": {"Authorization": "Bearer ${input:t}"}}}})",
       {},
       "server 'a': 'headers.Authorization': '${input:t}' would have to be asked for"},
      {R"({"editor.fontSize": 12, "mcp": {"servers": {"a": {"command": "uvx", "args": ["x"]}}},})",
       {"unknown key 'editor.fontSize'"},
       ""},
      {R"({"servers": {"a": {"command": "x", "args": ["${file}"]}}})",
       {},
       "server 'a': 'args': the variable 'file' is not set"},
      {"{\n  \"inputs\": []\n  \"servers\": {}\n}", {}, "line 3, column"},
      // Cline, Roo Code, Amazon Q, Gemini.
      {R"({"mcpServers": {"a": {"command": "node", "args": [], "disabled": false, "alwaysAllow": ["x"],
           "timeout": 120}}})",
       {"server 'a': 'alwaysAllow' is not followed: which tools may be called is said by \"approve\""},
       ""},
      {R"({"mcpServers": {"a": {"httpUrl": "https://h/mcp", "trust": true, "excludeTools": ["rm"],
           "timeout": 30000}}})",
       {"server 'a': 'trust' is not followed: which tools may be called is said by \"approve\""},
       ""},
      {R"({"mcpServers": {"a": {"command": "x", "includeTools": ["read"], "allowedTools": ["rm"]}}})",
       {"server 'a': 'allowedTools' is not followed: which tools may be called is said by \"approve\""},
       ""},
      // Copilot.
      {R"({"mcpServers": {"a": {"type": "local", "command": "x", "tools": ["*"]}}})", {}, ""},
      // Windsurf, Cursor.
      {R"({"mcpServers": {"a.b/c": {"serverUrl": "https://h/mcp", "disabledTools": ["x", "y"]}}})",
       {"server 'a.b/c' is called 'a_b_c' here"},
       ""},
  };
  for (const auto& row : kRows) {
    const auto config = parse(row.text);
    if (*row.fault != '\0') {
      ASSERT_FALSE(config) << row.text;
      EXPECT_THAT(config.error().message, HasSubstr(row.fault));
      EXPECT_THAT(config.error().message, Not(HasSubstr("\n")));
      continue;
    }
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->servers.size(), 1U);
    EXPECT_EQ(config->remarks, row.remarks) << row.text;
  }
}

// What only restricts is followed, wherever it stands: its rules come before those of "approve".
TEST(McpConfig, FollowsListsOfOtherProgramsThatRestrict) {
  using Rules = std::vector<std::pair<std::string, std::vector<std::string>>>;  // that nothing is allowed by
  const std::pair<const char*, Rules> kRows[] = {
      {R"("excludeTools": ["y", "z_*"])", {{"y", {}}, {"z_*", {}}}},
      {R"("disabledTools": ["y"], "disabled_tools": ["z"])", {{"y", {}}, {"z", {}}}},
      {R"("includeTools": ["a", "b"])", {{"*", {"a", "b"}}}},
      {R"("enabled_tools": ["a"], "excludeTools": ["a"])", {{"*", {"a"}}, {"a", {}}}},
      {R"("enabledTools": [])", {{"*", {}}}},
      {R"("tools": ["*"])", {{"*", {"*"}}}},
      {R"("tools": {"a": true})", {}},
      {R"("autoApprove": ["y"], "allowedTools": ["y"])", {}},
  };
  for (const auto& [lists, expected] : kRows) {
    const auto rules = parse_one(std::format(R"("command": "x", "approve": "always", {})", lists)).rules;
    ASSERT_EQ(rules.size(), expected.size() + 1) << lists;
    EXPECT_EQ(rules.back().approval, McpToolRule::Approval::Always) << lists;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(rules[i].approval, McpToolRule::Approval::Never) << lists;
      EXPECT_EQ((std::pair{rules[i].pattern, rules[i].except}), expected[i]) << lists;
    }
  }
  EXPECT_THAT(fault_of(R"("command": "x", "includeTools": "a")"), HasSubstr("'includeTools' is no list of texts"));
}

TEST(McpConfig, PutsTheFilesNameBeforeWhatIsWrong) {
  const auto folder = std::filesystem::temp_directory_path() / "llama-mcp-config-test";
  std::filesystem::create_directories(folder);
  EXPECT_EQ(read_mcp_config(folder / "none.json").error().code, ErrorCode::NotFound);
  EXPECT_EQ(read_mcp_config(folder).error().code, ErrorCode::Io);
  std::ofstream(folder / "a.json") << "{";
  auto config = read_mcp_config(folder / "a.json");
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().message, HasSubstr("a.json: line 1, column"));
  std::ofstream(folder / "a.json") << R"({"servers": {"a": {"command": "x", "envFile": ")"
                                   << (folder / "a.env").string() << R"(", "env": {"A": "1"}}}})";
  std::ofstream(folder / "a.env") << "A=2\nB=3\n";
  config = read_mcp_config(folder / "a.json");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_THAT(config->servers[0].env, ElementsAre(Pair("A", "1"), Pair("B", "3")));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace llama
