// What a person who mistypes something is told, and which exit code a script sees.
#include <gmock/gmock.h>

#include "program.h"

namespace coppice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

using Usage = ProgramTest;

TEST_F(Usage, HelpExplainsTheProgramAndEveryVerb) {
  const Outcome program = run({"--help"});
  EXPECT_EQ(program.exit_code, 0);
  EXPECT_THAT(program.output, HasSubstr("Exit codes: 0 done, 1 bad data or a failed job, 2 bad usage."));
  EXPECT_EQ(program.errors, "");
  for (const std::string verb : {"describe", "split", "train", "tune", "predict", "evaluate", "report",
                                 "inspect", "verify", "parameters", "serve"}) {
    EXPECT_THAT(program.output, HasSubstr("\n  " + verb));
    const Outcome help = run({verb, "--help"});
    EXPECT_EQ(help.exit_code, 0) << verb;
    EXPECT_THAT(help.output, HasSubstr("Example")) << verb;
    EXPECT_THAT(help.output, HasSubstr("\n  coppice " + verb)) << verb;
  }
}

TEST_F(Usage, VersionIsOneLine) {
  const Outcome outcome = run({"--version"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.output, "coppice 0.1.0\n");
}

struct Mistake {
  Words words;
  std::string message;  // what follows `coppice: `
};

TEST_F(Usage, MistakesAreBadUsageWithAMessage) {
  write("t.csv", fraud_table(50));
  write("list.json", "[1, 2]");
  write("nested.json", R"({"max_depth": {"is": 5}})");
  const Words train = {"train", "--train", "t.csv", "--label", "Class", "--model", "m.json"};
  const auto train_with = [&train](const Words& more) {
    Words words = train;
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  const std::vector<Mistake> mistakes = {
      {{}, "[cli.usage] a verb is missing; see coppice --help"},
      {{"trian"}, "[cli.usage] there is no verb 'trian'; did you mean train?"},
      {{"xyzzy"},
       "[cli.usage] there is no verb 'xyzzy'; there are describe, split, train, tune, predict, evaluate, "
       "report, inspect, verify, parameters, serve"},
      {{"describe"}, "[cli.usage] DATA is required; see coppice describe --help"},
      {{"train"}, "[cli.usage] --train is required; see coppice train --help"},
      {{"train", "--train", "t.csv"}, "[cli.usage] --model is required; see coppice train --help"},
      {{"describe", "t.csv", "--colour"},
       "[cli.usage] The following argument was not expected: --colour; see coppice describe --help"},
      {{"train", "--train", "t.csv", "--model", "m.json"},
       "[cli.usage] name the label with --label; the columns of t.csv are Time, Amount, Country, Class"},
      {train_with({"--param", "max_dept=3"}),
       "[core.parameter.unknown] unknown parameter 'max_dept'; did you mean max_depth?"},
      {train_with({"--param", "max_depth"}),
       "[cli.usage] --param max_depth: expected key=value, such as max_depth=5"},
      {train_with({"--param", "max_depth=deep"}),
       "[core.parameter.value] max_depth = deep: must be an integer in [0, 24]"},
      {train_with({"--threads", "many"}),
       "[core.parameter.value] threads = many: must be an integer in [0, "
       "4096]; 0 is all cores"},
      {train_with({"--device", "abacus"}),
       "[core.parameter.value] device = abacus: must be cpu, cuda, cuda:N or auto"},
      {train_with({"--param", "eval_metric=acu"}),
       "[core.metric.unknown] unknown metric 'acu'; did you mean auc?"},
      {train_with({"--params", "list.json"}),
       "[cli.usage] list.json: expected a JSON object such as {\"max_depth\": 5}"},
      {train_with({"--params", "nested.json"}),
       "[cli.usage] nested.json: max_depth: expected a number, a text, or a list of these"},
      {train_with({"--valid", "train=t.csv"}),
       "[cli.usage] --valid train=...: the name train belongs to the training table"},
      {train_with({"--param", "early_stopping_rounds=5", "--param", "early_stopping_metric=valid-auc"}),
       "[core.train.early_stopping] early_stopping_metric 'valid-auc' is not watched; the watched ones are "
       "train-logloss"},
      {{"train", "--train", "t.csv", "--label", "Class", "--model", "-"},
       "[cli.usage] --model -: a model goes to a file; name it"},
      {{"predict", "--model", "m.json", "t.csv", "--json"},
       "[cli.usage] --json reports what was written: name a file for the scores with --out"},
      {{"split", "t.csv", "--label", "Class", "--out", "parts", "--fractions", "0.5,0.5", "--seed", "-1"},
       "[cli.usage] --seed: -1 is no whole number from 0 on; see coppice split --help"},
      {{"split", "t.csv", "--out", "parts", "--fractions", "0.5,0.5"},
       "[cli.usage] a stratified split needs --label; --strategy random does not"},
      {{"split", "t.csv", "--label", "Class", "--out", "parts", "--fractions", "0.5,0.6"},
       "[tune.split.fractions] fractions sum to 1.1, not to 1"},
      {{"evaluate", "--model", "m.json", "t.csv", "--threshold", "1.5"},
       "[cli.usage] --threshold: 1.5 is no number from 0 to 1; see coppice evaluate --help"},
      {{"predict", "--model", "m.json", "t.csv", "--output", "odds"},
       "[cli.usage] --output: odds not in {prediction,probability,label,margin,leaf,contributions,reasons}; "
       "see "
       "coppice predict --help"},
      {{"predict", "--model", "m.json", "t.csv", "--reasons", "2"},
       "[cli.usage] --reasons says how many reasons are shown: ask for them with --output reasons"},
      {{"predict", "--model", "m.json", "t.csv", "--output", "reasons", "--reasons", "0"},
       "[cli.usage] --reasons: Value 0 not in range 1 to 1000000; see coppice predict --help"},
  };
  for (const Mistake& mistake : mistakes) {
    const Outcome outcome = run(mistake.words);
    EXPECT_EQ(outcome.exit_code, 2) << mistake.message;
    EXPECT_EQ(outcome.errors, "coppice: " + mistake.message + "\n");
    EXPECT_EQ(outcome.output, "");
  }
  EXPECT_FALSE(exists("m.json"));
}

TEST_F(Usage, UnwritableOutputIsAnErrorNotSilence) {
  write("t.csv", fraud_table(50));
  const std::string start = "coppice: [cli.output] cannot write to standard output: ";
  const Outcome full = run_into("/dev/full", {"describe", "t.csv"});
  EXPECT_EQ(full.exit_code, 1);
  EXPECT_EQ(full.errors, start + "No space left on device\n");
  const Outcome closed = run_into("", {"describe", "t.csv"});
  EXPECT_EQ(closed.exit_code, 1);
  EXPECT_EQ(closed.errors, start + "Bad file descriptor\n");
}

TEST_F(Usage, ReaderThatStopsEarlyCausesNoMessage) {
  std::string wide = "a";
  for (int i = 0; i < 20000; ++i) wide += ",column" + std::to_string(i);  // more than a pipe holds
  write("wide.csv", wide + "\n" + std::string(20000, ',') + "\n");
  const Outcome outcome = run_shell("coppice describe wide.csv | head -n 1");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.output, StartsWith("wide.csv: 1 rows, 20001 columns"));
  EXPECT_EQ(outcome.errors, "");
}

}  // namespace
}  // namespace coppice::test
