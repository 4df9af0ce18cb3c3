// What publishers say that their models' texts should be wrapped in. Each entry has its source; where a publisher says
// nothing about a kind of text, there is no entry for it. doc/prompts.md shows this table, a test compares the two.
#include <iterator>

#include "model_family.h"

namespace llama::internal {
namespace {

constexpr std::string_view kAsItIs = "{text}";
constexpr std::string_view kWebSearch = "Given a web search query, retrieve relevant passages that answer the query";
constexpr std::string_view kForPassages = "Represent this sentence for searching relevant passages: {text}";
constexpr std::string_view kForCode = "Represent this query for searching relevant code: {text}";

constexpr NamedPrompt kNomicOthers[] = {
    {"clustering", "clustering: {text}"},
    {"classification", "classification: {text}"},
};

constexpr NamedPrompt kGemmaOthers[] = {
    {"question-answering", "task: question answering | query: {text}"},
    {"fact-checking", "task: fact checking | query: {text}"},
    {"classification", "task: classification | query: {text}"},
    {"clustering", "task: clustering | query: {text}"},
    {"sentence-similarity", "task: sentence similarity | query: {text}"},
    {"code-retrieval", "task: code retrieval | query: {text}"},
    {"summarization", "task: summarization | query: {text}"},
};

constexpr ModelFamily kFamilies[] = {
    {.family = "Qwen3-Embedding",
     .words = "qwen3 embedding | qwen 3 embedding | qwen3embedding",
     .without = "reranker vl jina",
     .query = "Instruct: {task}\nQuery:{text}",
     .document = kAsItIs,
     .task = kWebSearch,
     .source = "Qwen/Qwen3-Embedding-0.6B, config_sentence_transformers.json"},
    {.family = "E5 instruct",
     .words = "e5 instruct",
     .query = "Instruct: {task}\nQuery: {text}",
     .document = kAsItIs,
     .task = kWebSearch,
     .source = "intfloat/multilingual-e5-large-instruct and e5-mistral-7b-instruct, model cards"},
    {.family = "E5",
     .words = "e5 small | e5 base | e5 large | multilingual e5",
     .query = "query: {text}",
     .document = "passage: {text}",
     .source = "intfloat/e5-base-v2 and multilingual-e5-base, model cards"},
    {.family = "BGE-M3",
     .words = "bge m3",
     .without = "reranker",
     .query = kAsItIs,
     .document = kAsItIs,
     .source = "BAAI/bge-m3, model card: no instruction for queries"},
    {.family = "BGE multilingual Gemma 2",
     .words = "bge multilingual gemma2",
     .query = "<instruct>{task}\n<query>{text}",
     .document = kAsItIs,
     .task = "Given a web search query, retrieve relevant passages that answer the query.",
     .source = "BAAI/bge-multilingual-gemma2, model card"},
    {.family = "BGE English",
     .words = "bge small en | bge base en | bge large en",
     .without = "reranker icl",
     .query = kForPassages,
     .document = kAsItIs,
     .source = "BAAI/bge-large-en-v1.5, model card"},
    {.family = "BGE Chinese",
     .words = "bge small zh | bge base zh | bge large zh",
     .without = "reranker",
     .query = "为这个句子生成表示以用于检索相关文章：{text}",
     .document = kAsItIs,
     .source = "BAAI/bge-large-zh-v1.5, model card"},
    {.family = "Nomic Embed Code",
     .words = "nomic embed code | coderankembed",
     .query = kForCode,
     .document = kAsItIs,
     .source = "nomic-ai/nomic-embed-code and CodeRankEmbed, model cards"},
    {.family = "Nomic Embed Text",
     .words = "nomic embed text | modernbert embed",
     .architecture = "nomic-bert-moe",
     .query = "search_query: {text}",
     .document = "search_document: {text}",
     .others = kNomicOthers,
     .source = "nomic-ai/nomic-embed-text-v1.5, model card"},
    {.family = "EmbeddingGemma",
     .words = "embeddinggemma | embedding gemma",
     .architecture = "gemma-embedding",
     .query = "task: {task} | query: {text}",
     .document = "title: none | text: {text}",
     .task = "search result",
     .others = kGemmaOthers,
     .source = "google/embeddinggemma-300m, model card and config_sentence_transformers.json"},
    {.family = "GTE Qwen instruct",
     .words = "gte qwen2 instruct | gte qwen1 5 instruct",
     .query = "Instruct: {task}\nQuery: {text}",
     .document = kAsItIs,
     .task = kWebSearch,
     .source = "Alibaba-NLP/gte-Qwen2-1.5B-instruct, config_sentence_transformers.json"},
    {.family = "GTE",
     .words = "gte small | gte base | gte large | gte multilingual base | gte modernbert base",
     .without = "reranker",
     .query = kAsItIs,
     .document = kAsItIs,
     .source = "thenlper/gte-base and Alibaba-NLP/gte-large-en-v1.5, model cards: no prompts"},
    {.family = "Snowflake Arctic Embed 2",
     .words = "arctic embed v2 | arctic embed2",
     .query = "query: {text}",
     .document = kAsItIs,
     .source = "Snowflake/snowflake-arctic-embed-l-v2.0, model card and config_sentence_transformers.json"},
    {.family = "Snowflake Arctic Embed",
     .words = "arctic embed",
     .query = kForPassages,
     .document = kAsItIs,
     .source = "Snowflake/snowflake-arctic-embed-m and -m-v1.5, model cards"},
    {.family = "mxbai-embed-large",
     .words = "mxbai embed large",
     .without = "de",  // deepset-mxbai-embed-de-large-v1
     .query = kForPassages,
     .document = kAsItIs,
     .source = "mixedbread-ai/mxbai-embed-large-v1, model card"},
    {.family = "Jina Embeddings 5",
     .words = "jina embeddings v5 text | v5 small retrieval | v5 nano retrieval",
     .without = "matching clustering classification",
     .query = "Query: {text}",
     .document = "Document: {text}",
     .source = "jinaai/jina-embeddings-v5-text-small-retrieval, model card"},
    {.family = "Jina Embeddings 4",
     .words = "jina embeddings v4",
     .query = "Query: {text}",
     .document = "Passage: {text}",
     .source = "jinaai/jina-embeddings-v4-text-retrieval-GGUF, model card"},
    {.family = "Jina Embeddings 2",
     .words = "jina embeddings v2",
     .architecture = "jina-bert-v2",
     .query = kAsItIs,
     .document = kAsItIs,
     .source = "jinaai/jina-embeddings-v2-base-en, model card: no prompts"},
    {.family = "Sentence Transformers",
     .words = "all minilm | all mpnet base | all distilroberta | paraphrase multilingual minilm | "
              "paraphrase multilingual mpnet | paraphrase minilm | paraphrase mpnet | multi qa minilm | multi qa mpnet",
     .query = kAsItIs,
     .document = kAsItIs,
     .source = "sentence-transformers/all-MiniLM-L6-v2 and the like, model cards: no prompts"},
};

}  // namespace

std::span<const ModelFamily> known_families() { return kFamilies; }

}  // namespace llama::internal
