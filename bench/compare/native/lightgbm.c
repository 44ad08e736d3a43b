// LightGBM's C API: the call that it has for single rows, and the one for a matrix.
#include <stdint.h>
#include <stdlib.h>

#include "scorer.h"

enum { kFloat32 = 0, kRowMajor = 1, kRawScore = 1, kAllTrees = -1 };
typedef void* Handle;
int LGBM_BoosterCreateFromModelfile(const char* path, int* n_rounds, Handle* booster);
int LGBM_BoosterPredictForMatSingleRowFastInit(Handle booster, int predict_type, int start_iteration,
                                               int num_iteration, int data_type, int32_t n_columns,
                                               const char* parameters, Handle* fast);
int LGBM_BoosterPredictForMatSingleRowFast(Handle fast, const void* row, int64_t* n_results, double* results);
int LGBM_BoosterPredictForMat(Handle booster, const void* rows, int data_type, int32_t n_rows,
                              int32_t n_columns, int is_row_major, int predict_type, int start_iteration,
                              int num_iteration, const char* parameters, int64_t* n_results, double* results);

static const char parameters[] = "num_threads=1";
static Handle booster, fast;
static int n_columns;
static double* results;
static int room;

int prepare(const char* model, int n_features) {
  int n_rounds;
  n_columns = n_features;
  return LGBM_BoosterCreateFromModelfile(model, &n_rounds, &booster) ||
         LGBM_BoosterPredictForMatSingleRowFastInit(booster, kRawScore, 0, kAllTrees, kFloat32, n_features,
                                                    parameters, &fast);
}

int score(const float* rows, int n_rows, float* margins) {
  int64_t n_results;
  if (n_rows == 1) {
    double result;
    if (LGBM_BoosterPredictForMatSingleRowFast(fast, rows, &n_results, &result)) return 1;
    *margins = (float)result;
    return 0;
  }
  if (n_rows > room) results = realloc(results, (size_t)(room = n_rows) * sizeof *results);
  if (!results || LGBM_BoosterPredictForMat(booster, rows, kFloat32, n_rows, n_columns, kRowMajor, kRawScore,
                                            0, kAllTrees, parameters, &n_results, results)) {
    return 1;
  }
  for (int i = 0; i < n_rows; ++i) margins[i] = (float)results[i];
  return 0;
}
