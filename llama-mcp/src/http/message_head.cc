#include "http/message_head.h"

#include <nlohmann/json.hpp>

#include "protocol/mcp_json.h"

namespace llama::internal {
namespace {

// Watches the parser go by: only members of the outermost object count.
class HeadReader final : public nlohmann::json_sax<nlohmann::ordered_json> {
 public:
  MessageHead head;
  bool has_method = false, has_result = false;

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t value) override { return take_id(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return take_id(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& text) override { return take_id(text); }
  bool string(string_t& text) override { return take_id('"' + text + '"'); }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override {
    if (depth_++ == 0) head.is_object = true;
    return true;
  }
  bool key(string_t& name) override {
    if (depth_ != 1) return true;
    is_id_ = name == "id";
    has_method = has_method || name == "method";
    has_result = has_result || name == "result";
    head.is_error = head.is_error || name == "error";
    return true;
  }
  bool end_object() override { return --depth_, true; }
  bool start_array(std::size_t) override { return ++depth_, true; }
  bool end_array() override { return --depth_, true; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  bool take_id(std::string text) {
    if (depth_ != 1 || !is_id_) return true;
    head.id = std::move(text);
    head.has_id = true;
    is_id_ = false;
    return true;
  }
  std::size_t depth_ = 0;
  bool is_id_ = false;
};

}  // namespace

MessageHead read_message_head(std::string_view json) {
  HeadReader reader;
  if (!nlohmann::ordered_json::sax_parse(json, &reader)) return {};
  reader.head.is_answer = reader.head.is_object && !reader.has_method && (reader.has_result || reader.head.is_error);
  return std::move(reader.head);
}

std::string with_id(std::string_view json, std::string_view id) {
  auto message = parse_mcp_json(json);
  if (!message || !message->is_object()) return std::string(json);
  (*message)["id"] = nlohmann::ordered_json::parse(id, nullptr, false);
  return to_text(*message);
}

}  // namespace llama::internal
