// A hand-made model with everything that other readers of the format might stumble over.
#pragma once

#include <coppice/model.h>

#include <cmath>
#include <limits>

namespace coppice {

/// Numeric, missing-only and categorical splits, an empty category set, a lone leaf, numbers whose texts are
/// long, and names that XGBoost refuses.
inline Model make_sample_model() {
  Model model;
  model.schema.features = {
      {.name = "plain"},
      {.name = "a[b]<c"},
      {.name = "land \"\\u00e9\" ß\n",
       .kind = FeatureKind::kCategorical,
       .categories = {"A", "B\\", "\xff", "Ünder", "\"q\""}},
      {.name = "a_b__c"},
  };
  model.schema.label = "Class";
  model.schema.ignored = {"id"};
  model.schema.missing_tokens = {"NA", "?"};
  model.base_score = 0.2F;
  model.threshold = 1.0 / 3;

  Tree numeric;
  numeric.nodes = {
      {.left = 1, .right = 2, .feature = 0, .threshold = -0.1F, .weight = 0.5F, .gain = 3, .cover = 10},
      {.left = 3,
       .right = 4,
       .feature = 1,
       .threshold = 123456789.0F,
       .weight = -1,
       .gain = 1e-7F,
       .cover = 6,
       .default_left = true},
      {.left = 5,
       .right = 6,
       .feature = 3,
       .threshold = std::numeric_limits<float>::lowest(),
       .weight = 1,
       .gain = 16777216,
       .cover = 4,
       .default_left = true},
      {.weight = 0.1F, .cover = 2},
      {.weight = -1.17549435e-38F, .cover = 4},
      {.weight = 3.0000001e-7F, .cover = 1},
      {.weight = 1.0F / 3.0F, .cover = 3},
  };
  Tree categorical;
  categorical.nodes = {
      {.left = 1,
       .right = 2,
       .feature = 2,
       .weight = 0.1F,
       .gain = 2,
       .cover = 10,
       .default_left = true,
       .is_categorical = true,
       .categories_begin = 0,
       .categories_size = 3},
      {.left = 3,
       .right = 4,
       .feature = 2,
       .weight = 0.2F,
       .gain = 1,
       .cover = 5,
       .is_categorical = true,
       .categories_begin = 3,
       .categories_size = 0},
      {.left = 5,
       .right = 6,
       .feature = 2,
       .weight = 0.3F,
       .gain = 1,
       .cover = 5,
       .default_left = true,
       .is_categorical = true,
       .categories_begin = 3,
       .categories_size = 1},
      {.weight = 0.7F, .cover = 3},
      {.weight = -0.9F, .cover = 2},
      {.weight = 0.01F, .cover = 1},
      {.weight = -0.3F, .cover = 4},
  };
  categorical.categories = {0, 2, 5, 5};
  Tree leaf;
  leaf.nodes = {{.weight = 0.05F, .cover = 10}};
  model.trees = {numeric, categorical, leaf};

  model.parameters.learning_rate = 0.1;
  model.parameters.early_stopping_metric = "validation-auc";
  model.cuts.values = {-0.1F, 0.30000001F, 5, 123456789.0F, 1e-30F};
  model.cuts.offsets = {0, 2, 4, 4, 5};
  model.cuts.n_codes = {0, 0, 6, 0};
  model.bin_counts = {{1, 2, 3, 4}, {0, 0, 5, 5}, {1, 2, 3, 4, 0, 0, 0}, {0, 4, 6}};
  model.score_reference = {.cuts = {1e-7F, 0.1F}, .counts = {1, 2, 7}};
  model.summary = {.library_version = "0.1.0",
                   .data_hash = "0123abcd",
                   .n_rows = 10,
                   .label_sum = 2.1,
                   .weight_sum = 1e300,
                   .best_round = 2,
                   .curves = {{.name = "validation-auc", .first_round = 0, .values = {0.5, 2.0 / 3, 0.75}}},
                   .sampling_thresholds = {0.125F, 1e-10F, 0.3F, std::numeric_limits<float>::infinity()}};
  return model;
}

}  // namespace coppice
