#include "schema_json.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace llama::internal {
namespace {

// What the JSON library calls for each thing that it reads.
class OrderedJsonBuilder : public nlohmann::json_sax<nlohmann::ordered_json> {
 public:
  using Json = nlohmann::ordered_json;

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    Open& object = open_.back();
    auto& members = object.value->get_ref<Json::object_t&>();
    if (object.names.insert(name).second) {
      members.emplace_back(std::move(name), nullptr);
      object.member = &members.back().second;
    } else {
      object.member = &std::ranges::find(members, name, &Json::object_t::value_type::first)->second;
    }
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& wrong) override {
    wrong_ = wrong.what();
    return false;
  }

  [[nodiscard]] Json& result() { return root_; }
  [[nodiscard]] const std::string& wrong() const { return wrong_; }

 private:
  struct Open {
    Json* value;
    std::unordered_set<std::string> names{};
    Json* member = nullptr;  // whose value comes next
  };

  bool add(Json value) {
    static_cast<void>(place_of(std::move(value)));
    return true;
  }

  bool open(Json value) {
    open_.push_back({.value = place_of(std::move(value))});
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  Json* place_of(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Open& around = open_.back();
    if (around.value->is_array()) {
      around.value->push_back(std::move(value));
      return &around.value->back();
    }
    *around.member = std::move(value);
    return around.member;
  }

  Json root_;
  std::vector<Open> open_;
  std::string wrong_;
};

}  // namespace

Result<nlohmann::ordered_json> read_ordered_json(std::string_view text) {
  OrderedJsonBuilder builder;
  if (nlohmann::ordered_json::sax_parse(text, &builder)) return std::move(builder.result());
  std::string_view reason = builder.wrong();  // "[json.exception.parse_error.101] parse error at line 2, …"
  if (reason.starts_with('[') && reason.contains("] ")) reason.remove_prefix(reason.find("] ") + 2);
  return fail(ErrorCode::InvalidArgument, std::string(reason));
}

}  // namespace llama::internal
