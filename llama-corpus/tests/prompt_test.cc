#include "llama-corpus/prompt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <format>
#include <fstream>
#include <sstream>

#include "model_family.h"

namespace llama {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string rendered(std::string_view prompt, std::string_view text, const std::vector<Cell>& cells = {}) {
  const auto made = PromptTemplate::parse(prompt);
  return made ? made->render(text, cells) : made.error().message;
}

TEST(PromptTemplate, PutsTheTextAndTheColumnsIntoTheirPlaces) {
  EXPECT_EQ(rendered("{text}", "a"), "a");
  EXPECT_EQ(rendered("query: {text}", "a"), "query: a");
  EXPECT_EQ(rendered("{text} {text}", "a"), "a a");
  EXPECT_EQ(rendered("title: {title} | text: {text}", "a", {"T"}), "title: T | text: a");
  EXPECT_EQ(rendered("{b}{a}{b}", "x", {"B", "A"}), "BAB");
  EXPECT_EQ(rendered("{a}-{text}.", "x", {std::nullopt}), "-x.");
  EXPECT_EQ(rendered("{Größe in m}|{text}", "x", {"3"}), "3|x");
  EXPECT_EQ(rendered("{{{text}}} {{}}", "x"), "{x} {}");
  EXPECT_EQ(rendered("Instruct: t\nQuery:{text}", "x"), "Instruct: t\nQuery:x");
}

TEST(PromptTemplate, NamesItsColumnsOnceAndInOrder) {
  EXPECT_THAT(PromptTemplate::parse("{text}")->columns(), IsEmpty());
  EXPECT_THAT(PromptTemplate::parse("{b} {text} {a} {b}")->columns(), ElementsAre("b", "a"));
  EXPECT_EQ(PromptTemplate::parse("{b} {text}")->source(), "{b} {text}");
}

TEST(PromptTemplate, NeverReadsTheBracesOfATextOrACell) {
  for (const char* text : {"{title}", "{", "}", "{{", "{text}", "{}{", "a{b}c{{d}}"}) {
    EXPECT_EQ(rendered("q: {text}", text), std::string("q: ") + text);
    EXPECT_EQ(rendered("{title}: {text}", "x", {text}), std::string(text) + ": x");
  }
}

TEST(PromptTemplate, ThatIsNoneSaysWhy) {
  struct {
    const char *prompt, *message;
  } const rows[] = {
      {"", "it has no place for the row's text; write {text}"},
      {"query: ", "prompt 'query: ': it has no place for the row's text"},
      {"{{text}}", "it has no place for the row's text"},
      {"{text", "a { without its }"},
      {"{text} {", "a { without its }"},
      {"{a{text}}", "a { without its }"},
      {"text}", "a } without its {"},
      {"{text}}", "a } without its {"},
      {"{} {text}", "{} names no column"},
  };
  for (const auto& row : rows) {
    const auto made = PromptTemplate::parse(row.prompt);
    ASSERT_FALSE(made) << row.prompt;
    EXPECT_EQ(made.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(made.error().message, HasSubstr(row.message)) << row.prompt;
  }
}

// Names as they are on the hub, in the GGUF files there, and in other programs' libraries.
const struct {
  ModelNames names;
  const char* family;
} kModels[] = {
    {{"qwen3", "Qwen3 Embedding 0.6b", "Qwen3-Embedding", "Qwen3-Embedding-0.6B-Q8_0.gguf",
      "Qwen/Qwen3-Embedding-0.6B-GGUF"},
     "Qwen3-Embedding"},
    {{"qwen3", "", "", "qwen3-embedding-8b-q4_k_m.gguf", ""}, "Qwen3-Embedding"},
    {{"qwen3", "Qwen3 Reranker 0.6B", "", "Qwen3-Embedding-Reranker.gguf", ""}, nullptr},
    {{"qwen3", "Qwen3 0.6B", "Qwen3", "Qwen3-0.6B-Q8_0.gguf", "Qwen/Qwen3-0.6B-GGUF"}, nullptr},
    {{"qwen3vl", "Qwen3 VL Embedding 2B", "", "", ""}, nullptr},
    {{"bert", "multilingual-e5-large-instruct", "intfloat-multilingual-e5", "model.gguf", ""}, "E5 instruct"},
    {{"bert", "Tmp", "multilingual-e5", "multilingual-e5-large-instruct-q8_0.gguf", ""}, "E5 instruct"},
    {{"llama", "E5 Mistral 7b Instruct", "", "e5-mistral-7b-instruct-Q4_K_M.gguf", ""}, "E5 instruct"},
    {{"bert", "E5 Small v2", "e5", "e5-small-v2-f16.gguf", "intfloat/e5-small-v2"}, "E5"},
    {{"bert", "Multilingual E5 Base", "multilingual-e5", "", ""}, "E5"},
    {{"bert", "", "", "multilingual_e5_small.Q8_0.gguf", ""}, "E5"},
    {{"bert", "Bge M3", "bge-m3", "bge-m3-FP16.gguf", "gpustack/bge-m3-GGUF"}, "BGE-M3"},
    {{"bert", "Bge Reranker v2 M3", "bge-reranker", "bge-reranker-v2-m3-Q4_K_M.gguf", ""}, nullptr},
    {{"bert", "bge-small-en-v1.5", "", "bge-small-en-v1.5-f16.gguf", "CompendiumLabs/bge-small-en-v1.5-gguf"},
     "BGE English"},
    {{"bert", "Bge Large Zh v1.5", "", "", "BAAI/bge-large-zh-v1.5"}, "BGE Chinese"},
    {{"gemma2", "", "", "bge-multilingual-gemma2.Q4_K_M.gguf", ""}, "BGE multilingual Gemma 2"},
    {{"llama", "Bge En Icl", "", "", "BAAI/bge-en-icl"}, nullptr},
    {{"nomic-bert", "nomic-embed-text-v1.5", "", "nomic-embed-text-v1.5.Q8_0.gguf",
      "nomic-ai/nomic-embed-text-v1.5-GGUF"},
     "Nomic Embed Text"},
    {{"nomic-bert-moe", "Nomic Embed Text v2 Moe", "", "", ""}, "Nomic Embed Text"},
    {{"nomic-bert-moe", "Tmp", "", "model.gguf", ""}, "Nomic Embed Text"},
    {{"qwen2", "Nomic Embed Code", "", "nomic-embed-code.Q4_K_M.gguf", ""}, "Nomic Embed Code"},
    {{"nomic-bert", "CodeRankEmbed", "", "", ""}, "Nomic Embed Code"},
    {{"gemma-embedding", "Embeddinggemma 300M", "embeddinggemma", "embeddinggemma-300M-Q8_0.gguf",
      "ggml-org/embeddinggemma-300M-GGUF"},
     "EmbeddingGemma"},
    {{"gemma-embedding", "Model", "", "model.gguf", ""}, "EmbeddingGemma"},
    {{"gemma3", "Gemma 3 270m", "gemma-3", "gemma-3-270m.gguf", ""}, nullptr},
    {{"qwen2", "gte-Qwen2-1.5B-instruct", "", "gte-Qwen2-1.5B-instruct-Q4_K_M.gguf", ""}, "GTE Qwen instruct"},
    {{"qwen2", "Gte Qwen1.5 7B Instruct", "", "", ""}, "GTE Qwen instruct"},
    {{"bert", "gte-base", "", "gte-base.Q4_0.gguf", "ChristianAzinn/gte-base-gguf"}, "GTE"},
    {{"new", "Gte Large En v1.5", "", "", ""}, "GTE"},
    {{"bert", "Snowflake Arctic Embed M v1.5", "", "snowflake-arctic-embed-m-v1.5.gguf", ""}, "Snowflake Arctic Embed"},
    {{"nomic-bert", "snowflake-arctic-embed-m-long", "", "", ""}, "Snowflake Arctic Embed"},
    {{"bert", "Snowflake Arctic Embed L v2.0", "snowflake-arctic-embed", "", ""}, "Snowflake Arctic Embed 2"},
    {{"bert", "", "", "snowflake-arctic-embed2-568m.gguf", ""}, "Snowflake Arctic Embed 2"},
    {{"bert", "mxbai-embed-large-v1", "", "mxbai-embed-large-v1-f16.gguf", "mixedbread-ai/mxbai-embed-large-v1"},
     "mxbai-embed-large"},
    {{"bert", "deepset mxbai embed de large v1", "", "", ""}, nullptr},
    {{"qwen3", "V5 Small Retrieval", "", "v5-small-retrieval-Q8_0.gguf",
      "jinaai/jina-embeddings-v5-text-small-retrieval-GGUF"},
     "Jina Embeddings 5"},
    {{"qwen3", "", "", "v5-small-text-matching-Q8_0.gguf", "jinaai/jina-embeddings-v5-text-small-text-matching-GGUF"},
     nullptr},
    {{"qwen2vl", "Jina Embeddings v4 Text Retrieval", "", "", ""}, "Jina Embeddings 4"},
    {{"jina-bert-v2", "Jina Bert Implementation", "", "model.gguf", ""}, "Jina Embeddings 2"},
    {{"bert", "all-MiniLM-L6-v2", "", "all-MiniLM-L6-v2-Q8_0.gguf", ""}, "Sentence Transformers"},
    {{"bert", "Paraphrase Multilingual MiniLM L12 v2", "", "", ""}, "Sentence Transformers"},
    {{"llama", "SmolLM2 135M Instruct", "SmolLM2", "SmolLM2-135M-Instruct-Q8_0.gguf", ""}, nullptr},
    {{"bert", "", "", "", ""}, nullptr},
    {{"qwen2", "f8 e5m2 quants", "", "model-e5m2.gguf", ""}, nullptr},
};

TEST(PromptConvention, IsKnownByTheModelsNames) {
  for (const auto& [names, family] : kModels) {
    const auto found = find_prompt_convention(names, "");
    EXPECT_EQ(found ? found->family : "none", family ? family : "none") << names.name << ' ' << names.file;
  }
}

TEST(PromptConvention, OfEveryFamilyIsFoundWellFormedAndHasASource) {
  for (const auto& family : internal::known_families()) {
    const bool is_tried =
        std::ranges::any_of(kModels, [&](const auto& m) { return m.family && m.family == family.family; });
    EXPECT_TRUE(is_tried) << family.family << " has no model in the table";
    EXPECT_FALSE(family.source.empty());
    EXPECT_EQ(family.query.contains("{task}"), !family.task.empty()) << family.family;
    EXPECT_TRUE(PromptTemplate::parse(family.document)) << family.family;
    for (const auto& [name, text] : family.others) EXPECT_TRUE(PromptTemplate::parse(text)) << name;
  }
}

// A row of doc/prompts.md.
std::string documented(const internal::ModelFamily& family) {
  const auto cell = [](std::string_view text) {
    std::string made = "`";
    for (const char c : text) made += c == '\n' ? "↵" : c == '|' ? "\\|" : std::string(1, c);
    return made + "`";
  };
  std::string others;
  for (const auto& [name, text] : family.others) others += std::format("; {}: {}", name, cell(text));
  return std::format("| {} | {} | {}{} | {} |\n", family.family, cell(family.query), cell(family.document), others,
                     family.source);
}

TEST(PromptConvention, IsDocumented) {
  std::ostringstream page;
  page << std::ifstream(DOC_FOLDER "/prompts.md").rdbuf();
  std::string table = "| family | query | document; others | source |\n|---|---|---|---|\n";
  for (const auto& family : internal::known_families()) table += documented(family);
  EXPECT_THAT(page.str(), HasSubstr(table)) << table;
}

const ModelNames kQwen = {.name = "Qwen3-Embedding-0.6B"}, kGemma = {.architecture = "gemma-embedding"},
                 kE5 = {.name = "e5-base-v2"}, kUnknown = {.file = "own.gguf"};

std::string named(const ModelNames& names, std::string_view name, std::string_view task = "") {
  const auto made = named_prompt(names, name, task);
  return made ? made->render("T", {}) : made.error().message;
}

TEST(NamedPrompt, IsWhatThePublisherSays) {
  const struct {
    const char *model, *query, *document;
  } rows[] = {
      {"Qwen3-Embedding-4B",
       "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:T", "T"},
      {"multilingual-e5-large-instruct",
       "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: T", "T"},
      {"gte-Qwen2-7B-instruct",
       "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: T", "T"},
      {"multilingual-e5-base", "query: T", "passage: T"},
      {"bge-m3", "T", "T"},
      {"bge-base-en-v1.5", "Represent this sentence for searching relevant passages: T", "T"},
      {"bge-base-zh-v1.5", "为这个句子生成表示以用于检索相关文章：T", "T"},
      {"nomic-embed-text-v1.5", "search_query: T", "search_document: T"},
      {"embeddinggemma-300m", "task: search result | query: T", "title: none | text: T"},
      {"snowflake-arctic-embed-s", "Represent this sentence for searching relevant passages: T", "T"},
      {"snowflake-arctic-embed-m-v2.0", "query: T", "T"},
      {"mxbai-embed-large-v1", "Represent this sentence for searching relevant passages: T", "T"},
      {"jina-embeddings-v5-text-nano-retrieval", "Query: T", "Document: T"},
      {"all-MiniLM-L6-v2", "T", "T"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(named({.name = row.model}, "query"), row.query);
    EXPECT_EQ(named({.file = row.model}, "document"), row.document);
    EXPECT_EQ(named({.repository = row.model}, "passage"), row.document);
  }
  EXPECT_EQ(named({.name = "nomic-embed-text-v1"}, "clustering"), "clustering: T");
  EXPECT_EQ(named({.name = "nomic-embed-text-v1"}, "Classification"), "classification: T");
  EXPECT_EQ(named(kGemma, "fact_checking"), "task: fact checking | query: T");
}

TEST(NamedPrompt, HasTheCallersTask) {
  EXPECT_EQ(named(kQwen, "query", "Find duplicates"), "Instruct: Find duplicates\nQuery:T");
  EXPECT_EQ(named(kQwen, "query", "Find {text} and {x"), "Instruct: Find {text} and {x\nQuery:T");
  EXPECT_EQ(named(kGemma, "query", "code retrieval"), "task: code retrieval | query: T");
}

TEST(NamedPrompt, ThatIsUnknownSaysWhatThereIsAndTheWayOut) {
  EXPECT_THAT(named(kUnknown, "query"),
              HasSubstr("the model 'own.gguf' is of no family whose prompts are known (Qwen3-Emb"));
  EXPECT_THAT(named(kUnknown, "query"), HasSubstr("as in 'query: {text}'"));
  EXPECT_THAT(named(kE5, "clustering"),
              HasSubstr("E5 has no prompt 'clustering': there are query, document; other words"));
  EXPECT_THAT(named({.name = "nomic-embed-text"}, "sts"), HasSubstr("query, document, clustering, classification;"));
  EXPECT_THAT(named(kE5, "query", "Find duplicates"), HasSubstr("the task: E5 takes none"));
  EXPECT_THAT(named(kQwen, "document", "Find duplicates"),
              HasSubstr("of Qwen3-Embedding only the prompt 'query' has one"));
  EXPECT_EQ(named_prompt(kUnknown, "query", "").error().code, ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace llama
