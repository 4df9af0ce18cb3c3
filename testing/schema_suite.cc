// Judge documents by JSON schemas for a comparison: one JSON object per line in, one JSON object per line out.
//
// usage: schema_suite MODEL.gguf
// A model whose tokens can spell every text: llama.cpp's grammar engine is asked in its tokens.
// In: {"schema", "draft", "exact", "documents": [[a text, other spellings of it …], …]}; out: {"error"} or
// {"unenforced", "answers": [{"valid", "why", "admitted"}]}: valid by the check; admitted: the grammar allows one of
// the spellings.
#include <algorithm>
#include <array>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "llama-agent/json_schema.h"
#include "llama-core/grammar.h"
#include "llama-core/model.h"

namespace {

using Json = nlohmann::ordered_json;  // properties in the schema's order
using Model = std::shared_ptr<const llama::Model>;

llama::Result<bool> is_admitted(const Model& model, const std::string& gbnf, const std::string& text) {
  auto grammar = llama::Grammar::parse(model, gbnf);
  if (!grammar) return std::unexpected(grammar.error());
  const auto tokens = model->tokenize_part(text, llama::SpecialTokens::Text);
  if (!tokens) return std::unexpected(tokens.error());
  const auto goes_on = [&](llama::Token token) { return grammar->accept(token).has_value(); };
  return std::ranges::all_of(*tokens, goes_on) && grammar->may_end();
}

Json judge(const Model& model, const Json& request) {
  const auto schema = llama::JsonSchema::parse(request.at("schema").dump(),
                                               {.draft = request.at("draft"), .exact = request.at("exact")});
  if (!schema) return {{"error", schema.error().message}};
  Json answers = Json::array();
  for (const auto& spellings : request.at("documents")) {
    const auto valid = schema->validate(spellings.at(0).get<std::string>());
    bool admitted = false;
    for (const auto& text : spellings) {
      const auto one = is_admitted(model, schema->grammar(), text);
      if (!one) return {{"error", "llama.cpp: " + one.error().message}};
      admitted = admitted || *one;
    }
    answers.push_back(
        {{"valid", valid.has_value()}, {"why", valid ? "" : valid.error().message}, {"admitted", admitted}});
  }
  return {{"unenforced", schema->unenforced()}, {"answers", answers}};
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const std::filesystem::path path = arguments[1];
  const auto model = llama::Model::load(std::span(&path, 1));
  if (!model) return std::cerr << model.error().message << '\n', 1;
  for (std::string line; std::getline(std::cin, line);) {
    Json answer;
    try {
      answer = judge(*model, Json::parse(line));
    } catch (const std::exception& thrown) {
      answer["error"] = std::string("the request is wrong: ") + thrown.what();
    }
    std::cout << answer.dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
  }
}
