// What the schemas of one request may cost together, and whether anybody still waits for them.
//
// Each of a request's tools has a schema, and each may take as long as one schema may: twenty of them would take half a
// minute. They share what one may take. A schema takes from it what reading it cost, also where it was read before and
// is remembered: the same schemas in the same order are always the same ones that are read.
//
// Threads  one request has one.
#pragma once

#include <cstddef>
#include <stop_token>
#include <string_view>
#include <utility>

#include "llama-agent/json_schema.h"
#include "schema_work.h"

namespace llama::internal {

class SchemaBudget {
 public:
  explicit SchemaBudget(std::stop_token stop = {}, std::size_t units = kMaxSchemaWork)
      : stop_(std::move(stop)), left_(units) {}

  // Errors   as JsonSchema::parse(), and TimedOut: the schemas before it have left too little. Then nothing is left.
  [[nodiscard]] Result<JsonSchema> read(std::string_view text, const JsonSchemaReading& reading = {});

  [[nodiscard]] bool is_stopped() const { return stop_.stop_requested(); }
  [[nodiscard]] std::size_t left() const { return left_; }

 private:
  std::stop_token stop_;
  std::size_t left_;
};

}  // namespace llama::internal
