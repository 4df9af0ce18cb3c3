#include "slot_table.h"

#include <algorithm>
#include <utility>

namespace llama::internal {
namespace {

constexpr std::size_t kMinKept = 32;        // tokens: less is computed again as quickly
constexpr std::size_t kMaxCheckpoints = 8;  // of a sequence

}  // namespace

SlotTable::SlotTable(Decoder& decoder, std::uint64_t store_limit_bytes) : decoder_(decoder), store_(store_limit_bytes) {
  slots_.resize(static_cast<std::size_t>(decoder.max_sequences()));
  for (std::size_t i = 0; i < slots_.size(); ++i) slots_[i].id = static_cast<std::int32_t>(i);
}

std::int32_t SlotTable::held_tokens() const {
  std::size_t sum = 0;
  for (const auto& slot : slots_) sum += slot.held.size();
  return static_cast<std::int32_t>(sum);
}

Slot* SlotTable::least_recently_used() {
  Slot* found = nullptr;
  for (auto& slot : slots_) {
    if (slot.running) continue;
    // An empty one costs nobody anything.
    if (slot.held.empty()) return &slot;
    if (found == nullptr || slot.used_at < found->used_at) found = &slot;
  }
  return found;
}

void SlotTable::forget(Slot& slot) {
  decoder_.clear(slot.id);
  slot.held.clear();
  slot.checkpoints.clear();
}

void SlotTable::distrust_idle() noexcept {
  for (auto& slot : slots_) slot.is_distrusted = slot.is_distrusted || !slot.running;
}

void SlotTable::forget_distrusted() {
  for (auto& slot : slots_) {
    if (!slot.is_distrusted || slot.running) continue;
    forget(slot);
    slot.is_distrusted = false;
  }
}

void SlotTable::keep_copy(const Slot& slot) {
  if (slot.held.size() < kMinKept) return;
  if (auto bytes = decoder_.save(slot.id, MemoryPart::Whole)) {
    store_.put({.tokens = slot.held, .bytes = std::move(*bytes), .checkpoints = slot.checkpoints});
  }
}

void SlotTable::put_aside(Slot& slot) {
  keep_copy(slot);
  forget(slot);
}

bool SlotTable::make_room(std::int32_t tokens) {
  forget_distrusted();
  while (held_tokens() + tokens > decoder_.context_tokens()) {
    Slot* idle = nullptr;
    for (auto& slot : slots_) {
      if (slot.running || slot.held.empty()) continue;
      if (idle == nullptr || slot.used_at < idle->used_at) idle = &slot;
    }
    if (idle == nullptr) return false;
    put_aside(*idle);
  }
  return true;
}

void SlotTable::cut(Slot& slot, std::size_t length) {
  if (length >= slot.held.size()) return;
  if (length == 0) return forget(slot);
  if (decoder_.cut(slot.id, static_cast<std::int32_t>(length))) {
    slot.held.resize(length);
  } else {
    const auto best = std::ranges::find_if(slot.checkpoints.rbegin(), slot.checkpoints.rend(),
                                           [&](const Checkpoint& c) { return std::cmp_less_equal(c.length, length); });
    if (best == slot.checkpoints.rend() || !decoder_.restore(slot.id, best->bytes, MemoryPart::Checkpoint) ||
        !decoder_.cut(slot.id, best->length)) {
      return forget(slot);
    }
    slot.held.resize(static_cast<std::size_t>(best->length));
  }
  std::erase_if(slot.checkpoints,
                [&](const Checkpoint& c) { return static_cast<std::size_t>(c.length) > slot.held.size(); });
}

void SlotTable::take_checkpoint(Slot& slot) {
  if (!decoder_.needs_checkpoints()) return;
  const auto length = static_cast<std::int32_t>(slot.held.size());
  if (!slot.checkpoints.empty() && slot.checkpoints.back().length >= length) return;
  if (auto bytes = decoder_.save(slot.id, MemoryPart::Checkpoint)) {
    slot.checkpoints.push_back({length, std::move(*bytes)});
    if (slot.checkpoints.size() > kMaxCheckpoints) slot.checkpoints.erase(slot.checkpoints.begin());
  }
}

void SlotTable::resync(Slot& slot) {
  const auto length = static_cast<std::size_t>(std::max(0, decoder_.length(slot.id)));
  // A recurrent state in the middle of a computation is nobody's state.
  if (length != slot.held.size() && decoder_.needs_checkpoints()) return forget(slot);
  if (length > slot.held.size()) {
    if (!decoder_.cut(slot.id, static_cast<std::int32_t>(slot.held.size()))) forget(slot);
  } else if (length < slot.held.size()) {
    slot.held.resize(length);
  }
}

Slot* SlotTable::place(std::span<const Token> prompt) {
  forget_distrusted();
  Slot* idle = nullptr;    // the free one that remembers most of the prompt
  Slot* shared = nullptr;  // any that does
  std::size_t idle_common = 0, shared_common = 0;
  for (auto& slot : slots_) {
    const std::size_t common = common_prefix(slot.held, prompt);
    if (common > shared_common) shared = &slot, shared_common = common;
    if (slot.running) continue;
    if (common > idle_common) idle = &slot, idle_common = common;
  }
  Slot* target = least_recently_used();
  if (target == nullptr) return nullptr;
  if (!decoder_.can_share()) shared = idle, shared_common = idle_common;

  const auto stored = store_.find(prompt);
  if (stored && stored->common > std::max(idle_common, shared_common) + kMinKept) {
    StoredSequence sequence = store_.take(stored->index);
    put_aside(*target);
    if (make_room(static_cast<std::int32_t>(sequence.tokens.size())) &&
        decoder_.restore(target->id, sequence.bytes, MemoryPart::Whole)) {
      target->held = std::move(sequence.tokens);
      target->checkpoints = std::move(sequence.checkpoints);
    } else {
      decoder_.clear(target->id);
    }
  } else if (idle != nullptr && idle_common >= shared_common && 2 * idle_common >= idle->held.size()) {
    target = idle;
  } else if (shared != nullptr && shared != target && shared_common >= kMinKept && decoder_.can_share()) {
    put_aside(*target);
    decoder_.share(shared->id, target->id, static_cast<std::int32_t>(shared_common));
    target->held.assign(shared->held.begin(), shared->held.begin() + static_cast<std::ptrdiff_t>(shared_common));
  } else if (idle != nullptr && idle_common >= kMinKept) {
    keep_copy(*idle);
    target = idle;
  } else {
    put_aside(*target);
  }
  const std::size_t most = prompt.empty() ? 0 : prompt.size() - 1;
  cut(*target, std::min(most, common_prefix(target->held, prompt)));
  target->used_at = ++clock_;
  return target;
}

}  // namespace llama::internal
