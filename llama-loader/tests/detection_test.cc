#include "llama-loader/detection.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace llama {
namespace {

struct Row {
  const char* name;
  std::vector<std::string> files;
  std::vector<std::string> chosen;  // empty: an error
  const char* repository = "";
};

const std::vector<Row> kRows{
    {"the only model", {"model.gguf", "README.md"}, {"model.gguf"}},
    {"BF16 first", {"m-Q8_0.gguf", "m-BF16.gguf", "m-f16.gguf"}, {"m-BF16.gguf"}},
    {"then F16", {"m-Q8_0.gguf", "m-f16.gguf"}, {"m-f16.gguf"}},
    {"then Q8_0", {"m-Q4_K_M.gguf", "m-Q8_0.gguf"}, {"m-Q8_0.gguf"}},
    {"no substring matches", {"m-UD-Q4_K_XL.gguf", "m-Q4_K_M.gguf"}, {"m-Q4_K_M.gguf"}},
    {"else by name", {"b.gguf", "a.gguf"}, {"a.gguf"}},
    {"no projector", {"mmproj-BF16.gguf", "m-Q8_0.gguf"}, {"m-Q8_0.gguf"}},
    {"no importance matrix", {"a-imatrix.gguf", "m.gguf"}, {"m.gguf"}},
    {"all parts",
     {"m-00002-of-00002.gguf", "m-00001-of-00002.gguf"},
     {"m-00001-of-00002.gguf", "m-00002-of-00002.gguf"}},
    {"a part missing", {"m-00001-of-00002.gguf"}, {}},
    {"the first part missing", {"m-00002-of-00002.gguf"}, {}},
    {"nothing", {"README.md"}, {}},
    {"only a projector", {"mmproj-F16.gguf"}, {}},
    {"an ending in capitals", {"M-Q8_0.GGUF", "README.md"}, {"M-Q8_0.GGUF"}},
    {"parts with an ending in capitals",
     {"m-00001-of-00002.GGUF", "m-00002-of-00002.GGUF"},
     {"m-00001-of-00002.GGUF", "m-00002-of-00002.GGUF"}},
    {"no draft before the name", {"m-Q8_0.gguf", "mtp-m-F16.gguf"}, {"m-Q8_0.gguf"}},
    {"no draft after the name", {"m-Q8_0.gguf", "m-F16-mtp.gguf"}, {"m-Q8_0.gguf"}},
    {"no draft within the name", {"m-Q8_0.gguf", "m-assistant-F16.gguf"}, {"m-Q8_0.gguf"}},
    {"no draft in a folder of its own", {"m-Q8_0.gguf", "MTP/m-F16.gguf"}, {"m-Q8_0.gguf"}},
    {"no draft of any naming",
     {"m-Draft-F16.gguf", "m-EAGLE3-BF16.gguf", "m-Q4_K_M.gguf", "m-dflash-F16.gguf", "m.medusa.F16.gguf"},
     {"m-Q4_K_M.gguf"}},
    {"no speculator, drafter, eagle",
     {"m-Q4_K_M.gguf", "m-drafter-F16.gguf", "m-eagle-F16.gguf", "m-speculator-F16.gguf", "nextn-m-F16.gguf"},
     {"m-Q4_K_M.gguf"}},
    {"a draft in parts", {"m-Q8_0.gguf", "mtp-m-F16-00001-of-00001.gguf"}, {"m-Q8_0.gguf"}},
    {"nothing but models with a draft", {"m-MTP-F16.gguf", "m-MTP-Q8_0.gguf"}, {"m-MTP-F16.gguf"}},
    {"one model with a draft", {"README.md", "m-MTP-Q8_0.gguf"}, {"m-MTP-Q8_0.gguf"}},
    {"a word that contains one", {"m-Q8_0.gguf", "smtps-F16.gguf"}, {"smtps-F16.gguf"}},
    {"a repository called Assistant",
     {"Coding-Assistant-F16.gguf", "Coding-Assistant-Q8_0.gguf"},
     {"Coding-Assistant-F16.gguf"},
     "org/Coding-Assistant-GGUF"},
    {"a repository called Eagle, and its draft",
     {"Eagle-7B-F16.gguf", "Eagle-7B-Q8_0.gguf", "mtp-Eagle-7B-BF16.gguf"},
     {"Eagle-7B-F16.gguf"},
     "org/Eagle-7B-GGUF"},
    {"an organization called Eagle", {"eagle-m-F16.gguf", "m-Q8_0.gguf"}, {"m-Q8_0.gguf"}, "eagle/m-GGUF"},
    {"a merged adapter's repository", {"m-LoRA-merged-Q8_0.gguf"}, {"m-LoRA-merged-Q8_0.gguf"}, "org/m-LoRA-merged"},
};

TEST(Detection, ChoosesByTheRulesWhateverTheOrder) {
  for (const Row& row : kRows) {
    std::vector<std::string> files = row.files;
    std::ranges::sort(files);
    do {
      const auto chosen = choose_model_files(files, {.repository = row.repository});
      if (row.chosen.empty()) {
        EXPECT_FALSE(chosen) << row.name;
      } else {
        ASSERT_TRUE(chosen) << row.name;
        EXPECT_EQ(*chosen, row.chosen) << row.name;
      }
    } while (std::ranges::next_permutation(files).found);
  }
}

TEST(Detection, TakesTheNamedFile) {
  EXPECT_EQ(choose_model_files({"a.gguf", "b-BF16.gguf"}, {.filename = "a.gguf"}), std::vector<std::string>{"a.gguf"});
}

TEST(Detection, TakesADraftThatIsNamed) {
  const std::vector<std::string> files{"m-Q8_0.gguf", "mtp-m-F16.gguf"};
  EXPECT_EQ(choose_model_files(files, {.filename = "mtp-m-F16.gguf"}), std::vector<std::string>{"mtp-m-F16.gguf"});
}

TEST(Detection, LeavesDraftsOutOfTheChoiceOfAQuantization) {
  const std::vector<std::string> files{"m-F16.gguf", "m-Q8_0.gguf", "mtp-m-Q4_0.gguf", "mtp-m-Q8_0.gguf"};
  EXPECT_EQ(choose_model_files(files, {.quant = "q8_0"}), std::vector<std::string>{"m-Q8_0.gguf"});
  EXPECT_FALSE(choose_model_files(files, {.quant = "Q4_0"}));
  EXPECT_FALSE(choose_model_files({"a-Q8_0.gguf", "b-Q8_0.gguf"}, {.quant = "Q8_0"})) << "two";
}

TEST(Detection, ReadsAnyPartAsTheWholeModel) {
  const std::vector<std::string> files{"m-00001-of-00002.gguf", "m-00002-of-00002.gguf"};
  EXPECT_EQ(choose_model_files(files, {.filename = "m-00002-of-00002.gguf"}), files);
}

TEST(Detection, NamesWhatIsThereWhenTheFileIsNot) {
  const auto chosen = choose_model_files({"a.gguf"}, {.filename = "b.gguf"});
  ASSERT_FALSE(chosen);
  EXPECT_NE(chosen.error().message.find("a.gguf"), std::string::npos);
}

}  // namespace
}  // namespace llama
