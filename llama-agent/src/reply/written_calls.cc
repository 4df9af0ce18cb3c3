#include "written_calls.h"

#include <optional>
#include <utility>

namespace llama::internal {
namespace {

bool is_of_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '.' || static_cast<unsigned char>(c) >= 0x80;
}

// A list's bracket, or none; names up to the bracket of their arguments; LooseJson up to its end; and again.
class WrittenCalls final : public CallBlock {
 public:
  WrittenCalls(const WrittenSyntax& syntax, std::shared_ptr<const ArgumentOrder> order)
      : syntax_(syntax), order_(std::move(order)) {}

  Took take(char c, CallTeller& teller, ReplyEvents& events) override {
    if (arguments_) return take_arguments(c, teller, events);
    unread_ += c;
    if (name_.empty()) {
      const bool parts_calls = has_call_ && (c == ',' || c == ';');
      if (is_blank(c) || parts_calls || (c == ')' && wrappers_ > 0 && has_call_)) {
        if (c == ')') --wrappers_, unread_.clear();
        return Took::More;
      }
      if (c == '[' && !is_list_ && !has_call_) return is_list_ = true, Took::More;
      if (c == ']' && is_list_) return Took::Last;
    }
    if (c == syntax_.bracket && !name_.empty()) return begin(teller, events);
    if (name_ == "call" && c == ':' && syntax_.before == "call:") return name_.clear(), Took::More;
    if (!is_of_name(c) || name_.size() >= kMaxCallName) return Took::Wrong;
    name_ += c;
    return Took::More;
  }

  void finish(bool, CallTeller&, ReplyEvents&) override {}
  [[nodiscard]] const std::string& unread() const override { return unread_; }

 private:
  Took begin(CallTeller& teller, ReplyEvents& events) {
    if (name_ == syntax_.wrapper && wrappers_ == 0) {
      ++wrappers_;
      name_.clear();
      return Took::More;
    }
    teller.begin(name_, events);
    arguments_.emplace(syntax_.values, order_->names(name_));
    name_.clear();
    unread_.clear();
    return take_arguments(syntax_.bracket, teller, events);
  }

  Took take_arguments(char c, CallTeller& teller, ReplyEvents& events) {
    std::string json;
    const LooseJson::Took took = arguments_->push(c, json);
    teller.arguments(json, events);
    if (took == LooseJson::Took::More) return Took::More;
    teller.end(took == LooseJson::Took::Last, events);
    arguments_.reset();
    if (took == LooseJson::Took::Last) return has_call_ = true, Took::More;
    unread_ = c;
    return Took::Wrong;
  }

  WrittenSyntax syntax_;
  std::shared_ptr<const ArgumentOrder> order_;
  std::string name_, unread_;
  std::optional<LooseJson> arguments_;
  bool is_list_ = false, has_call_ = false;
  int wrappers_ = 0;
};

}  // namespace

std::unique_ptr<CallBlock> written_calls(const WrittenSyntax& syntax, std::shared_ptr<const ArgumentOrder> order) {
  return std::make_unique<WrittenCalls>(syntax, std::move(order));
}

}  // namespace llama::internal
