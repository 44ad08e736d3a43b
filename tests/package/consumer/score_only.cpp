// A program that only scores: it links coppice::scoring and coppice::io, and so no trainer.
#include <coppice/error.h>
#include <coppice/io/csv.h>
#include <coppice/io/model_file.h>
#include <coppice/scorer.h>

#include <cstdio>
#include <vector>

int main(int argc, char** argv) try {
  if (argc != 3) return std::fputs("usage: score_only MODEL.json TABLE.csv\n", stderr), 2;
  const coppice::Model model = coppice::io::load_model(argv[1]);
  const auto table = coppice::io::read_csv({argv[2]}, model.schema, {});
  const coppice::Scorer scorer(model);
  if (scorer.n_features() != table.data.n_features()) return 1;
  const std::vector<float> row(scorer.n_features(), 0.25F);
  std::printf("%.9g\n", static_cast<double>(scorer.score(row)));
  return 0;
} catch (const coppice::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
