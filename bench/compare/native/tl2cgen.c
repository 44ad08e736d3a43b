// The C code that TL2cgen made of the model (main.c and header.h beside the library that is being made).
#include "header.h"
#include "scorer.h"

static int n_columns;

int prepare(const char* model, int n_features) {
  (void)model;
  n_columns = n_features;
  return n_features != get_num_feature();
}

int score(const float* rows, int n_rows, float* margins) {
  union Entry row[n_columns];
  for (int i = 0; i < n_rows; ++i, rows += n_columns) {
    for (int f = 0; f < n_columns; ++f) {
      if (rows[f] == rows[f]) {
        row[f].fvalue = rows[f];
      } else {
        row[f].missing = -1;
      }
    }
    margins[i] = 0;
    predict(row, 1, margins + i);
  }
  return 0;
}
