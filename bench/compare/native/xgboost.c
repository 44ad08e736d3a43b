// XGBoost's C API: prediction in place, from the caller's own rows.
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "scorer.h"

typedef void* Handle;
typedef uint64_t bst_ulong;
int XGBoosterCreate(const Handle matrices[], bst_ulong n_matrices, Handle* booster);
int XGBoosterLoadModel(Handle booster, const char* path);
int XGBoosterSetParam(Handle booster, const char* name, const char* value);
int XGBoosterPredictFromDense(Handle booster, const char* array, const char* config, Handle matrix,
                              const bst_ulong** shape, bst_ulong* n_dimensions, const float** result);

static Handle booster;
static int n_columns;

int prepare(const char* model, int n_features) {
  n_columns = n_features;
  return XGBoosterCreate(0, 0, &booster) || XGBoosterLoadModel(booster, model) ||
         XGBoosterSetParam(booster, "nthread", "1");
}

int score(const float* rows, int n_rows, float* margins) {
  static const char config[] =
      "{\"type\": 1, \"training\": false, \"iteration_begin\": 0, \"iteration_end\": 0, "
      "\"strict_shape\": false, \"cache_id\": 0, \"missing\": NaN}";
  char array[160];
  snprintf(array, sizeof array,
           "{\"data\": [%" PRIuPTR ", true], \"shape\": [%d, %d], \"typestr\": \"<f4\", \"version\": 3}",
           (uintptr_t)rows, n_rows, n_columns);
  const bst_ulong* shape;
  bst_ulong n_dimensions;
  const float* result;
  if (XGBoosterPredictFromDense(booster, array, config, 0, &shape, &n_dimensions, &result)) return 1;
  memcpy(margins, result, (size_t)n_rows * sizeof *margins);
  return 0;
}
