#include "block_reply.h"

#include <algorithm>
#include <utility>

#include "stop_strings.h"

namespace llama::internal {
namespace {

// Does the text end where a line begins?
bool ends_at_line(std::string_view text, bool line_begins) {
  const std::size_t last = text.find_last_not_of(" \t\r");
  return last == std::string_view::npos ? line_begins : text[last] == '\n';
}

}  // namespace

BlockReply::BlockReply(std::vector<CallOpener> openers, std::vector<std::string> closers)
    : openers_(std::move(openers)), closers_(std::move(closers)) {
  for (const auto& opener : openers_) opener_texts_.push_back(opener.text);
}

void BlockReply::push(const ReplyPiece& piece, ReplyEvents& events) {
  for (const char c : piece.text) read(c, events);
}

// A byte, and then what a block that ends with it gives back: there may be further blocks in that.
void BlockReply::read(char c, ReplyEvents& events) {
  take(c, events);
  while (!given_back_.empty()) {
    GivenBack& last = given_back_.back();
    if (last.read == last.bytes.size()) {
      given_back_.pop_back();
    } else {
      take(last.bytes[last.read++], events);
    }
  }
}

void BlockReply::take(char c, ReplyEvents& events) {
  if (is_over_) return;
  if (block_) {
    take_call(c, events);
  } else if (!is_after_block_ || !skip_closer(c)) {
    take_text(c, events);
  }
}

void BlockReply::show(std::string_view text, ReplyEvents& events) {
  if (text.empty()) return;
  tell_text(text, events);
  is_behind_block_ = false;
  line_begins_ = ends_at_line(text, line_begins_);
}

// Behind a block. True: the byte was taken. Else the text goes on with what is held, and this byte.
bool BlockReply::skip_closer(char c) {
  if (held_.empty() && is_blank(c)) {
    line_begins_ = line_begins_ || c == '\n';
    return true;
  }
  const std::string longer = std::string(held_.view()) + c;
  for (const auto& closer : closers_) {
    if (longer == closer) {
      static_cast<void>(held_.take());
      line_begins_ = true;
      return true;
    }
    if (!closer.starts_with(longer)) continue;
    held_.append({&c, 1});
    return true;
  }
  is_after_block_ = false;
  return false;
}

void BlockReply::take_text(char c, ReplyEvents& events) {
  // What was held for a closer may be an opener's beginning, byte by byte.
  held_.append({&c, 1});
  const std::string_view all = held_.view();
  for (const auto& opener : openers_) {
    if (!all.ends_with(opener.text)) continue;
    const std::size_t at = all.size() - opener.text.size();
    if (opener.begins_line && !ends_at_line(all.substr(0, at), line_begins_)) continue;
    const std::size_t end = held_.solid_end(at);
    const std::string before = held_.take();
    show(std::string_view(before).substr(0, end), events);
    return open(opener, std::string_view(before).substr(end, at - end), events);
  }
  const std::size_t end = held_.solid_end(all.size() - held_back(all, opener_texts_));
  show(all.substr(0, end), events);
  held_.erase(end);
}

void BlockReply::open(const CallOpener& opener, std::string_view blanks, ReplyEvents& events) {
  if (!opener.block) {
    is_over_ = true;
    return;
  }
  opening_ = std::string(blanks) + opener.text;
  read_again_ = opener.is_read_again ? opener.text.size() : 0;
  may_be_text_ = opener.is_read_again || opener.begins_text;
  begun_before_ = teller_.begun();
  block_ = opener.block();
  if (read_again_ == 0) return;
  for (const char c : opener.text) {
    if (block_) take_call(c, events);
  }
}

void BlockReply::take_call(char c, ReplyEvents& events) {
  const CallBlock::Took took = block_->take(c, teller_, events);
  if (took == CallBlock::Took::More) return;
  if (took == CallBlock::Took::Wrong || teller_.begun() == begun_before_) return give_up(events);
  block_.reset();
  is_after_block_ = is_behind_block_ = true;
  line_begins_ = false;
}

void BlockReply::give_up(ReplyEvents& events) {
  if (teller_.is_in_call()) teller_.end(false, events);
  std::string unread = block_->unread();
  block_.reset();
  if (teller_.begun() == begun_before_) {
    unread.erase(0, read_again_);
    show(opening_, events);
  } else {
    is_after_block_ = is_behind_block_ = true;
    line_begins_ = false;
  }
  read_again_in_all_ += unread.size();
  if (read_again_in_all_ > kMaxReadAgain) {
    is_after_block_ = is_after_block_ && unread.empty();
    return show(unread, events);
  }
  given_back_.push_back({.bytes = std::move(unread)});
}

// A call that somebody else cut has its opener, and maybe a part of its name: no text.
void BlockReply::finish_block(ReplyEnd end, ReplyEvents& events) {
  block_->finish(end == ReplyEnd::Whole, teller_, events);
  if (teller_.is_in_call()) teller_.end(false, events);
  const std::string_view unread = block_->unread();
  if (teller_.begun() == begun_before_) {
    if (end == ReplyEnd::Cut && !may_be_text_) return tell_cut_call(teller_.begun(), events);
    return show(opening_ + std::string(unread.substr(read_again_)), events);
  }
  // White space behind the last call is nobody's.
  const std::string_view rest = unread.substr(std::min(unread.find_first_not_of(" \t\r\n"), unread.size()));
  const bool is_next_call = rest.find_first_not_of(",; \t\r\n") != std::string_view::npos;
  if (end == ReplyEnd::Whole) return show(rest, events);
  if (is_next_call) tell_cut_call(teller_.begun(), events);
}

void BlockReply::finish(ReplyEnd end, ReplyEvents& events) {
  if (block_) finish_block(end, events);
  block_.reset();
  const std::string held = held_.take();
  const auto may_be = [&](const std::string& closer) { return closer.starts_with(held); };
  if (is_after_block_ && std::ranges::any_of(closers_, may_be)) return;  // a closer that was cut
  const std::string_view rest = std::string_view(held).substr(std::min(held.find_first_not_of(" \t\r\n"), held.size()));
  const bool is_opener = std::ranges::any_of(
      openers_, [&](const CallOpener& opener) { return !opener.is_read_again && opener.text.starts_with(rest); });
  if (end == ReplyEnd::Cut && is_behind_block_ && !rest.empty() && is_opener) {
    return tell_cut_call(teller_.begun(), events);
  }
  show(held, events);
}

}  // namespace llama::internal
