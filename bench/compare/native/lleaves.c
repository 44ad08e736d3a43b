// The machine code that lleaves made of the model, in single precision: once without blocks of trees, as its
// authors advise for single rows, and once as it is by default.
#include "scorer.h"

void score_single(const float* rows, float* margins, int begin, int end);
void score_batch(const float* rows, float* margins, int begin, int end);

int prepare(const char* model, int n_features) {
  (void)model;
  return n_features <= 0;
}

int score(const float* rows, int n_rows, float* margins) {
  (n_rows == 1 ? score_single : score_batch)(rows, margins, 0, n_rows);
  return 0;
}
